import type { AtomicAmount } from '../../money/unit.js';
import type { Block, Hex } from '../evm/answer.js';
import { searchLogs } from '../evm/logSearch.js';
import type { Heads, Operator } from '../evm/operator.js';
import {
  blockOfEvent,
  guard,
  observeSpent,
  onCommonBlock,
  SEARCH_CALLS_MAX,
  searchRanges,
  type CommonBlock,
  type Observation,
} from '../evm/observation.js';
import type { MemoLog, TokenLog, TransferLog } from '../evm/tokenLog.js';
import type { TempoSettlementQuery } from '../settlement.js';

/** Logs of what a payer moved, with and without a memo. */
type MoveLog = MemoLog | TransferLog;

/**
 * Looks at the common block. The chain keeps no state by which a transaction of this kind can be asked for, so what says
 * that it never landed is the token's logs, from the signing to past the expiry, of an operator that keeps them for so long.
 * Never throws for RPC faults.
 */
export function observeSettled(
  operator: Operator,
  query: TempoSettlementQuery,
  at: CommonBlock,
  signal: AbortSignal,
): Promise<Observation> {
  return onCommonBlock(operator, at, signal, () => lookUpTo(operator, query, at.common, at.common, signal));
}

/** Looks at the operator's newest block: enough to see a payment, never enough to rule one out. Never throws for RPC faults. */
export function observeLatest(
  operator: Operator,
  query: TempoSettlementQuery,
  { latest, settled }: Heads,
  signal: AbortSignal,
): Promise<Observation> {
  return guard(operator, () => lookUpTo(operator, query, latest, settled, signal));
}

async function lookUpTo(
  operator: Operator,
  query: TempoSettlementQuery,
  at: Block,
  settled: Block,
  signal: AbortSignal,
): Promise<Observation> {
  const { origin } = operator;
  const found = await findLanding(operator, query, at, signal);
  if (found === null) return { kind: 'unused', at, settled: at.number <= settled.number, origin };
  return observeSpent(operator, at, settled, async () => {
    // The chain takes nothing at or after the expiry, so every event of it is bound by that.
    const block = await blockOfEvent(operator, found, true, query, signal);
    const amountAtomic = await readTaken(operator, query, found, signal);
    return amountAtomic === null ? null : { kind: 'paid', block, tx: found.tx, amountAtomic };
  });
}

/** A log of the payment's transaction between the signing and the expiry; null where the operator shows none. */
export async function findLanding(
  operator: Operator,
  query: TempoSettlementQuery,
  at: Block,
  signal: AbortSignal,
): Promise<TokenLog | null> {
  const { asset, from: payer, nonce: memo, ownTx } = query;
  // A transaction whose fee we pay shows by that fee, also where it moved nothing else; one that the payee completes has
  // a hash of the payee's making, and shows by the memo.
  const filter =
    ownTx === null
      ? ({ asset, payer, memo, events: ['TransferWithMemo'] } as const)
      : ({ asset, payer, events: ['Transfer', 'TransferWithMemo'] } as const);
  for await (const range of searchRanges(operator, query, at, signal)) {
    for await (const page of searchLogs(operator, filter, range, SEARCH_CALLS_MAX, signal)) {
      const found = page.find(({ tx }) => ownTx === null || tx === ownTx);
      if (found !== undefined) return found;
    }
  }
  return null;
}

/**
 * What the transaction took of the payer: the transfer and, where we pay it, the fee; the fee alone where it moved nothing.
 * Null where it moved something else than was signed.
 */
async function readTaken(
  operator: Operator,
  query: TempoSettlementQuery,
  found: TokenLog,
  signal: AbortSignal,
): Promise<AtomicAmount | null> {
  const { asset, from: payer, amountAtomic: heldAtomic } = query;
  const blocks = { hash: found.blockHash };
  const all = await operator.logs({ asset, payer, events: ['Transfer', 'TransferWithMemo'], blocks }, signal);
  const logs = all.filter((log): log is MoveLog => log.tx === found.tx && 'amountAtomic' in log);
  const memos = logs.filter((log) => log.event === 'TransferWithMemo');
  const takenAtomic = logs
    .filter((log) => log.event === 'Transfer')
    .reduce((sum, { amountAtomic }) => sum + amountAtomic, 0n);
  const isAsSigned = memos.every((log) => isOurs(log, query));
  const isWhole = memos.length === 1 || (memos.length === 0 && query.ownTx !== null);
  return isAsSigned && isWhole && takenAtomic > 0n && takenAtomic <= heldAtomic ? takenAtomic : null;
}

function isOurs({ memo, to, amountAtomic }: MemoLog, query: TempoSettlementQuery): boolean {
  return memo === lower(query.nonce) && to === lower(query.to) && amountAtomic === query.transferAtomic;
}

function lower(hex: Hex): Hex {
  return hex.toLowerCase() as Hex;
}
