import { createHash } from 'node:crypto';
import { html } from 'hono/html';
import type { Approval, ApprovalInbox } from '../../approvals/inbox.js';
import { viewAnswerForms, viewUnblockForm, type AnswerFormParts } from './answerForm.js';
import { layPage, type Html } from '../look/layout.js';
import { hostOf } from '../../approvals/question.js';
import { viewOutcome, viewQuestion } from './question.js';
import { stateTone, stateWords, timeAgo, timeLeft, usd } from '../look/words.js';

/** How often a browser without our script looks for questions, where nothing is asked. */
const RELOAD_SEC = 10;

/** The lists beside a question. */
export interface Lists {
  readonly pending: readonly Approval[];
  readonly recent: readonly Approval[];
}

/** What the approvals page shows. */
export interface ApprovalsParts extends Omit<AnswerFormParts, 'approval'>, Lists {
  /** The question on top; null where there is none. */
  readonly shown: Approval | null;
  /** The approval that was just answered. */
  readonly done: Approval | null;
  /** Whether the page learned by itself that the question on top was answered. */
  readonly isElsewhere: boolean;
  /** Whether the page has the owner's desk beside it. */
  readonly hasDesk: boolean;
  readonly nowMs: number;
}

/** Reads both lists. */
export async function readLists(inbox: ApprovalInbox): Promise<Lists> {
  const [pending, recent] = await Promise.all([inbox.list('pending'), inbox.list('recent')]);
  return { pending, recent };
}

/** What tells one state of the lists from another: a page compares it to know whether it is still true. */
export function versionOf({ pending, recent }: Lists, shown: Approval | null): string {
  const states = [...pending, ...recent].map(
    ({ question, state, isBlocking }) => `${question.approvalId} ${state} ${isBlocking}`,
  );
  const { caps = [], paidBefore = null } = shown?.question ?? {};
  states.push(
    ...caps.map((cap) => `${cap.name} ${cap.usedUsdMicros} ${cap.maxUsdMicros}`),
    String(paidBefore?.payments),
  );
  return createHash('sha256').update(states.join('\n')).digest('base64url');
}

/** One screen: what is asked and the answer to it, then what else waits, then what was. */
export function viewApprovals(parts: ApprovalsParts): Html {
  const { shown, done, pending, visit } = parts;
  const id = shown?.question.approvalId ?? '';
  const others = pending.filter(({ question }) => question.approvalId !== id);
  const isAsked = shown?.state === 'pending';
  return layPage({
    visit,
    ...(parts.hasDesk ? { nav: { at: '', waiting: pending.length } as const } : {}),
    title: isAsked ? `Purser asks: pay ${usd(shown.question.usdMicros)}?` : titleOf(pending.length),
    watch: {
      path: `${visit.base}/changes?shown=${id}`,
      version: versionOf(parts, shown),
      shown: shown?.state ?? '',
      own: shown === null ? '' : `${visit.base}/approvals/${id}`,
    },
    ...(isAsked ? {} : { reloadSec: RELOAD_SEC }),
    main: html`${done === null ? '' : viewDone(parts, done)}
    ${shown === null ? viewNothing() : viewShown(parts, shown)}
    ${viewList(shown === null ? 'Waiting' : 'Also waiting', others, parts)}
    ${viewList(
      'Recent',
      parts.recent.filter(({ question }) => question.approvalId !== id),
      parts,
    )}`,
  });
}

function titleOf(waiting: number): string {
  return waiting === 0 ? 'Purser: nothing to answer' : `Purser: ${waiting} to answer`;
}

function viewDone({ visit, nowMs }: ApprovalsParts, done: Approval): Html {
  const { approvalId, host } = done.question;
  return html`${viewOutcome(done, nowMs, false)}
  ${done.isBlocking ? html`<p><a href="${visit.base}/approvals/${approvalId}">Unblock ${host}</a></p>` : ''}`;
}

function viewNothing(): Html {
  return html`<section class="sheet">
    <h1>Nothing waits for you</h1>
    <p>When an agent wants to pay past one of your limits, the question appears here.</p>
  </section>`;
}

function viewShown(parts: ApprovalsParts, shown: Approval): Html {
  const isPending = shown.state === 'pending';
  const form = { ...parts, approval: shown };
  // Where there is no form to say it in.
  const isTold = (isPending || shown.isBlocking) && parts.factors.length > 0;
  return html`<section class="sheet" aria-labelledby="asked">
    ${
      parts.problem === undefined || isTold
        ? ''
        : html`<p class="notice problem" role="alert" tabindex="-1" autofocus>${parts.problem}</p>`
    }
    ${viewQuestion(shown, parts.nowMs, parts.isElsewhere)} ${isPending ? viewAnswerForms(form) : ''}
    ${shown.isBlocking ? viewUnblockForm(form) : ''}
  </section>`;
}

function viewList(title: string, approvals: readonly Approval[], parts: ApprovalsParts): Html {
  if (approvals.length === 0) return html``;
  return html`<section class="sheet">
    <h2>${title}</h2>
    <ul class="rows">
      ${approvals.map((approval) => viewRow(approval, parts))}
    </ul>
  </section>`;
}

function viewRow(approval: Approval, { nowMs, visit }: ApprovalsParts): Html {
  const { question, state } = approval;
  const when =
    state === 'pending' ? timeLeft(question.expiresMs - nowMs) : timeAgo(nowMs - question.createdMs);
  return html`<li>
    <a href="${visit.base}/approvals/${question.approvalId}"
      >${usd(question.usdMicros)} to ${hostOf(question)}</a
    >
    <span class="state ${stateTone(state)}">${stateWords(approval)}</span>
    <span class="soft">agent ${question.agent}</span>
    <span class="soft">${when}</span>
  </li>`;
}
