import { html } from 'hono/html';
import { stateWord, UNCONFIRMED } from '../../../cli/ledger/statement.js';
import type { EntryView } from '../../../wallet/ledgerView.js';
import type { Visit } from '../../door/visit.js';
import type { Html } from '../../look/layout.js';
import { viewTime } from '../when.js';
import { DELIVERY_WORDS } from './filter.js';

/** Payments as a list: what, how much, by whom, and what came of it. */
export function viewEntries(
  entries: readonly EntryView[],
  { base }: Pick<Visit, 'base'>,
  statuses: ReadonlyMap<string, number>,
): Html {
  if (entries.length === 0) return html`<p class="soft">Nothing was bought yet.</p>`;
  return html`<ul class="rows">
    ${entries.map(
      (entry) =>
        html`<li>
          <a href="${base}/payments/${entry.id}">${whatOf(entry)}</a>
          <b>$${entry.usd}</b>
          <span class="soft">${viewTime(Date.parse(entry.time))}, agent ${entry.agent}</span>
          <span class="state ${toneOf(entry)}">${endWords(entry, statuses.get(entry.id))}</span>
        </li>`,
    )}
  </ul>`;
}

/** The seller and the path, or the owner's own transfer. */
export function whatOf({ kind, host, url, reason }: EntryView): string {
  if (kind === 'withdrawal') return reason ?? 'your own transfer';
  const path = URL.canParse(url) ? new URL(url).pathname : '';
  return `${host}${path === '/' ? '' : path}`;
}

/** How it stands, in a few words. */
export function endWords(entry: EntryView, status: number | undefined): string {
  const state = stateWord(entry);
  const words = state === UNCONFIRMED ? 'paid, by the seller’s word' : STATE_WORDS[entry.state];
  const brought =
    entry.delivery === null ? (status === undefined ? '' : `HTTP ${status}`) : DELIVERY_WORDS[entry.delivery];
  return brought === '' ? words : `${words}, ${brought}`;
}

const STATE_WORDS: Readonly<Record<EntryView['state'], string>> = {
  held: 'held',
  signed: 'signed, not sent',
  sent: 'sent',
  unknown: 'unknown: may still move',
  captured: 'paid',
  released: 'never moved',
};

function toneOf({ state, delivery }: EntryView): '' | 'good' | 'bad' {
  if (state === 'unknown' || delivery === 'lost' || delivery === 'error' || delivery === 'empty')
    return 'bad';
  return state === 'captured' ? 'good' : '';
}
