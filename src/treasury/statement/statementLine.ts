import type { Movement } from '../../ledger/books/movement.js';
import { labelLine, NO_LABELS, type Labels } from '../../payment/labels.js';
import type { AtomicAmount } from '../../money/unit.js';
import type { PaidRow } from './account.js';

/** What a line of a statement is. */
export type LineKind = 'deposit' | 'earned' | 'move' | 'payments' | 'withdrawal' | 'fee' | 'not_explained';

/** One line of a statement. */
export interface StatementLine {
  readonly kind: LineKind;
  /** What it did to the balance; a move between own agents does nothing to it. */
  readonly changeAtomic: AtomicAmount;
  /** What moved, always above zero. */
  readonly amountAtomic: AtomicAmount;
  /** When; of several payments the last. */
  readonly atMs: number;
  /** Whose address it was at; null where it is of no single one. */
  readonly agent: string | null;
  /** Who was at the other end: a seller, an address, or another agent. */
  readonly other: string;
  /** How many payments it stands for. */
  readonly count: number;
  readonly tx: string | null;
  /** Why it is not explained; empty otherwise. */
  readonly why: string;
  /** What the payments it stands for are tagged with, all alike; absent where they are not. */
  readonly labels?: Labels;
}

/** A row that was paid, and when by the chain. */
export interface Paid {
  readonly row: PaidRow;
  readonly atMs: number;
}

/** Payments by agent, seller and labels, and each withdrawal by itself. */
export function groupPayments(paid: readonly Paid[]): StatementLine[] {
  const groups = new Map<string, StatementLine>();
  const lines: StatementLine[] = [];
  for (const { row, atMs } of paid) {
    const labels = labelLine(row.labels ?? NO_LABELS);
    const line: StatementLine = {
      kind: row.kind === 'payment' ? 'payments' : 'withdrawal',
      changeAtomic: -row.amountAtomic,
      amountAtomic: row.amountAtomic,
      atMs,
      agent: row.agent,
      other: row.kind === 'payment' ? row.host : row.payTo,
      count: 1,
      tx: row.kind === 'payment' ? null : row.tx,
      why: '',
      ...(labels === '' ? {} : { labels: row.labels ?? NO_LABELS }),
    };
    if (line.kind === 'withdrawal') {
      lines.push(line);
      continue;
    }
    const key = `${row.agent} ${row.host} ${labels}`;
    const known = groups.get(key);
    groups.set(
      key,
      known === undefined
        ? line
        : {
            ...line,
            changeAtomic: known.changeAtomic + line.changeAtomic,
            amountAtomic: known.amountAtomic + line.amountAtomic,
            atMs: Math.max(known.atMs, atMs),
            count: known.count + 1,
          },
    );
  }
  return [...lines, ...groups.values()].sort((a, b) => a.atMs - b.atMs);
}

/** The line of one movement. */
export function lineOf(
  kind: LineKind,
  { amountAtomic, atMs, tx }: Movement,
  more: Pick<StatementLine, 'agent' | 'other' | 'changeAtomic'>,
): StatementLine {
  return { kind, amountAtomic, atMs, tx, count: 1, why: '', ...more };
}

/** A line of what does not fit together. */
export function unexplained(
  changeAtomic: AtomicAmount,
  atMs: number,
  tx: string | null,
  why: string,
): StatementLine {
  const amountAtomic = changeAtomic < 0n ? -changeAtomic : changeAtomic;
  return {
    kind: 'not_explained',
    changeAtomic,
    amountAtomic,
    atMs,
    agent: null,
    other: '',
    count: 1,
    tx,
    why,
  };
}
