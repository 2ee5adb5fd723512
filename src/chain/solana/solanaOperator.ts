import type { AtomicAmount } from '../../money/unit.js';
import type { SvmNetwork } from '../../money/network.js';
import { readObject } from '../evm/answer.js';
import { openRpc, type RpcFetch } from '../rpc.js';
import { RpcFault } from '../rpcFault.js';
import type { OnTime } from '../timeGiven.js';
import {
  ACCOUNT_SLICE_BYTES,
  readAccount,
  readAmount,
  readInteger,
  readLanded,
  readShown,
  readText58,
  readTokenAmount,
  readTouched,
  readValue,
  type AccountFacts,
  type LandedTransaction,
  type ShownTransaction,
  type Touched,
} from './solanaAnswer.js';

/** Entries of one page of an account's history: as many as any operator gives. */
const TOUCHED_PAGE = 1_000;

const TRANSACTION_OPTIONS = {
  commitment: 'confirmed',
  encoding: 'base64',
  maxSupportedTransactionVersion: 0,
} as const;
/** JSON-RPC error for a transaction of a later version (Agave, `rpc-client-api`, custom_error.rs). */
const UNSUPPORTED_VERSION = -32_015;

/** Where the chain stands for one operator. */
export interface SolanaHead {
  readonly slot: number;
  readonly blockHeight: number;
}

/** A blockhash that a transaction can be built on. */
export interface Blockhash {
  readonly blockhash: string;
  readonly lastValidBlockHeight: number;
  /** Where the operator stood that gave it. */
  readonly slot: number;
}

/**
 * One RPC operator of Solana, asked in our few questions. Each throws {@link RpcFault} and nothing else; every answer
 * is taken apart strictly, for the operator may be hostile (T28).
 */
export interface SolanaOperator {
  readonly origin: string;
  /** At finalized commitment: what is there is never taken back. */
  finalized(signal?: AbortSignal): Promise<SolanaHead>;
  /** At confirmed commitment, some thirty blocks further on: nobody who follows the chain stands beyond it for long. */
  confirmed(signal?: AbortSignal): Promise<SolanaHead>;
  latestBlockhash(signal?: AbortSignal): Promise<Blockhash>;
  isBlockhashValid(blockhash: string, minSlot: number, signal?: AbortSignal): Promise<boolean>;
  /** Balance of a token account, atomic; null where there is no such account. */
  tokenBalance(tokenAccount: string, signal?: AbortSignal): Promise<AtomicAmount | null>;
  /** The balance at finalized commitment, and the slot that it is of. Of no account it is nothing. */
  settledBalance(
    tokenAccount: string,
    signal?: AbortSignal,
  ): Promise<{ readonly amountAtomic: AtomicAmount; readonly slot: number }>;
  /** What stands at an address; null where nothing does. */
  account(address: string, signal?: AbortSignal): Promise<AccountFacts | null>;
  /** Hands over a whole transaction, which is simulated first; gives its id. */
  send(base64: string, signal?: AbortSignal): Promise<string>;
  /** What touched an account, newest first, by an operator that has seen at least `minSlot`. */
  touched(
    account: string,
    page: { readonly before?: string; readonly minSlot?: number },
    signal?: AbortSignal,
  ): Promise<Touched[]>;
  /** A transaction at confirmed commitment, or null. */
  transaction(signature: string, signal?: AbortSignal): Promise<LandedTransaction | null>;
  /** The same, as far as it can be read; `unsupported` where the operator shows no transactions of its kind. */
  shown(signature: string, signal?: AbortSignal): Promise<ShownTransaction | 'unsupported' | null>;
  /** Time of a block, seconds; null where the operator does not know. */
  timeOf(slot: number, signal?: AbortSignal): Promise<number | null>;
  /** Time of the newest finalized block, seconds; null where the operator does not know. */
  newestTimeSec(signal?: AbortSignal): Promise<number | null>;
  /** The slot that its history begins at, by its own word; an archive beside it is not counted. */
  firstSlot(signal?: AbortSignal): Promise<number>;
  /** The same, counting an archive. */
  firstArchivedSlot(signal?: AbortSignal): Promise<number>;
}

