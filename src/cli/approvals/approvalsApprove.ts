import type { Approval, FactorProof, ApprovalInbox, Yes } from '../../approvals/inbox.js';
import { WalletError } from '../../errors/walletError.js';
import { formatUsd, parseUsd } from '../../money/decimal.js';
import { approvalFields, approvalLines, namedApproval, withInbox } from './approvals.js';
import type { CommandCall } from '../command.js';
import { isInteractive } from '../terminal/io.js';
import { factorPassphrase } from '../setUp/passphrase.js';
import { askYes } from '../terminal/input/prompt.js';
import { printLines, printReport } from '../terminal/output/show.js';

/** Approves one question, with the factor. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags } = call;
  const answer = answerOf(call);
  const approval = await withInbox(call, async (inbox) => {
    const shown = await namedApproval(inbox, call);
    await askOnceMore(call, shown);
    return inbox.answer(shown.question.approvalId, shown.digest, answer, await proofOf(call, inbox));
  });
  const { question } = approval;
  const also =
    answer.kind === 'session'
      ? ` This session may now spend $${formatUsd(answer.usdMicros)} without asking.`
      : answer.kind === 'payee'
        ? ' This payee is no longer asked about there.'
        : '';
  const message = `Approved: $${formatUsd(question.usdMicros)} to ${question.host}, once.${also} The agent can go on.`;
  return printReport(io, flags.has('json'), { message, ...approvalFields(approval) }, [message]);
}

function answerOf({ flags }: CommandCall): Yes {
  const session = flags.text('sessionUsd');
  if (session !== undefined && flags.has('payee'))
    throw new WalletError('bad_input', 'Give --session-usd or --payee, not both.');
  if (session !== undefined) return { kind: 'session', usdMicros: parseUsd(session, '--session-usd') };
  return flags.has('payee') ? { kind: 'payee' } : { kind: 'once' };
}

/** A person at a terminal sees what they say yes to; the factor that follows is for what was shown (T18). */
async function askOnceMore({ io, flags }: CommandCall, shown: Approval): Promise<void> {
  if (flags.has('yes') || shown.state !== 'pending' || !isInteractive(io)) return;
  printLines(io.stderr, approvalLines(shown));
  if (!(await askYes(io, 'Approve it?')))
    throw new WalletError('cancelled', 'Nothing was answered; it still waits for you.');
}

async function proofOf({ io, flags }: CommandCall, inbox: ApprovalInbox): Promise<FactorProof | null> {
  const factors = await inbox.factors();
  const isTyped = flags.text('factorFile') === undefined;
  if (isTyped && !factors.some(({ kind }) => kind === 'passphrase')) {
    if (factors.length === 0) return null;
    throw new WalletError('factor_needed', 'This wallet has passkeys only, and they answer in the browser.', {
      owner: { say: 'Answer it on the page.', action: { kind: 'openApprovals' } },
    });
  }
  const passphrase = await factorPassphrase(io, flags.text('factorFile'))();
  return passphrase === null ? null : { kind: 'passphrase', passphrase };
}
