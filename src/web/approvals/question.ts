import { html } from 'hono/html';
import type { Approval } from '../../approvals/desk.js';
import type { CapStanding, Question } from '../../approvals/question.js';
import { cleanLine, cleanText } from '../../text/untrusted.js';
import type { Html } from '../look/layout.js';
import { capWords, outcomeWords, timeAgo, timeLeft, usd } from '../look/words.js';
import type { UsdMicros } from '../../money/unit.js';

/** A stranger may fill a paragraph, not the screen. */
const SAID_CHARS_MAX = 400;
/** A longer address is shown in part, and whole on demand. */
const URL_CHARS_SHOWN = 160;

/** What is asked, and all that helps to judge it; strangers' words are quoted, last, and said to be theirs. */
export function viewQuestion(approval: Approval, nowMs: number): Html {
  const { question, state } = approval;
  return html`<h1 id="asked">${headingOf(approval)}</h1>
    <p class="soft">
      Asked by agent <b>${question.agent}</b> in session <code>${question.sessionId}</code>,
      ${
        state === 'pending'
          ? html`<time datetime="${iso(question.expiresMs)}" data-until
              >${timeLeft(question.expiresMs - nowMs)}</time
            >`
          : html`<time datetime="${iso(question.createdMs)}">${timeAgo(nowMs - question.createdMs)}</time>`
      }
    </p>
    ${state === 'pending' ? html`<p class="why">${question.why}</p>` : viewAnswer(approval, nowMs)}
    ${state === 'pending' ? '' : html`<p class="soft">How it stood when it was asked:</p>`}
    ${viewCaps(question)} ${viewFacts(question)}
    ${viewSaid('The agent gives as its reason', 'not checked', question.agentSays)}
    ${viewSaid('The seller writes', 'a stranger’s words, not checked', question.sellerSays)}`;
}

function headingOf({ question, state }: Approval): string {
  const what = `${usd(question.usdMicros)} to ${question.host}`;
  return state === 'pending' ? `Pay ${what}?` : what;
}

function viewAnswer(approval: Approval, nowMs: number): Html {
  const { answeredBy, answeredMs, paymentId } = approval;
  return html`<p class="why">${outcomeWords(approval)}</p>
    <p class="soft">
      ${answeredBy === null ? '' : html`By ${answeredBy}`}
      ${
        answeredMs === null
          ? ''
          : html`<time datetime="${iso(answeredMs)}">${timeAgo(nowMs - answeredMs)}</time>`
      }
      ${paymentId === null ? '' : html`Payment <code>${paymentId}</code>`}
    </p>`;
}

/** The limits as they stood when it was asked, drawn and in words. */
function viewCaps({ caps, usdMicros }: Question): Html {
  if (caps.length === 0) return html``;
  return html`<ul class="caps" aria-label="How it stands against your limits">
    ${caps.map((cap) => viewCap(cap, usdMicros))}
  </ul>`;
}

function viewCap({ name, maxUsdMicros, usedUsdMicros }: CapStanding, usdMicros: UsdMicros): Html {
  const after = usedUsdMicros + usdMicros;
  const before = usedUsdMicros === 0n ? '' : `${usd(usedUsdMicros)} + `;
  const standing = `${before}${usd(usdMicros)} of ${usd(maxUsdMicros)}`;
  return html`<li>
    <p>
      <span>${capWords(name)}<span class="unseen">: </span></span>
      ${after > maxUsdMicros ? html`<b class="warn">${standing}, over</b>` : html`<span>${standing}</span>`}
    </p>
    ${drawCap(usedUsdMicros, after, maxUsdMicros)}
  </li>`;
}

/** A bar of what was spent, what is asked and what of it is above the limit. Only drawn: nothing is decided by it. */
function drawCap(used: bigint, after: bigint, max: bigint): Html {
  const whole = after > max ? after : max;
  const place = (amount: bigint): number => (whole === 0n ? 0 : Number((amount * 1000n) / whole) / 10);
  const above = max > used ? max : used;
  const part = (look: string, from: bigint, to: bigint): Html =>
    to > from
      ? html`<rect class="${look}" x="${place(from)}" width="${place(to) - place(from)}" height="4"></rect>`
      : html``;
  return html`<svg viewBox="0 0 100 4" preserveAspectRatio="none" aria-hidden="true">
    ${part('used', 0n, used)} ${part('this', used, after < max ? after : max)} ${part('above', above, after)}
  </svg>`;
}

function viewFacts(question: Question): Html {
  const { payments, lastPayTo } = question.paidBefore;
  const isElsewhere = lastPayTo !== null && lastPayTo.toLowerCase() !== question.payTo.toLowerCase();
  return html`<dl class="facts">
    <dt>Call</dt>
    <dd>${viewAddress(question)}</dd>
    ${
      question.host.split('.').some((label) => label.startsWith('xn--'))
        ? html`<dt>Name</dt>
            <dd class="warn">
              The host’s name has letters beyond a to z; it may only look like one you know.
            </dd>`
        : ''
    }
    <dt>Paid before</dt>
    <dd>
      ${
        payments === 0
          ? html`<span class="warn">Never: nothing was ever paid to this host.</span>`
          : html`${payments} ${payments === 1 ? 'payment' : 'payments'} to this host`
      }
      ${
        isElsewhere
          ? html`<span class="warn">The last went to another address: <code>${lastPayTo}</code></span>`
          : ''
      }
    </dd>
    <dt>Money goes to</dt>
    <dd><code>${question.payTo}</code>, as ${question.assetSymbol} on ${question.networkLabel}</dd>
  </dl>`;
}

function viewAddress({ method, url }: Question): Html {
  const clean = cleanText(url).replace(/\s/g, '%20');
  const call = `${cleanLine(method, 16)} ${clean}`;
  if (call.length <= URL_CHARS_SHOWN) return html`<code>${call}</code>`;
  return html`<code>${cleanLine(call, URL_CHARS_SHOWN)}</code>
    <details>
      <summary>The whole address, ${clean.length} characters</summary>
      <code>${clean}</code>
    </details>`;
}

function viewSaid(who: string, caution: string, said: string | null): Html {
  if (said === null) return html``;
  return html`<figure>
    <figcaption>${who} (${caution}):</figcaption>
    <blockquote><bdi>${cleanLine(said, SAID_CHARS_MAX)}</bdi></blockquote>
  </figure>`;
}

function iso(ms: number): string {
  return new Date(ms).toISOString();
}
