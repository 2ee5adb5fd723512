import { ownerCommand } from '../../wallet/ownerCommand.js';
import { freezeWallet } from '../../owner/ownerFreeze.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/show.js';

/** Stops all signing and sending. */
export async function run({ io, home, flags }: CommandCall): Promise<number> {
  const changed = await freezeWallet({ home, now: io.now });
  const message = changed
    ? `Frozen: nothing is signed or sent, in any process, until you run: ${ownerCommand('unfreeze', io)}`
    : 'It is frozen already.';
  return printReport(io, flags.has('json'), { message, frozen: true, changed }, [message]);
}
