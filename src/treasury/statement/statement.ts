import type { Movement } from '../../ledger/books/movement.js';
import type { AtomicAmount } from '../../money/unit.js';
import { same, signed, type Account, type PaidRow, type Period } from './account.js';
import { explain } from './explanation.js';
import { groupPayments, unexplained, type StatementLine } from './statementLine.js';

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
