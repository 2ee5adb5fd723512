import { setImmediate as nextTurn, setTimeout as pause } from 'node:timers/promises';
import { addGroups, type ReportGroup, type SpendCell } from '../../../ledger/books/report.js';
import type { ReportReader } from '../../../ledger/ledger.js';

/** No zone's midnight lies inside one: none of today is off UTC by less than a quarter of an hour. */
const QUARTER_HOUR_MS = 900_000;
/**
 * Older days are kept as wholes, each in one sum for each place: the one window that begins inside a day is that of the last
 * 24 hours. A month is read in a quarter of the time for it, and a year fits in memory.
 */
const FINE_DAYS = 2;
/**
 * The reading of a month stands back for so long behind a day that took long. One turn of the loop is not enough: a page takes
 * several of them, and would wait for a day's reading at each.
 */
const REST_MS = 5;
/** A day of so many payments takes about a millisecond to read. */
const LONG_DAY_PAYMENTS = 500;
/** One stretch for a whole day. */
const WHOLE_MS = Number.MAX_SAFE_INTEGER;

/** A span of time, ms; to now where it has no end. */
export interface BookSpan {
  readonly sinceMs: number;
  readonly untilMs?: number;
}

/**
 * What was spent, kept in small sums for as far back as somebody has looked. A page adds those up instead of the payments; a
 * sum in which any payment changed since, by the journal, is read anew before. So a page costs the same with a hundred
 * payments and with a hundred thousand, and says what the ledger says.
 */
export class SpendBook {
  readonly #ledger: Pick<ReportReader, 'spendCells' | 'changedSince'>;
  /** Sums by when their stretch begins. */
  readonly #stretches = new Map<number, readonly SpendCell[]>();
  /** From this midnight on all is kept. */
  #fromMs: number;
  /** The midnight that comes after the book was begun. */
  readonly #tomorrowMs: number;
  /** From this midnight on by quarters of an hour. */
  readonly #fineFromMs: number;
  #seq: number | null = null;
  #spans = 0;
  /** One at a time brings it up to date. */
  #turn: Promise<unknown> = Promise.resolve();

  constructor(ledger: Pick<ReportReader, 'spendCells' | 'changedSince'>, nowMs: number) {
    this.#ledger = ledger;
    this.#tomorrowMs = midnightOf(nowMs, 1);
    this.#fromMs = this.#tomorrowMs;
    this.#fineFromMs = midnightOf(nowMs, -FINE_DAYS);
  }

  /** How many spans of days were read: a page that could not wait is drawn anew when there is one more. */
  get version(): number {
    return this.#spans;
  }

