import { removeChannel } from '../../owner/notices/ownerChannels.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/output/show.js';
import { ownerOptions } from '../terminal/wallet.js';

/** Removes a channel. */
export async function run(call: CommandCall): Promise<number> {
  const { io, args, flags } = call;
  const [name = ''] = args;
  await removeChannel(ownerOptions(call), name);
  const message = `The channel ${name} is removed, and what was on its way by it.`;
  return printReport(io, flags.has('json'), { message, channel: name }, [message]);
}
