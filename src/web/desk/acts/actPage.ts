import { html } from 'hono/html';
import type { FactorLine } from '../../../approvals/inbox.js';
import type { ActDone, ActOrder, ReviewedAct } from '../../../owner/ownerActs.js';
import { viewProof } from '../../approvals/answerForm.js';
import { layPage, type Html } from '../../look/layout.js';
import type { Shell } from '../shell.js';

/** What the page of one act shows. */
export interface ActParts {
  readonly order: ActOrder;
  readonly review: ReviewedAct;
  readonly factors: readonly FactorLine[];
  readonly atLocalhost: boolean;
  readonly localhostUrl: string;
  /** Where it leads back to. */
  readonly back: string;
  readonly problem?: string | undefined;
}

/** A link to an act, for the place that it stands in. */
export function linkAct(words: string, { kind, subject }: ActOrder, back: string, { visit }: Shell): Html {
  const query = new URLSearchParams({ kind, subject, back });
  return html`<a href="${visit.base}/act?${query.toString()}">${words}</a>`;
}

/** An act shown whole, before it is done. */
export function viewAct(parts: ActParts, shell: Shell): Html {
  const { review, back } = parts;
  return layPage({
    ...shell,
    title: `Purser: ${review.act.what}`,
    main: html`<section class="sheet">
      <h1>${review.act.what}</h1>
      ${review.act.details.map((detail) => html`<p class="detail">${detail}</p>`)} ${viewForm(parts, shell)}
      <p><a href="${shell.visit.base}${back}">Back, and do nothing</a></p>
    </section>`,
  });
}

function viewForm(parts: ActParts, { visit, command }: Shell): Html {
  const { order, review, factors, back, problem } = parts;
  const path = `${visit.base}/act`;
  const hidden = html`<input type="hidden" name="token" value="${visit.token}" />
    <input type="hidden" name="kind" value="${order.kind}" />
    <input type="hidden" name="subject" value="${order.subject}" />
    <input type="hidden" name="back" value="${back}" />
    <input type="hidden" name="digest" value="${review.digest}" />`;
  const wrong = problem === undefined ? '' : html`<p class="notice problem" role="alert">${problem}</p>`;
  if (!review.isOwners)
    return html`<form method="post" action="${path}">
      ${hidden} ${wrong}
      <div class="buttons"><button class="no">Do it</button></div>
    </form>`;
  if (factors.length === 0)
    return html`${wrong}
      <p class="notice">
        It takes a passphrase or a passkey, and there is none yet:
        <code>${command({ kind: 'addFactor', factor: 'passphrase' })}</code>
      </p>`;
  return html`<form method="post" action="${path}" data-options="${path}/challenge" autocomplete="off">
    ${hidden} ${viewProof(parts, 'Do it')}
  </form>`;
}

/** What came of it. It is not drawn anew by itself: a secret on it is shown this once. */
export function viewActDone({ message, secret }: ActDone, back: string, { watch: _, ...shell }: Shell): Html {
  return layPage({
    ...shell,
    title: 'Purser: done',
    main: html`<section class="sheet">
      <h1>Done</h1>
      <p class="notice outcome" role="status">${message}</p>
      ${
        secret === undefined
          ? ''
          : html`<p>It is shown this once; the wallet keeps only what recognises it.</p>
              <p class="detail">${secret}</p>`
      }
      <p><a href="${shell.visit.base}${back}">Go on</a></p>
    </section>`,
  });
}
