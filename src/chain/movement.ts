import type { AtomicAmount } from '../money/unit.js';

/** One movement of a token into an address, or out of it, as a chain shows it. */
export interface ChainMovement {
  readonly direction: 'in' | 'out';
  /** Who is at the other end; empty where the chain does not show it. */
  readonly other: string;
  readonly amountAtomic: AtomicAmount;
  readonly tx: string;
  readonly block: bigint;
  /** Its place among the movements of the transaction. */
  readonly index: number;
  readonly timeSec: number;
  /** Whether it was paid as a payment protocol pays, by an authorization or with a memo: not as people send money. */
  readonly isProtocol: boolean;
}

/** From where a search goes on: past a block that was searched, or from a moment where none was. */
export type MovementStart =
  { readonly afterBlock: bigint; readonly afterSec: number } | { readonly sinceSec: number };

/** All movements of an address in a span of blocks, both ends included. */
export interface Movements {
  /** Oldest first. */
  readonly movements: readonly ChainMovement[];
  readonly fromBlock: bigint;
  readonly fromSec: number;
  readonly toBlock: bigint;
  readonly toSec: number;
  /** What the address holds after `toBlock`; null where no operator could say it. */
  readonly balanceAtomic: AtomicAmount | null;
  /** Transactions that were shown in a form that cannot be read, and may have moved anything. */
  readonly unread: readonly string[];
  /** Who was read. */
  readonly readBy: readonly string[];
  /** Why the others were not: one clause for each. */
  readonly faults: readonly string[];
  /** Whether as many were read as must agree on a release: then one that leaves movements out hides nothing (T28). */
  readonly isWhole: boolean;
  /** Whether the chain goes on past `toBlock` already: the next look goes on there. */
  readonly hasMore: boolean;
}

/** What one operator shows of a span. */
export interface MovementsOf {
  readonly origin: string;
  readonly movements: readonly ChainMovement[];
  readonly unread: readonly string[];
  readonly balanceAtomic: AtomicAmount | null;
}

/** Adds up what operators show of the same span. A balance counts where all that give one give the same. */
export function joinMovements(
  shown: readonly MovementsOf[],
): Pick<Movements, 'movements' | 'unread' | 'readBy' | 'balanceAtomic'> {
  const found = new Map<string, ChainMovement>();
  for (const movement of shown.flatMap(({ movements }) => movements)) {
    const key = `${movement.tx} ${movement.direction} ${movement.index}`;
    const known = found.get(key);
    if (known === undefined || known.amountAtomic < movement.amountAtomic) found.set(key, movement);
  }
  const balances = new Set(
    shown.flatMap(({ balanceAtomic }) => (balanceAtomic === null ? [] : [balanceAtomic])),
  );
  const [balance] = balances;
  return {
    movements: [...found.values()].sort((a, b) =>
      a.block === b.block ? a.index - b.index : a.block < b.block ? -1 : 1,
    ),
    unread: [...new Set(shown.flatMap(({ unread }) => unread))],
    readBy: shown.map(({ origin }) => origin),
    balanceAtomic: balances.size === 1 && balance !== undefined ? balance : null,
  };
}
