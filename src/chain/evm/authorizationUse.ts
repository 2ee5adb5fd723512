import type { SettlementQuery } from '../settlement.js';
import type { Block } from './answer.js';
import { searchLogs } from './logSearch.js';
import {
  blockOfEvent,
  observeSpent,
  SEARCH_CALLS_MAX,
  searchRanges,
  type NonceUse,
  type Observation,
} from './observation.js';
import type { Operator } from './operator.js';
import { isNonceLog, transferOf, type NonceLog } from './tokenLog.js';

/** Authorizations of the token's own (EIP-3009). */
export const AUTHORIZATION_USE: NonceUse = {
  isUsed: (operator, query, blockHash, signal) => operator.isUsed(query, blockHash, signal),
  lookForUse,
};

/** A nonce reads as used when it was cancelled, too: only the events tell by what it was spent. */
function lookForUse(
  operator: Operator,
  query: SettlementQuery,
  at: Block,
  settled: Block,
  signal: AbortSignal,
): Promise<Observation> {
  return observeSpent(operator, at, settled, async () => {
    const spent = await findSpending(operator, query, at, signal);
    if (spent === null) return null;
    const isSettlement = spent.event === 'AuthorizationUsed';
    const block = await blockOfEvent(operator, spent, isSettlement, query, signal);
    if (spent.event === 'AuthorizationCanceled') return { kind: 'cancelled', block };
    const amountAtomic = await readPayment(operator, query, spent, signal);
    return amountAtomic === null ? null : { kind: 'paid', block, tx: spent.tx, amountAtomic };
  });
}

/** The one log that spent the nonce, between the signing and the expiry; null where the operator shows none. */
async function findSpending(
  operator: Operator,
  query: SettlementQuery,
  at: Block,
  signal: AbortSignal,
): Promise<NonceLog | null> {
  const { asset, from: payer, nonce } = query;
  const filter = { asset, payer, nonce, events: ['AuthorizationUsed', 'AuthorizationCanceled'] } as const;
  for await (const range of searchRanges(operator, query, at, signal)) {
    for await (const [log] of searchLogs(operator, filter, range, SEARCH_CALLS_MAX, signal))
      if (log !== undefined && isNonceLog(log)) return log;
  }
  return null;
}

/** What the nonce moved, or null where that was not this payment: another payee, or another amount. */
async function readPayment(
  operator: Operator,
  { asset, from: payer, to, amountAtomic }: SettlementQuery,
  used: NonceLog,
  signal: AbortSignal,
): Promise<bigint | null> {
  const blocks = { hash: used.blockHash };
  const logs = await operator.logs(
    { asset, payer, events: ['AuthorizationUsed', 'Transfer'], blocks },
    signal,
  );
  const transfer = transferOf(logs, used);
  const matches = transfer?.to === to.toLowerCase() && transfer.amountAtomic === amountAtomic;
  return matches ? transfer.amountAtomic : null;
}
