import type { EvmNetwork, TempoNetwork } from '../../money/network.js';
import type { Block, Hex } from './answer.js';
import { OPERATORS_TO_AGREE, type Bench, type Verdict } from '../bench.js';
import type { RpcSource } from '../chainReader.js';
import { within } from '../deadline.js';
import { Endpoints, FAILOVER_MS_MAX, RETRY_SEC } from '../endpoints.js';
import type { Settlement, SettlementQuery } from '../settlement.js';
import { EIP3009_HISTORY, readHistory, type ChainHistory, type HistoryKind } from '../history.js';
import { readUnion, type UnionHistory } from '../unionHistory.js';
import type { Mark } from '../../payment/mark.js';
import { Marks } from '../marks.js';
import type { EventLog, Finality, GasTerms, Heads, Operator, TokenAt } from './operator.js';
import type { RpcFetch } from '../rpc.js';
import { RpcFault } from '../rpcFault.js';
import type { OnTime } from '../timeGiven.js';
import type { Movements, MovementStart } from '../movement.js';
import { readTokenMovements, type Standing } from './tokenMovements.js';
import { AUTHORIZATION_USE } from './authorizationUse.js';
import {
  agreedLeft,
  channelEndAsked,
  channelLeft,
  judgeChannelState,
  observeChannelLatest,
  observeChannelSettled,
} from './channelState.js';
import { observeLatest, observeSettled, type NonceUse, type Observation } from './observation.js';
import { PERMIT2_USE } from './permit2Use.js';
import { judgeObservations } from './verdict.js';
import type { AtomicAmount } from '../../money/unit.js';

export type { RpcSource } from '../chainReader.js';
export type { Settlement, SettlementQuery, UnknowableReason } from '../settlement.js';
export type { ChainHistory, ChainPayment } from '../history.js';
export type { GasTerms } from './operator.js';

/** An honest public RPC answers within a second; one that needs longer than this is as good as down. */
const CALL_MS_MAX = 5_000;
/** A whole look at one authorization, searches included: an operator that answers each call just in time ends here. */
const SETTLEMENT_MS_MAX = 20_000;
/** No block time that an RPC gives puts the next question off for longer than this (T28). */
const RETRY_SEC_MAX = 3_600;

/** From this age on a mark is read anew, and from the other it is none: an older one only lengthens a search. */
const MARK_RENEW_MS = 60_000;
const MARK_MS_MAX = 600_000;
/** Blocks taken off a mark, which may be read a moment after the signing that it is kept for. */
const MARK_MARGIN_BLOCKS = 32n;

/** What {@link createReader} needs. */
export interface ReaderOptions {
  readonly network: EvmNetwork | TempoNetwork;
  readonly rpc: RpcSource;
  /** The owner's `release.finality`; the network's own unless given. */
  readonly finality?: Finality;
  /** How questions leave this machine, where the owner set a proxy. */
  readonly fetchFn?: RpcFetch;
  /** Told of each time that an operator gives. */
  readonly onTime?: OnTime;
  /** Deadline of one RPC call, to the last byte of its answer. */
  readonly timeoutMs?: number;
  /** The caller's clock, for times to ask again; no proof reads it. */
  readonly nowMs?: () => number;
}

/** What {@link createEvmChain} needs. */
export interface EvmChainOptions extends ReaderOptions {
  readonly network: EvmNetwork;
}

/** How an operator is looked at for a payment; neither throws for faults of an RPC. */
export interface Looks<Query> {
  /** At one block that is settled for every operator asked. */
  atSettled(
    operator: Operator,
    query: Query,
    at: { readonly heads: Heads; readonly common: Block },
    signal: AbortSignal,
  ): Promise<Observation>;
  /** At the newest block: enough to see a payment, never enough to rule one out. */
  atLatest(operator: Operator, query: Query, heads: Heads, signal: AbortSignal): Promise<Observation>;
  /** Whether a settled block proves something of it before its end, and so is always looked at; absent where none ever does. */
  readonly provesBeforeEnd?: (query: Query) => boolean;
  readonly history: HistoryKind;
  /** What all they show comes to; {@link judgeObservations} unless given. */
  judge?(observations: readonly Observation[], query: Query, bench: Bench): Verdict;
}

