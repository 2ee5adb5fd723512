import { html } from 'hono/html';
import { getKey, withEntry } from '../../../config/change.js';
import type { Config } from '../../../config/settings.js';
import type { Payment } from '../../../ledger/attempts/payment.js';
import type { ReportGroup } from '../../../ledger/books/report.js';
import { layPage, type Html } from '../../look/layout.js';
import { usd } from '../../look/words.js';
import { linkAct } from '../acts/actPage.js';
import { sideWords } from '../homePage.js';
import { filterQuery } from '../payments/filter.js';
import { viewLimitForms } from '../settings/limitForm.js';
import type { Shell } from '../shell.js';
import { daysOf, viewWindows, WINDOWS, type Window } from '../spending/window.js';
import { viewChart, type Bar } from '../spending/spendChart.js';
import { viewTime } from '../when.js';
import { viewPrices } from './prices.js';

/** A pause of one of a seller's origins. */
export interface SellerPause {
  readonly origin: string;
  readonly failures: number;
  readonly untilMs: number;
}

/** What the page of one seller shows. */
export interface SellerParts {
  readonly host: string;
  readonly window: Window;
  /** Its totals in the window; undefined where nothing was bought. */
  readonly group: ReportGroup | undefined;
  /** The last 30 days. */
  readonly bars: readonly Bar[];
  readonly agents: readonly ReportGroup[];
  /** Its latest captured payments, newest first. */
  readonly payments: readonly Payment[];
  readonly pauses: readonly SellerPause[];
  readonly config: Config;
  readonly nowMs: number;
}

/** One seller: what it got, what it brought, what it asked, and the ways to bound it. */
export function viewSeller(parts: SellerParts, shell: Shell): Html {
  const { host, window, bars, payments, agents, nowMs } = parts;
  const { visit } = shell;
  const days = daysOf(window, nowMs);
  return layPage({
    ...shell,
    title: `Purser: seller ${host}`,
    main: html`<section class="sheet">
        <h1>${host}</h1>
        ${viewStanding(parts, shell)} ${viewWindows(`sellers/${host}`, window, shell)}
        ${viewFigures(parts, shell)} ${viewChart(bars, 'day')}
        <p><a href="${visit.base}/payments${filterQuery({ host, ...days })}">Its payments</a></p>
      </section>
      <section class="sheet">
        <h2>Prices</h2>
        ${viewPrices(payments)}
      </section>
      <section class="sheet">
        <h2>Who buys there, ${WINDOWS[window].words}</h2>
        ${
          agents.length === 0
            ? html`<p class="soft">Nobody.</p>`
            : html`<ul class="rows">
                ${agents.map(
                  (group) =>
                    html`<li>
                      <a href="${visit.base}/agents/${group.key}">${group.key}</a>
                      <b>${usd(group.capturedUsdMicros)}</b>
                      <span class="soft"
                        >${group.payments} ${group.payments === 1 ? 'payment' : 'payments'}</span
                      >
                      <span class="soft">${sideWords(group)}</span>
                    </li>`,
                )}
              </ul>`
        }
      </section>
      ${viewRules(parts, shell)}`,
  });
}

function viewStanding({ host, pauses, config }: SellerParts, shell: Shell): Html {
  const back = `/sellers/${host}`;
  return html`${
    config.hosts.deny.includes(host)
      ? html`<p class="notice problem">You denied it: no agent can pay it.</p>`
      : ''
  }
  ${pauses.map(
    ({ origin, failures, untilMs }) =>
      html`<p class="notice">
        ${origin} is paused until ${viewTime(untilMs)}: it took money and gave nothing, ${failures} times.
        ${linkAct('End the pause', { kind: 'end_pause', subject: origin }, back, shell)}
      </p>`,
  )}`;
}

function viewFigures({ group, host, window, nowMs }: SellerParts, { visit }: Shell): Html {
  if (group === undefined) return html`<p class="soft">Nothing was bought in this time.</p>`;
  const { capturedUsdMicros, payments, delivered, lost, lostUsdMicros } = group;
  const lostPayments = filterQuery({ host, ...daysOf(window, nowMs), lost: true });
  return html`<ul class="figures" aria-label="In this time">
    <li>
      <span class="soft">Spent</span> <b>${usd(capturedUsdMicros)}</b>
      <span>${payments} ${payments === 1 ? 'payment' : 'payments'}</span>
    </li>
    <li>
      <span class="soft">Delivered</span> <b>${percent(delivered, payments)}</b>
      <span>${delivered} of ${payments}</span>
    </li>
    <li>
      <span class="soft">Brought nothing</span> <b>${percent(lost, payments)}</b>
      <span>${lost} of ${payments}</span>
    </li>
    <li>
      <span class="soft">Lost</span> <b class="${lost > 0 ? 'bad' : ''}">${usd(lostUsdMicros)}</b>
      ${lost === 0 ? html`<span>nothing</span>` : html`<a href="${visit.base}/payments${lostPayments}">which</a>`}
    </li>
  </ul>`;
}

function percent(part: number, whole: number): string {
  return `${Math.round((100 * part) / whole)} %`;
}

/** Whether it may be paid, and how much: each change is shown whole before it is made. */
function viewRules({ host, config }: SellerParts, shell: Shell): Html {
  const { visit } = shell;
  const back = `/sellers/${host}`;
  const link = (words: string, key: 'hosts.deny' | 'hosts.allow', change: 'add' | 'remove'): Html => {
    const query = new URLSearchParams({ key, value: withEntry(config, key, change, host), back });
    return html`<a href="${visit.base}/settings/change?${query.toString()}">${words}</a>`;
  };
  const { deny, allow } = config.hosts;
  const fields = [
    ['limits', 'A day without asking, $'],
    ['ceilings', 'A day at most, $'],
  ].map(([section, label = '']) => {
    const key = `${section}.hosts.${host}.per_day_usd`;
    return { key, label, value: getKey(config, key) };
  });
  return html`<section class="sheet">
    <h2>Rules</h2>
    <p class="links">
      ${deny.includes(host) ? link('No longer deny it', 'hosts.deny', 'remove') : link('Deny it', 'hosts.deny', 'add')}
      ${allow.includes(host) ? link('No longer name it as allowed', 'hosts.allow', 'remove') : link('Name it as allowed', 'hosts.allow', 'add')}
    </p>
    <p class="soft">
      ${
        allow.length === 0
          ? 'Every seller may be paid that you do not deny. Once you name one as allowed, those that you name are the only ones.'
          : `Only the ${allow.length} that you named as allowed may be paid.`
      }
    </p>
    ${viewLimitForms(fields, back, shell)}
  </section>`;
}
