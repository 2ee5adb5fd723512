import { withdrawProposal } from '../../owner/owners.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/output/show.js';
import { ownerOptions } from '../terminal/wallet.js';

/** Ends a proposal. */
export async function run(call: CommandCall): Promise<number> {
  const { io, args, flags } = call;
  const [id = ''] = args;
  await withdrawProposal(ownerOptions(call), id);
  const message = 'Withdrawn; nothing was done.';
  return printReport(io, flags.has('json'), { message, id }, [message]);
}
