import { html } from 'hono/html';
import type { UsdMicros } from '../../money/unit.js';
import type { Html } from '../look/layout.js';
import { usd } from '../look/words.js';

/** From this share of a bound on its bar warns, in hundredths. */
const WARN_PERCENT = 80n;
/** A bar's width in units of its drawing. */
const BAR_UNITS = 1000n;

/** What of a bound is used, as words and a bar. */
export function viewUse(name: Html | string, usedUsdMicros: UsdMicros, maxUsdMicros: UsdMicros): Html {
  const percent = maxUsdMicros === 0n ? 100n : (BigInt(usedUsdMicros) * 100n) / BigInt(maxUsdMicros);
  const units = percent > 100n ? BAR_UNITS : (percent * BAR_UNITS) / 100n;
  const left =
    maxUsdMicros > usedUsdMicros ? ((maxUsdMicros - usedUsdMicros) as UsdMicros) : (0n as UsdMicros);
  return html`<li>
    <p><span>${name}</span> <span>${usd(usedUsdMicros)} of ${usd(maxUsdMicros)}, ${usd(left)} left</span></p>
    <svg viewBox="0 0 ${BAR_UNITS} 10" preserveAspectRatio="none" aria-hidden="true">
      <rect class="${percent >= WARN_PERCENT ? 'above' : 'this'}" width="${units}" height="10"></rect>
    </svg>
  </li>`;
}
