import type { SqlRow, AttemptRow } from '../payments/paymentColumns.js';
import type { LedgerContext } from '../file/context.js';
import {
  contributionOf,
  isRolling,
  partOf,
  placesOf,
  SPANS_SEC,
  totalKey,
  totalText,
  type ScopeTotal,
} from '../payments/totals.js';
import type { UsdMicros } from '../../../money/unit.js';

/** Adds up what payments contribute, as the journal tells them, and compares with the totals that are stored. */
export class TotalsAudit {
  readonly #context: LedgerContext;
  readonly #report: (where: 'totals', id: string, says: string) => void;
  readonly #scopes = new Map<string, ScopeTotal>();
  /** By scope, then one for each span: sums by the start of the span. */
  readonly #spans = new Map<string, readonly Map<number, bigint>[]>();

  constructor(context: LedgerContext, report: (where: 'totals', id: string, says: string) => void) {
    this.#context = context;
    this.#report = report;
  }

  /** Counts a payment as it ended. */
  add(payment: AttemptRow): void {
    const { countedSec, ...sums } = contributionOf(payment);
    for (const place of placesOf(payment)) {
      this.#addScope(place.key, partOf(place, sums));
      if (isRolling(place) && sums.captured !== 0n) this.#addSpans(place.key, countedSec, sums.captured);
    }
  }

  #addScope(scope: string, { live, captured }: ScopeTotal): void {
    const total = this.#scopes.get(scope) ?? { live: 0n, captured: 0n };
    this.#scopes.set(scope, { live: total.live + live, captured: total.captured + captured });
  }

  #addSpans(scope: string, atSec: number, usdMicros: UsdMicros): void {
    const spans = this.#spans.get(scope) ?? SPANS_SEC.map(() => new Map<number, bigint>());
    this.#spans.set(scope, spans);
    SPANS_SEC.forEach((span, i) => {
      const start = atSec - (atSec % span);
      spans[i]?.set(start, (spans[i].get(start) ?? 0n) + usdMicros);
    });
  }

  /** Compares the rows with what was counted, and adds to `register` what its keys must say. */
  check(register: Map<string, string>): void {
    const rows = this.#context.db.prepare('SELECT * FROM totals').iterate() as IterableIterator<SqlRow>;
    for (const row of rows) this.#compare(row);
    for (const [scope, spans] of this.#spans) {
      SPANS_SEC.forEach((span, i) => {
        for (const [start, sum] of spans[i] ?? []) {
          if (sum === 0n) continue;
          const says = `The total is missing; the journal says ${sum} micro-dollars.`;
          this.#report('totals', `${scope} ${span} ${start}`, says);
        }
      });
    }
    for (const [scope, total] of this.#scopes) {
      if (total.live !== 0n || total.captured !== 0n) register.set(totalKey(scope), totalText(total));
    }
  }

  /** Crosses a row off what was counted. */
  #compare(row: SqlRow): void {
    const [scope, span, start] = [String(row['scope']), Number(row['span_sec']), Number(row['start_sec'])];
    const id = `${scope} ${span} ${start}`;
    const told = this.#spans.get(scope)?.[SPANS_SEC.indexOf(span as (typeof SPANS_SEC)[number])];
    const sum = told?.get(start) ?? 0n;
    told?.delete(start);
    if (row['usd_micros'] !== sum) {
      const says = `The total says ${String(row['usd_micros'])}, the journal ${sum} micro-dollars.`;
      this.#report('totals', id, says);
    }
    if (!this.#context.auth.rowMatches('totals', row))
      this.#report('totals', id, 'The row does not carry its authentication code.');
  }
}
