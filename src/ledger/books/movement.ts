import type { AtomicAmount } from '../../money/unit.js';

/** One movement of a token into an address of the wallet, or out of it, as the chain showed it. */
export interface Movement {
  readonly network: string;
  readonly asset: string;
  /** The wallet's own. */
  readonly address: string;
  readonly direction: 'in' | 'out';
  /** Who was at the other end; empty where the chain does not show it. */
  readonly other: string;
  readonly amountAtomic: AtomicAmount;
  readonly tx: string;
  readonly block: bigint;
  /** Its place among the movements of the transaction. */
  readonly index: number;
  readonly atMs: number;
  /** Whether a payment protocol made it: then somebody paid for something. */
  readonly isProtocol: boolean;
}

/** Where money is read on a chain: one address in one asset. */
export type MoneyPlace = Pick<Movement, 'network' | 'asset' | 'address'>;

/** A span of blocks that was searched for movements, both ends included, and what it left at the address. */
export interface SearchedSpan extends MoneyPlace {
  readonly fromBlock: bigint;
  readonly fromMs: number;
  readonly toBlock: bigint;
  readonly toMs: number;
  /** What the address held after the last block; null where that could not be read. */
  readonly balanceAtomic: AtomicAmount | null;
  /** Which RPC operators were read. */
  readonly readBy: readonly string[];
  /** Whether as many were read as must agree, see chain/movement. */
  readonly isWhole: boolean;
  /** Transactions that could not be read. */
  readonly unread: readonly string[];
}

/**
 * What chains showed of the wallet's addresses, and how far each was searched. No fact that a limit goes by: all of it can
 * be read again, so that a lost book costs time only.
 */
export interface MovementBook {
  /** The span of a place that was searched last, or null. */
  lastSpan(place: MoneyPlace): SearchedSpan | null;
  /** Every span of an asset's addresses, oldest first. */
  spans(network: string, asset: string): readonly SearchedSpan[];
  /** Movements of an asset's addresses from a time on, oldest first. */
  movements(network: string, asset: string, sinceMs: number): readonly Movement[];
  /** The newest that came in, newest first. */
  newestIn(limit: number): readonly Movement[];
  /** Keeps a span with all of its movements, in one step; nothing where another process kept one past it already. */
  keep(span: SearchedSpan, movements: readonly Movement[]): void;
  close(): void;
}
