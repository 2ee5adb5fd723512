import { html } from 'hono/html';
import { capturedWallMs, openedWallMs, toWallMs } from '../../../ledger/attempts/attempt.js';
import type { Payment } from '../../../ledger/attempts/payment.js';
import type { AnyAttempt } from '../../../ledger/attempts/withdrawal.js';
import { findNetwork } from '../../../money/network.js';
import { labelLine } from '../../../payment/labels.js';
import { cleanLine } from '../../../text/untrusted.js';
import type { AnswerBeginning } from '../../../wallet/answer/response.js';
import { viewEntry } from '../../../wallet/ledgerView.js';
import { layPage, type Html } from '../../look/layout.js';
import { endWords, whatOf } from './entryRows.js';
import { DELIVERY_WORDS, filterQuery } from './filter.js';
import { viewTime } from '../when.js';
import type { Shell } from '../shell.js';

/** Longer words of an agent or a URL are cut (T43). */
const TEXT_CHARS_MAX = 1_000;
/** Longer than a transaction's name on any chain. */
const TX_CHARS_MAX = 200;

/** One step of a payment's life. */
interface Step {
  readonly ms: number;
  readonly words: string;
}

/** What a payment brought. */
export interface BroughtParts {
  readonly status: number | null;
  /** Null where no answer is kept. */
  readonly answer: AnswerBeginning | null;
}

/** One payment: what it was, and its life as a line of time. */
export function viewPayment(payment: AnyAttempt, { status, answer }: BroughtParts, shell: Shell): Html {
  const entry = viewEntry(payment);
  const network = findNetwork(payment.network);
  const facts: readonly (readonly [string, Html | string])[] = [
    ['How it stands', endWords(entry, status ?? undefined)],
    ...(payment.kind === 'payment' ? callFacts(payment, shell) : []),
    ['Amount', `${entry.usd} USD (${entry.amount_atomic} atomic units of ${entry.asset})`],
    ['Network', network?.label ?? payment.network],
    ['Paid to', payment.payTo],
    ...(payment.tx === null
      ? []
      : [['Transaction', viewTransaction(payment.tx, network?.explorerTx)] as const]),
    ...(status === null ? [] : [['Answer', `HTTP ${status}`] as const]),
    ['Id', payment.id],
  ];
  return layPage({
    ...shell,
    title: `Purser: $${entry.usd} to ${entry.host}`,
    main: html`<section class="sheet">
      <h1>$${entry.usd} to ${whatOf(entry)}</h1>
      <dl class="facts">
        ${facts.map(
          ([name, value]) =>
            html`<dt>${name}</dt>
              <dd>${value}</dd>`,
        )}
      </dl>
      <h2>Its life</h2>
      <ol class="life">
        ${lifeOf(payment, { status, answer }).map(({ ms, words }) => html`<li>${viewTime(ms, { seconds: true })} ${words}</li>`)}
      </ol>
      ${payment.kind === 'payment' ? html`${viewAnswer(status, answer)} ${viewAfter(payment, status, shell)}` : ''}
    </section>`,
  });
}

function callFacts(
  { method, url, agent, host, reason, labels, protocol, scheme, approvalId }: Payment,
  { visit }: Shell,
): readonly (readonly [string, Html | string])[] {
  return [
    ['Call', cleanLine(`${method} ${url}`, TEXT_CHARS_MAX)],
    ['Agent', html`<a href="${visit.base}/agents/${agent}">${agent}</a>`],
    ['Seller', html`<a href="${visit.base}/sellers/${host}">${host}</a>`],
    ...(reason === null
      ? []
      : [['The agent’s reason', html`<q>${cleanLine(reason, TEXT_CHARS_MAX)}</q>`] as const]),
    ...(Object.keys(labels).length === 0
      ? []
      : [['Labels', cleanLine(labelLine(labels), TEXT_CHARS_MAX)] as const]),
    ['Protocol', `${protocol}, ${scheme}`],
    ...(approvalId === null
      ? []
      : [['Approval', html`<a href="${visit.base}/approvals/${approvalId}">your answer</a>`] as const]),
  ];
}

/**
 * What came, as text and nothing else (T43). It is what the agent was shown: credentials in it were taken out before it was
 * kept.
 */
