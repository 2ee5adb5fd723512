import { WalletError } from '../errors/walletError.js';
import type { Asset } from '../money/asset.js';
import type { Network } from '../money/network.js';
import type { Block, Hex } from './answer.js';
import { within } from './deadline.js';
import type { Fate, FateQuery } from './fate.js';
import { readHistory, type ChainHistory } from './history.js';
import type { Finality, GasTerms, Heads, Operator } from './operator.js';
import type { RpcFetch } from './rpc.js';
import { RpcFault } from './rpcFault.js';
import { lookAtLatest, lookAtSettled, type Sight } from './sight.js';
import { judgeSights, OPERATORS_TO_AGREE } from './verdict.js';

export type { Fate, FateQuery, UnknowableWhy } from './fate.js';
export type { ChainHistory, ChainPayment } from './history.js';
export type { GasTerms } from './operator.js';

/** An honest public RPC answers within a second; one that needs longer than this is as good as down. */
const CALL_MS_MAX = 5_000;
/** A whole look at one authorization, searches included: an operator that answers each call just in time ends here. */
const FATE_MS_MAX = 20_000;
/** While another endpoint is left to ask, a silent one gets no longer than this: a payment may be waiting. */
const FAILOVER_MS_MAX = 2_000;
/** When to ask again after a fault, and the soonest to ask again at all. */
const RETRY_SEC = 15;
/** No block time that an RPC gives puts the next question off for longer than this (T28). */
const RETRY_SEC_MAX = 3_600;

/** Where a network's chain is read. */
export interface RpcSource {
  /** http(s) URLs of different operators. */
  readonly urls: readonly string[];
  /** True where the owner named them in the config, and so trusts each alone. */
  readonly ownerSet: boolean;
}

/** What {@link createEvmChain} needs. */
export interface EvmChainOptions {
  readonly network: Network;
  readonly rpc: RpcSource;
  /** The owner's `release.finality`; the network's own unless given. */
  readonly finality?: Finality;
  /** How questions leave this machine, where the owner set a proxy. */
  readonly fetchFn?: RpcFetch;
  /** Deadline of one RPC call, to the last byte of its answer. */
  readonly timeoutMs?: number;
  /** The caller's clock, for times to ask again; no proof reads it. */
  readonly nowMs?: () => number;
}

/** One EVM network as its RPCs show it. They may be down, lag or lie; what each method says of that is its promise. */
export interface EvmChain {
  /** An address's balance at the newest block, atomic, by the first operator that answers. Throws `rpc_unavailable`, `cancelled`. */
  balanceOf(asset: Asset, address: Hex, signal?: AbortSignal): Promise<bigint>;
  /** What became of an authorization. Never throws for faults of an RPC: they are `unknowable`. */
  fateOf(query: FateQuery, signal?: AbortSignal): Promise<Fate>;
  /** Time of the newest block, in seconds, by the first operator that answers. Throws `rpc_unavailable`, `cancelled`. */
  latestTimeSec(signal?: AbortSignal): Promise<number>;
  /** What a transaction of an address would take, by the first operator that answers. Throws `rpc_unavailable`, `cancelled`. */
  gasTerms(address: Hex, signal?: AbortSignal): Promise<GasTerms>;
  /** Gas of a plain transfer of the token; throws `rpc_unavailable` also where the token would not make it. */
  estimateTransfer(
    transfer: { readonly asset: Asset; readonly from: Hex; readonly to: Hex; readonly amountAtomic: bigint },
    signal?: AbortSignal,
  ): Promise<bigint>;
  /**
   * Hands a signed transaction to the first operator that takes it; gives its hash. Throws `rpc_unavailable` where
   * none says that it did: one of them may have, all the same.
   */
  send(bytes: Hex, signal?: AbortSignal): Promise<Hex>;
  /**
   * All that left an address since a moment (and perhaps a little before: see `fromBlock`), by the first operator that
   * can search so far. One operator's word: for comparing, never for a release. Throws `rpc_unavailable`, `cancelled`.
   */
  history(asset: Asset, from: Hex, sinceSec: number, signal?: AbortSignal): Promise<ChainHistory>;
}

/**
 * Makes the reader of a network's chain. Nothing is loaded or asked before its first question. Throws
 * `config_invalid` for a URL that is not http(s).
 */
