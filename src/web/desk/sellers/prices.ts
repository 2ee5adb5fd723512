import { html } from 'hono/html';
import type { Payment } from '../../../ledger/attempts/payment.js';
import type { UsdMicros } from '../../../money/unit.js';
import { cleanLine } from '../../../text/untrusted.js';
import type { Html } from '../../look/layout.js';
import { usd } from '../../look/words.js';
import { viewTime } from '../when.js';

/** Longer paths are cut (T43). */
const PATH_CHARS_MAX = 120;
/** Endpoints shown: those paid last. */
const ENDPOINTS_MAX = 20;
/** The drawing's own units. */
const HEIGHT = 100n;
const STEP = 10;

/** What one endpoint cost, over its latest payments. */
interface EndpointPrice {
  readonly name: string;
  readonly calls: number;
  readonly least: UsdMicros;
  readonly most: UsdMicros;
  readonly last: UsdMicros;
  readonly lastMs: number;
}

/** What a seller asked, payment by payment, and the table of its endpoints behind the drawing. Newest first. */
export function viewPrices(payments: readonly Payment[]): Html {
  if (payments.length === 0) return html`<p class="soft">Nothing was paid yet.</p>`;
  const endpoints = endpointsOf(payments);
  const asked = payments.map(({ heldUsdMicros }) => heldUsdMicros).reverse();
  const most = asked.reduce((max, one) => (one > max ? one : max), 0n as UsdMicros);
  const points = asked.map((price, i) => {
    const y = most === 0n ? HEIGHT : HEIGHT - (BigInt(price) * (HEIGHT - 4n)) / BigInt(most);
    return `${i * STEP + STEP / 2},${y}`;
  });
  const drawing = html`<figure class="chart">
    <figcaption>What it asked for each of the last ${asked.length} payments: at most ${usd(most)}</figcaption>
    <svg viewBox="0 0 ${asked.length * STEP} ${HEIGHT}" preserveAspectRatio="none" aria-hidden="true">
      <polyline class="line" points="${points.join(' ')}" vector-effect="non-scaling-stroke"></polyline>
    </svg>
  </figure>`;
  return html`${asked.length > 1 ? drawing : ''}
    <div class="scroll" tabindex="0" role="group" aria-label="Prices by endpoint">
      <table class="limits full">
        <thead>
          <tr>
            <th scope="col">Endpoint</th>
            <th scope="col">Payments</th>
            <th scope="col">Least</th>
            <th scope="col">Most</th>
            <th scope="col">Last</th>
            <th scope="col">When</th>
          </tr>
        </thead>
        <tbody>
          ${endpoints.slice(0, ENDPOINTS_MAX).map(
            (one) =>
              html`<tr>
                <th scope="row">${one.name}</th>
                <td>${one.calls}</td>
                <td>${usd(one.least)}</td>
                <td>${usd(one.most)}</td>
                <td>${usd(one.last)}</td>
                <td>${viewTime(one.lastMs)}</td>
              </tr>`,
          )}
        </tbody>
      </table>
    </div>
    ${
      endpoints.length > ENDPOINTS_MAX
        ? html`<p class="soft">${endpoints.length - ENDPOINTS_MAX} more.</p>`
        : ''
    }`;
}

function endpointsOf(payments: readonly Payment[]): EndpointPrice[] {
  const found = new Map<string, EndpointPrice>();
  for (const { method, url, heldUsdMicros: price, openedMs } of payments) {
    const path = URL.canParse(url) ? new URL(url).pathname : url;
    const name = cleanLine(`${method} ${path}`, PATH_CHARS_MAX);
    const known = found.get(name);
    found.set(
      name,
      known === undefined
        ? { name, calls: 1, least: price, most: price, last: price, lastMs: openedMs }
        : {
            ...known,
            calls: known.calls + 1,
            least: price < known.least ? price : known.least,
            most: price > known.most ? price : known.most,
          },
    );
  }
  return [...found.values()];
}