  /** Totals of a span by a key, the largest spending first; ledger time tells what lies in it. */
  async groups(
    { sinceMs, untilMs = Infinity }: BookSpan,
    keyOf: (cell: SpendCell) => string,
  ): Promise<ReportGroup[]> {
    const cells = await this.#inTurn(async () => {
      await this.#catchUp();
      await this.#reachBack(sinceMs);
      return this.#cellsOf(sinceMs, untilMs);
    });
    const groups = new Map<string, ReportGroup>();
    for (const cell of cells) {
      const key = keyOf(cell);
      const known = groups.get(key);
      groups.set(key, known === undefined ? { ...sumsOf(cell), key } : addGroups(known, cell));
    }
    return [...groups.values()].sort((a, b) =>
      a.capturedUsdMicros === b.capturedUsdMicros
        ? b.lastMs - a.lastMs
        : a.capturedUsdMicros > b.capturedUsdMicros
          ? -1
          : 1,
    );
  }

  async #inTurn<T>(work: () => Promise<T>): Promise<T> {
    const mine = this.#turn.then(work);
    this.#turn = mine.catch(() => undefined);
    return mine;
  }

  /** Reads the stretches anew in which a payment changed. */
  async #catchUp(): Promise<void> {
    if (this.#seq === null) return;
    const { seq, openedMs, isRebased } = await this.#ledger.changedSince(this.#seq);
    // Payments that were moved stand in stretches that do not say so (T30); a journal that is shorter is another one.
    if (isRebased || seq < this.#seq) return this.#forget();
    for (const startMs of new Set(openedMs.map((ms) => this.#startOf(ms))))
      if (startMs >= this.#fromMs) await this.#readStretch(startMs);
    this.#seq = seq;
  }

  /** Begins anew: whoever asks has all of it read again. */
  #forget(): void {
    this.#stretches.clear();
    this.#fromMs = this.#tomorrowMs;
    this.#seq = null;
  }

  /** Reads days that nobody asked about before, newest first; other work of the process goes on between two of them. */
  async #reachBack(sinceMs: number): Promise<void> {
    // What changes while they are read is read once more: the entry is older than the first of them.
    if (this.#seq === null) {
      const { seq } = await this.#ledger.changedSince(Number.MAX_SAFE_INTEGER);
      // Ledger time may be ahead of the clock, and a desk stays open over days.
      await this.#readDay(this.#tomorrowMs, Number.MAX_SAFE_INTEGER);
      this.#seq = seq;
    }
    if (this.#fromMs <= sinceMs) return;
    while (this.#fromMs > sinceMs) {
      const startMs = midnightOf(this.#fromMs, -1);
      const read = await this.#readDay(startMs, this.#fromMs);
      this.#fromMs = startMs;
      await (read < LONG_DAY_PAYMENTS ? nextTurn() : pause(REST_MS));
    }
    this.#spans += 1;
  }

  /** Answers how many payments it has. */
  async #readDay(fromMs: number, untilMs: number): Promise<number> {
    const isFine = fromMs >= this.#fineFromMs;
    const stretchMs = isFine ? QUARTER_HOUR_MS : WHOLE_MS;
    const cells = await this.#ledger.spendCells({ fromMs, untilMs, stretchMs });
    const byStart = Map.groupBy(cells, ({ startMs }) => (isFine ? startMs : fromMs));
    for (const [startMs, some] of byStart) this.#stretches.set(startMs, some);
    return cells.reduce((sum, { payments }) => sum + payments, 0);
  }

  async #readStretch(startMs: number): Promise<void> {
    const untilMs = this.#endOf(startMs);
    const cells = await this.#ledger.spendCells({ fromMs: startMs, untilMs, stretchMs: WHOLE_MS });
    this.#stretches.set(startMs, cells);
  }

  /** All that lies in a span; of a stretch that it cuts through the part inside is read. */
  async #cellsOf(sinceMs: number, untilMs: number): Promise<SpendCell[]> {
    const found: SpendCell[] = [];
    for (const [startMs, cells] of this.#stretches) {
      const endMs = this.#endOf(startMs);
      if (endMs <= sinceMs || startMs >= untilMs) continue;
      const isWhole = startMs >= sinceMs && endMs <= untilMs;
      const inside = isWhole
        ? cells
        : await this.#ledger.spendCells({
            fromMs: Math.max(startMs, sinceMs),
            untilMs: Math.min(endMs, untilMs),
            stretchMs: WHOLE_MS,
          });
      for (const cell of inside) found.push({ ...cell, startMs });
    }
    return found;
  }

  #startOf(ms: number): number {
    return ms >= this.#fineFromMs ? ms - (ms % QUARTER_HOUR_MS) : midnightOf(ms);
  }

  #endOf(startMs: number): number {
    return startMs >= this.#fineFromMs ? startMs + QUARTER_HOUR_MS : midnightOf(startMs, 1);
  }
}

/** The midnight that a local day began with, some days on or back; a day may have 23 or 25 hours. */
export function midnightOf(ms: number, days = 0): number {
  const at = new Date(ms);
  return new Date(at.getFullYear(), at.getMonth(), at.getDate() + days).getTime();
}

function sumsOf({ payments, capturedUsdMicros, heldUsdMicros, delivered, ...rest }: SpendCell) {
  const { lost, lostUsdMicros, firstMs, lastMs } = rest;
  return { payments, capturedUsdMicros, heldUsdMicros, delivered, lost, lostUsdMicros, firstMs, lastMs };
}
