import type { Movement, SearchedSpan } from '../../ledger/books/movement.js';
import type { AgentAddress } from '../../owner/ownAddresses.js';
import type { Asset } from '../../money/asset.js';
import type { Network } from '../../money/network.js';
import type { Labels } from '../../payment/labels.js';
import type { AtomicAmount } from '../../money/unit.js';

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
  readonly labels?: Labels;
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

/** What a movement did to the balance. */
export function signed({ direction, amountAtomic }: Movement): bigint {
  return direction === 'in' ? amountAtomic : -amountAtomic;
}

/** Whether two addresses, or two contracts, are one: those of the EVM are spelled in either case. */
export function same(a: string, b: string): boolean {
  return a === b || (a.startsWith('0x') && a.toLowerCase() === b.toLowerCase());
}
