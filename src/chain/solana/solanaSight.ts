import { isBase58 } from '../../money/base58.js';
import {
  messageHash,
  readOwnMessage,
  readTransaction,
  tokenAccountOf,
} from '../../protocols/solana/solanaMessage.js';
import { isSignedByAll } from '../../protocols/solana/solanaSignature.js';
import type { SolanaFateQuery } from '../fate.js';
import { RpcFault, type RpcFaultKind } from '../rpcFault.js';
import type { LandedTransaction } from './solanaAnswer.js';
import { TOUCHED_PAGE, type SolanaHead, type SolanaOperator } from './solanaOperator.js';

/** What one operator shows of a payment on Solana. */
export type SolanaSight = { readonly origin: string } & (
  | {
      /** Its message is nowhere in the account's history. */
      readonly kind: 'unused';
      readonly head: SolanaHead;
      /** Whether it can never land any more, by this operator: past its last block for good, and its blockhash dead. */
      readonly expired: boolean;
    }
  | {
      readonly kind: 'paid';
      readonly head: SolanaHead;
      readonly tx: string;
      readonly slot: number;
      readonly timeSec: number | null;
      readonly amountAtomic: bigint;
      readonly settled: boolean;
    }
  | { readonly kind: 'down'; readonly fault: RpcFault }
);

/** How much before our record of the signing a transaction is searched: a clock may have been fast by so much. */
const CLOCK_AHEAD_SEC = 7_800;
/** A blockhash lives for 150 blocks; an operator may be some more behind the one that gave it. */
const LIFE_BLOCKS_MAX = 1_000;
/** A blockhash lives for a minute: far more than clocks of machines that are used are wrong by. */
const OUTLIVED_SEC = 2 * 24 * 60 * 60;
/** Pages of the account's history: ten thousand payments since the one in question are a loop, not a wallet. */
const PAGES_MAX = 10;
/**
 * What each operator showed that is not the payment it was looked at for. Anyone can put our memo and our account into
 * transactions of their own: a look that ran out of time over them goes on from there, or no look would ever end.
 */
const others = new Set<string>();
/** Twice what one search reads; beyond it the oldest is read anew. */
const OTHERS_MAX = 20_000;
/** Faults that may be the question's own, and met again whenever it is asked. */
const UNANSWERABLE: readonly RpcFaultKind[] = ['refused', 'too_large', 'malformed'];

/**
 * Looks for a payment at one operator: our own message, by its hash, in the history of the account that it pays from;
 * the memo only filters. What a seller claims is looked at first. Never throws for RPC faults.
 */
export async function lookForMessage(
  operator: SolanaOperator,
  query: SolanaFateQuery,
  signal: AbortSignal,
): Promise<SolanaSight> {
  const { origin } = operator;
  try {
    // The height first: whatever landed up to it is in the history that is read after it, by a node that has seen it.
    const head = await operator.finalized(signal);
    const found = await findMessage(operator, query, head, signal);
    if (found !== null) {
      const { landed, tx, amountAtomic } = found;
      const { slot, timeSec } = landed;
      return { kind: 'paid', origin, head, tx, slot, timeSec, amountAtomic, settled: slot <= head.slot };
    }
    const isPast =
      head.blockHeight > query.validBeforeBlock || (await isOutlived(operator, query, head, signal));
    // T28: a last block that one operator named too low would look past too early; a blockhash that lives does not.
    const expired = isPast && !(await operator.isBlockhashValid(query.blockhash, head.slot, signal));
    return { kind: 'unused', origin, head, expired };
  } catch (fault) {
    if (!(fault instanceof RpcFault)) throw fault;
    return { kind: 'down', origin, fault };
  }
}

/**
 * Whether a last block is one that no blockhash lives to: an operator that names such a one when it is signed for would
 * otherwise keep the hold for good, whomever the owner asks after it (T28). The chain's own time must be far past the
 * signing: a clock of ours that is slow by hours makes no payment look old.
 */
