import type { Movement, SearchedSpan } from '../../ledger/books/movement.js';
import type { AgentAddress } from '../../owner/ownAddresses.js';
import type { Asset } from '../../money/asset.js';
import type { Network } from '../../money/network.js';
import type { AtomicAmount } from '../../money/unit.js';

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
}

/** The statement of one asset on one network. Opening balance and all changes together are the closing balance. */
export interface AccountStatement {
  readonly network: string;
  readonly label: string;
  readonly symbol: string;
  readonly decimals: number;
  /** From when and until when it speaks: the period, as far as the chain was read. */
  readonly fromMs: number;
  readonly toMs: number;
  /** Null where the chain was not read. */
  readonly openingAtomic: AtomicAmount | null;
  readonly closingAtomic: AtomicAmount | null;
  readonly lines: readonly StatementLine[];
  /** What is to be known beside it, in a sentence each. */
  readonly notes: readonly string[];
}

/** A captured payment or withdrawal, as far as a statement needs it. */
export interface PaidRow {
  readonly id: string;
  readonly kind: 'payment' | 'withdrawal';
  readonly agent: string;
  readonly host: string;
  readonly network: string;
  readonly asset: string;
  readonly payFrom: string;
  readonly payTo: string;
  readonly amountAtomic: AtomicAmount;
  readonly tx: string | null;
  readonly atMs: number;
}

/** One asset on one network with all that is known of it. */
export interface Account {
  readonly network: Network;
  readonly asset: Asset;
  readonly addresses: readonly AgentAddress[];
  readonly spans: readonly SearchedSpan[];
  /** All from `movementsSinceMs` on. */
  readonly movements: readonly Movement[];
  readonly movementsSinceMs: number;
}

/** A stretch of time; the end is not in it. */
export interface Period {
  readonly fromMs: number;
  readonly toMs: number;
}

/** A payment is captured by a seller's word before its block is settled: so long before a statement's end it may be missing. */
const ON_THE_WAY_MS = 30 * 60_000;
/** How far a payment's time in the ledger and its time on the chain may be apart. */
export const APART_MS = 86_400_000;
/** Who takes the fees of all transactions of Tempo. */
const TEMPO_FEE_TAKER = '0xfeec000000000000000000000000000000000000';

/**
 * The statement of an account over a period: what the chain shows, told by what the ledger knows of it. What does not fit
 * together is a line of its own, so that the sum is always right and nothing is hidden. `say` words a time.
 */
export function stateAccount(
  account: Account,
  rows: readonly PaidRow[],
  period: Period,
  say: (ms: number) => string,
): AccountStatement {
  const { network, asset } = account;
  const facts = {
    network: network.caip2,
    label: network.label,
    symbol: asset.symbol,
    decimals: asset.decimals,
  };
  const own = rows.filter((row) => row.network === network.caip2 && same(row.asset, asset.address));
  const read = readPart(account);
  if (read === null) {
    const lines = groupPayments(
      own.filter(({ atMs }) => isIn(period, atMs)).map((row) => ({ row, atMs: row.atMs })),
    );
    const why =
      network.family === 'lightning'
        ? 'Your Lightning wallet keeps its own balance: only what this wallet paid from it is here.'
        : `The chain was not read yet: only what the ledger knows is here.`;
    return { ...facts, ...period, openingAtomic: null, closingAtomic: null, lines, notes: [why] };
  }
  const fromMs = Math.max(period.fromMs, read.fromMs);
  const toMs = Math.min(period.toMs, read.toMs);
  if (fromMs > toMs) {
    const notes = [`The chain was read from ${say(read.fromMs)} to ${say(read.toMs)} only.`];
    return { ...facts, ...period, openingAtomic: null, closingAtomic: null, lines: [], notes };
  }
  const isAtEnd = toMs === read.toMs;
  const isBeforeEnd = (one: Movement): boolean =>
    one.block <= read.toBlock && (isAtEnd ? one.atMs <= toMs : one.atMs < toMs);
  const isBefore = (one: Movement): boolean => one.block <= read.toBlock && one.atMs < fromMs;
  const opening = balanceWhere(account, isBefore);
  const closing = balanceWhere(account, isBeforeEnd);
  const movements = account.movements.filter((one) => isBeforeEnd(one) && !isBefore(one));
  const { lines, onTheWay } = explain(account, movements, own, { fromMs, toMs, isAtEnd });
  const summed = movements.reduce((sum, one) => sum + signed(one), 0n);
  const gap = opening === null || closing === null ? 0n : closing - opening - summed;
  const all = [...lines, ...(gap === 0n ? [] : [gapLine(gap, toMs)])].sort((a, b) => a.atMs - b.atMs);
  return {
    ...facts,
    ...{ fromMs, toMs, openingAtomic: opening, closingAtomic: closing, lines: all },
    notes: [
      ...notesOf(account, read, period, opening, say),
      ...(onTheWay === 0 ? [] : [onTheWayWords(onTheWay)]),
    ],
  };
}

