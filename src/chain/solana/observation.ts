import { isBase58 } from '../../money/base58.js';
import {
  messageHash,
  readOwnMessage,
  readTransaction,
  tokenAccountOf,
} from '../../protocols/solana/solanaMessage.js';
import { isSignedByAll } from '../../protocols/solana/solanaSignature.js';
import type { SearchMemory, SolanaSettlementQuery } from '../settlement.js';
import { RpcFault, type RpcFaultKind } from '../rpcFault.js';
import { assertReachesBack, isBeforeSigning, markOf } from './historyReach.js';
import type { LandedTransaction, Touched } from './solanaAnswer.js';
import type { SolanaHead, SolanaOperator } from './solanaOperator.js';
import type { AtomicAmount } from '../../money/unit.js';

/** Memory of one look, for a caller that keeps none. */
class ShortMemory implements SearchMemory {
  readonly #searches = new Map<string, string | null>();

  find(operator: string): string | null {
    return this.#searches.get(operator) ?? null;
  }

  keep(operator: string, search: string | null): void {
    this.#searches.set(operator, search);
  }
}

/** What one operator shows of a payment on Solana. */
export type SolanaObservation = { readonly origin: string } & (
  | {
      /** Its message is nowhere in the account's history. */
      readonly kind: 'unused';
      readonly head: SolanaHead;
      /** Whether it never landed and never will, by this operator: dead for good, in a history that was read whole. */
      readonly expired: boolean;
    }
  | {
      readonly kind: 'paid';
      readonly head: SolanaHead;
      readonly tx: string;
      readonly slot: number;
      readonly timeSec: number | null;
      readonly amountAtomic: AtomicAmount;
      readonly settled: boolean;
    }
  /** It is dead, and whether it landed before is still being searched; the next look goes on. */
  | { readonly kind: 'searching'; readonly head: SolanaHead }
  | { readonly kind: 'down'; readonly fault: RpcFault }
);

/** Blocks that a blockhash lives for. */
export const BLOCKHASH_BLOCKS = 150;
/**
 * What the operator that gave the blockhash may have been ahead of another, in blocks: some 13 s. An operator that was
 * farther behind is caught by the time of its blocks, see {@link REACHED_SEC}.
 */
const SLACK_BLOCKS = 32;
/**
 * A block this long after the signing comes after the blockhash: the wall clock that it was signed by was right to
 * within a minute. Before it, "not valid" may mean "not known yet" (T31).
 */
const REACHED_SEC = 60;
/**
 * The same where no height can be waited for, such as a last block that no blockhash lives to: then the time of the
 * operator's own blocks is all there is, with some more room for a clock of ours.
 */
const REACHED_BY_TIME_SEC = 300;
/** Pages of the account's history in one look; what is left comes with the next. */
const PAGES_MAX = 10;
/**
 * Transactions that are proved not to be the payment that was looked for, by operator. Anyone can put our memo and our
 * account into transactions of their own: a look that ran out of time over them goes on from there, or no look would ever end.
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
  query: SolanaSettlementQuery,
  signal: AbortSignal,
  memory: SearchMemory = new ShortMemory(),
): Promise<SolanaObservation> {
  const { origin } = operator;
  try {
    // The head first: whatever landed up to it is in the history that is read after it, by a node that has seen it.
    const head = await operator.finalized(signal);
    const claimed = await readClaim(operator, query, signal);
    if (claimed !== null) return paidObservation(origin, head, claimed);
    const expired = await isDead(operator, query, head, signal);
    const search = expired
      ? await searchWhole(operator, query, { head, memory }, signal)
      : await searchNewest(operator, query, head, signal);
    if (search === 'unfinished') return { kind: 'searching', origin, head };
    if (search !== 'absent') return paidObservation(origin, head, search);
    return { kind: 'unused', origin, head, expired };
  } catch (fault) {
    if (!(fault instanceof RpcFault)) throw fault;
    return { kind: 'down', origin, fault };
  }
}

function paidObservation(
  origin: string,
  head: SolanaHead,
  { landed, tx, amountAtomic }: Found,
): SolanaObservation {
  const { slot, timeSec } = landed;
  return { kind: 'paid', origin, head, tx, slot, timeSec, amountAtomic, settled: slot <= head.slot };
}

/**
 * Whether the payment can land no more, by this operator's own count: its finalized height is past its height at the
 * signing and all that a blockhash lives, its blocks have come to a time at which it must know the blockhash, and it
 * says that it is not valid. Where its height was not noted, the last block that another one named only delays: the
 * proof is then the time of its own blocks, and its own word on the blockhash (T28, T31).
 */
