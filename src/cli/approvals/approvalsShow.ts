import { approvalFields, approvalLines, namedApproval, withDesk } from './approvals.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/output/show.js';

/** Shows one question. */
export async function run(call: CommandCall): Promise<number> {
  const approval = await withDesk(call, (desk) => namedApproval(desk, call));
  const message = `${approval.question.approvalId} is ${approval.state}.`;
  const fields = { message, ...approvalFields(approval) };
  return printReport(call.io, call.flags.has('json'), fields, approvalLines(approval));
}
