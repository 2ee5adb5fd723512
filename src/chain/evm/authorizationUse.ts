import type { SettlementQuery } from '../settlement.js';
import { RpcFault } from '../rpcFault.js';
import type { Block } from './answer.js';
import { findMoment } from './blockSearch.js';
import { searchLogs } from './logSearch.js';
import {
  blockOfEvent,
  SEARCH_CALLS_MAX,
  searchStarts,
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
async function lookForUse(
  operator: Operator,
  query: SettlementQuery,
  at: Block,
  settled: Block,
  signal: AbortSignal,
): Promise<Observation> {
  const { origin } = operator;
  const spentAt = { kind: 'spent', at, settled: at.number <= settled.number, origin } as const;
  try {
    const spent = await findSpending(operator, query, at, signal);
    if (spent === null) return { ...spentAt, fault: null };
    const isSettlement = spent.event === 'AuthorizationUsed';
    const block = await blockOfEvent(operator, spent, isSettlement, query, signal);
    const isSettled = block.number <= settled.number;
    if (spent.event === 'AuthorizationCanceled')
      return { kind: 'cancelled', at, block, settled: isSettled, origin };
    const amountAtomic = await readPayment(operator, query, spent, signal);
    if (amountAtomic === null) return { ...spentAt, fault: null };
    return { kind: 'paid', at, block, tx: spent.tx, amountAtomic, settled: isSettled, origin };
  } catch (fault) {
    if (!(fault instanceof RpcFault)) throw fault;
    return { ...spentAt, fault };
  }
}

/** The one log that spent the nonce, between the signing and the expiry; null where the operator shows none. */
async function findSpending(
  operator: Operator,
  query: SettlementQuery,
  at: Block,
  signal: AbortSignal,
): Promise<NonceLog | null> {
  const { asset, from: payer, nonce, validBeforeSec } = query;
  const filter = { asset, payer, nonce, events: ['AuthorizationUsed', 'AuthorizationCanceled'] } as const;
  let top = (await findMoment(operator, validBeforeSec, at, signal)).above ?? at;
  for await (const from of searchStarts(operator, query, top, signal)) {
    for await (const [log] of searchLogs(
      operator,
      filter,
      { from, to: top.number },
      SEARCH_CALLS_MAX,
      signal,
    )) {
      if (log !== undefined && isNonceLog(log)) return log;
    }
    if (from === 0n) return null;
    top = await operator.blockAt(from, signal);
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
