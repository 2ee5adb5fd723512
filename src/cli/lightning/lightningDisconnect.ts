import { disconnectLightning } from '../../owner/ownerLightning.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/output/show.js';
import { ownerOptions } from '../terminal/wallet.js';

/** Forgets the connected Lightning wallet. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags } = call;
  await disconnectLightning(ownerOptions(call), { leavesOpen: flags.has('leaveOpen') });
  const message = 'The Lightning wallet is forgotten; take this connection back in that wallet, too.';
  return printReport(io, flags.has('json'), { message }, [message]);
}