async function isDead(
  operator: SolanaOperator,
  query: SolanaSettlementQuery,
  { blockHeight, slot }: SolanaHead,
  signal: AbortSignal,
): Promise<boolean> {
  const { blockhash, validBeforeBlock, openedSec } = query;
  const height = markOf(operator, query)?.height;
  const lastBlock = height === undefined ? validBeforeBlock : height + BLOCKHASH_BLOCKS + SLACK_BLOCKS;
  const reachedSec = blockHeight > lastBlock ? REACHED_SEC : REACHED_BY_TIME_SEC;
  const timeSec = await operator.timeOf(slot, signal);
  if (timeSec === null || timeSec < openedSec + reachedSec) return false;
  return !(await operator.isBlockhashValid(blockhash, slot, signal));
}

interface Found {
  readonly tx: string;
  readonly landed: LandedTransaction;
  readonly amountAtomic: AtomicAmount;
}

/** Looks through the newest of the history: enough to see a payment while it can land, never to rule one out. */
async function searchNewest(
  operator: SolanaOperator,
  query: SolanaSettlementQuery,
  head: SolanaHead,
  signal: AbortSignal,
): Promise<Found | 'absent'> {
  const end = await walkDown(operator, query, { head }, signal, (entry) =>
    readEntry(operator, query, entry, head, signal),
  );
  return typeof end === 'string' ? 'absent' : end;
}

/** A search for where a dead payment may have landed, as it is kept between looks. */
interface Search {
  /** The slot at which it was dead: no later one can hold it. */
  readonly top: number;
  /** Down to this transaction it is in none; absent before the first. */
  readonly before?: string;
  /** It is in none down to the signing. */
  readonly whole?: true;
}

/**
 * Reads the history from where the payment was first seen dead down to its signing, over as many looks as that takes:
 * whatever is put on the account afterwards is not read (T31). Throws `pruned` where the history begins later.
 *
 * What an operator showed in earlier looks is no witness by itself: one that lied then and the other one now would
 * release together what each shows alone. A history that fits in one look is therefore read anew in each.
 */
async function searchWhole(
  operator: SolanaOperator,
  query: SolanaSettlementQuery,
  { head, memory }: { readonly head: SolanaHead; readonly memory: SearchMemory },
  signal: AbortSignal,
): Promise<Found | 'absent' | 'unfinished'> {
  const { origin } = operator;
  const kept = memory.find(origin);
  const search: Search = kept === null ? { top: head.slot } : (JSON.parse(kept) as Search);
  if (search.whole === true) return searchAgain(operator, query, head, signal);
  let { before } = search;
  const keep = (more: Partial<Search>): void =>
    memory.keep(origin, JSON.stringify({ ...search, before, ...more }));
  keep({});
  const start = { head, ...(before === undefined ? {} : { before }) };
  let end: Found | WalkEnd;
  try {
    end = await walkDown(operator, query, start, signal, async (entry) => {
      const found = entry.slot > search.top ? null : await readEntry(operator, query, entry, head, signal);
      before = entry.signature;
      if (found === null) keep({});
      return found;
    });
  } catch (fault) {
    // Its time ran out over what it read: that is no fault of the operator.
    if (fault instanceof RpcFault && signal.aborted && before !== start.before) return 'unfinished';
    throw fault;
  }
  if (end === 'pages') return 'unfinished';
  if (end === 'beginning') await assertReachesBack(operator, query, before, signal);
  if (typeof end !== 'string') return end;
  if (kept === null) {
    memory.keep(origin, null);
    return 'absent';
  }
  keep({ whole: true });
  return searchAgain(operator, query, head, signal);
}