/** How far all of an account's addresses were read; null where none was. */
function readPart({ spans, addresses }: Account): {
  readonly fromMs: number;
  readonly toMs: number;
  readonly toBlock: bigint;
} | null {
  const places = addresses.flatMap(({ address }) => {
    const own = spans.filter((span) => same(span.address, address));
    const [first] = own;
    const last = own.at(-1);
    return first === undefined || last === undefined ? [] : [{ first, last }];
  });
  if (places.length === 0) return null;
  const least = places.reduce((a, b) => (b.last.toBlock < a.last.toBlock ? b : a)).last;
  return {
    fromMs: Math.max(...places.map(({ first }) => first.fromMs)),
    toMs: least.toMs,
    toBlock: least.toBlock,
  };
}

/** What all addresses held once just these movements had been made; null where no balance of one of them is known. */
function balanceWhere(
  { addresses, spans, movements, movementsSinceMs }: Account,
  isMade: (one: Movement) => boolean,
): bigint | null {
  let sum = 0n;
  for (const { address } of addresses) {
    const own = spans.filter((span) => same(span.address, address));
    if (own.length === 0) continue;
    // A balance of before what is at hand would lack what came between.
    const known = own.filter(({ balanceAtomic, toMs }) => balanceAtomic !== null && toMs >= movementsSinceMs);
    const mine = movements.filter((one) => same(one.address, address));
    const made = mine.filter(isMade);
    const lastBlock = made.reduce((max, { block }) => (block > max ? block : max), -1n);
    // The nearest balance from there on; what came between is taken off again.
    const from = known.find(({ toBlock }) => toBlock >= lastBlock) ?? known.at(-1);
    if (from === undefined || from.balanceAtomic === null) return null;
    const counted = mine.filter(({ block }) => block <= from.toBlock);
    const madeSum = made.reduce((all, one) => all + signed(one), 0n);
    const countedSum = counted.reduce((all, one) => all + signed(one), 0n);
    sum += from.balanceAtomic - countedSum + madeSum;
  }
  return sum;
}

function signed({ direction, amountAtomic }: Movement): bigint {
  return direction === 'in' ? amountAtomic : -amountAtomic;
}

interface Paid {
  readonly row: PaidRow;
  readonly atMs: number;
}

