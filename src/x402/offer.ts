import { Buffer } from 'node:buffer';
import { type Asset, findAsset, toUsdMicros } from '../money/asset.js';
import { findNetworkOnWire, type Network } from '../money/network.js';
import { type Address, readAddress } from './address.js';
import { isJsonObject, nestsDeeperThan, statedField, statedText } from './json.js';
import type { JsonObject, JsonValue, PaymentOffer, RejectedOffer, X402Version } from './types.js';
import { quoteText } from './untrusted.js';

/**
 * The authorization's window where a seller names none, which some do: what the reference server asks by default.
 */
export const MAX_TIMEOUT_DEFAULT_SEC = 300;

/**
 * A seller who asks for more than a year has sent milliseconds, or a trap (T8). Up to here the wallet signs for its
 * own, far shorter window instead: real sellers ask for a day.
 */
export const MAX_TIMEOUT_ASKED_MAX_SEC = 31_536_000;

/**
 * The most that an offer, with the parts of the challenge echoed beside it, may make of a v2 payment header. Servers
 * take 8 to 32 KiB of headers: a payment of this size could only be refused, after it was signed.
 */
export const ECHO_BYTES_MAX = 65_536;

/** Schemas inside real offers nest to a dozen levels; the echo is written by recursion. */
export const ECHO_DEPTH_MAX = 64;

/** Decimal text of a positive integer: no sign, no point, no exponent, no leading zero (T4). */
const AMOUNT = /^[1-9][0-9]{0,77}$/;
const UINT256_MAX = 2n ** 256n - 1n;

const ZERO_ADDRESS: Address = '0x0000000000000000000000000000000000000000';

/** Why an entry of `accepts` cannot be paid; returned where a reader found a fault, never thrown. */
class Fault {
  readonly code: RejectedOffer['code'];
  readonly reason: string;

  constructor(code: RejectedOffer['code'], reason: string) {
    this.code = code;
    this.reason = reason;
  }
}

/** What an entry of `accepts` is judged with beside itself. */
export interface OfferContext {
  /** Position in the seller's list. */
  readonly index: number;
  /** The challenge's own version; undefined where only the entries name one, or none do. */
  readonly x402Version: X402Version | undefined;
  /** Bytes of JSON that a v2 payment echoes beside the entry: `resource` and `extensions`. */
  readonly sharedEchoBytes: number;
}

/**
 * Judges one entry of `accepts`, alone (T1): an offer the wallet could sign for, or why it could not.
 *
 * Asset, decimals and EIP-712 domain are rows of our own tables (T3, T6); the seller decides only amount, payee and
 * the length of the window. Never throws.
 */
export function judgeOffer(entry: JsonValue, context: OfferContext): PaymentOffer | RejectedOffer {
  const judged = readOffer(entry, context);
  return judged instanceof Fault
    ? { index: context.index, code: judged.code, reason: judged.reason }
    : judged;
}

/** True for an offer that {@link judgeOffer} found payable. */
export function isPaymentOffer(judged: PaymentOffer | RejectedOffer): judged is PaymentOffer {
  return 'payTo' in judged;
}

/** The version in `x402Version`, as a number or as text; undefined for anything but 1 and 2. */
export function readVersion(stated: JsonValue | undefined): X402Version | undefined {
  if (stated === 1 || stated === '1') return 1;
  if (stated === 2 || stated === '2') return 2;
  return undefined;
}

/** Offers by price in dollars, the lowest first; equal ones in the seller's order (T1). The argument stays as it is. */
export function cheapestFirst(offers: readonly PaymentOffer[]): PaymentOffer[] {
  return offers.toSorted((a, b) => {
    if (a.usdMicros !== b.usdMicros) return a.usdMicros < b.usdMicros ? -1 : 1;
    return a.index - b.index;
  });
}

function readOffer(entry: JsonValue, context: OfferContext): PaymentOffer | Fault {
  if (!isJsonObject(entry)) return malformed('The offer is not an object.');
  const x402Version = versionOf(entry, context.x402Version);
  if (x402Version instanceof Fault) return x402Version;
  const method = checkMethod(entry);
  if (method instanceof Fault) return method;
  const network = readNetwork(entry);
  if (network instanceof Fault) return network;
  const asset = readAsset(entry, network.row);
  if (asset instanceof Fault) return asset;
  const amountAtomic = readAmount(entry);
  if (amountAtomic instanceof Fault) return amountAtomic;
  const payTo = readPayTo(entry);
  if (payTo instanceof Fault) return payTo;
  const maxTimeoutSeconds = readTimeout(entry);
  if (maxTimeoutSeconds instanceof Fault) return maxTimeoutSeconds;
  const fault =
    checkDomain(entry, asset) ?? checkEcho(entry, x402Version === 2 ? context.sharedEchoBytes : 0);
  if (fault !== undefined) return fault;
  return {
    index: context.index,
    x402Version,
    scheme: 'exact',
    network: network.row,
    asset,
    payTo,
    amountAtomic,
    usdMicros: toUsdMicros(asset, amountAtomic),
    maxTimeoutSeconds,
    raw: entry,
    networkOnWire: network.onWire,
  };
}

/** The challenge's version stands over the entry's; where neither is stated, the name of the amount tells. */
function versionOf(entry: JsonObject, challengeVersion: X402Version | undefined): X402Version | Fault {
  if (challengeVersion !== undefined) return challengeVersion;
  const stated = statedField(entry, 'x402Version');
  if (stated === undefined) return statedField(entry, 'amount') === undefined ? 1 : 2;
  return (
    readVersion(stated) ??
    unsupportedScheme('The offer is in a version of x402 that this wallet does not speak.')
  );
}

