import { approvalFields, namedApproval, withInbox } from './approvals.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/output/show.js';

/** Says no to one question: whoever can unlock the wallet may. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags } = call;
  const kind = flags.has('blockHost') ? 'block_host' : 'no';
  const approval = await withInbox(call, async (inbox) => {
    const { question, digest } = await namedApproval(inbox, call);
    return inbox.answer(question.approvalId, digest, { kind }, null);
  });
  const blocked = kind === 'block_host' ? ` ${approval.question.host} is denied from now on.` : '';
  const message = `Refused.${blocked} Nothing is paid.`;
  return printReport(io, flags.has('json'), { message, ...approvalFields(approval) }, [message]);
}
