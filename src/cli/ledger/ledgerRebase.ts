import { formatUsd } from '../../money/decimal.js';
import { rebaseLedger } from '../../owner/ledger/ledgerRebase.js';
import { sayTime } from '../../wallet/clock/clockCheck.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/output/show.js';
import { ownerOptions } from '../terminal/wallet.js';

/** Sets the time of a ledger that a fast clock left ahead back to the true one. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags } = call;
  const rebased = await rebaseLedger(ownerOptions(call));
  const json = flags.has('json');
  if (rebased === null) {
    const message = 'The ledger’s time is not ahead of the true time; there is nothing to set back.';
    return printReport(io, json, { message, state: 'right', ahead_s: 0, counted: 0, counted_usd: '0' }, [
      message,
    ]);
  }
  const { aheadMs, counted, countedUsdMicros } = rebased;
  const usd = formatUsd(countedUsdMicros);
  const message = `The ledger’s time was ${sayTime(aheadMs)} ahead of the true time; it goes on from now.`;
  const counts = `The ${counted} ${counted === 1 ? 'payment' : 'payments'} of the last 30 days ($${usd}) count in every limit from now on.`;
  return printReport(
    io,
    json,
    { message, state: 'set_back', ahead_s: Math.round(aheadMs / 1000), counted, counted_usd: usd },
    [message, counts],
  );
}
