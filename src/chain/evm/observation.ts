import type { Block, Hex } from './answer.js';
import { findMoment } from './blockSearch.js';
import type { SettlementQuery } from '../settlement.js';
import type { Heads, Operator } from './operator.js';
import { RpcFault } from '../rpcFault.js';
import type { LogPlace } from './tokenLog.js';
import type { AtomicAmount } from '../../money/unit.js';

/** What one operator shows of an authorization, with the block in whose state it looked. */
export type Observation = { readonly origin: string } & (
  | { readonly kind: 'unused'; readonly at: Block; readonly settled: boolean }
  | {
      readonly kind: 'paid';
      readonly at: Block;
      readonly block: Block;
      readonly tx: Hex;
      readonly amountAtomic: AtomicAmount;
      /** What of that a payee took of a deposit; absent where it is none. */
      readonly takenAtomic?: AtomicAmount;
      readonly settled: boolean;
    }
  | { readonly kind: 'cancelled'; readonly at: Block; readonly block: Block; readonly settled: boolean }
  /** Spent, and not shown to be by this payment. `fault` where the operator would not show by what. */
  | { readonly kind: 'spent'; readonly at: Block; readonly settled: boolean; readonly fault: RpcFault | null }
  /** A channel of the EVM that was opened and has nothing left, and what its payee had of it. */
  | {
      readonly kind: 'emptied';
      readonly at: Block;
      readonly settled: boolean;
      readonly takenAtomic: AtomicAmount;
      /** What left it empty; null where the operator does not show that. */
      readonly last: { readonly tx: Hex; readonly block: Block } | null;
    }
  /** A deposit that was made and is not closed, and what it holds: the smallest unit. */
  | {
      readonly kind: 'deposited';
      readonly at: Block;
      readonly settled: boolean;
      readonly heldAtomic?: AtomicAmount;
    }
  /** A promise: what was taken by it so far, oldest first. */
  | {
      readonly kind: 'promised';
      readonly at: Block;
      readonly settled: boolean;
      readonly standing: 'not_known' | 'known' | 'cancelled' | 'over';
      readonly charges: readonly SeenCharge[];
    }
  /** Its settled chain is not the one that the other operator showed. */
  | { readonly kind: 'forked' }
  | { readonly kind: 'down'; readonly fault: RpcFault }
);

/** By what a payment was found spent, and in which block. */
type Spending =
  | { readonly kind: 'paid'; readonly block: Block; readonly tx: Hex; readonly amountAtomic: AtomicAmount }
  | { readonly kind: 'cancelled'; readonly block: Block };

/** One transaction that took by a promise. */
export interface SeenCharge {
  readonly tx: Hex;
  readonly block: Block;
  readonly amountAtomic: AtomicAmount;
}

/**
 * How much earlier than our record of the signing an event is searched, where the operator's block at that time was not
 * noted. Nearly always the clocks agree to within the first; the second covers a clock that was an hour or two fast.
 */
const CLOCK_AHEAD_SEC = [120, 7_800] as const;
/** Pages of the event search: two hours of the fastest chain we know, at an operator that gives 1,000 blocks a page. */
export const SEARCH_CALLS_MAX = 64;

/** How the use of one kind of nonce is seen. */
export interface NonceUse {
  /** Whether the nonce was used, or struck out, in the state after this very block. */
  isUsed(operator: Operator, query: SettlementQuery, blockHash: Hex, signal: AbortSignal): Promise<boolean>;
  /** By what a nonce was used that is in the state of `at`. Never throws for RPC faults. */
  lookForUse(
    operator: Operator,
    query: SettlementQuery,
    at: Block,
    settled: Block,
    signal: AbortSignal,
  ): Promise<Observation>;
}

/** One block that is settled for every operator asked, beside an operator's own heads. */
export interface CommonBlock {
  readonly heads: Heads;
  readonly common: Block;
}

/** Looks at the common block, unless the operator's own chain has another one there. Never throws for RPC faults. */
export function onCommonBlock(
  operator: Operator,
  { heads, common }: CommonBlock,
  signal: AbortSignal,
  look: () => Promise<Observation>,
): Promise<Observation> {
  return guard(operator, async () => {
    const own =
      heads.settled.number === common.number ? heads.settled : await operator.blockAt(common.number, signal);
    // T28: the same hash with another time is a lie about the time, on which the whole proof rests.
    const isSame = own.hash === common.hash && own.timeSec === common.timeSec;
    return isSame ? look() : { kind: 'forked', origin: operator.origin };
  });
}

/** Looks at the common block. Never throws for RPC faults. */
export function observeSettled(
  use: NonceUse,
  operator: Operator,
  query: SettlementQuery,
  at: CommonBlock,
  signal: AbortSignal,
): Promise<Observation> {
  const { common } = at;
  return onCommonBlock(operator, at, signal, async () => {
    const isUsed = await use.isUsed(operator, query, common.hash, signal);
    return isUsed
      ? use.lookForUse(operator, query, common, common, signal)
      : { kind: 'unused', at: common, settled: true, origin: operator.origin };
  });
}