async function isOutlived(
  operator: SolanaOperator,
  { validBeforeBlock, openedSec }: SolanaFateQuery,
  { blockHeight, slot }: SolanaHead,
  signal: AbortSignal,
): Promise<boolean> {
  if (validBeforeBlock - blockHeight <= LIFE_BLOCKS_MAX) return false;
  const timeSec = await operator.timeOf(slot, signal);
  return timeSec !== null && timeSec > openedSec + OUTLIVED_SEC;
}

interface Found {
  readonly tx: string;
  readonly landed: LandedTransaction;
  readonly amountAtomic: bigint;
}

async function findMessage(
  operator: SolanaOperator,
  query: SolanaFateQuery,
  head: SolanaHead,
  signal: AbortSignal,
): Promise<Found | null> {
  const claimed = await readClaim(operator, query, signal);
  if (claimed !== null) return claimed;
  const account = await tokenAccountOf(query.from, query.asset);
  const sinceSec = query.openedSec - CLOCK_AHEAD_SEC;
  let before: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const place = { minSlot: head.slot, ...(before === undefined ? {} : { before }) };
    const touched = await operator.touched(account, place, signal);
    for (const { signature, slot, memo, failed } of touched) {
      // An operator may leave memos out; one that gives them writes `[LENGTH] TEXT`.
      if (failed || (memo !== null && !memo.includes(query.memo))) continue;
      const key = `${operator.origin} ${query.nonce} ${signature}`;
      if (others.has(key)) continue;
      const landed = await operator.transaction(signature, signal);
      // It may be the payment itself: an operator that cannot show it has not shown that it is none.
      if (landed === null)
        throw new RpcFault('malformed', operator.origin, 'lists a transaction that it does not show');
      const found = paymentIn(landed, query, signature);
      if (found !== null) return found;
      if (slot <= head.slot) rememberOther(key);
    }
    const last = touched.at(-1);
    if (last === undefined || touched.length < TOUCHED_PAGE) return null;
    if (last.timeSec !== null && last.timeSec < sinceSec) return null;
    before = last.signature;
  }
  throw new RpcFault('too_large', operator.origin, 'shows more transactions than are searched');
}

/**
 * The payment where somebody claims it to be. A claim is a short cut and nothing else: one that an operator will not
 * answer for, such as a hash of another kind of chain, must not keep it from being asked for the history (T28).
 */
async function readClaim(
  operator: SolanaOperator,
  query: SolanaFateQuery,
  signal: AbortSignal,
): Promise<Found | null> {
  const { claimedTx } = query;
  if (claimedTx === null || !isBase58(claimedTx, 'signature')) return null;
  try {
    const landed = await operator.transaction(claimedTx, signal);
    return landed === null ? null : paymentIn(landed, query, claimedTx);
  } catch (fault) {
    if (fault instanceof RpcFault && UNANSWERABLE.includes(fault.kind)) return null;
    throw fault;
  }
}

/** Remembers a transaction that is settled for good and is not the payment. */
function rememberOther(key: string): void {
  others.add(key);
  const oldest = others.values().next();
  if (others.size > OTHERS_MAX && oldest.done === false) others.delete(oldest.value);
}

/** The payment in a transaction; null where it is not in it: another message, or one that failed. */
function paymentIn(landed: LandedTransaction, query: SolanaFateQuery, signature: string): Found | null {
  if (landed.failed) return null;
  const transaction = readTransaction(landed.base64);
  // T28: the message hash covers payee, amount and blockhash, and the signatures are proved, ours and the fee payer's: an
  // operator that was never shown them cannot make a landing up.
  if (transaction?.id !== signature || messageHash(transaction.message) !== query.nonce) return null;
  if (!isSignedByAll(transaction)) return null;
  const transfer = readOwnMessage(transaction.message);
  if (transfer === undefined || transfer.amountAtomic !== query.amountAtomic) return null;
  return { tx: signature, landed, amountAtomic: transfer.amountAtomic };
}
