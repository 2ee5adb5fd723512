import type { AtomicAmount, UsdMicros } from '../../money/unit.js';
import { findDollar, toUsdMicros, type DollarAsset } from '../../money/asset.js';
import { findNetwork, type Network, type TempoNetwork } from '../../money/network.js';
import type { RejectedOffer } from '../../payment/challenge.js';
import { statedField, statedText, type JsonObject } from '../../text/json.js';
import { quoteText } from '../../text/untrusted.js';

/** Decimal text of a positive integer in the token's own unit: no sign, no point, no exponent (T4, T39). */
export const AMOUNT = /^[1-9][0-9]{0,77}$/;

/** Why a challenge cannot be paid; returned, never thrown. */
export class Fault {
  readonly code: RejectedOffer['code'];
  readonly reason: string;

  constructor(code: RejectedOffer['code'], reason: string) {
    this.code = code;
    this.reason = reason;
  }
}

/** What was read of a challenge, or the fault of it as the rejection of its offer. */
export function judged<T>(read: T | Fault, index: number): T | RejectedOffer {
  return read instanceof Fault ? { index, code: read.code, reason: read.reason } : read;
}

/** The fault of a challenge whose fields are not what its method says. */
export function malformed(reason: string): Fault {
  return new Fault('malformed_offer', reason);
}

/** Decimals that the seller states are compared with ours, never used (T3). */
export function readAsset(request: JsonObject, details: JsonObject, network: Network): DollarAsset | Fault {
  const currency = statedText(request, 'currency') ?? '';
  const asset = findDollar(network.caip2, currency);
  if (asset === undefined)
    return new Fault(
      'unsupported_asset',
      `The token ${quoteText(currency)} on ${network.label} is none that this wallet pays with.`,
    );
  const decimals = statedField(details, 'decimals');
  return decimals === undefined || decimals === asset.decimals
    ? asset
    : malformed(`The challenge gives ${asset.symbol} other decimals than it has.`);
}

/** The amount in the token's own unit: {@link AMOUNT}. */
export function readAmount(
  request: JsonObject,
  asset: DollarAsset,
  atomicMax: AtomicAmount,
): { readonly amountAtomic: AtomicAmount; readonly usdMicros: UsdMicros } | Fault {
  const text = statedText(request, 'amount') ?? '';
  if (!AMOUNT.test(text)) return malformed("The challenge's amount is no positive whole number.");
  const amountAtomic = BigInt(text);
  if (amountAtomic > atomicMax) return malformed("The challenge's amount is larger than any token holds.");
  return { amountAtomic, usdMicros: toUsdMicros(asset, amountAtomic) };
}

/** The chain of Tempo that a challenge names. It is named, or nothing is paid: defaults disagree. */
export function readTempoNetwork(details: JsonObject): TempoNetwork | Fault {
  const chainId = statedField(details, 'chainId');
  if (typeof chainId !== 'number' || !Number.isSafeInteger(chainId))
    return malformed('The challenge names no chain.');
  const network = findNetwork(`eip155:${chainId}`);
  if (network?.family !== 'tempo')
    return new Fault(
      'unsupported_network',
      `The chain ${chainId} is no chain of Tempo that this wallet knows.`,
    );
  return network;
}