/** Looks at the operator's newest block: enough to see a payment, never enough to rule one out. Never throws for RPC faults. */
export function observeLatest(
  use: NonceUse,
  operator: Operator,
  query: SettlementQuery,
  { latest, settled }: Heads,
  signal: AbortSignal,
): Promise<Observation> {
  return guard(operator, async () => {
    let at = latest;
    let used: boolean;
    try {
      used = await use.isUsed(operator, query, at.hash, signal);
    } catch (error) {
      if (!(error instanceof RpcFault) || error.kind !== 'refused' || at.number === 0n) throw error;
      // Behind a load balancer the next backend may not have the newest block yet; its parent it has.
      at = await operator.blockAt(latest.number - 1n, signal);
      used = await use.isUsed(operator, query, at.hash, signal);
    }
    if (used) return use.lookForUse(operator, query, at, settled, signal);
    return { kind: 'unused', at, settled: false, origin: operator.origin };
  });
}

/** A look whose faults are the operator's. */
export async function guard(operator: Operator, look: () => Promise<Observation>): Promise<Observation> {
  try {
    return await look();
  } catch (fault) {
    if (!(fault instanceof RpcFault)) throw fault;
    return { kind: 'down', fault, origin: operator.origin };
  }
}

/**
 * Where a search for what was signed begins: at the block that was noted, then some time before the signing, for a mark
 * may have been read a moment too late. Throws where the operator's history begins later: logs that it no longer keeps
 * are not none (T31).
 */
export async function* searchStarts(
  operator: Operator,
  { openedSec, marks = [] }: Pick<SettlementQuery, 'openedSec' | 'marks'>,
  top: Block,
  signal: AbortSignal,
): AsyncGenerator<bigint> {
  const mark = marks.find(({ operator: origin }) => origin === operator.origin);
  let searched = top.number + 1n;
  if (mark !== undefined && BigInt(mark.after) <= top.number) {
    searched = await blockKept(operator, BigInt(mark.after), signal);
    yield searched;
  }
  for (const aheadSec of CLOCK_AHEAD_SEC) {
    const { below } = await findMoment(operator, openedSec - aheadSec, top, signal);
    const from = below < 0n ? 0n : below;
    if (from >= searched) continue;
    searched = from;
    yield from;
  }
}

/** Blocks of the ends of a search, both in it. */
export interface BlockRange {
  readonly from: bigint;
  readonly to: bigint;
}

/**
 * The blocks in which what was signed can have landed, from the signing to the expiry, in ranges that lie side by side: the
 * likeliest first. Throws as {@link searchStarts} does.
 */
export async function* searchRanges(
  operator: Operator,
  query: Pick<SettlementQuery, 'openedSec' | 'marks' | 'validBeforeSec'>,
  at: Block,
  signal: AbortSignal,
): AsyncGenerator<BlockRange> {
  let top = (await findMoment(operator, query.validBeforeSec, at, signal)).above ?? at;
  for await (const from of searchStarts(operator, query, top, signal)) {
    yield { from, to: top.number };
    if (from === 0n) return;
    top = await operator.blockAt(from, signal);
  }
}

/**
 * What is seen of a payment that the state of `at` shows spent: what `look` finds it spent by, or that alone where it finds
 * nothing or the operator does not say. Never throws for RPC faults.
 */
export async function observeSpent(
  { origin }: Operator,
  at: Block,
  settled: Block,
  look: () => Promise<Spending | null>,
): Promise<Observation> {
  const spent = { kind: 'spent', at, settled: at.number <= settled.number, origin } as const;
  try {
    const found = await look();
    if (found === null) return { ...spent, fault: null };
    return { ...found, at, settled: found.block.number <= settled.number, origin };
  } catch (fault) {
    if (!(fault instanceof RpcFault)) throw fault;
    return { ...spent, fault };
  }
}

async function blockKept(operator: Operator, number: bigint, signal: AbortSignal): Promise<bigint> {
  try {
    return (await operator.blockAt(number, signal)).number;
  } catch (fault) {
    if (!(fault instanceof RpcFault) || !['refused', 'malformed'].includes(fault.kind)) throw fault;
    throw new RpcFault('pruned', operator.origin, 'keeps no history from when the payment was signed');
  }
}

/**
 * The block of an event, as the operator's own chain has it. Nothing settles at or after the expiry, so an answer that says
 * so is false; `isBound` says whether the event is a settlement.
 */
export async function blockOfEvent(
  operator: Operator,
  { blockNumber, blockHash }: LogPlace,
  isBound: boolean,
  { validBeforeSec }: Pick<SettlementQuery, 'validBeforeSec'>,
  signal: AbortSignal,
): Promise<Block> {
  const block = await operator.blockAt(blockNumber, signal);
  if (block.hash !== blockHash) {
    throw new RpcFault('malformed', operator.origin, 'showed an event of a block that is not on its chain');
  }
  if (isBound && block.timeSec >= validBeforeSec) {
    throw new RpcFault('malformed', operator.origin, 'showed a settlement after the expiry');
  }
  return block;
}