export function createEvmChain(options: EvmChainOptions): EvmChain {
  const { network, rpc, nowMs = Date.now } = options;
  const finality = options.finality ?? network.finality;
  const timeoutMs = options.timeoutMs ?? CALL_MS_MAX;
  const quorum = rpc.ownerSet ? 1 : OPERATORS_TO_AGREE;
  const urls = urlsByOperator(network, rpc.urls);
  let opened: Promise<Operator[]> | undefined;

  /** viem loads here. */
  function operators(): Promise<Operator[]> {
    opened ??= import('./operator.js').then(({ openOperator }) =>
      urls.map((url) => openOperator(url, { network, finality, timeoutMs, fetchFn: options.fetchFn })),
    );
    return opened;
  }

  /** Asks one operator after the other; one that failed is asked last the next time. */
  async function askOne<T>(
    signal: AbortSignal | undefined,
    ask: (operator: Operator, signal: AbortSignal | undefined) => Promise<T>,
    failoverMs?: number,
  ): Promise<T> {
    const list = await operators();
    const faults: RpcFault[] = [];
    for (const operator of [...list]) {
      const isLast = faults.length === list.length - 1;
      try {
        if (failoverMs === undefined || isLast) return await ask(operator, signal);
        return await within(failoverMs, signal, (deadline) => ask(operator, deadline));
      } catch (fault) {
        if (!(fault instanceof RpcFault)) throw fault;
        if (signal?.aborted === true)
          throw new WalletError('cancelled', 'Nobody waited for the chain to answer.');
        faults.push(fault);
        list.push(...list.splice(list.indexOf(operator), 1));
      }
    }
    throw unavailable(network, faults);
  }

  async function look(query: FateQuery, signal: AbortSignal): Promise<{ sights: Sight[]; seen: Heads[] }> {
    const views = await Promise.all(
      (await operators()).map(async (operator) => ({ operator, heads: await headsOf(operator, signal) })),
    );
    const seen = views.flatMap(({ heads }) => (heads instanceof RpcFault ? [] : [heads]));
    const common = commonBlock(seen, quorum);
    const canProve = common !== undefined && common.timeSec >= query.validBeforeSec;
    const sights = await Promise.all(
      views.map(async ({ operator, heads }): Promise<Sight> => {
        if (heads instanceof RpcFault) return { kind: 'down', fault: heads, origin: operator.origin };
        return canProve && common.number <= heads.settled.number
          ? lookAtSettled(operator, query, { heads, common }, signal)
          : lookAtLatest(operator, query, heads, signal);
      }),
    );
    return { sights, seen };
  }

  return {
    balanceOf: (asset, address, signal) =>
      askOne(signal, (operator, deadline) => operator.balanceOf(asset, address, deadline), FAILOVER_MS_MAX),

    latestTimeSec: (signal) =>
      askOne(
        signal,
        async (operator, deadline) => (await operator.latest(deadline)).timeSec,
        FAILOVER_MS_MAX,
      ),

    gasTerms: (address, signal) =>
      askOne(signal, (operator, deadline) => operator.gasTerms(address, deadline), FAILOVER_MS_MAX),

    estimateTransfer: (transfer, signal) =>
      askOne(signal, (operator, deadline) => operator.estimateTransfer(transfer, deadline), FAILOVER_MS_MAX),

    send: (bytes, signal) => askOne(signal, (operator, deadline) => operator.send(bytes, deadline)),

    history: (asset, from, sinceSec, signal) =>
      askOne(signal, (operator) => readHistory(operator, { asset, from, sinceSec }, signal)),

    async fateOf(query, signal) {
      const { sights, seen } = await within(FATE_MS_MAX, signal, (deadline) => look(query, deadline));
      const verdict = judgeSights(sights, query, { label: network.label, operators: urls.length, quorum });
      if (verdict.kind === 'captured' || verdict.kind === 'released') return verdict;
      const nowSec = Math.ceil(nowMs() / 1000);
      if (verdict.kind === 'open') return { kind: 'open', retryAtSec: nowSec + provableInSec(seen, query) };
      const why = verdict.why === 'rpc_down' && signal?.aborted === true ? 'interrupted' : verdict.why;
      return { ...verdict, why, retryAtSec: nowSec + RETRY_SEC };
    },
  };
}

/** One URL for each host: two of one host are one operator, and cannot vouch for each other (T28). */
function urlsByOperator(network: Network, urls: readonly string[]): readonly string[] {
  const byHost = new Map<string, string>();
  for (const url of urls) {
    const parsed = URL.canParse(url) ? new URL(url) : null;
    if (parsed === null || !['http:', 'https:'].includes(parsed.protocol)) {
      throw new WalletError('config_invalid', `networks.${network.caip2}.rpc_url must be an http(s) URL.`);
    }
    if (!byHost.has(parsed.host)) byHost.set(parsed.host, url);
  }
  return [...byHost.values()];
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
function provableInSec(seen: readonly Heads[], { validBeforeSec }: FateQuery): number {
  const settledSec = Math.min(...seen.map(({ settled }) => settled.timeSec));
  return Math.min(Math.max(validBeforeSec - settledSec, RETRY_SEC), RETRY_SEC_MAX);
}

function unavailable({ label, caip2 }: Network, faults: readonly RpcFault[]): WalletError {
  const what = faults.length === 0 ? 'none is known' : faults.map(({ message }) => message).join('; ');
  return new WalletError('rpc_unavailable', `No RPC of ${label} can be read: ${what}.`, {
    retryAfterSec: RETRY_SEC,
    owner: {
      say: `Purser cannot read ${label}; if this lasts, name another RPC.`,
      command: `config set networks.${caip2}.rpc_url URL`,
    },
  });
}
