import { html } from 'hono/html';
import type { Config } from '../../../config/settings.js';
import type { ReportGroup } from '../../../ledger/books/report.js';
import { layPage, type Html } from '../../look/layout.js';
import { usd } from '../../look/words.js';
import { filterQuery } from '../payments/filter.js';
import { sideWords } from '../homePage.js';
import type { Shell } from '../shell.js';
import { daysOf, viewWindows, type Window } from '../spending/window.js';

/** What the page of sellers shows. */
export interface SellersParts {
  readonly groups: readonly ReportGroup[];
  readonly window: Window;
  readonly nowMs: number;
  readonly hosts: Config['hosts'];
}

/** Sellers: what each got, what it delivered, what was lost to it. */
export function viewSellers({ groups, window, hosts, nowMs }: SellersParts, shell: Shell): Html {
  const { visit } = shell;
  return layPage({
    ...shell,
    title: 'Purser: sellers',
    main: html`<section class="sheet">
      <h1>Sellers</h1>
      ${viewWindows('sellers', window, shell)}
      ${
        groups.length === 0
          ? html`<p class="soft">Nothing was bought in this time.</p>`
          : html`<ul class="rows">
              ${groups.map(
                (group) =>
                  html`<li>
                    <a
                      href="${visit.base}/payments${filterQuery({ host: group.key, ...daysOf(window, nowMs) })}"
                      >${group.key}</a
                    >
                    <b>${usd(group.capturedUsdMicros)}</b>
                    <span class="soft"
                      >${group.payments} ${group.payments === 1 ? 'payment' : 'payments'}, ${group.delivered}
                      delivered${hosts.deny.includes(group.key) ? ', denied by you' : ''}</span
                    >
                    <span class="${group.lost > 0 ? 'state bad' : 'soft'}">
                      ${sideWords(group)} ${viewDeny(group.key, hosts, visit.base)}
                    </span>
                  </li>`,
              )}
            </ul>`
      }
      <p class="soft">
        Which of them agents may pay is in
        <a href="${visit.base}/settings/change?key=hosts.deny">hosts.deny</a> and
        <a href="${visit.base}/settings/change?key=hosts.allow">hosts.allow</a>. What brought nothing:
        <a href="${visit.base}/payments${filterQuery({ lost: true })}">the payments</a>.
      </p>
    </section>`,
  });
}

/** The way to stop paying a seller, or to bound it: the change is shown before it is made. */
function viewDeny(host: string, { deny }: Config['hosts'], base: string): Html {
  const change = (key: string, value?: string): string =>
    `${base}/settings/change?${new URLSearchParams({ key, ...(value === undefined ? {} : { value }) }).toString()}`;
  const others = deny.includes(host) ? deny.filter((one) => one !== host) : [...deny, host];
  return html`<a href="${change('hosts.deny', JSON.stringify(others))}"
      >${deny.includes(host) ? 'Pay again' : 'Deny'}<span class="unseen"> ${host}</span></a
    >
    <a href="${change(`limits.hosts.${host}.per_day_usd`)}"
      >Cap a day<span class="unseen">, ${host}</span></a
    >`;
}
