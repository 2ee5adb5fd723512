import { commandLine } from '../line/commandLine.js';
import { showLine } from '../line/line.js';
import { freezeWallet } from '../../owner/ownerFreeze.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/output/show.js';

/** Stops all signing and sending. */
export async function run({ io, home, flags }: CommandCall): Promise<number> {
  const { changed, ledgerFault } = await freezeWallet({ home, now: io.now });
  const frozen = changed
    ? `Frozen: nothing is signed or sent, in any process, until you run: ${showLine(commandLine('unfreeze'), io)}`
    : 'It is frozen already.';
  const message =
    ledgerFault === null ? frozen : `${frozen} The ledger could not be told as well: ${ledgerFault}`;
  return printReport(io, flags.has('json'), { message, frozen: true, changed }, [message]);
}
