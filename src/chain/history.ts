import type { Hex } from './evm/answer.js';
import { findMoment } from './evm/blockSearch.js';
import { searchLogs } from './evm/logSearch.js';
import { permit2NonceIn } from './evm/permit2Use.js';
import type { Operator, TokenAt } from './evm/operator.js';
import {
  isNonceLog,
  transferOf,
  type NonceLog,
  type TokenEvent,
  type TokenLog,
  type TransferLog,
} from './evm/tokenLog.js';
import type { AtomicAmount } from '../money/unit.js';

/** Pages of one history: three months of Base at 2,000 blocks a page. */
const HISTORY_CALLS_MAX = 2_000;

/** Blocks whose time one history reads: more payments than that in a month are rare, and each costs a call. */
const BLOCK_TIMES_MAX = 500;

/** Transfers without a nonce whose transaction one history reads, the newest: each costs a call, too. */
const NAMES_MAX = 500;

/** One movement out of an address, as the chain shows it. */
export interface ChainPayment {
  /** The nonce that moved it: EIP-3009's, or on Solana the message's hash; null for a plain transfer, such as a withdrawal. */
  readonly nonce: string | null;
  /**
   * Where the token's logs have no nonce, what its transaction names in place of it: Permit2's nonce, or the channel that a
   * deposit opened. Null, and absent, where it names none.
   */
  readonly named?: string | null;
  readonly to: string;
  readonly amountAtomic: AtomicAmount;
  readonly tx: string;
  readonly blockNumber: bigint;
  readonly logIndex: number;
  /** Time of its block; for the oldest of very many payments a later one, never an earlier. */
  readonly timeSec: number;
}

/** What left an address in a range of blocks, both ends included. */
export interface ChainHistory {
  /** Oldest first. Transfers of nothing are left out: anybody can write them in anybody's name. */
  readonly payments: readonly ChainPayment[];
  /** Nonces that were cancelled, or that moved nothing. */
  readonly spentWithoutTransfer: readonly string[];
  /** Transactions on the account that cannot be read, and may have moved anything; none on the EVM. */
  readonly unread: readonly string[];
  readonly fromBlock: bigint;
  readonly toBlock: bigint;
  /** Time of the operator's newest block as it was read, in seconds since 1970. */
  readonly untilSec: number;
  /** The operator whose word this is. */
  readonly origin: string;
}

/** How the logs of a kind of token are read as payments. */
export interface HistoryKind {
  readonly events: readonly TokenEvent[];
  pair(logs: readonly TokenLog[]): {
    readonly payments: readonly Omit<ChainPayment, 'timeSec'>[];
    readonly spentWithoutTransfer: readonly string[];
  };
  /** What the transaction of a payment without a nonce names, see {@link ChainPayment.named}. Throws RpcFault. */
  nameIn(operator: Operator, moved: Moved, signal: AbortSignal | undefined): Promise<Hex | null>;
}

/** A payment without a nonce, with who paid it in what. */
export interface Moved extends Pick<ChainPayment, 'to' | 'amountAtomic' | 'blockNumber'> {
  readonly asset: TokenAt;
  readonly from: Hex;
  readonly tx: Hex;
}

/** Tokens of EIP-3009. */
export const EIP3009_HISTORY: HistoryKind = {
  events: ['AuthorizationUsed', 'AuthorizationCanceled', 'Transfer'],
  pair: pairPayments,
  nameIn: permit2NonceIn,
};

/**
 * Reads all that left `from` since a moment, and up to 128 blocks before it, up to the operator's newest block. Throws
 * RpcFault.
 */
export async function readHistory(
  operator: Operator,
  {
    asset,
    from: payer,
    sinceSec,
  }: { readonly asset: TokenAt; readonly from: Hex; readonly sinceSec: number },
  { events, pair, nameIn }: HistoryKind,
  signal: AbortSignal | undefined,
): Promise<ChainHistory> {
  const latest = await operator.latest(signal);
  const { below } = await findMoment(operator, sinceSec, latest, signal);
  const range = { from: below < 0n ? 0n : below, to: latest.number };
  const logs: TokenLog[] = [];
  for await (const page of searchLogs(operator, { asset, payer, events }, range, HISTORY_CALLS_MAX, signal)) {
    logs.push(...page);
  }
  const paired = pair(logs);
  const named = await withNames(paired.payments, ({ tx, ...payment }) =>
    nameIn(operator, { ...payment, asset, from: payer, tx: tx as Hex }, signal),
  );
  const payments = await dated(operator, named, signal);
  return {
    ...paired,
    payments,
    unread: [],
    fromBlock: range.from,
    toBlock: range.to,
    untilSec: latest.timeSec,
    origin: operator.origin,
  };
}

/** Reads the times of the newest blocks; older ones than these take the oldest time read: late frees nothing. */
async function dated(
  operator: Operator,
  payments: readonly Undated[],
  signal: AbortSignal | undefined,
): Promise<ChainPayment[]> {
  const times = new Map<bigint, number>();
  let timeSec = (await operator.latest(signal)).timeSec;
  return await payments.reduceRight(async (later, payment) => {
    const after = await later;
    const known = times.get(payment.blockNumber);
    if (known === undefined && times.size < BLOCK_TIMES_MAX) {
      timeSec = (await operator.blockAt(payment.blockNumber, signal)).timeSec;
      times.set(payment.blockNumber, timeSec);
    }
    return [{ ...payment, timeSec: known ?? timeSec }, ...after];
  }, Promise.resolve<ChainPayment[]>([]));
}

type Undated = Omit<ChainPayment, 'timeSec'>;

/** Those without a nonce with what their transactions name; the oldest of very many stay without, and count as unknown. */
async function withNames(
  payments: readonly Undated[],
  nameOf: (payment: Undated) => Promise<Hex | null>,
): Promise<Undated[]> {
  const asked = new Set(payments.filter(({ nonce }) => nonce === null).slice(-NAMES_MAX));
  const named: Undated[] = [];
  for (const payment of payments)
    named.push(asked.has(payment) ? { ...payment, named: await nameOf(payment) } : payment);
  return named;
}

function pairPayments(logs: readonly TokenLog[]): {
  readonly payments: Undated[];
  readonly spentWithoutTransfer: Hex[];
} {
  const nonces = new Map<TransferLog, Hex>();
  const spentWithoutTransfer: Hex[] = [];
  for (const log of logs) {
    if (!isNonceLog(log)) continue;
    const transfer = moved(logs, log);
    if (transfer === undefined) spentWithoutTransfer.push(log.nonce);
    else nonces.set(transfer, log.nonce);
  }
  const payments = logs
    .filter(
      (log): log is TransferLog => log.event === 'Transfer' && (log.amountAtomic > 0n || nonces.has(log)),
    )
    .map((log) => ({
      nonce: nonces.get(log) ?? null,
      to: log.to,
      amountAtomic: log.amountAtomic,
      tx: log.tx,
      blockNumber: log.blockNumber,
      logIndex: log.logIndex,
    }));
  return { payments, spentWithoutTransfer };
}

function moved(logs: readonly TokenLog[], log: NonceLog): TransferLog | undefined {
  return log.event === 'AuthorizationUsed' ? transferOf(logs, log) : undefined;
}
