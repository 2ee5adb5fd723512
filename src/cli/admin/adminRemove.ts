import { removeAdminClient } from '../../owner/adminClients.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/output/show.js';
import { ownerOptions } from '../terminal/wallet.js';

/** Removes a client of the admin API. */
export async function run(call: CommandCall): Promise<number> {
  const { io, args, flags } = call;
  const [name = ''] = args;
  await removeAdminClient(ownerOptions(call), name);
  const message = `The client ${name} is removed; its token opens nothing any more.`;
  return printReport(io, flags.has('json'), { message, client: name }, [message]);
}
