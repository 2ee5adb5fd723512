import { isLive } from '../../ledger/attempts/attempt.js';
import { findAsset } from '../../money/asset.js';
import { formatUnits } from '../../money/decimal.js';
import type { Caip2 } from '../../money/network.js';
import { readCommitmentNonce } from '../../payment/commitment.js';
import { listCommitments, type Commitment } from '../../owner/ownerCommitments.js';
import { COMMITMENT_ENDING } from '../../protocols/protocol.js';
import type { CommandCall } from '../command.js';
import { minuteOf, printReport, widthOf } from '../terminal/output/show.js';
import { layTable } from '../terminal/output/table.js';
import { ownerOptions } from '../terminal/wallet.js';

const DAY_SEC = 86_400;
const COLUMNS = [
  { title: 'ID' },
  { title: 'AGENT' },
  { title: 'SELLER', flexible: true },
  { title: 'EACH TIME', align: 'right' },
  { title: 'EVERY', align: 'right' },
  { title: 'TAKEN', align: 'right' },
  { title: 'UNTIL (UTC)' },
  { title: 'STATE' },
] as const;

/** Lists the promises to pay in each period. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags } = call;
  const commitments = (await listCommitments(ownerOptions(call), flags.has('all'))).map(fieldsOf);
  const rows = commitments.map((one) => [
    ...[one.id, one.agent, one.seller, one.amount, `${one.period_days} days`, one.taken],
    ...[minuteOf(one.ends_at), one.state],
  ]);
  const open = commitments.filter(({ state }) => state !== 'ended').length;
  const message =
    commitments.length === 0
      ? 'There is no subscription.'
      : `${open} open. Each counts against every limit by what it can take in the limit's time.`;
  const table = rows.length === 0 ? [] : layTable(COLUMNS, rows, widthOf(io.stdout));
  return printReport(io, flags.has('json'), { message, commitments }, [...table, message]);
}

/** A promise as `--json` tells of it; amounts in its token. */
export function fieldsOf({ promise, charges }: Commitment) {
  const { id, agent, origin, network, payTo, heldAtomic, nonce, validBeforeSec, state, note } = promise;
  const asset = findAsset(network as Caip2, promise.asset);
  const text = (atomic: bigint): string => formatUnits(atomic, asset?.decimals ?? 0);
  const taken = charges.filter((charge) => charge.state === 'captured');
  return {
    ...{ id, agent, seller: origin, network, asset: asset?.symbol ?? promise.asset, pay_to: payTo },
    amount: text(heldAtomic),
    period_days: readCommitmentNonce(nonce).periodSec / DAY_SEC,
    ends_at: new Date(validBeforeSec * 1000).toISOString(),
    taken: text(taken.reduce((sum, { capturedAtomic }) => sum + (capturedAtomic ?? 0n), 0n)),
    times: taken.length,
    state: !isLive(state) ? 'ended' : note === COMMITMENT_ENDING ? 'ending' : 'open',
  };
}