/** A network of the EVM's kind as its RPCs show it. They may be down, lag or lie; what each method says of that is its promise. */
export interface BlockReader<Query> {
  /** An address's balance at the newest block, atomic, by the first operator that answers. Throws `rpc_unavailable`, `cancelled`. */
  balanceOf(asset: TokenAt, address: Hex, signal?: AbortSignal): Promise<AtomicAmount>;
  /** What Permit2 may move of an address's tokens, atomic. Throws `rpc_unavailable`, `cancelled`. */
  allowance(asset: TokenAt, address: Hex, signal?: AbortSignal): Promise<AtomicAmount>;
  /**
   * What of a channel of the EVM's its payee has not taken, atomic: as operators agree on it, else the least that one shows, which
   * a request for it always has. Throws `rpc_unavailable`, `cancelled`.
   */
  channelLeft(channel: Hex, signal?: AbortSignal): Promise<AtomicAmount>;
  /** Whether the rest of such a channel was asked back, as the newest block has it. Throws `rpc_unavailable`, `cancelled`. */
  channelEndAsked(channel: Hex, signal?: AbortSignal): Promise<boolean>;
  /** The number of an address's next permit (EIP-2612), throws `rpc_unavailable` also where the token has none; `cancelled`. */
  permitNumber(asset: TokenAt, address: Hex, signal?: AbortSignal): Promise<bigint>;
  /** What became of a payment. Never throws for faults of an RPC: they are `unknowable`. */
  settlementOf(query: Query, signal?: AbortSignal): Promise<Settlement>;
  /** Time of the newest block, in seconds, by the first operator that answers. Throws `rpc_unavailable`, `cancelled`. */
  latestTimeSec(signal?: AbortSignal): Promise<number>;
  /** Asks every operator for the time, for those who listen to it; ends when each has answered or failed. Never rejects. */
  askTime(signal?: AbortSignal): Promise<void>;
  /** The settled block of each operator, as far as it is known. Asks nobody. */
  marks(): readonly Mark[];
  /** Asks the operators whose mark is missing or old, then as {@link marks}. Never rejects. */
  readMarks(): Promise<readonly Mark[]>;
  /** What a transaction of an address would take, by the first operator that answers. Throws `rpc_unavailable`, `cancelled`. */
  gasTerms(address: Hex, signal?: AbortSignal): Promise<GasTerms>;
  /** Gas of a plain transfer of the token; throws `rpc_unavailable` also where the token would not make it. */
  estimateTransfer(
    transfer: {
      readonly asset: TokenAt;
      readonly from: Hex;
      readonly to: Hex;
      readonly amountAtomic: AtomicAmount;
    },
    signal?: AbortSignal,
  ): Promise<bigint>;
  /** Gas of allowing Permit2 so much of a token; throws `rpc_unavailable` also where the token would not do it. */
  estimateApproval(
    approval: { readonly asset: TokenAt; readonly from: Hex; readonly amountAtomic: AtomicAmount },
    signal?: AbortSignal,
  ): Promise<bigint>;
  /**
   * Hands a signed transaction to the first operator that takes it; gives its hash. Throws `rpc_unavailable` where
   * none says that it did: one of them may have, all the same.
   */
  send(bytes: Hex, signal?: AbortSignal): Promise<Hex>;
  /** What a contract wrote in one block, by the first operator that answers. Throws `rpc_unavailable`, `cancelled`. */
  eventsIn(
    filter: { readonly address: Hex; readonly topics: readonly (Hex | readonly Hex[])[] },
    blockNumber: bigint,
    signal?: AbortSignal,
  ): Promise<EventLog[]>;
  /**
   * All that left an address since a moment (and perhaps a little before: see `fromBlock`), by the first operator that
   * can search so far. One operator's word: for comparing, never for a release. Throws `rpc_unavailable`, `cancelled`.
   */
  history(asset: TokenAt, from: Hex, sinceSec: number, signal?: AbortSignal): Promise<ChainHistory>;
  /** The same by all operators together, as far as they answer. */
  unionHistory(asset: TokenAt, from: Hex, sinceSec: number, signal?: AbortSignal): Promise<UnionHistory>;
  /**
   * All that came to an address and left it since a place, up to a settled block, by all operators together; null where
   * nothing is settled past that place. Bounded: see `hasMore`. Throws `rpc_unavailable`, `cancelled`.
   */
  movements(
    asset: TokenAt,
    address: Hex,
    start: MovementStart,
    signal?: AbortSignal,
  ): Promise<Movements | null>;
}

/** One EVM network as its RPCs show it. */
export type EvmChain = BlockReader<SettlementQuery>;

