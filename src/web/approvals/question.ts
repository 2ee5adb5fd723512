import { html } from 'hono/html';
import type { Approval } from '../../approvals/inbox.js';
import {
  depositWords,
  askerOf,
  fileWords,
  hostOf,
  paidWords,
  sentWords,
  wholeUrl,
  type CapStanding,
  type Question,
} from '../../approvals/question.js';
import { findAsset } from '../../money/asset.js';
import type { Caip2 } from '../../money/network.js';
import { formatUnits } from '../../money/decimal.js';
import { cleanLine } from '../../text/untrusted.js';
import type { Html } from '../look/layout.js';
import { capWords, outcomeWords, timeAgo, timeLeft, usd } from '../look/words.js';
import type { UsdMicros } from '../../money/unit.js';

/** A stranger may fill a paragraph, not the screen. */
const SAID_CHARS_MAX = 400;
/** A longer address is shown whole in a box that scrolls: it must not push the answer off the screen. */
const URL_CHARS_OPEN = 400;

/** What is asked, and all that helps to judge it; strangers' words are quoted, last, and said to be theirs. */
export function viewQuestion(approval: Approval, nowMs: number, isElsewhere: boolean): Html {
  const { question, state } = approval;
  return html`<h1 id="asked">${headingOf(approval)}</h1>
    <p class="soft">
      Asked by <bdi><b>${askerOf(question)}</b></bdi
      >,
      ${
        state === 'pending'
          ? html`<time datetime="${iso(question.expiresMs)}" data-until
              >${timeLeft(question.expiresMs - nowMs)}</time
            >`
          : viewSince(question.createdMs, nowMs)
      }
    </p>
    ${state === 'pending' ? html`<p class="why">${question.why}</p>` : viewAnswer(approval, nowMs, isElsewhere)}
    ${state === 'pending' ? '' : html`<p class="soft">How it stood when it was asked:</p>`}
    ${viewCaps(question)} ${viewFacts(question)}
    ${viewSaid('The agent gives as its reason', 'not checked', question.agentSays)}
    ${viewSaid('The seller writes', 'a stranger’s words, not checked', question.sellerSays)}`;
}

function headingOf({ question, state }: Approval): string {
  const what = `${usd(question.usdMicros)} to ${hostOf(question)}`;
  return state === 'pending' ? `Pay ${what}?` : what;
}

function viewAnswer(approval: Approval, nowMs: number, isElsewhere: boolean): Html {
  const { paymentId } = approval;
  return html`${viewOutcome(approval, nowMs, isElsewhere)}
  ${paymentId === null ? '' : html`<p class="soft">Payment <code>${paymentId}</code></p>`}`;
}

/** What became of a question. Focused, so that a screen reader says it at once; the time that counts up stands outside of what is said. */
export function viewOutcome(approval: Approval, nowMs: number, isElsewhere: boolean): Html {
  const { answeredBy, answeredMs } = approval;
  return html`<div class="notice outcome" tabindex="-1" autofocus>
    <p role="status">${outcomeWords(approval)}</p>
    ${
      answeredMs === null
        ? ''
        : html`<p class="soft">
            Answered${isElsewhere ? ' elsewhere' : ''}${answeredBy === null ? '' : ` by ${answeredBy}`},
            ${viewSince(answeredMs, nowMs)}
          </p>`
    }
  </div>`;
}

function viewSince(ms: number, nowMs: number): Html {
  return html`<time datetime="${iso(ms)}" data-since>${timeAgo(nowMs - ms)}</time>`;
}

/** The limits as they stood when it was asked, drawn and in words. */
function viewCaps({ caps, usdMicros }: Question): Html {
  if (caps.length === 0) return html``;
  return html`<ul class="caps" aria-label="Against your limits">
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
  const { payTo, listed, paidBefore } = question;
  const { lastPayTo } = paidBefore;
  const isElsewhere = lastPayTo !== null && lastPayTo.toLowerCase() !== payTo.toLowerCase();
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
        paidBefore.payments === 0
          ? html`<span class="warn">Never: nothing was ever paid to this host.</span>`
          : html`<span>${paidWords(paidBefore)}</span>`
      }
      ${
        isElsewhere
          ? html`<span class="warn">The last went to another address: <code>${lastPayTo}</code></span>`
          : ''
      }
    </dd>
    ${
      listed === null
        ? ''
        : html`<dt>Listed price</dt>
            <dd>
              <span>$${listed.usd}</span>
              ${
                listed.fits
                  ? ''
                  : html`<span class="warn">The seller asks ${usd(question.usdMicros)} now.</span>`
              }
            </dd>`
    }
    ${viewFiles(question)}
    ${
      question.terms === undefined
        ? ''
        : html`<dt>Subscribes</dt>
            <dd class="warn">${question.terms}, each time without asking you</dd>`
    }
    ${
      question.deposit === undefined
        ? ''
        : html`<dt>Deposits</dt>
            <dd class="warn">${depositWords(question.deposit)}</dd>`
    }
    <dt>Pays</dt>
    <dd>${amountOf(question)} on ${question.networkLabel}</dd>
    <dt>Money goes to</dt>
    <dd><code>${payTo}</code></dd>
    <dt>Session</dt>
    <dd><code>${question.sessionId}</code></dd>
  </dl>`;
}

/** What leaves the machine with a yes. */
function viewFiles(question: Question): Html {
  const { files = [] } = question;
  const sent = sentWords(question);
  if (sent === null) return html``;
  return html`<dt>Sends</dt>
    <dd>
      <span class="warn">Sends ${sent} to the seller, so that it leaves your machine:</span>
      ${files.map((file) => html`<span>${fileWords(file)}</span>`)}
    </dd>`;
}

/** The very amount that is signed, in units of its token. */
function amountOf({ network, asset, assetSymbol, amountAtomic }: Question): string {
  const decimals = findAsset(network as Caip2, asset)?.decimals;
  return decimals === undefined
    ? `${amountAtomic} atomic units of ${assetSymbol}`
    : `${formatUnits(amountAtomic, decimals)} ${assetSymbol}`;
}

function viewAddress(question: Question): Html {
  const url = wholeUrl(question);
  const call = html`<code>${cleanLine(question.method, 16)} ${url}</code>`;
  if (url.length <= URL_CHARS_OPEN) return call;
  // What scrolls is reached by keyboard, too.
  return html`<div
    class="long"
    role="region"
    aria-label="The whole address, ${url.length} characters"
    tabindex="0"
  >
    ${call}
  </div>`;
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