function viewAnswer(status: number | null, answer: AnswerBeginning | null): Html {
  if (status === null) return html``;
  if (answer === null)
    return html`<h2>What came</h2>
      <p class="soft">The answer is no longer kept.</p>`;
  const { text, isWhole, type, bytes } = answer;
  const about = `HTTP ${status}, ${bytes} ${bytes === 1 ? 'byte' : 'bytes'}${type === '' ? '' : `, ${type}`}`;
  return html`<h2>What came</h2>
    <p class="soft">${about}. A stranger’s words, not checked.</p>
    ${
      text === null
        ? html`<p class="soft">It is no text: the agent has it as a file.</p>`
        : text === ''
          ? ''
          : html`<div class="long answer" role="region" aria-label="What came" tabindex="0">
              <pre>${text}</pre>
            </div>`
    }
    ${text !== null && !isWhole ? html`<p class="soft">This is the beginning of it.</p>` : ''}`;
}

/** What an owner may do next: look at the same call, or write to its seller. */
function viewAfter(payment: Payment, status: number | null, { visit }: Shell): Html {
  const { host, url } = payment;
  const path = URL.canParse(url) ? new URL(url).pathname : '';
  const same = filterQuery({ host, words: `${host}${path}` });
  return html`<h2>Again</h2>
    <p><a href="${visit.base}/payments${same}">The same call, each time it was paid</a></p>
    <h2>A note to the seller</h2>
    <p class="soft">For a dispute, to be copied: what was paid, how it can be proved, and what came.</p>
    <textarea rows="8" readonly aria-label="A note to the seller">${noteOf(payment, status)}</textarea>`;
}

function noteOf(payment: Payment, status: number | null): string {
  const { usd, amount_atomic: atomic, asset } = viewEntry(payment);
  const { method, url, network, payTo, payFrom, tx, delivery } = payment;
  const came = [
    ...(status === null ? [] : [`HTTP ${status}`]),
    ...(delivery === null ? [] : [DELIVERY_WORDS[delivery]]),
  ].join(', ');
  return [
    `On ${new Date(openedWallMs(payment)).toISOString()} I paid $${usd} for ${cleanLine(`${method} ${url}`, TEXT_CHARS_MAX)}.`,
    `Payment: ${atomic} atomic units of ${asset} on ${network}, from ${payFrom} to ${payTo}.`,
    `Transaction: ${tx === null ? 'not known' : cleanLine(tx, TX_CHARS_MAX)}. Reference: ${payment.id}.`,
    `What came: ${came === '' ? 'not known' : came}.`,
    `Please deliver what was paid for, or send the amount back to ${payFrom}.`,
  ].join('\n');
}

function viewTransaction(tx: string, explorer: string | undefined): Html {
  // A seller's word until the chain has shown it (T43).
  const shown = cleanLine(tx, TX_CHARS_MAX);
  if (explorer === undefined) return html`${shown}`;
  return html`<a href="${explorer}${encodeURIComponent(tx)}" rel="noreferrer noopener" target="_blank"
    >${shown}</a
  >`;
}

/** What is known of its life, in the order it came; what the ledger keeps no time of is told with the step before it. */
function lifeOf(payment: AnyAttempt, { status, answer }: BroughtParts): Step[] {
  const openedMs = openedWallMs(payment);
  const capturedMs = capturedWallMs(payment);
  const changedMs = Math.max(openedMs, toWallMs(payment, payment.changedMs));
  const quoted = payment.kind === 'payment' && payment.quoteId !== null ? 'Quoted, then held' : 'Held';
  const isSent = payment.state === 'sent' || payment.state === 'unknown' || payment.state === 'captured';
  const signed = payment.payload === null ? '' : isSent ? ', signed and sent' : ', then signed';
  const steps: Step[] = [{ ms: openedMs, words: `${quoted} under your limits${signed}` }];
  if (answer !== null && status !== null)
    steps.push({ ms: answer.storedMs, words: `Answered with HTTP ${status}` });
  if (capturedMs !== null && payment.state === 'captured') {
    steps.push({
      ms: capturedMs,
      words: payment.confirmed ? 'Paid' : 'Paid, by the seller’s word: the chain has not shown it yet',
    });
    if (payment.confirmed) steps.push({ ms: Math.max(changedMs, capturedMs), words: 'Proved by the chain' });
  } else if (payment.state === 'released') {
    steps.push({
      ms: changedMs,
      words: payment.payload === null ? 'Let go before anything was signed' : 'Proved that it can never move',
    });
  } else if (payment.state === 'unknown') {
    steps.push({
      ms: changedMs,
      words: 'Nobody knows yet whether it moved: the chain is asked until it is proved',
    });
    steps.push({ ms: payment.validBeforeSec * 1000, words: 'What was signed expires' });
  }
  return steps.sort((a, b) => a.ms - b.ms);
}
