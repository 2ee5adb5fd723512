import type { Movement } from '../../ledger/books/movement.js';
import { same, signed, type Account, type PaidRow, type Period } from './account.js';
import { groupPayments, lineOf, unexplained, type Paid, type StatementLine } from './statementLine.js';

/** A payment is captured by a seller's word before its block is settled: so long before a statement's end it may be missing. */
const ON_THE_WAY_MS = 30 * 60_000;
/** How far a payment's time in the ledger and its time on the chain may be apart. */
export const APART_MS = 86_400_000;
/** Who takes the fees of all transactions of Tempo. */
const TEMPO_FEE_TAKER = '0xfeec000000000000000000000000000000000000';

/** The rows of the ledger, and which of them are told of by now. */
class Rows {
  readonly all: readonly PaidRow[];
  readonly #told = new Set<string>();
  readonly #byTx = new Map<string, PaidRow[]>();

  constructor(all: readonly PaidRow[]) {
    this.all = all;
    for (const row of all) {
      if (row.tx === null) continue;
      const key = keyOf(row.tx, row.payFrom);
      this.#byTx.set(key, [...(this.#byTx.get(key) ?? []), row]);
    }
  }

  /** Those that went out with the transaction of these movements. */
  of(outs: readonly Movement[]): readonly PaidRow[] {
    const [first] = outs;
    if (first === undefined) return [];
    return this.#byTx.get(keyOf(first.tx, first.address)) ?? [];
  }

  /** The same, or where the ledger knows no transaction, the one that fits. */
  fitting(outs: readonly Movement[]): readonly PaidRow[] {
    const known = this.of(outs);
    return known.length > 0 ? known : matching(this.all, outs);
  }

  tell(rows: readonly PaidRow[]): void {
    for (const { id } of rows) this.#told.add(id);
  }

  isTold({ id }: PaidRow): boolean {
    return this.#told.has(id);
  }
}

/** Tells movements by what the ledger knows of them. The changes of all lines are those of all movements, to the unit. */
export function explain(
  account: Account,
  movements: readonly Movement[],
  known: readonly PaidRow[],
  part: Period & { readonly isAtEnd: boolean },
): { readonly lines: readonly StatementLine[]; readonly onTheWay: number } {
  const rows = new Rows(known);
  tellElsewhere(account, new Set(movements), rows, part);
  const { addresses } = account;
  const agentOf = new Map(addresses.map(({ agent, address }) => [address.toLowerCase(), agent]));
  const whose = (address: string): string | null => agentOf.get(address.toLowerCase()) ?? null;
  const isInside = ({ direction, other }: Movement): boolean => direction === 'in' || whose(other) !== null;
  const inside = explainInside(movements.filter(isInside), whose, rows, part.toMs);
  const outgoing = explainOutgoing(
    account,
    movements.filter((one) => !isInside(one)),
    whose,
    rows,
  );
  const missing = explainMissing(rows, part);
  return {
    lines: [
      ...inside,
      ...outgoing.lines,
      ...missing.lines,
      ...groupPayments([...outgoing.paid, ...missing.paid]),
    ],
    onTheWay: missing.onTheWay,
  };
}

/** What the chain shows at another time is another statement's, whatever time the ledger has for it. */
function tellElsewhere(
  { movements }: Account,
  here: ReadonlySet<Movement>,
  rows: Rows,
  { fromMs, toMs }: Period,
): void {
  for (const one of movements) {
    const isElsewhere = one.direction === 'out' && !here.has(one);
    if (!isElsewhere || one.atMs < fromMs - APART_MS || one.atMs > toMs + APART_MS) continue;
    rows.tell(rows.fitting([one]));
  }
}

type Whose = (address: string) => string | null;

/** What came in, and what went from one own agent to another, in its order. */
function explainInside(
  movements: readonly Movement[],
  whose: Whose,
  rows: Rows,
  toMs: number,
): StatementLine[] {
  let moved = 0n;
  const lines = movements.flatMap((one) => {
    const agent = whose(one.address);
    const other = whose(one.other);
    if (other === null) {
      const kind = one.isProtocol ? 'earned' : 'deposit';
      return [lineOf(kind, one, { agent, other: one.other, changeAtomic: one.amountAtomic })];
    }
    moved += signed(one);
    if (one.direction === 'in') return [];
    rows.tell(rows.of([one]));
    return [lineOf('move', one, { agent, other, changeAtomic: 0n })];
  });
  if (moved === 0n) return lines;
  return [...lines, unexplained(moved, toMs, null, 'One side alone of a move between your agents is shown.')];
}