/** Tells movements by what the ledger knows of them. The changes of all lines are those of all movements, to the unit. */
function explain(
  { addresses, network, movements: all }: Account,
  movements: readonly Movement[],
  rows: readonly PaidRow[],
  { fromMs, toMs, isAtEnd }: Period & { readonly isAtEnd: boolean },
): { readonly lines: readonly StatementLine[]; readonly onTheWay: number } {
  const agentOf = new Map(addresses.map(({ agent, address }) => [address.toLowerCase(), agent]));
  const whose = (address: string): string | null => agentOf.get(address.toLowerCase()) ?? null;
  const lines: StatementLine[] = [];
  const paid: Paid[] = [];
  const told = new Set<string>();
  const byTx = new Map<string, PaidRow[]>();
  for (const row of rows)
    if (row.tx !== null)
      byTx.set(keyOf(row.tx, row.payFrom), [...(byTx.get(keyOf(row.tx, row.payFrom)) ?? []), row]);

  // What the chain shows at another time is another statement's, whatever time the ledger has for it.
  const here = new Set(movements);
  for (const one of all) {
    const isElsewhere = one.direction === 'out' && !here.has(one);
    if (!isElsewhere || one.atMs < fromMs - APART_MS || one.atMs > toMs + APART_MS) continue;
    for (const row of byTx.get(keyOf(one.tx, one.address)) ?? matching(rows, [one])) told.add(row.id);
  }

  let moved = 0n;
  const left = new Map<string, Movement[]>();
  for (const one of movements) {
    const agent = whose(one.address);
    const otherAgent = whose(one.other);
    if (otherAgent !== null) {
      moved += signed(one);
      if (one.direction === 'out') {
        for (const row of byTx.get(keyOf(one.tx, one.address)) ?? []) told.add(row.id);
        lines.push(lineOf('move', one, { agent, other: otherAgent, changeAtomic: 0n }));
      }
    } else if (one.direction === 'in') {
      const kind = one.isProtocol ? 'earned' : 'deposit';
      lines.push(lineOf(kind, one, { agent, other: one.other, changeAtomic: one.amountAtomic }));
    } else {
      const key = keyOf(one.tx, one.address);
      left.set(key, [...(left.get(key) ?? []), one]);
    }
  }
  if (moved !== 0n)
    lines.push(unexplained(moved, toMs, null, 'One side alone of a move between your agents is shown.'));

  for (const [key, outs] of left) {
    const [first] = outs;
    if (first === undefined) continue;
    const agent = whose(first.address);
    const shown = outs.reduce((sum, { amountAtomic }) => sum + amountAtomic, 0n);
    const known = (byTx.get(key) ?? matching(rows, outs)).filter(({ id }) => !told.has(id));
    const counted = known.reduce((sum, { amountAtomic }) => sum + amountAtomic, 0n);
    for (const row of known) {
      told.add(row.id);
      paid.push({ row, atMs: first.atMs });
    }
    if (shown === counted) continue;
    const isFee =
      known.length === 0 &&
      network.family === 'tempo' &&
      outs.every(({ other }) => other === TEMPO_FEE_TAKER);
    if (isFee) {
      lines.push(lineOf('fee', first, { agent, other: 'network fee', changeAtomic: -shown }));
      continue;
    }
    const why =
      known.length === 0
        ? 'It left the wallet, and the ledger does not know it.'
        : 'The chain shows another amount than the ledger has.';
    lines.push({ ...unexplained(counted - shown, first.atMs, first.tx, why), agent, other: first.other });
  }

  let onTheWay = 0;
  for (const row of rows) {
    if (told.has(row.id) || row.atMs < fromMs || row.atMs > toMs) continue;
    if (isAtEnd && row.atMs > toMs - ON_THE_WAY_MS) {
      onTheWay += 1;
      continue;
    }
    paid.push({ row, atMs: row.atMs });
    const why = 'The ledger has it paid, and the chain does not show that it left.';
    lines.push({ ...unexplained(row.amountAtomic, row.atMs, row.tx, why), agent: row.agent, other: row.id });
  }
  return { lines: [...lines, ...groupPayments(paid)], onTheWay };
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

/** Payments by agent and seller, and each withdrawal by itself. */
function groupPayments(paid: readonly Paid[]): StatementLine[] {
  const groups = new Map<string, StatementLine>();
  const lines: StatementLine[] = [];
  for (const { row, atMs } of paid) {
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
    };
    if (line.kind === 'withdrawal') {
      lines.push(line);
      continue;
    }
    const key = `${row.agent} ${row.host}`;
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

function lineOf(
  kind: LineKind,
  { amountAtomic, atMs, tx }: Movement,
  more: Pick<StatementLine, 'agent' | 'other' | 'changeAtomic'>,
): StatementLine {
  return { kind, amountAtomic, atMs, tx, count: 1, why: '', ...more };
}

function unexplained(
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

function gapLine(gap: bigint, atMs: number): StatementLine {
  return unexplained(
    gap,
    atMs,
    null,
    'The balance changed by more than all that the chain was seen to move.',
  );
}

function notesOf(
  { spans, addresses }: Account,
  read: Period,
  period: Period,
  opening: bigint | null,
  say: (ms: number) => string,
): string[] {
  const within = spans.filter(({ toMs, fromMs }) => toMs > period.fromMs && fromMs < period.toMs);
  const alone = [...new Set(within.filter(({ isWhole }) => !isWhole).flatMap(({ readBy }) => readBy))];
  const unread = [...new Set(within.flatMap((span) => span.unread))];
  const missing = addresses.filter(({ address }) => !spans.some((span) => same(span.address, address)));
  return [
    ...(read.fromMs > period.fromMs && opening !== 0n
      ? [
          `The chain was read from ${say(read.fromMs)} on: what came and went before is in the opening balance.`,
        ]
      : []),
    ...(alone.length === 0 ? [] : [`Part of it is the word of one RPC operator alone: ${alone.join(', ')}.`]),
    ...(unread.length === 0
      ? []
      : [`${unread.length} transactions could not be read, such as ${unread[0] ?? ''}.`]),
    ...(missing.length === 0
      ? []
      : [`Not read yet: the address of ${missing.map(({ agent }) => agent).join(', ')}.`]),
  ];
}

function onTheWayWords(count: number): string {
  return `${count} ${count === 1 ? 'payment is' : 'payments are'} paid by the seller’s word and not settled on the chain yet: not counted here.`;
}

function isIn({ fromMs, toMs }: Period, atMs: number): boolean {
  return fromMs <= atMs && atMs < toMs;
}

function same(a: string, b: string): boolean {
  return a === b || (a.startsWith('0x') && a.toLowerCase() === b.toLowerCase());
}

function keyOf(tx: string, from: string): string {
  return `${tx.toLowerCase()} ${from.toLowerCase()}`;
}
