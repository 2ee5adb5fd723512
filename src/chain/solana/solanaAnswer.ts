import { isBase58, writeBase58 } from '../../money/base58.js';
import { readObject } from '../evm/answer.js';
import type { AtomicAmount } from '../../money/unit.js';

/** An integer as Solana's JSON-RPC writes it: a number that JavaScript can count with. */
export function readInteger(answer: unknown): number {
  if (typeof answer !== 'number' || !Number.isSafeInteger(answer) || answer < 0)
    throw new Error('not an integer');
  return answer;
}

/** What an answer with a context is about. */
export function readValue(answer: unknown): unknown {
  return readObject(answer)['value'];
}

/** A blockhash, an address or a signature in base58. */
export function readText58(answer: unknown, of: 'address' | 'signature'): string {
  if (typeof answer !== 'string' || !isBase58(answer, of)) throw new Error('not base58 of that length');
  return answer;
}

/** Decimal text of a uint64, as token amounts are written. */
export function readAmount(answer: unknown): bigint {
  if (typeof answer !== 'string' || !/^\d{1,20}$/.test(answer)) throw new Error('not an amount');
  return BigInt(answer);
}

/** What stands at an address, as far as it bears on sending something there. */
export interface AccountFacts {
  /** In the coin that pays fees. */
  readonly lamports: bigint;
  /** The program it belongs to: the system program's are plain wallets. */
  readonly program: string;
  /** Whether it is a program itself. */
  readonly executable: boolean;
  /** Where it is laid out as a token account: of which mint, and whose. */
  readonly token: { readonly mint: string; readonly owner: string } | null;
}

/** Bytes of an account that are read: mint and owner of a token account stand in front (spl-token, `state.rs`). */
export const ACCOUNT_SLICE_BYTES = 165;
const KEY_BYTES = 32;

/** An answer of `getAccountInfo` in base64; null where nothing is there. */
export function readAccount(answer: unknown): AccountFacts | null {
  const value = readValue(answer);
  if (value === null) return null;
  const { lamports, owner, executable, data } = readObject(value);
  if (typeof executable !== 'boolean') throw new Error('not a bool');
  if (!Array.isArray(data) || typeof data[0] !== 'string') throw new Error('not the data of an account');
  const bytes = Buffer.from(data[0], 'base64');
  const token =
    bytes.length < ACCOUNT_SLICE_BYTES
      ? null
      : {
          mint: writeBase58(bytes.subarray(0, KEY_BYTES)),
          owner: writeBase58(bytes.subarray(KEY_BYTES, 2 * KEY_BYTES)),
        };
  return {
    lamports: BigInt(readInteger(lamports)),
    program: readText58(owner, 'address'),
    executable,
    token,
  };
}

/** Where the amount stands in a token account, behind mint and owner (spl-token, `state.rs`). */
const AMOUNT_BYTE = 2 * KEY_BYTES;

/** The amount of a token account, of an answer of `getAccountInfo` in base64; nothing where there is no account. */
export function readTokenAmount(answer: unknown): AtomicAmount {
  const value = readValue(answer);
  if (value === null) return 0n;
  const { data } = readObject(value);
  if (!Array.isArray(data) || typeof data[0] !== 'string') throw new Error('not the data of an account');
  const bytes = Buffer.from(data[0], 'base64');
  if (bytes.length < ACCOUNT_SLICE_BYTES) throw new Error('not a token account');
  return bytes.readBigUInt64LE(AMOUNT_BYTE);
}

/** One transaction that touched an account, newest first in its list. */
export interface Touched {
  readonly signature: string;
  readonly slot: number;
  /** Null where the operator does not know. */
  readonly timeSec: number | null;
  readonly memo: string | null;
  readonly failed: boolean;
}

/** A page of `getSignaturesForAddress`. */
export function readTouched(answer: unknown): Touched[] {
  if (!Array.isArray(answer)) throw new Error('not a list');
  return answer.map((entry) => {
    const { signature, slot, blockTime, memo, err } = readObject(entry);
    if (memo !== null && memo !== undefined && typeof memo !== 'string') throw new Error('not a memo');
    return {
      signature: readText58(signature, 'signature'),
      slot: readInteger(slot),
      timeSec: blockTime === null || blockTime === undefined ? null : readInteger(blockTime),
      memo: memo ?? null,
      failed: err !== null && err !== undefined,
    };
  });
}

/** A token account's balance before or after a transaction. */
export interface TokenBalance {
  readonly accountIndex: number;
  readonly mint: string;
  readonly owner: string | null;
  readonly amountAtomic: AtomicAmount;
}

/** A transaction that landed. */
export interface LandedTransaction {
  readonly base64: string;
  readonly slot: number;
  readonly timeSec: number | null;
  readonly failed: boolean;
  readonly before: readonly TokenBalance[];
  readonly after: readonly TokenBalance[];
}

/** An answer of `getTransaction`; null where the operator has no such transaction. */
export function readLanded(answer: unknown): LandedTransaction | null {
  if (answer === null) return null;
  const { slot, blockTime, meta, transaction } = readObject(answer);
  const { err, preTokenBalances, postTokenBalances } = readObject(meta);
  if (!Array.isArray(transaction) || typeof transaction[0] !== 'string') throw new Error('not a transaction');
  return {
    base64: transaction[0],
    slot: readInteger(slot),
    timeSec: blockTime === null || blockTime === undefined ? null : readInteger(blockTime),
    failed: err !== null && err !== undefined,
    before: readBalances(preTokenBalances),
    after: readBalances(postTokenBalances),
  };
}

/** A transaction as far as an answer can be read: what strangers put on an account may be of any kind. */
export interface ShownTransaction {
  /** Null where its bytes are not shown. */
  readonly base64: string | null;
  readonly timeSec: number | null;
  /** Null where they are not shown in full: then nothing is known of what it moved. */
  readonly balances: {
    readonly before: readonly TokenBalance[];
    readonly after: readonly TokenBalance[];
  } | null;
}

/** The same answer, of a transaction whose parts may be of a kind that is not known here. */
export function readShown(answer: unknown): ShownTransaction | null {
  if (answer === null) return null;
  const { slot, blockTime, meta, transaction } = readObject(answer);
  readInteger(slot);
  const [bytes] = Array.isArray(transaction) ? (transaction as unknown[]) : [];
  return {
    base64: typeof bytes === 'string' ? bytes : null,
    timeSec: blockTime === null || blockTime === undefined ? null : readInteger(blockTime),
    balances: readMovement(meta),
  };
}

function readMovement(meta: unknown): ShownTransaction['balances'] {
  try {
    const { preTokenBalances, postTokenBalances } = readObject(meta);
    if (!Array.isArray(preTokenBalances) || !Array.isArray(postTokenBalances)) return null;
    return { before: readBalances(preTokenBalances), after: readBalances(postTokenBalances) };
  } catch {
    return null;
  }
}

function readBalances(answer: unknown): TokenBalance[] {
  if (answer === undefined || answer === null) return [];
  if (!Array.isArray(answer)) throw new Error('not a list');
  return answer.map((entry) => {
    const { accountIndex, mint, owner, uiTokenAmount } = readObject(entry);
    return {
      accountIndex: readInteger(accountIndex),
      mint: readText58(mint, 'address'),
      owner: typeof owner === 'string' ? owner : null,
      amountAtomic: readAmount(readObject(uiTokenAmount)['amount']),
    };
  });
}
