import { WalletError } from '../../errors/walletError.js';
import { endPauses, listPauses } from '../../owner/ownerPauses.js';
import { nearest } from '../../text/nearest.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/output/show.js';
import { ownerOptions } from '../terminal/wallet.js';

/** Ends the pauses of a seller. */
export async function run(call: CommandCall): Promise<number> {
  const { io, args, flags } = call;
  const ended = await endPauses(ownerOptions(call), args[0] ?? '');
  if (ended.length === 0) {
    const paused = (await listPauses(ownerOptions(call))).map(({ origin }) => new URL(origin).host);
    const meant = nearest(args[0] ?? '', paused);
    const hint = meant === undefined ? '' : ` Did you mean ${meant}?`;
    throw new WalletError('not_found', `No seller by that name is paused.${hint}`);
  }
  const message = `No longer paused: ${ended.join(', ')}.`;
  return printReport(io, flags.has('json'), { message, ended }, [message]);
}
