import { findProposal } from '../../owner/owners.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/output/show.js';
import { ownerOptions } from '../terminal/wallet.js';
import { proposalFields, proposalLines } from './proposals.js';

/** Shows one proposal. */
export async function run(call: CommandCall): Promise<number> {
  const { io, args, flags } = call;
  const proposal = await findProposal(ownerOptions(call), args[0] ?? '');
  return printReport(
    io,
    flags.has('json'),
    { message: proposal.what, ...proposalFields(proposal) },
    proposalLines(proposal, call),
  );
}
