import { readOwners } from '../../owner/owners.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/output/show.js';
import { ownerOptions } from '../terminal/wallet.js';
import { proposalFields, proposalLines } from './proposals.js';

/** Lists the owners. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags } = call;
  const { quorum, owners, proposals } = await readOwners(ownerOptions(call));
  const needs = quorum === 1 ? 'A loosening needs one owner' : `A loosening needs ${quorum} owners`;
  const message = `${needs}; ${owners.length === 1 ? '1 has a factor' : `${owners.length} have a factor`}.`;
  return printReport(
    io,
    flags.has('json'),
    { message, quorum, owners, proposals: proposals.map(proposalFields) },
    [
      ...owners.map(({ name, factors }) => `${name}  ${factors.join(', ')}`),
      message,
      ...(proposals.length === 0 ? [] : ['', 'Waiting for a second owner:']),
      ...proposals.flatMap((proposal) => proposalLines(proposal, call)),
    ],
  );
}
