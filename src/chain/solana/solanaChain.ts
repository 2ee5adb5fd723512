import type { AtomicAmount } from '../../money/unit.js';
import type { SvmAsset } from '../../money/asset.js';
import type { SvmNetwork } from '../../money/network.js';
import { tokenAccountOf } from '../../protocols/solana/solanaMessage.js';
import { OPERATORS_TO_AGREE } from '../bench.js';
import type { Chain, RpcSource } from '../chainReader.js';
import { within } from '../deadline.js';
import { Endpoints, FAILOVER_MS_MAX, RETRY_SEC } from '../endpoints.js';
import type { Settlement, SearchMemory, SolanaSettlementQuery } from '../settlement.js';
import type { ChainHistory } from '../history.js';
import { joinMovements, type Movements, type MovementStart } from '../movement.js';
import { RpcFault } from '../rpcFault.js';
import { readSolanaMovements, type SolanaMovements } from './tokenMovements.js';
import { readUnion, type UnionHistory } from '../unionHistory.js';
import type { RpcFetch } from '../rpc.js';
import type { OnTime } from '../timeGiven.js';
import type { AccountFacts } from './solanaAnswer.js';
import { Blockhashes } from './blockhashes.js';
import { readSolanaHistory } from './solanaHistory.js';
import type { Blockhash, SolanaOperator } from './solanaOperator.js';
import { lookForMessage, type SolanaObservation } from './observation.js';
import { judgeSolanaObservations } from './solanaVerdict.js';

const CALL_MS_MAX = 5_000;
/** A whole look at one payment, its search included. */
const SETTLEMENT_MS_MAX = 20_000;
/** A transaction is sent again only with so many blocks left, or the seller cannot land it. */
const RESEND_MARGIN_BLOCKS = 15;
const BLOCK_SEC = 0.4;
const RETRY_SEC_MAX = 600;
/** Payees whose token account was seen; beyond it the oldest is asked about anew. */
const RECEIVERS_MAX = 1_000;

/** What {@link createSolanaChain} needs. */
export interface SolanaChainOptions {
  readonly network: SvmNetwork;
  readonly rpc: RpcSource;
  /** Deadline of one RPC call, to the last byte of its answer. */
  readonly timeoutMs?: number;
  /** The caller's clock, for times to ask again and the age of what is kept; no proof reads it. */
  readonly nowMs?: () => number;
  /** The way to the RPCs, where it is not the open network. */
  readonly fetchFn?: RpcFetch;
  /** Told of each time that an operator gives. */
  readonly onTime?: OnTime;
}

/** One cluster of Solana as its RPCs show it. */
export interface SolanaChain extends Chain {
  balanceOf(asset: SvmAsset, address: string, signal?: AbortSignal): Promise<AtomicAmount>;
  settlementOf(
    query: SolanaSettlementQuery,
    signal?: AbortSignal,
    memory?: SearchMemory,
  ): Promise<Settlement>;
  history(asset: SvmAsset, from: string, sinceSec: number, signal?: AbortSignal): Promise<ChainHistory>;
  /** The same by all operators together, as far as they answer. */
  unionHistory(asset: SvmAsset, from: string, sinceSec: number, signal?: AbortSignal): Promise<UnionHistory>;
  movements(
    asset: SvmAsset,
    address: string,
    start: MovementStart,
    signal?: AbortSignal,
  ): Promise<Movements | null>;
  /**
   * A blockhash to build on, seconds old at most, with the last height at which it lives; kept warm, so that a payment
   * rarely waits for it. Throws `rpc_unavailable`, `cancelled`.
   */
  blockhash(signal?: AbortSignal): Promise<Blockhash>;
  /** Whether a payee has the token account that it would be paid into; a yes is kept. Throws as `balanceOf` does. */
  canReceive(asset: SvmAsset, payTo: string, signal?: AbortSignal): Promise<boolean>;
  /** What stands at an address, by the first operator that answers; null for nothing. Throws as `balanceOf` does. */
  account(address: string, signal?: AbortSignal): Promise<AccountFacts | null>;
  /**
   * Hands a whole transaction to the first operator that takes it; gives its id. Throws `rpc_unavailable` where none
   * says that it did: one of them may have, all the same.
   */
  send(base64: string, signal?: AbortSignal): Promise<string>;
}

