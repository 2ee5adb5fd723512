import { findDollar, toUsdMicros } from '../../money/asset.js';
import { findNetwork, findNetworkOnWire, type Network } from '../../money/network.js';
import { isJsonObject, statedField, statedText, type JsonObject } from '../../text/json.js';
import { readNetworkName, type ListedOffer } from './listing.js';

/** Digits of an atomic amount. */
const ATOMIC = /^\d{1,38}$/;
/** The network of a method that has one, where an offer names none: listings are of real money. */
const NETWORK_OF: Readonly<Record<string, string>> = {
  tempo: 'eip155:4217',
  solana: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp',
};
/** Methods of which this wallet pays the intent `charge`. */
const PAID_METHODS: readonly string[] = ['evm', 'solana', 'tempo'];

/** The network that an offer of MPP names, by itself or by its method; undefined for any that our table lacks. */
export function networkOfMpp(offer: JsonObject): Network | undefined {
  const named = statedText(offer, 'network');
  if (named !== undefined) return findNetworkOnWire(named);
  const details = statedField(offer, 'methodDetails');
  const chainId = isJsonObject(details) ? statedField(details, 'chainId') : undefined;
  if (typeof chainId === 'number') return findNetwork(`eip155:${chainId}`);
  return findNetwork(NETWORK_OF[statedText(offer, 'method') ?? ''] ?? '');
}

/** The atomic amount of an offer, where it is fixed. */
export function amountOfMpp(offer: JsonObject): bigint | undefined {
  const amount = statedField(offer, 'amount');
  const text = typeof amount === 'number' && Number.isSafeInteger(amount) ? String(amount) : amount;
  return typeof text === 'string' && ATOMIC.test(text) ? BigInt(text) : undefined;
}

/** One offer of MPP as a listing states it. Dollars come from our own asset table alone (T3). */
export function readMppOffer(offer: JsonObject): ListedOffer {
  const method = statedText(offer, 'method') ?? '';
  const network = networkOfMpp(offer);
  const asset =
    network === undefined ? undefined : findDollar(network.caip2, statedText(offer, 'currency') ?? '');
  const amount = amountOfMpp(offer);
  const isPaid = statedText(offer, 'intent') === 'charge' && PAID_METHODS.includes(method);
  return {
    network: network?.caip2 ?? readNetworkName(method),
    asset: asset?.symbol ?? null,
    usdMicros: asset === undefined || amount === undefined ? null : toUsdMicros(asset, amount),
    payTo: null,
    payable: isPaid && asset !== undefined,
  };
}
