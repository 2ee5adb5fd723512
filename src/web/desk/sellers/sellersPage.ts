import { html } from 'hono/html';
import type { Config } from '../../../config/settings.js';
import type { ReportGroup } from '../../../ledger/books/report.js';
import type { UsdMicros } from '../../../money/unit.js';
import { layPage, type Html } from '../../look/layout.js';
import { usd } from '../../look/words.js';
import { filterQuery } from '../payments/filter.js';
import type { Shell } from '../shell.js';
import { daysOf, viewWindows, type Window } from '../spending/window.js';

/** Sellers shown: those that cost most. */
const SELLERS_MAX = 200;

/** What the page of sellers shows. */
export interface SellersParts {
  readonly groups: readonly ReportGroup[];
  readonly window: Window;
  readonly hosts: Config['hosts'];
  readonly nowMs: number;
}

/** Sellers: what each got, what it delivered, what was lost to it. */
export function viewSellers(parts: SellersParts, shell: Shell): Html {
  const { groups, window } = parts;
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
                ${groups.slice(0, SELLERS_MAX).map((group) => viewRow(group, parts, shell))}
              </ul>`
        }
        ${
          groups.length > SELLERS_MAX
            ? html`<p class="soft">${groups.length - SELLERS_MAX} more that cost less.</p>`
            : ''
        }
      </section>
      ${viewLost(parts, shell)}`,
  });
}

function viewRow(group: ReportGroup, { hosts }: SellersParts, { visit }: Shell): Html {
  const { key, payments, delivered, capturedUsdMicros, heldUsdMicros, lostUsdMicros } = group;
  return html`<li>
    <a href="${visit.base}/sellers/${key}">${key}</a>
    <b>${usd(capturedUsdMicros)}</b>
    <span class="soft"
      >${payments} ${payments === 1 ? 'payment' : 'payments'}, ${delivered}
      delivered${
        hosts.deny.includes(key) ? html`, <span class="state bad">denied by you</span>` : ''
      }${heldUsdMicros === 0n ? '' : `, ${usd(heldUsdMicros)} held`}</span
    >
    <span class="state bad">${lostUsdMicros === 0n ? '' : `${usd(lostUsdMicros)} lost`}</span>
  </li>`;
}

/** Who took money and gave nothing, most first. */
function viewLost({ groups, window, nowMs }: SellersParts, { visit }: Shell): Html {
  const lost = groups
    .filter((group) => group.lost > 0)
    .sort((a, b) => (a.lostUsdMicros > b.lostUsdMicros ? -1 : 1));
  const days = daysOf(window, nowMs);
  const total = lost.reduce((sum, group) => sum + group.lostUsdMicros, 0n) as UsdMicros;
  return html`<section class="sheet">
    <h2>Took money and gave nothing</h2>
    ${
      lost.length === 0
        ? html`<p class="soft">Nobody in this time.</p>`
        : html`<p class="soft">${usd(total)} was lost: an empty answer, an error alone, or none.</p>
            <ul class="rows">
              ${lost.slice(0, SELLERS_MAX).map(
                ({ key, lost: count, lostUsdMicros, payments }) =>
                  html`<li>
                    <a href="${visit.base}/sellers/${key}"><span class="unseen">Lost to </span>${key}</a>
                    <b>${usd(lostUsdMicros)}</b>
                    <span class="soft"
                      ><a href="${visit.base}/payments${filterQuery({ host: key, ...days, lost: true })}"
                        >${count} of ${payments} payments<span class="unseen"> to ${key}</span></a
                      ></span
                    >
                    <span></span>
                  </li>`,
              )}
            </ul>`
    }
  </section>`;
}
