import { unfreezeWallet } from '../../owner/ownerFreeze.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/output/show.js';
import { ownerOptions } from '../terminal/wallet.js';

/** Lets the wallet sign again. */
export async function run(call: CommandCall): Promise<number> {
  const changed = await unfreezeWallet(ownerOptions(call));
  const message = changed ? 'No longer frozen: agents can pay within the limits.' : 'It was not frozen.';
  return printReport(call.io, call.flags.has('json'), { message, frozen: false, changed }, [message]);
}