/** What left for others, by the transaction that took it: what the ledger knows it paid, and what is left of it. */
function explainOutgoing(
  { network }: Account,
  movements: readonly Movement[],
  whose: Whose,
  rows: Rows,
): { readonly lines: readonly StatementLine[]; readonly paid: readonly Paid[] } {
  const byTx = new Map<string, Movement[]>();
  for (const one of movements) {
    const key = keyOf(one.tx, one.address);
    byTx.set(key, [...(byTx.get(key) ?? []), one]);
  }
  const lines: StatementLine[] = [];
  const paid: Paid[] = [];
  for (const outs of byTx.values()) {
    const [first] = outs;
    if (first === undefined) continue;
    const agent = whose(first.address);
    const shown = outs.reduce((sum, { amountAtomic }) => sum + amountAtomic, 0n);
    const known = rows.fitting(outs).filter((row) => !rows.isTold(row));
    const counted = known.reduce((sum, { amountAtomic }) => sum + amountAtomic, 0n);
    rows.tell(known);
    paid.push(...known.map((row) => ({ row, atMs: first.atMs })));
    if (shown === counted) continue;
    if (known.length === 0 && isFee(network, outs)) {
      lines.push(lineOf('fee', first, { agent, other: 'network fee', changeAtomic: -shown }));
      continue;
    }
    const why =
      known.length === 0
        ? 'It left the wallet, and the ledger does not know it.'
        : 'The chain shows another amount than the ledger has.';
    lines.push({ ...unexplained(counted - shown, first.atMs, first.tx, why), agent, other: first.other });
  }
  return { lines, paid };
}

function isFee({ family }: Account['network'], outs: readonly Movement[]): boolean {
  return family === 'tempo' && outs.every(({ other }) => other === TEMPO_FEE_TAKER);
}

/** What the ledger has paid and the chain does not show: it may be on the way where the statement ends now. */
function explainMissing(
  rows: Rows,
  { fromMs, toMs, isAtEnd }: Period & { readonly isAtEnd: boolean },
): { readonly lines: readonly StatementLine[]; readonly paid: readonly Paid[]; readonly onTheWay: number } {
  const missing = rows.all.filter((row) => !rows.isTold(row) && row.atMs >= fromMs && row.atMs <= toMs);
  const isOnTheWay = ({ atMs }: PaidRow): boolean => isAtEnd && atMs > toMs - ON_THE_WAY_MS;
  const paid = missing.filter((row) => !isOnTheWay(row));
  const why = 'The ledger has it paid, and the chain does not show that it left.';
  return {
    lines: paid.map((row) => ({
      ...unexplained(row.amountAtomic, row.atMs, row.tx, why),
      ...{ agent: row.agent, other: row.id },
    })),
    paid: paid.map((row) => ({ row, atMs: row.atMs })),
    onTheWay: missing.length - paid.length,
  };
}

/** Rows that a movement may be of where the ledger knows no transaction: the same payee and amount, at about that time. */
function matching(rows: readonly PaidRow[], outs: readonly Movement[]): PaidRow[] {
  const [only, ...more] = outs;
  if (only === undefined || more.length > 0) return [];
  const fits = rows.filter(
    (row) =>
      row.tx === null &&
      same(row.payFrom, only.address) &&
      same(row.payTo, only.other) &&
      row.amountAtomic === only.amountAtomic &&
      Math.abs(row.atMs - only.atMs) < APART_MS,
  );
  const nearest = fits.sort((a, b) => Math.abs(a.atMs - only.atMs) - Math.abs(b.atMs - only.atMs))[0];
  return nearest === undefined ? [] : [nearest];
}

function keyOf(tx: string, from: string): string {
  return `${tx.toLowerCase()} ${from.toLowerCase()}`;
}
