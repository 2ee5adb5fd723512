import { formatUsd } from '../../money/decimal.js';
import { waitFor } from './approval.js';
import { deniedOutcome, pendingOutcome, problemError } from './approvalOutcome.js';
import { readQuestion } from './approvalQuestion.js';
import type { CallContext } from '../call/callDeadline.js';
import type { Engine } from '../engine.js';
import { APPROVAL_WAIT_SEC_MAX, type ApprovalInput } from '../input.js';
import { outcome, type Outcome } from '../answer/outcome.js';

/**
 * Where a question of this agent stands, after a wait for its answer; pays nothing.
 *
 * Throws `approval_unknown`, also for another agent's, and `approval_expired`.
 */
export async function readApproval(
  engine: Engine,
  input: ApprovalInput,
  context: CallContext,
): Promise<Outcome> {
  const found = await engine.ledger.approvals.find(input.id);
  if (found === null || found.agent !== engine.agent) throw problemError('unknown');
  const waitMs = (input.wait_s ?? APPROVAL_WAIT_SEC_MAX) * 1000;
  const isOpen = found.state === 'pending' && found.expiresMs > engine.now();
  const approval =
    isOpen && waitMs > 0 ? await waitFor(engine, found, waitMs, context.signal, context.progress) : found;
  const ranOut = approval.expiresMs <= engine.now();
  if (approval.state === 'denied') return deniedOutcome(approval, context.asks);
  if (approval.state === 'consumed') {
    return outcome({
      status: 'ok',
      code: 'ok',
      message: 'The owner said yes, and the call was paid with it.',
      next: { tool: 'wallet_ledger', arguments: { payment_id: approval.paymentId } },
      approval_id: approval.id,
      state: 'consumed',
    });
  }
  if (approval.state === 'expired' || ranOut) throw problemError('expired');
  if (approval.state === 'pending')
    return pendingOutcome({ engine, config: await engine.config(), context, hastyMs: null }, approval);
  const { question } = readQuestion(approval);
  return outcome({
    status: 'ok',
    code: 'ok',
    message: `The owner said yes to $${formatUsd(question.usdMicros)} for ${question.host}; nothing is paid yet: make the call in next.`,
    next: { tool: 'wallet_pay', arguments: { approval_id: approval.id } },
    approval_id: approval.id,
    expires_at: new Date(approval.expiresMs).toISOString(),
    state: 'approved',
  });
}
