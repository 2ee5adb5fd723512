import { approvalFields, approvalLines, namedApproval, withInbox } from './approvals.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/output/show.js';

/** Shows one question. */
export async function run(call: CommandCall): Promise<number> {
  const approval = await withInbox(call, (inbox) => namedApproval(inbox, call));
  const message = `${approval.question.approvalId} is ${approval.state}.`;
  const fields = { message, ...approvalFields(approval) };
  return printReport(call.io, call.flags.has('json'), fields, approvalLines(approval));
}
