import { formatUsd } from '../../money/decimal.js';
import { cleanLine } from '../../text/untrusted.js';
import { approvalFields, withInbox } from './approvals.js';
import type { CommandCall } from '../command.js';
import { minuteOf, printReport, widthOf } from '../terminal/output/show.js';
import { layTable } from '../terminal/output/table.js';

const HOST_LENGTH_MAX = 80;

/** Lists the questions that wait, or those that are over. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags } = call;
  const approvals = await withInbox(call, (inbox) => inbox.list(flags.has('recent') ? 'recent' : 'pending'));
  const message = flags.has('recent')
    ? `${approvals.length} answered or expired.`
    : approvals.length === 0
      ? 'Nothing waits for you.'
      : `${approvals.length} ${approvals.length === 1 ? 'question waits' : 'questions wait'} for you.`;
  const columns = [
    { title: 'ID' },
    { title: 'UNTIL (UTC)' },
    { title: 'USD', align: 'right' },
    { title: 'HOST', flexible: true },
    { title: 'STATE' },
  ] as const;
  const rows = approvals.map(({ question, state }) => [
    question.approvalId,
    minuteOf(new Date(question.expiresMs).toISOString()),
    formatUsd(question.usdMicros),
    cleanLine(question.host, HOST_LENGTH_MAX),
    state,
  ]);
  const fields = { message, approvals: approvals.map(approvalFields) };
  const table = approvals.length === 0 ? [] : layTable(columns, rows, widthOf(io.stdout));
  return printReport(io, flags.has('json'), fields, [...table, message]);
}
