import type { ChainHistory, ChainPayment } from './history.js';
import { RpcFault } from './rpcFault.js';

/** What all operators of a network show of one address together. */
export interface UnionHistory {
  /** Each payment that at least one of them shows, oldest first. */
  readonly payments: readonly ChainPayment[];
  /** Transactions that one of them shows in a form that cannot be read: whether they took anything is not known. */
  readonly unread: readonly string[];
  /** Who was read, and up to when, in seconds since 1970. */
  readonly readBy: readonly Pick<ChainHistory, 'origin' | 'untilSec'>[];
  /** Why the others were not: one clause for each. */
  readonly faults: readonly string[];
  /** Whether as many were read as must agree on a release: then one that leaves payments out hides nothing (T28). */
  readonly isWhole: boolean;
}

/** Identity of a payment on its chain: its nonce, or where it has none its place. */
export function paymentKey({
  nonce,
  tx,
  to,
  amountAtomic,
}: Pick<ChainPayment, 'nonce' | 'tx' | 'to' | 'amountAtomic'>): string {
  return nonce?.toLowerCase() ?? `transfer ${tx} ${to.toLowerCase()} ${amountAtomic}`;
}

/** Reads every operator's history and adds them up. Throws nothing that is a fault of an RPC. */
export async function readUnion<Operator>(
  operators: readonly Operator[],
  quorum: number,
  read: (operator: Operator) => Promise<ChainHistory>,
): Promise<UnionHistory> {
  const histories: ChainHistory[] = [];
  const faults: string[] = [];
  for (const settled of await Promise.allSettled(operators.map(read))) {
    if (settled.status === 'fulfilled') histories.push(settled.value);
    else if (settled.reason instanceof RpcFault) faults.push(settled.reason.message);
    else throw settled.reason;
  }
  const found = new Map<string, ChainPayment>();
  for (const payment of histories.flatMap(({ payments }) => payments)) {
    const known = found.get(paymentKey(payment));
    // They differ only where one of them lies; what is counted is then the most that may have moved.
    const most = known === undefined || known.amountAtomic < payment.amountAtomic ? payment : known;
    // What one of them alone names may be made up, to pass for a payment that is counted already (T28).
    const isNamed = known === undefined || (known.named ?? null) === (payment.named ?? null);
    found.set(paymentKey(payment), isNamed ? most : { ...most, named: null });
  }
  const inOrder = (a: ChainPayment, b: ChainPayment): number =>
    a.blockNumber === b.blockNumber ? a.logIndex - b.logIndex : Number(a.blockNumber - b.blockNumber);
  return {
    payments: [...found.values()].sort(inOrder),
    unread: [...new Set(histories.flatMap(({ unread }) => unread))],
    readBy: histories.map(({ origin, untilSec }) => ({ origin, untilSec })),
    faults,
    isWhole: histories.length >= quorum,
  };
}

/** A sentence on the transactions of an address that could not be read; null where all were. */
export function describeUnread(
  { unread }: Pick<UnionHistory, 'unread'>,
  address: string,
  label: string,
): string | null {
  const [first] = unread;
  if (first === undefined) return null;
  const which =
    unread.length === 1 ? `Transaction ${first}` : `${unread.length} transactions, such as ${first},`;
  return `${which} of ${address} on ${label} cannot be read: whether money left by it is not known.`;
}
