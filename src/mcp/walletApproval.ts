import { approvalInput } from '../wallet/input.js';
import { outcomeSchema } from './outcomeSchema.js';
import { defineTool, READ_ONLY } from './tool.js';

/** `wallet_approval`: waits for the owner's answer to a question, or reads it. */
export const walletApproval = defineTool({
  name: 'wallet_approval',
  title: 'Wait for the approval of a purchase',
  description: `Wait for the owner's answer to a call that needs their approval, or read it; use it with approval_id after status approval_required. Free, pays nothing, approves nothing: only the owner can say yes, outside of these tools.

ok with state "approved": make the call in next, which pays exactly what was asked about. approval_required: nobody has answered yet; tell the owner, wait again. refused: the answer is no, or none came within ten minutes; do not retry or reword the call.

Sample: {"id": "apv_…"}
Sample: {"id": "apv_…", "wait_s": 0}`,
  inputSchema: approvalInput,
  outputSchema: outcomeSchema({
    state: { enum: ['pending', 'approved', 'denied', 'expired', 'consumed'] },
  }),
  annotations: READ_ONLY,
  handle: (wallet, input, context) => wallet.approval(input, context),
});
