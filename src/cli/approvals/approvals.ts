import type { Approval, ApprovalInbox } from '../../approvals/inbox.js';
import { describeQuestion } from '../../approvals/question.js';
import { WalletError } from '../../errors/walletError.js';
import { formatUsd } from '../../money/decimal.js';
import { openInbox } from '../../owner/approvalInbox.js';
import type { CommandCall } from '../command.js';
import { withEngine } from '../terminal/wallet.js';

/** Runs work at the owner's inbox. */
export async function withInbox<T>(
  call: CommandCall,
  work: (inbox: ApprovalInbox) => Promise<T>,
): Promise<T> {
  return withEngine(call, ({ home, ledger, keys }) =>
    work(
      openInbox({
        home,
        ledger,
        configMac: (data) => keys.mac('config', data),
        now: call.io.now,
        place: 'terminal',
        confirms: call.confirms,
      }),
    ),
  );
}

/** The approval that the command names. Throws `approval_unknown`. */
export async function namedApproval(inbox: ApprovalInbox, { args }: CommandCall): Promise<Approval> {
  const approval = await inbox.show(args[0] ?? '');
  if (approval !== null) return approval;
  throw new WalletError('approval_unknown', 'There is no approval by that id.');
}

/** An approval as JSON shows it; strangers' words stand in fields of their own. */
export function approvalFields({ question, state, choices, ...rest }: Approval) {
  const { session, payee } = choices;
  return {
    approval_id: question.approvalId,
    state,
    digest: rest.digest,
    agent: question.agent,
    session: question.sessionId,
    method: question.method,
    url: question.url,
    host: question.host,
    usd: formatUsd(question.usdMicros),
    amount_atomic: question.amountAtomic.toString(),
    asset: question.assetSymbol,
    network: question.network,
    pay_to: question.payTo,
    terms: question.terms ?? null,
    deposit_usd: question.deposit?.usd ?? null,
    why: question.why,
    files: question.files ?? [],
    caps: question.caps.map(({ name, maxUsdMicros, usedUsdMicros }) => ({
      name,
      max_usd: formatUsd(maxUsdMicros),
      used_usd: formatUsd(usedUsdMicros),
    })),
    paid_before: { payments: question.paidBefore.payments, last_pay_to: question.paidBefore.lastPayTo },
    agent_says: question.agentSays,
    seller_says: question.sellerSays,
    session_max_usd: session === null ? null : formatUsd(session.maxUsdMicros),
    may_allow_payee: payee,
    created_at: new Date(question.createdMs).toISOString(),
    expires_at: new Date(question.expiresMs).toISOString(),
    answer: rest.answer?.kind ?? null,
    answered_by: rest.answeredBy,
    answered_at: rest.answeredMs === null ? null : new Date(rest.answeredMs).toISOString(),
    payment_id: rest.paymentId,
  };
}

/** One question whole, as lines for a terminal. */
export function approvalLines(approval: Approval): string[] {
  const { question, state } = approval;
  return [
    ...describeQuestion(question),
    `${question.approvalId} is ${state}; it ends at ${new Date(question.expiresMs).toISOString()}.`,
  ];
}