/** Makes the reader of a cluster. Nothing is loaded or asked before its first question. Throws `config_invalid`. */
export function createSolanaChain(options: SolanaChainOptions): SolanaChain {
  const { network, rpc, nowMs = Date.now, timeoutMs = CALL_MS_MAX } = options;
  const quorum = rpc.ownerSet ? 1 : OPERATORS_TO_AGREE;
  const endpoints = new Endpoints<SolanaOperator>(network, rpc.urls, async (urls) => {
    const { openSolanaOperator } = await import('./solanaOperator.js');
    const { fetchFn, onTime } = options;
    return urls.map((url) => openSolanaOperator(url, { network, timeoutMs, fetchFn, onTime }));
  });
  const receivers = new Set<string>();
  const blockhashes = new Blockhashes(endpoints, rpc.ownerSet, nowMs);

  return {
    balanceOf: async (asset, address, signal) => {
      const account = await tokenAccountOf(address, asset);
      const ask = (operator: SolanaOperator, deadline?: AbortSignal) =>
        operator.tokenBalance(account, deadline);
      return (await endpoints.askOne(signal, ask, FAILOVER_MS_MAX)) ?? 0n;
    },

    blockhash: (signal) => blockhashes.newest(signal),
    marks: () => blockhashes.marks(),
    readMarks: () => blockhashes.readMarks(),

    async canReceive(asset, payTo, signal) {
      const key = `${asset.address} ${payTo}`;
      if (receivers.has(key)) return true;
      const account = await tokenAccountOf(payTo, asset);
      const ask = (operator: SolanaOperator, deadline?: AbortSignal) =>
        operator.tokenBalance(account, deadline);
      const exists = (await endpoints.askOne(signal, ask, FAILOVER_MS_MAX)) !== null;
      if (exists) receivers.add(key);
      const oldest = receivers.values().next();
      if (receivers.size > RECEIVERS_MAX && oldest.done === false) receivers.delete(oldest.value);
      return exists;
    },

    account: (address, signal) =>
      endpoints.askOne(signal, (operator, deadline) => operator.account(address, deadline), FAILOVER_MS_MAX),

    send: (base64, signal) =>
      endpoints.askOne(signal, (operator, deadline) => operator.send(base64, deadline)),

    latestTimeSec: (signal) =>
      endpoints.askOne(
        signal,
        async (operator, deadline) => (await operator.newestTimeSec(deadline)) ?? 0,
        FAILOVER_MS_MAX,
      ),

    async askTime(signal) {
      await Promise.allSettled((await endpoints.all()).map((operator) => operator.newestTimeSec(signal)));
    },

    history: (asset, from, sinceSec, signal) =>
      endpoints.askOne(signal, (operator) => readSolanaHistory(operator, { asset, from, sinceSec }, signal)),

    unionHistory: async (asset, from, sinceSec, signal) =>
      readUnion(await endpoints.all(), quorum, (operator) =>
        readSolanaHistory(operator, { asset, from, sinceSec }, signal),
      ),

    async movements(asset, address, start, signal) {
      const shown: SolanaMovements[] = [];
      const failed: RpcFault[] = [];
      for (const settled of await Promise.allSettled(
        (await endpoints.all()).map((operator) =>
          readSolanaMovements(operator, { asset, address, start }, signal),
        ),
      )) {
        if (settled.status === 'fulfilled') shown.push(settled.value);
        else if (settled.reason instanceof RpcFault) failed.push(settled.reason);
        else throw settled.reason;
      }
      const [first] = [...shown].sort((a, b) => Number(a.toBlock - b.toBlock));
      if (first === undefined) throw endpoints.unavailable(failed, signal);
      if ('afterBlock' in start && first.toBlock <= start.afterBlock) return null;
      return joinAt(first, shown, { faults: failed, quorum });
    },

    async settlementOf(query, signal, memory) {
      const observations = await within(SETTLEMENT_MS_MAX, signal, async (deadline) =>
        Promise.all(
          (await endpoints.all()).map((operator) => lookForMessage(operator, query, deadline, memory)),
        ),
      );
      const verdict = judgeSolanaObservations(observations, {
        label: network.label,
        operators: endpoints.count,
        quorum,
      });
      if (verdict.kind === 'captured' || verdict.kind === 'released') return verdict;
      const nowSec = Math.ceil(nowMs() / 1000);
      const left = blocksLeft(observations, query);
      const waitSec = Math.min(Math.max(Math.ceil(left * BLOCK_SEC), RETRY_SEC), RETRY_SEC_MAX);
      if (verdict.kind === 'open')
        return { kind: 'open', retryAtSec: nowSec + waitSec, live: left > RESEND_MARGIN_BLOCKS };
      // One of them has searched wrongly: each begins anew, and whoever sees better by then is heard.
      if (verdict.reason === 'rpc_disagree')
        for (const { origin } of observations) memory?.keep(origin, null);
      const reason =
        verdict.reason === 'rpc_down' && signal?.aborted === true ? 'interrupted' : verdict.reason;
      return { ...verdict, reason, retryAtSec: nowSec + RETRY_SEC };
    },
  };
}

/** What operators show together up to where the one that has come least far stands: the others know it, too. */
function joinAt(
  first: SolanaMovements,
  shown: readonly SolanaMovements[],
  { faults, quorum }: { readonly faults: readonly RpcFault[]; readonly quorum: number },
): Movements {
  const upTo = shown.map((one) => ({
    ...one,
    movements: one.movements.filter(({ block }) => block <= first.toBlock),
    balanceAtomic: one.toBlock === first.toBlock ? one.balanceAtomic : null,
  }));
  return {
    ...joinMovements(upTo),
    ...{ fromBlock: first.fromBlock, fromSec: first.fromSec, toBlock: first.toBlock, toSec: first.toSec },
    faults: faults.map(({ message }) => message),
    isWhole: shown.length >= quorum,
    hasMore: shown.some(({ hasMore }) => hasMore),
  };
}

/** Blocks until it can land no more, by the operator that is farthest: none is believed to be behind. */
function blocksLeft(
  observations: readonly SolanaObservation[],
  { validBeforeBlock }: SolanaSettlementQuery,
): number {
  const heights = observations.flatMap((observation) =>
    observation.kind === 'down' ? [] : [observation.head.blockHeight],
  );
  return heights.length === 0 ? 0 : validBeforeBlock - Math.max(...heights);
}
