import { listOwnersEntries } from '../../owner/owners.js';
import { approverWords } from '../../owner/auth/allow.js';
import type { CommandCall } from '../command.js';
import { minuteOf, printReport } from '../terminal/output/show.js';
import { ownerOptions } from '../terminal/wallet.js';

/** A screen and a little more. */
const LIMIT_DEFAULT = 50;

/** Shows what owners did. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags } = call;
  const entries = await listOwnersEntries(ownerOptions(call), flags.count('limit') ?? LIMIT_DEFAULT);
  const shown = entries.map(({ act, what, by, atMs }) => ({
    ...{ at: new Date(atMs).toISOString(), act, what, by },
  }));
  const message = entries.length === 0 ? 'Owners did nothing yet.' : `${entries.length} acts, newest first.`;
  const lines = shown.map(
    ({ at, act, what, by }) =>
      `${minuteOf(at)}  ${act}  ${approverWords(by) || 'somebody with the keys'}: ${what}`,
  );
  return printReport(io, flags.has('json'), { message, acts: shown }, [...lines, message]);
}
