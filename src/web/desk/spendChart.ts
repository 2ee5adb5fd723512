import { html } from 'hono/html';
import type { ReportGroup } from '../../ledger/books/report.js';
import type { UsdMicros } from '../../money/unit.js';
import { localDay } from '../../text/localTime.js';
import type { Html } from '../look/layout.js';
import { usd } from '../look/words.js';

const DAY_MS = 24 * 3600 * 1000;
/** The drawing's own units: it is stretched to the page's width. */
const HEIGHT = 100n;
const BAR = 8;
const STEP = 10;

/** What was spent each day, as bars, with the table behind them. */
export function viewDays(groups: readonly ReportGroup[], days: number, nowMs: number): Html {
  // From noon to noon: a day that is an hour longer or shorter is met once all the same.
  const noon = new Date(nowMs).setHours(12, 0, 0, 0);
  const byDay = new Map(groups.map((group) => [group.key, group.capturedUsdMicros]));
  const shown = Array.from({ length: days }, (_, i) => {
    const day = localDay(noon - (days - 1 - i) * DAY_MS);
    return { day, spent: byDay.get(day) ?? (0n as UsdMicros) };
  });
  const most = shown.reduce((max, { spent }) => (spent > max ? spent : max), 0n as UsdMicros);
  const total = shown.reduce((sum, { spent }) => sum + spent, 0n) as UsdMicros;
  return html`<figure class="chart">
      <figcaption>${usd(total)} in all; ${usd(most)} on the dearest day</figcaption>
      <svg viewBox="0 0 ${days * STEP} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true">
        ${shown.map(({ spent }, i) => {
          const height = most === 0n ? 0n : (BigInt(spent) * HEIGHT) / BigInt(most);
          return html`<rect
            class="this"
            x="${i * STEP + 1}"
            y="${HEIGHT - height}"
            width="${BAR}"
            height="${height}"
          ></rect>`;
        })}
      </svg>
    </figure>
    <details>
      <summary>As a table</summary>
      <table class="limits">
        <thead>
          <tr>
            <th scope="col">Day</th>
            <th scope="col">Spent</th>
          </tr>
        </thead>
        <tbody>
          ${shown
            .filter(({ spent }) => spent > 0n)
            .map(
              ({ day, spent }) =>
                html`<tr>
                  <th scope="row">${day}</th>
                  <td>${usd(spent)}</td>
                </tr>`,
            )}
        </tbody>
      </table>
    </details>`;
}