/**
 * Reads from the top what earlier looks found the payment absent from. Where that is more than one look can read, they
 * stand.
 */
async function searchAgain(
  operator: SolanaOperator,
  query: SolanaSettlementQuery,
  head: SolanaHead,
  signal: AbortSignal,
): Promise<Found | 'absent'> {
  try {
    return await searchNewest(operator, query, head, signal);
  } catch (fault) {
    if (fault instanceof RpcFault && signal.aborted) return 'absent';
    throw fault;
  }
}

/** How a walk ended that found nothing: below the signing, where the list of the operator ends, or at {@link PAGES_MAX}. */
type WalkEnd = 'signing' | 'beginning' | 'pages';

/** Reads what touched the paying account, newest first, until `look` finds the payment. */
async function walkDown(
  operator: SolanaOperator,
  query: SolanaSettlementQuery,
  start: { readonly head: SolanaHead; readonly before?: string },
  signal: AbortSignal,
  look: (entry: Touched) => Promise<Found | null>,
): Promise<Found | WalkEnd> {
  const account = await tokenAccountOf(query.from, query.asset);
  let { before } = start;
  for (let page = 0; page < PAGES_MAX; page++) {
    const place = { minSlot: start.head.slot, ...(before === undefined ? {} : { before }) };
    const touched = await operator.touched(account, place, signal);
    for (const entry of touched) {
      if (entry.signature === before)
        throw new RpcFault('malformed', operator.origin, 'gives the same page of a history again');
      if (isBeforeSigning(operator, query, entry)) return 'signing';
      const found = await look(entry);
      if (found !== null) return found;
    }
    // A short page may be an operator's own bound: only an empty one is the end.
    before = touched.at(-1)?.signature;
    if (before === undefined) return 'beginning';
  }
  return 'pages';
}

/** The payment where an entry of the history is it; null where it is another transaction. */
async function readEntry(
  operator: SolanaOperator,
  query: SolanaSettlementQuery,
  { signature, slot, memo, failed }: Touched,
  head: SolanaHead,
  signal: AbortSignal,
): Promise<Found | null> {
  // An operator may leave memos out; one that gives them writes `[LENGTH] TEXT`.
  if (failed || (memo !== null && (query.memo === null || !memo.includes(query.memo)))) return null;
  const key = `${operator.origin} ${query.nonce} ${signature}`;
  if (others.has(key)) return null;
  const landed = await operator.transaction(signature, signal);
  // It may be the payment itself: an operator that cannot show it has not shown that it is none.
  if (landed === null)
    throw new RpcFault('malformed', operator.origin, 'lists a transaction that it does not show');
  const found = paymentIn(landed, query, signature);
  if (found === null && slot <= head.slot && isAnother(landed, query, signature)) rememberOther(key);
  return found;
}

/**
 * Whether a transaction is another one than the payment by what it is itself, whoever shows it: its signers signed another
 * message under this signature. What rests on an operator's word is asked for anew in each look, for it may lie in one of them.
 */
function isAnother(
  { base64 }: LandedTransaction,
  { nonce }: SolanaSettlementQuery,
  signature: string,
): boolean {
  const transaction = readTransaction(base64);
  return (
    transaction?.id === signature && messageHash(transaction.message) !== nonce && isSignedByAll(transaction)
  );
}

/**
 * The payment where somebody claims it to be. A claim is a short cut and nothing else: one that an operator will not
 * answer for, such as a hash of another kind of chain, must not keep it from being asked for the history (T28).
 */
async function readClaim(
  operator: SolanaOperator,
  query: SolanaSettlementQuery,
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

/** Remembers a transaction that is proved not to be the payment. */
function rememberOther(key: string): void {
  others.add(key);
  const oldest = others.values().next();
  if (others.size > OTHERS_MAX && oldest.done === false) others.delete(oldest.value);
}

/** The payment in a transaction; null where it is not in it: another message, or one that failed. */
function paymentIn(landed: LandedTransaction, query: SolanaSettlementQuery, signature: string): Found | null {
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