/** Makes the reader of an EVM network: see {@link createReader}. */
export function createEvmChain(options: EvmChainOptions): EvmChain {
  return createReader(options, {
    atSettled(operator, query, at, signal) {
      const { channel } = query;
      return channel === undefined
        ? observeSettled(useOf(query), operator, query, at, signal)
        : observeChannelSettled(operator, { ...query, channel }, at, signal);
    },
    atLatest(operator, query, heads, signal) {
      const { channel } = query;
      return channel === undefined
        ? observeLatest(useOf(query), operator, query, heads, signal)
        : observeChannelLatest(operator, { ...query, channel }, heads, signal);
    },
    // That a channel is empty shows also before the time of its deposit is over.
    provesBeforeEnd: ({ channel }) => channel !== undefined,
    judge: (observations, query, bench) =>
      (query.channel === undefined ? judgeObservations : judgeChannelState)(observations, query, bench),
    history: EIP3009_HISTORY,
  });
}

function useOf({ permit2 }: SettlementQuery): NonceUse {
  return permit2 === undefined ? AUTHORIZATION_USE : PERMIT2_USE;
}

/**
 * Makes the reader of a network's chain. Nothing is loaded or asked before its first question. Throws
 * `config_invalid` for a URL that is not http(s).
 */
export function createReader<
  Query extends Pick<SettlementQuery, 'validBeforeSec' | 'amountAtomic' | 'permit2'>,
