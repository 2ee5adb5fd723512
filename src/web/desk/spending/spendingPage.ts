import { html } from 'hono/html';
import type { ReportGroup, SpendCell } from '../../../ledger/books/report.js';
import type { UsdMicros } from '../../../money/unit.js';
import { cleanLine } from '../../../text/untrusted.js';
import { layPage, type Html } from '../../look/layout.js';
import { usd } from '../../look/words.js';
import { filterQuery } from '../payments/filter.js';
import type { Shell } from '../shell.js';
import { PERIODS, type Period, type PeriodKind } from './period.js';
import { drawBars, mostOf, viewChart, type Bar } from './spendChart.js';

/** What spending is told apart by. */
export const SIDES = { agent: 'Agents', host: 'Sellers', category: 'Categories' } as const;
export type Side = keyof typeof SIDES;

/** Lines shown: those that cost most. */
const LINES_MAX = 50;
/** A category may be a catalogue's word: longer ones are cut (T43). */
const NAME_CHARS_MAX = 120;
/** A name cannot have it. */
const APART = '\n';

/** The side of a query; agents where it names none. */
export function sideOf(query: string | undefined): Side {
  return query !== undefined && Object.hasOwn(SIDES, query) ? (query as Side) : 'agent';
}

/** What the page of spending shows. */
export interface SpendingParts {
  readonly kind: PeriodKind;
  readonly side: Side;
  readonly periods: readonly Period[];
  /** Totals of each period and name: by {@link spendingKey}. */
  readonly groups: readonly ReportGroup[];
}

/** The key of a total: its period, and whose it is. */
export function spendingKey(periods: readonly Period[], nameOf: (cell: SpendCell) => string) {
  return (cell: SpendCell): string => {
    const at = periods.findLastIndex(({ sinceMs }) => sinceMs <= cell.startMs);
    return `${at}${APART}${nameOf(cell)}`;
  };
}

/** What was spent over time, and by whom or on what. */
export function viewSpending(parts: SpendingParts, shell: Shell): Html {
  const { kind, side, periods, groups } = parts;
  const { visit } = shell;
  const byName = new Map<string, UsdMicros[]>();
  const totals = periods.map(() => 0n as UsdMicros);
  for (const { key, capturedUsdMicros } of groups) {
    const [at, name = ''] = key.split(APART);
    const line = byName.get(name) ?? periods.map(() => 0n as UsdMicros);
    line[Number(at)] = capturedUsdMicros;
    totals[Number(at)] = ((totals[Number(at)] ?? 0n) + capturedUsdMicros) as UsdMicros;
    byName.set(name, line);
  }
  const bars = periods.map(({ from, to }, i): Bar => ({
    label: from,
    spent: totals[i] ?? 0n,
    href: `${visit.base}/payments${filterQuery({ from, to })}`,
  }));
  const link = (words: string, to: Partial<Pick<SpendingParts, 'kind' | 'side'>>, isHere: boolean): Html => {
    const query = new URLSearchParams({
      by: kind,
      side,
      ...(to.kind && { by: to.kind }),
      ...(to.side && { side: to.side }),
    });
    return isHere
      ? html`<b aria-current="true">${words}</b>`
      : html`<a href="${visit.base}/spending?${query.toString()}">${words}</a>`;
  };
  return layPage({
    ...shell,
    title: 'Purser: spending',
    main: html`<section class="sheet">
        <h1>Spending</h1>
        <p class="links">
          ${Object.entries(PERIODS).map(([one, { words }]) => link(words, { kind: one as PeriodKind }, one === kind))}
        </p>
        ${viewChart(bars, kind)}
      </section>
      <section class="sheet">
        <h2>Whose</h2>
        <p class="links">
          ${Object.entries(SIDES).map(([one, words]) => link(words, { side: one as Side }, one === side))}
        </p>
        ${viewLines(byName, parts, shell)}
      </section>`,
  });
}

function viewLines(
  byName: ReadonlyMap<string, readonly UsdMicros[]>,
  { side, periods }: SpendingParts,
  { visit }: Shell,
): Html {
  const lines = [...byName]
    .map(([name, spent]) => ({ name, spent, sum: spent.reduce((a, b) => a + b, 0n) as UsdMicros }))
    .filter(({ sum }) => sum > 0n)
    .sort((a, b) => (a.sum > b.sum ? -1 : a.sum < b.sum ? 1 : a.name < b.name ? -1 : 1));
  if (lines.length === 0) return html`<p class="soft">Nothing was spent in this time.</p>`;
  const [from, to] = [periods[0]?.from ?? '', periods.at(-1)?.to ?? ''];
  const all = html`<ul class="rows trends">
    ${lines.slice(0, LINES_MAX).map(({ name, spent, sum }) => {
      const bars = spent.map((one) => ({ spent: one }));
      const href =
        side === 'category' ? null : `${visit.base}/payments${filterQuery({ [side]: name, from, to })}`;
      return html`<li>
        <span>${href === null ? cleanLine(name, NAME_CHARS_MAX) : html`<a href="${href}">${name}</a>`}</span>
        <b>${usd(sum)}</b>
        <span class="trend">${drawBars(bars, mostOf(bars))}</span>
        <span class="soft">at most ${usd(mostOf(bars))}</span>
      </li>`;
    })}
  </ul>`;
  return lines.length > LINES_MAX
    ? html`${all}
        <p class="soft">${lines.length - LINES_MAX} more that cost less.</p>`
    : all;
}
