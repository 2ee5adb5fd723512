import { html } from 'hono/html';
import type { Config } from '../../config/settings.js';
import type { Proposal } from '../../ledger/books/ownersAct.js';
import type { ReportGroup } from '../../ledger/books/report.js';
import { formatUsd } from '../../money/decimal.js';
import type { UsdMicros } from '../../money/unit.js';
import type { BalanceLine } from '../../wallet/balance.js';
import type { EntryView } from '../../wallet/ledgerView.js';
import { layPage, type Html } from '../look/layout.js';
import { usd } from '../look/words.js';
import { viewEntries } from './payments/entryRows.js';
import { linkAct } from './acts/actPage.js';
import { viewUse } from './bar.js';
import { viewChart, type Bar } from './spending/spendChart.js';
import { viewLimitForms } from './settings/limitForm.js';
import { viewProposals } from './proposals.js';
import type { Shell } from './shell.js';

/** Agents and sellers at home: the page of each has all. */
const GROUPS_SHOWN = 5;
/** What counts against one of the wallet's own caps. */
export interface WindowUse {
  readonly name: string;
  /** The setting that it is. */
  readonly key: string;
  readonly usedUsdMicros: UsdMicros;
  readonly maxUsdMicros: UsdMicros;
}

/** What was spent of late. */
export interface SpentLately {
  /** The last 30 days. */
  readonly bars: readonly Bar[];
  /** Of the last 24 hours, those that spent most first. */
  readonly agents: readonly ReportGroup[];
  readonly sellers: readonly ReportGroup[];
}

/** What is at home. */
export interface HomeParts {
  readonly frozen: boolean;
  readonly windows: readonly WindowUse[];
  /** Null while it is still added up. */
  readonly spent: SpentLately | null;
  readonly entries: readonly EntryView[];
  readonly balances: readonly BalanceLine[] | null;
  readonly waiting: number;
  /** What waits for a second owner. */
  readonly proposals: readonly Proposal[];
  /** The settings as they are now. */
  readonly config: Config;
}

/** Home: what is there, what was spent, what waits, and the brake. */
export function viewHome(parts: HomeParts, shell: Shell): Html {
  const { visit } = shell;
  return layPage({
    ...shell,
    title: parts.frozen ? 'Purser: frozen' : 'Purser',
    main: html`${viewBrake(parts, shell)}
      ${
        parts.waiting === 0
          ? ''
          : html`<p class="notice">
              <a href="${visit.base}"
                >${parts.waiting} ${parts.waiting === 1 ? 'question waits' : 'questions wait'} for you</a
              >
            </p>`
      }
      ${viewProposals(parts.proposals, parts.config, shell)}
      <section class="sheet">
        <h1>Money</h1>
        ${viewMoney(parts.balances)}
        <p><a href="${visit.base}/add-money">Add money</a></p>
        <h2>Spent without asking</h2>
        <ul class="caps" aria-label="Against your limits">
          ${parts.windows.map(({ name, usedUsdMicros, maxUsdMicros }) => viewUse(name, usedUsdMicros, maxUsdMicros))}
        </ul>
        ${viewLimitForms(
          parts.windows.map(({ name, key, maxUsdMicros }) => ({
            ...{ key, label: `Limit of ${name}, $` },
            value: formatUsd(maxUsdMicros),
          })),
          '/home',
          shell,
        )}
      </section>
      ${viewSpent(parts.spent, shell)}
      <section class="sheet">
        <h2>Newest payments</h2>
        ${viewEntries(parts.entries, visit, new Map())}
        <p><a href="${visit.base}/payments">All payments</a></p>
      </section>`,
  });
}

function viewSpent(spent: SpentLately | null, { visit }: Shell): Html {
  if (spent === null)
    return html`<section class="sheet">
      <h2>Spending</h2>
      <p class="soft">The payments are being added up. <a href="${visit.base}/home">Look again</a></p>
    </section>`;
  const linkTo =
    (field: 'agent' | 'host') =>
    (key: string): string =>
      `${visit.base}/${field === 'agent' ? 'agents' : 'sellers'}/${key}`;
  return html`<section class="sheet">
      <h2>The last ${spent.bars.length} days</h2>
      ${viewChart(spent.bars, 'day')}
      <p class="links">
        <a href="${visit.base}/spending">By agent, seller and category; by week and month</a>
      </p>
    </section>
    <div class="pair">
      ${viewGroups('Agents, 24 hours', spent.agents, linkTo('agent'))}
      ${viewGroups('Sellers, 24 hours', spent.sellers, linkTo('host'))}
    </div>`;
}

function viewBrake({ frozen }: HomeParts, shell: Shell): Html {
  const { visit } = shell;
  if (frozen) {
    return html`<p class="notice problem" role="status">
      The wallet is frozen: nothing is signed or sent.
      ${linkAct('Let agents pay again', { kind: 'unfreeze', subject: '' }, '/home', shell)}
    </p>`;
  }
  return html`<form method="post" action="${visit.base}/freeze" class="brake">
    <input type="hidden" name="token" value="${visit.token}" />
    <button class="no">Freeze: stop all agents now</button>
  </form>`;
}

function viewMoney(balances: HomeParts['balances']): Html {
  if (balances === null) return html`<p class="soft">Asking the networks.</p>`;
  return html`<ul class="rows">
    ${balances.map(
      ({ label, asset, on_chain: sum, held, spendable }) =>
        html`<li>
          <span>${label}</span>
          <b>${spendable === null ? 'unknown' : `${spendable} ${asset} to spend`}</b>
          <span class="soft"></span>
          <span class="soft"
            >${sum === null ? 'its RPC does not answer' : `${sum} on chain`}${/[1-9]/.test(held) ? `, ${held} held` : ''}</span
          >
        </li>`,
    )}
  </ul>`;
}

function viewGroups(title: string, groups: readonly ReportGroup[], linkOf: (key: string) => string): Html {
  return html`<section class="sheet">
    <h2>${title}</h2>
    ${
      groups.length === 0
        ? html`<p class="soft">Nothing.</p>`
        : html`<ul class="rows">
            ${groups.slice(0, GROUPS_SHOWN).map(
              (group) =>
                html`<li>
                  <a href="${linkOf(group.key)}">${group.key}</a>
                  <b>${usd(group.capturedUsdMicros)}</b>
                  <span class="soft">${group.payments} ${group.payments === 1 ? 'payment' : 'payments'}</span>
                  <span class="soft">${sideWords(group)}</span>
                </li>`,
            )}
          </ul>`
    }
  </section>`;
}

/** What is held, and what brought nothing. */
export function sideWords({
  heldUsdMicros,
  lostUsdMicros,
}: {
  readonly heldUsdMicros: UsdMicros;
  readonly lostUsdMicros: UsdMicros;
}): string {
  return [
    ...(heldUsdMicros === 0n ? [] : [`${usd(heldUsdMicros)} held`]),
    ...(lostUsdMicros === 0n ? [] : [`${usd(lostUsdMicros)} lost`]),
  ].join(', ');
}