/**
 * Only scheme `exact` by EIP-3009 is signed (T7).
 *
 * `extra.paymentFlow` says when the seller settles: `authorization` after its work, `upfront` before. Either way one
 * signature moves the amount once, to the payee, which is all that a cap counts; a seller who means to keep the money
 * and deliver nothing can do so under both. Other flows settle twice or through a contract: not this signature.
 */
function checkMethod(entry: JsonObject): undefined | Fault {
  const scheme = statedText(entry, 'scheme');
  if (scheme === undefined) return malformed('The offer names no scheme.');
  if (scheme !== 'exact')
    return unsupportedScheme(`This wallet does not sign the scheme ${quoteText(scheme)}.`);
  const extra = statedField(entry, 'extra') ?? {};
  if (!isJsonObject(extra)) return malformed("The offer's extra is not an object.");
  const method = statedField(extra, 'assetTransferMethod') ?? 'eip3009';
  if (method !== 'eip3009')
    return unsupportedScheme('The offer asks for a transfer by another method than EIP-3009.');
  const flow = statedField(extra, 'paymentFlow') ?? 'authorization';
  if (flow !== 'authorization' && flow !== 'upfront') {
    return unsupportedScheme('The offer asks for a payment flow that this wallet does not know.');
  }
  return undefined;
}

function readNetwork(entry: JsonObject): { row: Network; onWire: string } | Fault {
  const onWire = statedText(entry, 'network');
  if (onWire === undefined) return malformed('The offer names no network.');
  const row = findNetworkOnWire(onWire);
  if (row !== undefined) return { row, onWire };
  return new Fault('unsupported_network', `The network ${quoteText(onWire)} is unknown to this wallet.`);
}

function readAsset(entry: JsonObject, network: Network): Asset | Fault {
  const stated = statedText(entry, 'asset');
  if (stated === undefined) return malformed('The offer names no asset.');
  const asset = findAsset(network.caip2, stated);
  if (asset !== undefined) return asset;
  return new Fault(
    'unsupported_asset',
    `The asset ${quoteText(stated)} is not a dollar that this wallet pays with on ${network.label}.`,
  );
}

/**
 * v1 names the price `maxAmountRequired`, v2 `amount`; servers mix them, so either is read in both. JSON numbers are
 * refused: no version allows them, and past 2^53 they would be read wrong.
 */
function readAmount(entry: JsonObject): bigint | Fault {
  const [first, second] = ['amount', 'maxAmountRequired']
    .map((name) => statedField(entry, name))
    .filter((value) => value !== undefined);
  if (first === undefined) return malformed('The offer states no amount.');
  if (second !== undefined && second !== first) return malformed('The offer states two different amounts.');
  if (typeof first !== 'string') return malformed("The offer's amount is not text.");
  if (!AMOUNT.test(first))
    return malformed(`The amount ${quoteText(first)} is not a positive whole number of atomic units.`);
  const amountAtomic = BigInt(first);
  return amountAtomic <= UINT256_MAX
    ? amountAtomic
    : malformed('The amount is larger than any token can hold.');
}

function readPayTo(entry: JsonObject): Address | Fault {
  const stated = statedText(entry, 'payTo');
  if (stated === undefined) return malformed('The offer names no payee.');
  const payTo = readAddress(stated);
  if (payTo === undefined) return malformed(`The payee ${quoteText(stated)} is not a valid address.`);
  return payTo === ZERO_ADDRESS ? malformed('The payee is the zero address.') : payTo;
}

function readTimeout(entry: JsonObject): number | Fault {
  const stated = statedField(entry, 'maxTimeoutSeconds') ?? MAX_TIMEOUT_DEFAULT_SEC;
  if (
    typeof stated !== 'number' ||
    !Number.isInteger(stated) ||
    stated < 1 ||
    stated > MAX_TIMEOUT_ASKED_MAX_SEC
  ) {
    return malformed("The offer's maxTimeoutSeconds is not a whole number of seconds between 1 and a year.");
  }
  return stated;
}

/**
 * The domain is signed from our table whatever is stated (T6); an offer that states another one is verified against
 * that one, so that a payment would only be held until it expires. Both may be left out.
 */
function checkDomain(entry: JsonObject, asset: Asset): undefined | Fault {
  const extra = statedField(entry, 'extra');
  if (!isJsonObject(extra)) return undefined;
  const { name, version } = asset.eip712;
  const statedVersion = statedField(extra, 'version') ?? version;
  const agrees =
    (statedField(extra, 'name') ?? name) === name &&
    (statedVersion === version || statedVersion === Number(version));
  if (agrees) return undefined;
  return malformed(
    `The offer states a signing domain that is not the token's own (${name}, version ${version}): no payment for it could settle.`,
  );
}

function checkEcho(entry: JsonObject, sharedEchoBytes: number): undefined | Fault {
  if (nestsDeeperThan(entry, ECHO_DEPTH_MAX)) return malformed('The offer nests too deep to be echoed.');
  const bytes = Buffer.byteLength(JSON.stringify(entry)) + sharedEchoBytes;
  return bytes > ECHO_BYTES_MAX ? malformed('The offer is too large to be echoed in a payment.') : undefined;
}

function malformed(reason: string): Fault {
  return new Fault('malformed_offer', reason);
}

function unsupportedScheme(reason: string): Fault {
  return new Fault('unsupported_scheme', reason);
}
