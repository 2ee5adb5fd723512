import type { Mark } from '../../payment/mark.js';
import { tokenAccountOf } from '../../protocols/solana/solanaMessage.js';
import type { SolanaSettlementQuery } from '../settlement.js';
import { RpcFault } from '../rpcFault.js';
import type { TokenBalance, Touched } from './solanaAnswer.js';
import type { SolanaOperator } from './solanaOperator.js';

/** How much before the signing a history must reach where no slot was noted: a clock may have been fast by so much. */
const CLOCK_AHEAD_SEC = 7_800;

/** Where an operator stood when a payment was signed; undefined where that was not noted. */
export function markOf({ origin }: SolanaOperator, { marks = [] }: SolanaSettlementQuery): Mark | undefined {
  return marks.find(({ operator }) => operator === origin);
}

/** Whether an entry of an operator's history is older than the signing: nothing at or below it can be the payment. */
export function isBeforeSigning(
  operator: SolanaOperator,
  query: SolanaSettlementQuery,
  { slot, timeSec }: Touched,
): boolean {
  const mark = markOf(operator, query);
  if (mark !== undefined) return slot <= mark.after;
  return timeSec !== null && timeSec < query.openedSec - CLOCK_AHEAD_SEC;
}

/**
 * T31: a list that ends says nothing of what was before it. It counts where the operator keeps a history from the signing
 * on by its own word, and where the list begins with the account itself: an index can be shorter than the history that an
 * operator names, and says so nowhere. Throws `pruned`.
 */
export async function assertReachesBack(
  operator: SolanaOperator,
  query: SolanaSettlementQuery,
  oldest: string | undefined,
  signal: AbortSignal,
): Promise<void> {
  const keepsSigning = await keepsFromSigning(operator, query, signal);
  if (keepsSigning && (await beginsWithAccount(operator, query, oldest, signal))) return;
  throw new RpcFault('pruned', operator.origin, 'keeps no history from when the payment was signed');
}

async function keepsFromSigning(
  operator: SolanaOperator,
  query: SolanaSettlementQuery,
  signal: AbortSignal,
): Promise<boolean> {
  const first = await operator.firstSlot(signal);
  if (first <= 1) return true;
  const mark = markOf(operator, query);
  if (mark !== undefined) return first <= mark.after;
  const timeSec = await operator.timeOf(first, signal);
  return timeSec !== null && timeSec < query.openedSec - CLOCK_AHEAD_SEC;
}

/** Whether the oldest entry of a list is the one that made the paying account, or there is no such account at all. */
async function beginsWithAccount(
  operator: SolanaOperator,
  { from, asset }: SolanaSettlementQuery,
  oldest: string | undefined,
  signal: AbortSignal,
): Promise<boolean> {
  if (oldest === undefined)
    return (await operator.tokenBalance(await tokenAccountOf(from, asset), signal)) === null;
  const made = await operator.transaction(oldest, signal);
  if (made === null)
    throw new RpcFault('malformed', operator.origin, 'lists a transaction that it does not show');
  // A node lists each token account that a transaction names, where it was there before and where it was after.
  const isOurs = ({ mint, owner }: TokenBalance): boolean =>
    mint === asset.address && (owner === null || owner === from);
  return !made.before.some(isOurs) && made.after.some(isOurs);
}
