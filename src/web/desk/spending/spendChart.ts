import { html } from 'hono/html';
import type { UsdMicros } from '../../../money/unit.js';
import type { Html } from '../../look/layout.js';
import { usd } from '../../look/words.js';

/** The drawing's own units: it is stretched to the page's width. */
const HEIGHT = 100n;
const BAR = 8;
const STEP = 10;

/** One bar: what it stands for, and where it is looked into. */
export interface Bar {
  readonly label: string;
  readonly spent: UsdMicros;
  readonly href?: string;
}

/** Bars beside each other; the same numbers stand as text wherever it is drawn. */
export function drawBars(bars: readonly Pick<Bar, 'spent'>[], most: UsdMicros): Html {
  return html`<svg
    viewBox="0 0 ${bars.length * STEP} ${HEIGHT}"
    preserveAspectRatio="none"
    aria-hidden="true"
  >
    ${bars.map(({ spent }, i) => {
      const share = most === 0n ? 0n : (BigInt(spent) * HEIGHT) / BigInt(most);
      // What is not nothing is seen.
      const height = spent > 0n && share === 0n ? 1n : share;
      return html`<rect
        class="this"
        x="${i * STEP + 1}"
        y="${HEIGHT - height}"
        width="${BAR}"
        height="${height}"
      ></rect>`;
    })}
  </svg>`;
}

/** The highest bar. */
export function mostOf(bars: readonly Pick<Bar, 'spent'>[]): UsdMicros {
  return bars.reduce((max, { spent }) => (spent > max ? spent : max), 0n as UsdMicros);
}

/** What was spent in each of some periods, as bars, with the table behind them. */
export function viewChart(bars: readonly Bar[], one: string): Html {
  const most = mostOf(bars);
  const total = bars.reduce((sum, { spent }) => sum + spent, 0n) as UsdMicros;
  return html`<figure class="chart">
      <figcaption>${usd(total)} in all; ${usd(most)} in the dearest ${one}</figcaption>
      ${drawBars(bars, most)}
      <p class="ends"><span>${bars[0]?.label ?? ''}</span> <span>${bars.at(-1)?.label ?? ''}</span></p>
    </figure>
    <details>
      <summary>As a table</summary>
      <table class="limits">
        <thead>
          <tr>
            <th scope="col">${one[0]?.toUpperCase()}${one.slice(1)}</th>
            <th scope="col">Spent</th>
          </tr>
        </thead>
        <tbody>
          ${bars
            .filter(({ spent }) => spent > 0n)
            .map(
              ({ label, spent, href }) =>
                html`<tr>
                  <th scope="row">${href === undefined ? label : html`<a href="${href}">${label}</a>`}</th>
                  <td>${usd(spent)}</td>
                </tr>`,
            )}
        </tbody>
      </table>
    </details>`;
}
