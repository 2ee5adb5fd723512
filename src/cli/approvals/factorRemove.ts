import { WalletError } from '../../errors/walletError.js';
import { removeFactor } from '../../owner/auth/ownerFactors.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/output/show.js';
import { ownerOptions } from '../terminal/wallet.js';

/** Removes a factor. */
export async function run(call: CommandCall): Promise<number> {
  const { io, args, flags } = call;
  if (!(await removeFactor(ownerOptions(call), args[0] ?? '')))
    throw new WalletError('not_found', 'There is no factor by that id.');
  const message = 'Removed.';
  return printReport(io, flags.has('json'), { message, factor_id: args[0] }, [message]);
}
