import { WalletError } from '../errors/walletError.js';
import type { Network } from '../money/network.js';
import { within } from './deadline.js';
import { RpcFault } from './rpcFault.js';

/** While another endpoint is left to ask, a silent one gets no longer than this: a payment may be waiting. */
export const FAILOVER_MS_MAX = 2_000;
/** When to ask again after a fault, and the soonest to ask again at all. */
export const RETRY_SEC = 15;

/** The operators of one network, opened on the first question, and asked one after the other. */
export class Endpoints<Operator> {
  /** How many there are, whether or not they answer. */
  readonly count: number;
  readonly #network: Network;
  readonly #urls: readonly string[];
  readonly #open: (urls: readonly string[]) => Promise<Operator[]>;
  #opened: Promise<Operator[]> | undefined;

  /** Throws `config_invalid` for a URL that is not http(s). */
  constructor(
    network: Network,
    urls: readonly string[],
    open: (urls: readonly string[]) => Promise<Operator[]>,
  ) {
    this.#network = network;
    this.#urls = urlsByOperator(network, urls);
    this.#open = open;
    this.count = this.#urls.length;
  }

  all(): Promise<Operator[]> {
    this.#opened ??= this.#open(this.#urls);
    return this.#opened;
  }

  /**
   * Asks one operator after the other; one that failed is asked last the next time. Throws `rpc_unavailable`,
   * `cancelled`.
   */
  async askOne<T>(
    signal: AbortSignal | undefined,
    ask: (operator: Operator, signal: AbortSignal | undefined) => Promise<T>,
    failoverMs?: number,
  ): Promise<T> {
    const list = await this.all();
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
    throw this.unavailable(faults, signal);
  }

  /** What is thrown where none of them can be read: `rpc_unavailable`, or `cancelled` once nobody waits. */
  unavailable(faults: readonly RpcFault[], signal?: AbortSignal): WalletError {
    if (signal?.aborted === true)
      return new WalletError('cancelled', 'Nobody waited for the chain to answer.');
    return unavailable(this.#network, faults);
  }
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

function unavailable({ label, caip2 }: Network, faults: readonly RpcFault[]): WalletError {
  const what = faults.length === 0 ? 'none is known' : faults.map(({ message }) => message).join('; ');
  return new WalletError('rpc_unavailable', `No RPC of ${label} can be read: ${what}.`, {
    retryAfterSec: RETRY_SEC,
    owner: {
      say: `Purser cannot read ${label}; if this lasts, name another RPC.`,
      action: { kind: 'chooseSetting', key: `networks.${caip2}.rpc_url`, example: 'URL' },
    },
  });
}