>(options: ReaderOptions, looks: Looks<Query>): BlockReader<Query> {
  const { network, rpc, nowMs = Date.now } = options;
  const finality = options.finality ?? network.finality;
  const timeoutMs = options.timeoutMs ?? CALL_MS_MAX;
  const quorum = rpc.ownerSet ? 1 : OPERATORS_TO_AGREE;
  const endpoints = new Endpoints(network, rpc.urls, async (urls) => {
    // viem loads here.
    const { openOperator } = await import('./operator.js');
    const { fetchFn, onTime } = options;
    return urls.map((url) => openOperator(url, { network, finality, timeoutMs, fetchFn, onTime }));
  });

  const marks = new Marks<Operator>(async (operator) => {
    const { number } = await operator.settled();
    return { after: Number(number > MARK_MARGIN_BLOCKS ? number - MARK_MARGIN_BLOCKS : 0n) };
  }, nowMs);

  async function look(
    query: Query,
    signal: AbortSignal,
  ): Promise<{ observations: Observation[]; seen: Heads[] }> {
    const views = await Promise.all(
      (await endpoints.all()).map(async (operator) => ({ operator, heads: await headsOf(operator, signal) })),
    );
    const seen = views.flatMap(({ heads }) => (heads instanceof RpcFault ? [] : [heads]));
    const common = commonBlock(seen, quorum);
    const canProve =
      common !== undefined &&
      (common.timeSec >= query.validBeforeSec || looks.provesBeforeEnd?.(query) === true);
    const observations = await Promise.all(
      views.map(async ({ operator, heads }): Promise<Observation> => {
        if (heads instanceof RpcFault) return { kind: 'down', fault: heads, origin: operator.origin };
        return canProve && common.number <= heads.settled.number
          ? looks.atSettled(operator, query, { heads, common }, signal)
          : looks.atLatest(operator, query, heads, signal);
      }),
    );
    return { observations, seen };
  }

  return {
    balanceOf: (asset, address, signal) =>
      endpoints.askOne(
        signal,
        (operator, deadline) => operator.balanceOf(asset, address, deadline),
        FAILOVER_MS_MAX,
      ),

    allowance: (asset, address, signal) =>
      endpoints.askOne(
        signal,
        (operator, deadline) => operator.allowance(asset, address, deadline),
        FAILOVER_MS_MAX,
      ),

    async channelLeft(channel, signal) {
      const told = await Promise.all(
        (await endpoints.all()).map((operator) =>
          channelLeft(operator, channel, signal).catch((fault: unknown) => {
            if (fault instanceof RpcFault) return fault;
            throw fault;
          }),
        ),
      );
      const amounts = told.filter((one) => typeof one === 'bigint');
      const left = agreedLeft(amounts, quorum);
      if (left !== null) return left;
      throw endpoints.unavailable(
        told.filter((one) => one instanceof RpcFault),
        signal,
      );
    },

    channelEndAsked: (channel, signal) =>
      endpoints.askOne(
        signal,
        (operator, deadline) => channelEndAsked(operator, channel, deadline),
        FAILOVER_MS_MAX,
      ),

    permitNumber: (asset, address, signal) =>
      endpoints.askOne(
        signal,
        (operator, deadline) => operator.permitNumber(asset, address, deadline),
        FAILOVER_MS_MAX,
      ),

    latestTimeSec: (signal) =>
      endpoints.askOne(
        signal,
        async (operator, deadline) => (await operator.latest(deadline)).timeSec,
        FAILOVER_MS_MAX,
      ),

    async askTime(signal) {
      await Promise.allSettled((await endpoints.all()).map((operator) => operator.latest(signal)));
    },

    marks: () => marks.since(nowMs() - MARK_MS_MAX),

    async readMarks() {
      await Promise.all(marks.read(await endpoints.all(), nowMs() - MARK_RENEW_MS));
      return marks.since(nowMs() - MARK_MS_MAX);
    },

    gasTerms: (address, signal) =>
      endpoints.askOne(signal, (operator, deadline) => operator.gasTerms(address, deadline), FAILOVER_MS_MAX),

    estimateTransfer: (transfer, signal) =>
      endpoints.askOne(
        signal,
        (operator, deadline) => operator.estimateTransfer(transfer, deadline),
        FAILOVER_MS_MAX,
      ),

    estimateApproval: (approval, signal) =>
      endpoints.askOne(
        signal,
        (operator, deadline) => operator.estimateApproval(approval, deadline),
        FAILOVER_MS_MAX,
      ),

    send: (bytes, signal) => endpoints.askOne(signal, (operator, deadline) => operator.send(bytes, deadline)),

    eventsIn: ({ address, topics }, blockNumber, signal) =>
      endpoints.askOne(signal, (operator, deadline) =>
        operator.events({ address, topics, blocks: { from: blockNumber, to: blockNumber } }, deadline),
      ),

    history: (asset, from, sinceSec, signal) =>
      endpoints.askOne(signal, (operator) =>
        readHistory(operator, { asset, from, sinceSec }, looks.history, signal),
      ),

    unionHistory: async (asset, from, sinceSec, signal) =>
      readUnion(await endpoints.all(), quorum, (operator) =>
        readHistory(operator, { asset, from, sinceSec }, looks.history, signal),
      ),

    async movements(asset, address, start, signal) {
      const views = await Promise.all(
        (await endpoints.all()).map(async (operator) => ({
          operator,
          heads: await headsOf(operator, signal ?? new AbortController().signal),
        })),
      );
      const standings = views.flatMap(({ operator, heads }): Standing[] =>
        heads instanceof RpcFault ? [] : [{ operator, heads }],
      );
      const silent = views.flatMap(({ heads }) => (heads instanceof RpcFault ? [heads] : []));
      const common = commonBlock(
        standings.map(({ heads }) => heads),
        quorum,
      );
      if (common === undefined) throw endpoints.unavailable(silent, signal);
      try {
        const read = await readTokenMovements(
          standings,
          { asset, address, start },
          { common, quorum },
          signal,
        );
        const faults = silent.map(({ message }) => message);
        return read === null ? null : { ...read, faults: [...faults, ...read.faults] };
      } catch (fault) {
        if (!(fault instanceof RpcFault)) throw fault;
        throw endpoints.unavailable([...silent, fault], signal);
      }
    },

    async settlementOf(query, signal) {
      const { observations, seen } = await within(SETTLEMENT_MS_MAX, signal, (deadline) =>
        look(query, deadline),
      );
      const judge = looks.judge ?? judgeObservations;
      const verdict = judge(observations, query, {
        label: network.label,
        operators: endpoints.count,
        quorum,
      });
      if (verdict.kind === 'captured' || verdict.kind === 'released') return verdict;
      const nowSec = Math.ceil(nowMs() / 1000);
      if (verdict.kind === 'open') return { ...verdict, retryAtSec: nowSec + provableInSec(seen, query) };
      const reason =
        verdict.reason === 'rpc_down' && signal?.aborted === true ? 'interrupted' : verdict.reason;
      return { ...verdict, reason, retryAtSec: nowSec + RETRY_SEC };
    },
  };
}

async function headsOf(operator: Operator, signal: AbortSignal): Promise<Heads | RpcFault> {
  try {
    return await operator.heads(signal);
  } catch (fault) {
    if (fault instanceof RpcFault) return fault;
    throw fault;
  }
}

/**
 * The highest block that is settled for as many operators as a release needs. At least one of them is honest, so a
 * liar that claims a settled block of the future cannot pull it there.
 */
function commonBlock(seen: readonly Heads[], quorum: number): Block | undefined {
  const settled = seen.map((heads) => heads.settled).sort((a, b) => Number(b.number - a.number));
  return settled[Math.min(quorum, settled.length) - 1];
}

/** Settled time runs as fast as the clock, only behind it. */
function provableInSec(
  seen: readonly Heads[],
  { validBeforeSec }: Pick<SettlementQuery, 'validBeforeSec'>,
): number {
  const settledSec = Math.min(...seen.map(({ settled }) => settled.timeSec));
  return Math.min(Math.max(validBeforeSec - settledSec, RETRY_SEC), RETRY_SEC_MAX);
}