/** Opens an endpoint of `network`; that it really serves that cluster is asked once, before the first question. */
export function openSolanaOperator(
  url: string,
  {
    network,
    timeoutMs,
    fetchFn,
    onTime,
  }: {
    network: SvmNetwork;
    timeoutMs: number;
    fetchFn?: RpcFetch | undefined;
    onTime?: OnTime | undefined;
  },
): SolanaOperator {
  const rpc = openRpc(url, timeoutMs, fetchFn, onTime);
  let checking: Promise<void> | undefined;

  async function checkCluster(signal: AbortSignal | undefined): Promise<void> {
    const hash = await rpc.ask('getGenesisHash', [], (answer) => readText58(answer, 'address'), signal);
    if (hash !== network.genesisHash) {
      throw new RpcFault('wrong_chain', rpc.origin, `serves another cluster than ${network.label}`);
    }
  }

  async function ask<T>(
    method: string,
    params: readonly unknown[],
    read: (answer: unknown) => T,
    signal: AbortSignal | undefined,
  ): Promise<T> {
    // Beside the first question, not before it: no answer counts until both are there.
    checking ??= checkCluster(signal).catch((fault: unknown) => {
      checking = undefined;
      throw fault;
    });
    // Both are over when this is: a check that is about to fail is not left for the next question to share.
    const [answer, checked] = await Promise.allSettled([rpc.ask(method, params, read, signal), checking]);
    if (checked.status === 'rejected') throw checked.reason;
    if (answer.status === 'rejected') throw answer.reason;
    return answer.value;
  }

  const head = (commitment: 'finalized' | 'confirmed', signal?: AbortSignal): Promise<SolanaHead> =>
    ask(
      'getEpochInfo',
      [{ commitment }],
      (answer) => {
        const { absoluteSlot, blockHeight } = readObject(answer);
        return { slot: readInteger(absoluteSlot), blockHeight: readInteger(blockHeight) };
      },
      signal,
    );

  /** The slots that the history begins at, by each count that the operator knows; at least one. */
  async function firstSlots(signal: AbortSignal | undefined): Promise<number[]> {
    const asked = await Promise.allSettled(
      ['getFirstAvailableBlock', 'minimumLedgerSlot'].map((method) => ask(method, [], readInteger, signal)),
    );
    const slots = asked.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
    for (const one of asked) {
      const isRefusal =
        one.status === 'rejected' && one.reason instanceof RpcFault && one.reason.kind === 'refused';
      if (one.status === 'rejected' && (!isRefusal || slots.length === 0)) throw one.reason;
    }
    return slots;
  }

  const timeOf = (slot: number, signal?: AbortSignal): Promise<number | null> =>
    ask('getBlockTime', [slot], (answer) => (answer === null ? null : readInteger(answer)), signal);

  return {
    origin: rpc.origin,

    finalized: (signal) => head('finalized', signal),
    confirmed: (signal) => head('confirmed', signal),

    latestBlockhash: (signal) =>
      ask(
        'getLatestBlockhash',
        [{ commitment: 'confirmed' }],
        (answer) => {
          const { blockhash, lastValidBlockHeight } = readObject(readValue(answer));
          const { slot } = readObject(readObject(answer)['context']);
          return {
            blockhash: readText58(blockhash, 'address'),
            lastValidBlockHeight: readInteger(lastValidBlockHeight),
            slot: readInteger(slot),
          };
        },
        signal,
      ),

    isBlockhashValid: (blockhash, minSlot, signal) =>
      ask(
        'isBlockhashValid',
        [blockhash, { commitment: 'confirmed', minContextSlot: minSlot }],
        (answer) => {
          const value = readValue(answer);
          if (typeof value !== 'boolean') throw new Error('not a bool');
          return value;
        },
        signal,
      ),

    tokenBalance: async (tokenAccount, signal) => {
      const read = (answer: unknown): bigint => readAmount(readObject(readValue(answer))['amount']);
      try {
        return await ask('getTokenAccountBalance', [tokenAccount, { commitment: 'confirmed' }], read, signal);
      } catch (fault) {
        // The server refuses the question for an account that is not there; whether it is not is asked outright.
        if (!(fault instanceof RpcFault) || fault.kind !== 'refused') throw fault;
        const exists = await ask(
          'getAccountInfo',
          [tokenAccount, { commitment: 'confirmed', encoding: 'base64' }],
          (answer) => readValue(answer) !== null,
          signal,
        );
        if (exists) throw fault;
        return null;
      }
    },

    settledBalance: (tokenAccount, signal) =>
      ask(
        'getAccountInfo',
        [tokenAccount, { commitment: 'finalized', encoding: 'base64' }],
        (answer) => {
          const { slot } = readObject(readObject(answer)['context']);
          return { amountAtomic: readTokenAmount(answer), slot: readInteger(slot) };
        },
        signal,
      ),

    account: (address, signal) =>
      ask(
        'getAccountInfo',
        [
          address,
          {
            commitment: 'confirmed',
            encoding: 'base64',
            dataSlice: { offset: 0, length: ACCOUNT_SLICE_BYTES },
          },
        ],
        readAccount,
        signal,
      ),

    send: (base64, signal) =>
      ask(
        'sendTransaction',
        [base64, { encoding: 'base64', preflightCommitment: 'confirmed' }],
        (answer) => readText58(answer, 'signature'),
        signal,
      ),

    touched: (account, { before, minSlot }, signal) =>
      ask(
        'getSignaturesForAddress',
        [
          account,
          {
            commitment: 'confirmed',
            limit: TOUCHED_PAGE,
            ...(before === undefined ? {} : { before }),
            ...(minSlot === undefined ? {} : { minContextSlot: minSlot }),
          },
        ],
        readTouched,
        signal,
      ),

    transaction: (signature, signal) =>
      ask('getTransaction', [signature, TRANSACTION_OPTIONS], readLanded, signal),

    async shown(signature, signal) {
      try {
        return await ask('getTransaction', [signature, TRANSACTION_OPTIONS], readShown, signal);
      } catch (fault) {
        if (fault instanceof RpcFault && fault.rpcCode === UNSUPPORTED_VERSION) return 'unsupported';
        throw fault;
      }
    },

    timeOf,

    async newestTimeSec(signal) {
      const begunMs = performance.now();
      const { slot } = await head('finalized', signal);
      const timeSec = await timeOf(slot, signal);
      const tookMs = performance.now() - begunMs;
      if (timeSec !== null) onTime?.({ operator: rpc.origin, kind: 'block', ms: timeSec * 1000, tookMs });
      return timeSec;
    },

    // The later of the two counts: a node with an archive beside it names the archive's by one, its own by the other.
    firstSlot: async (signal) => Math.max(...(await firstSlots(signal))),
    firstArchivedSlot: async (signal) => Math.min(...(await firstSlots(signal))),
  };
}
