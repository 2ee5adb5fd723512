import type { Hex } from './answer.js';
import type { AtomicAmount } from '../../money/unit.js';

/** Where a log stands on the chain. */
export interface LogPlace {
  readonly tx: Hex;
  readonly blockNumber: bigint;
  readonly blockHash: Hex;
  readonly logIndex: number;
}

/** A nonce that was spent, by a payment or by a cancellation. */
export interface NonceLog extends LogPlace {
  readonly event: 'AuthorizationUsed' | 'AuthorizationCanceled';
  readonly authorizer: Hex;
  readonly nonce: Hex;
}

/** Tokens that moved. */
export interface TransferLog extends LogPlace {
  readonly event: 'Transfer';
  readonly from: Hex;
  readonly to: Hex;
  readonly amountAtomic: AtomicAmount;
}

/** Tokens that moved with a memo (TIP-20): written beside the transfer's own log. */
export interface MemoLog extends LogPlace {
  readonly event: 'TransferWithMemo';
  readonly from: Hex;
  readonly to: Hex;
  readonly amountAtomic: AtomicAmount;
  readonly memo: Hex;
}

/** A log of a token about one payer, addresses and hashes in lower case. */
export type TokenLog = NonceLog | TransferLog | MemoLog;

/** Whether a log is of a nonce that was spent. */
export function isNonceLog(log: TokenLog): log is NonceLog {
  return log.event === 'AuthorizationUsed' || log.event === 'AuthorizationCanceled';
}

/** What {@link TokenLog} tells apart. */
export type TokenEvent = TokenLog['event'];

/** Logs in the order of the chain. */
export function sortLogs(logs: readonly TokenLog[]): TokenLog[] {
  return [...logs].sort((a, b) =>
    a.blockNumber === b.blockNumber ? a.logIndex - b.logIndex : a.blockNumber < b.blockNumber ? -1 : 1,
  );
}

/**
 * The transfer that a spent nonce made, or undefined: the payer's next log in the same transaction. The token writes
 * `AuthorizationUsed` and then moves the money, so with several payments of one payer in a transaction each nonce has
 * its own transfer, and another's of the same amount to the same payee is not taken for it.
 *
 * @param logs - the payer's `AuthorizationUsed` and `Transfer` logs, sorted, without gaps around `used`.
 */
export function transferOf(logs: readonly TokenLog[], used: NonceLog): TransferLog | undefined {
  const index = logs.findIndex((log) => log.tx === used.tx && log.logIndex === used.logIndex);
  const next = index === -1 ? undefined : logs[index + 1];
  return next?.event === 'Transfer' && next.tx === used.tx ? next : undefined;
}
