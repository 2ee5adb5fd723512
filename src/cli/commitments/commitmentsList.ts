import { listCommitments, viewCommitment } from '../../owner/ownerCommitments.js';
import type { CommandCall } from '../command.js';
import { minuteOf, printReport, widthOf } from '../terminal/output/show.js';
import { layTable } from '../terminal/output/table.js';
import { ownerOptions } from '../terminal/wallet.js';

const COLUMNS = [
  { title: 'ID' },
  { title: 'AGENT' },
  { title: 'SELLER', flexible: true },
  { title: 'EACH TIME', align: 'right' },
  { title: 'EVERY', align: 'right' },
  { title: 'TAKEN', align: 'right' },
  { title: 'UNTIL (UTC)' },
  { title: 'STATE' },
] as const;

/** Lists the promises to pay in each period. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags } = call;
  const commitments = (await listCommitments(ownerOptions(call), flags.has('all'))).map(viewCommitment);
  const rows = commitments.map((one) => [
    ...[one.id, one.agent, one.seller, one.amount, `${one.period_days} days`, one.taken],
    ...[minuteOf(one.ends_at), one.state],
  ]);
  const open = commitments.filter(({ state }) => state !== 'ended').length;
  const message =
    commitments.length === 0
      ? 'There is no subscription.'
      : `${open} open. Each counts against every limit by what it can take in the limit's time.`;
  const table = rows.length === 0 ? [] : layTable(COLUMNS, rows, widthOf(io.stdout));
  return printReport(io, flags.has('json'), { message, commitments }, [...table, message]);
}
