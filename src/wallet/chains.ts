import { createChain, type Chain, type RpcSource, type TimeGiven } from '../chain/chain.js';
import { isLoopback } from '../config/host.js';
import type { Config } from '../config/settings.js';
import type { Network } from '../money/network.js';
import { rpcFetch } from '../net/rpcFetch.js';
import { createNet, type Net } from '../net/send.js';

/** Where a network's chain is read: the owner's RPCs, each trusted by itself, or the table's, of which two must agree. */
export function rpcSourceOf(config: Config, network: Network): RpcSource {
  const owned = config.networks.rpcUrls.get(network.caip2);
  return owned === undefined ? { urls: network.rpcUrls, ownerSet: false } : { urls: owned, ownerSet: true };
}

/** What RPC operators are told of who asks: nothing. */
const ASKER = 'rpc';

/**
 * Opens the reader of a network, at its own RPCs unless others are given; where the owner set a proxy, its questions go
 * through that; a connected Lightning wallet, which `lightning` gives, is asked directly. The caller closes `net`.
 */
export function openChain(
  config: Config,
  network: Network,
  nowMs: () => number = Date.now,
  rpc: RpcSource = rpcSourceOf(config, network),
  onTime?: (time: TimeGiven) => void,
  lightning?: () => string | null,
): { readonly chain: Chain; readonly net: Net | null } {
  const { proxy } = config.net;
  const parts = {
    nowMs,
    ...(onTime === undefined ? {} : { onTime }),
    ...(lightning === undefined ? {} : { lightning }),
  };
  if (proxy === 'none') return { chain: createChain(network, rpc, parts), net: null };
  const rules = { allowPrivate: [...config.net.allowPrivate, ...localPlaces(rpc.urls)] };
  const net = createNet({ ...rules, proxy, version: ASKER });
  return { chain: createChain(network, rpc, { ...parts, fetchFn: rpcFetch(net, rules) }), net };
}

/** RPCs on this machine, which the owner named: no proxy sees them. */
function localPlaces(urls: readonly string[]): string[] {
  return urls
    .map((text) => new URL(text))
    .filter(({ hostname }) => isLoopback(hostname))
    .map(({ hostname, port, protocol }) => {
      const standard = protocol === 'https:' ? '443' : '80';
      return `${hostname}:${port === '' ? standard : port}`;
    });
}
