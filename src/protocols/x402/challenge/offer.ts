import type { RejectedOffer } from '../../../payment/challenge.js';
import { Buffer } from 'node:buffer';
import {
  type Asset,
  type DollarAsset,
  type EvmAsset,
  findDollar,
  isSigned,
  toUsdMicros,
} from '../../../money/asset.js';
import { MEMO_BYTES_MAX } from '../../../payment/intent.js';
import { findNetworkOnWire, type EvmNetwork, type Network, type SvmNetwork } from '../../../money/network.js';
import type { UsdMicros } from '../../../money/unit.js';
import { type Address, readAddress } from '../../../money/address.js';
import { isBase58 } from '../../../money/base58.js';
import {
  isJsonObject,
  nestsDeeperThan,
  statedField,
  statedText,
  type JsonObject,
  type JsonValue,
} from '../../../text/json.js';
import type { ChannelTerms, EvmOffer, PaymentOffer, SvmOffer, X402Version } from '../types.js';
import { WITHDRAW_DELAY_MAX_SEC, WITHDRAW_DELAY_MIN_SEC } from '../../../money/channelContract.js';
import { quoteText } from '../../../text/untrusted.js';

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
/** What a token account of Solana can hold. */
const UINT64_MAX = 2n ** 64n - 1n;

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
  if (!(judged instanceof Fault)) return judged;
  const usdMicros = priceOf(entry);
  return {
    ...{ index: context.index, code: judged.code, reason: judged.reason },
    ...(usdMicros === undefined ? {} : { usdMicros }),
  };
}

/** What an offer asks that is not paid for another reason; undefined where its token is none of our table. */
function priceOf(entry: JsonValue): UsdMicros | undefined {
  if (!isJsonObject(entry)) return undefined;
  const network = findNetworkOnWire(statedText(entry, 'network') ?? '');
  if (network === undefined) return undefined;
  const asset = findDollar(network.caip2, statedText(entry, 'asset') ?? '');
  const amountAtomic = readAmount(entry, network);
  return asset === undefined || amountAtomic instanceof Fault ? undefined : toUsdMicros(asset, amountAtomic);
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
  const scheme = readScheme(entry, x402Version);
  if (scheme instanceof Fault) return scheme;
  const network = readNetwork(entry);
  if (network instanceof Fault) return network;
  const method = readMethod(entry, network.row, scheme);
  if (method instanceof Fault) return method;
  const asset = readAsset(entry, network.row);
  if (asset instanceof Fault) return asset;
  if (method === 'eip3009' && asset.family === 'evm' && !isSigned(asset))
    return unsupportedScheme(
      `${asset.symbol} on ${network.row.label} moves by no signature of its holder (EIP-3009), and the offer does not say that it is paid through Permit2.`,
    );
  const amountAtomic = readAmount(entry, network.row);
  if (amountAtomic instanceof Fault) return amountAtomic;
  const parties = readParties(entry, { network: network.row, asset, scheme, method });
  if (parties instanceof Fault) return parties;
  const maxTimeoutSeconds = readTimeout(entry, network.row);
  if (maxTimeoutSeconds instanceof Fault) return maxTimeoutSeconds;
  const fault = checkEcho(entry, x402Version === 2 ? context.sharedEchoBytes : 0);
  if (fault !== undefined) return fault;
  return {
    index: context.index,
    x402Version,
    scheme,
    ...parties,
    amountAtomic,
    usdMicros: toUsdMicros(asset, amountAtomic),
    maxTimeoutSeconds,
    raw: entry,
    networkOnWire: network.onWire,
  };
}

type Scheme = PaymentOffer['scheme'];
type EvmParties = Pick<EvmOffer, 'network' | 'asset' | 'payTo' | 'method' | 'facilitator' | 'channel'>;
type SvmParties = Pick<SvmOffer, 'network' | 'asset' | 'payTo' | 'feePayer' | 'memo'>;

/** Networks that this protocol is paid on. */
type X402Network = EvmNetwork | SvmNetwork;

/** What an entry was found to ask for so far. */
interface Terms {
  readonly network: X402Network;
  readonly asset: Asset;
  readonly scheme: Scheme;
  readonly method: Method;
}

/** What differs between the chains: whom it pays, in what form, and what else a payment needs to know. */
function readParties(entry: JsonObject, terms: Terms): EvmParties | SvmParties | Fault {
  const { network, asset, scheme, method } = terms;
  if (network.family === 'evm' && asset.family === 'evm' && method !== 'default')
    return readEvmParties(entry, { network, asset, scheme, method });
  if (network.family === 'svm' && asset.family === 'svm') {
    const parties = readSvmParties(entry, network);
    return parties instanceof Fault ? parties : { ...parties, asset };
  }
  return malformed('The asset is of another kind of chain than the network.');
}

function readEvmParties(
  entry: JsonObject,
  { network, asset, scheme, method }: Pick<EvmOffer, 'network' | 'asset' | 'scheme' | 'method'>,
): EvmParties | Fault {
  const payTo = readPayTo(entry);
  if (payTo instanceof Fault) return payTo;
  const facilitator = scheme === 'upto' ? readFacilitator(entry) : null;
  if (facilitator instanceof Fault) return facilitator;
  const channel = scheme === 'batch-settlement' ? readChannel(entry) : null;
  if (channel instanceof Fault) return channel;
  return checkDomain(entry, asset) ?? { network, asset, payTo, method, facilitator, channel };
}

/** An amount that a seller states of a channel, which may be none yet. */
const CHANNEL_AMOUNT = /^(?:0|[1-9][0-9]{0,38})$/;

/** Scheme `batch-settlement`: who takes for the payee, and for how long the payee keeps the rest, are parts of the channel. */
function readChannel(entry: JsonObject): ChannelTerms | Fault {
  const stated = statedField(entry, 'extra');
  const extra = isJsonObject(stated) ? stated : {};
  const named = statedText(extra, 'receiverAuthorizer');
  const operator = named === undefined ? undefined : readAddress(named);
  if (operator === undefined || operator === ZERO_ADDRESS)
    return malformed(
      "The offer's extra names no receiverAuthorizer, without whom its channel could not be closed.",
    );
  const withdrawDelaySec = statedField(extra, 'withdrawDelay') ?? WITHDRAW_DELAY_MIN_SEC;
  if (
    typeof withdrawDelaySec !== 'number' ||
    !Number.isInteger(withdrawDelaySec) ||
    withdrawDelaySec < WITHDRAW_DELAY_MIN_SEC ||
    withdrawDelaySec > WITHDRAW_DELAY_MAX_SEC
  )
    return malformed(
      "The offer's withdrawDelay is not a whole number of seconds between 15 minutes and 30 days.",
    );
  const least = statedText(extra, 'minDeposit');
  const suggestedAtomic = least !== undefined && CHANNEL_AMOUNT.test(least) ? BigInt(least) : null;
  return { operator, withdrawDelaySec, suggestedAtomic, stated: readStated(extra) };
}

/** What is charged is the seller's word: it lowers what is signed next, and never raises it. */
function readStated(extra: JsonObject): ChannelTerms['stated'] {
  const state = statedField(extra, 'channelState');
  if (!isJsonObject(state)) return null;
  const channelId = statedText(state, 'channelId');
  const charged = statedText(state, 'chargedCumulativeAmount');
  return channelId === undefined || charged === undefined || !CHANNEL_AMOUNT.test(charged)
    ? null
    : { channelId: channelId.toLowerCase(), chargedAtomic: BigInt(charged) };
}

/** Who may settle a ceiling is signed with it: anybody else could settle it for all of it, or for nothing. */
function readFacilitator(entry: JsonObject): Address | Fault {
  const extra = statedField(entry, 'extra');
  const stated = isJsonObject(extra) ? statedText(extra, 'facilitatorAddress') : undefined;
  const facilitator = stated === undefined ? undefined : readAddress(stated);
  return facilitator === undefined || facilitator === ZERO_ADDRESS
    ? malformed("The offer's extra names no facilitatorAddress, who alone could settle it.")
    : facilitator;
}

/** Line breaks and the like would be lost or mangled on the way, and the seller's check of its memo with them. */
const MEMO_FORM = /^[\x20-\x7e]+$/;

/** A blockhash that the seller hands over is not read: our own RPC's says as much, and is known to be valid. */
function readSvmParties(entry: JsonObject, network: SvmNetwork): Omit<SvmParties, 'asset'> | Fault {
  const payTo = statedText(entry, 'payTo');
  if (payTo === undefined) return malformed('The offer names no payee.');
  if (!isBase58(payTo, 'address')) return malformed(`The payee ${quoteText(payTo)} is not a valid address.`);
  const stated = statedField(entry, 'extra');
  const extra = isJsonObject(stated) ? stated : {};
  const feePayer = statedText(extra, 'feePayer');
  if (feePayer === undefined || !isBase58(feePayer, 'address')) {
    return malformed("The offer's extra names no feePayer, without whom nothing settles on Solana.");
  }
  const memo = statedField(extra, 'memo');
  if (memo === undefined || memo === '') return { network, payTo, feePayer, memo: undefined };
  if (typeof memo !== 'string' || !MEMO_FORM.test(memo) || Buffer.byteLength(memo) > MEMO_BYTES_MAX) {
    return malformed(`The offer's memo is not plain text of at most ${MEMO_BYTES_MAX} bytes.`);
  }
  return { network, payTo, feePayer, memo };
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

/** `exact` is signed, and the others in the version that has them; schemes that this wallet knows by name are refused so (T7). */
function readScheme(entry: JsonObject, x402Version: X402Version): Scheme | Fault {
  const scheme = statedText(entry, 'scheme');
  if (scheme === undefined) return malformed('The offer names no scheme.');
  if (scheme === 'exact') return scheme;
  if ((scheme === 'upto' || scheme === 'batch-settlement') && x402Version === 2) return scheme;
  const why = REFUSED_SCHEMES.get(scheme);
  return unsupportedScheme(
    why === undefined
      ? `This wallet does not sign the scheme ${quoteText(scheme)}.`
      : `This wallet does not sign the scheme "${scheme}": ${why}.`,
  );
}

/** Schemes that sellers offer, and why they are not paid by. */
const REFUSED_SCHEMES: ReadonlyMap<string, string> = new Map([
  ['auth-capture', 'its money goes to an escrow, out of which the seller takes it days later'],
]);

type Method = EvmOffer['method'] | 'default';

/** The signing domain of Circle Gateway's contract. An offer names it in place of the token's, and says `exact` all the same. */
const GATEWAY = 'GatewayWalletBatched';

/** The ways of moving money that are signed: of each kind of chain, and for what scheme. The first is meant where none is named. */
const METHODS: Readonly<Record<X402Network['family'], Readonly<Record<Scheme, readonly Method[]>>>> = {
  evm: { exact: ['eip3009', 'permit2'], upto: ['permit2'], 'batch-settlement': ['eip3009'] },
  svm: { exact: ['default'], upto: [], 'batch-settlement': [] },
};

/** Why a scheme that has no method on a kind of chain is not signed there. */
const NOT_SIGNED_THERE: Readonly<Partial<Record<Scheme, string>>> = {
  upto: 'there all of the ceiling goes to a channel at once, and what is not charged comes back when the seller closes that',
  'batch-settlement': 'this wallet keeps channels of x402 on the EVM alone',
};

/**
 * Only transfers by EIP-3009 and through Permit2, and on Solana by the scheme's own transaction, are signed (T7).
 *
 * `extra.paymentFlow` says when the seller settles: `authorization` after its work, `upfront` before. Either way one
 * signature moves the amount once, to the payee, which is all that a cap counts; a seller who means to keep the money
 * and deliver nothing can do so under both. Other flows settle twice or through a contract: not this signature.
 */
function readMethod(entry: JsonObject, { family, label }: X402Network, scheme: Scheme): Method | Fault {
  const extra = statedField(entry, 'extra') ?? {};
  if (!isJsonObject(extra)) return malformed("The offer's extra is not an object.");
  const known = METHODS[family][scheme];
  if (known.length === 0)
    return unsupportedScheme(
      `This wallet does not sign the scheme "${scheme}" on ${label}: ${NOT_SIGNED_THERE[scheme] ?? ''}.`,
    );
  if (family === 'evm' && statedField(extra, 'name') === GATEWAY)
    return unsupportedScheme(
      `This wallet does not pay through Circle Gateway ("${GATEWAY}"): it is paid out of a deposit, by signatures that are good for days.`,
    );
  const stated = statedField(extra, 'assetTransferMethod') ?? known[0];
  const method = known.find((one) => one === stated);
  if (method === undefined && scheme === 'batch-settlement' && stated === 'permit2')
    return unsupportedScheme(
      'The offer asks for a deposit through Permit2, which this wallet does not sign.',
    );
  if (method === undefined) return unsupportedScheme(refusedMethod(stated, family));
  const flow = statedField(extra, 'paymentFlow') ?? 'authorization';
  if (flow !== 'authorization' && flow !== 'upfront') {
    return unsupportedScheme('The offer asks for a payment flow that this wallet does not know.');
  }
  return method;
}

function refusedMethod(stated: JsonValue | undefined, family: X402Network['family']): string {
  if (stated === 'erc7710')
    return 'The offer asks for ERC-7710: a delegation to the seller, which this wallet does not sign.';
  return family === 'evm'
    ? 'The offer asks for a transfer by another method than EIP-3009 or Permit2.'
    : 'The offer asks for a transfer by another method than a plain transaction.';
}

function readNetwork(entry: JsonObject): { row: X402Network; onWire: string } | Fault {
  const onWire = statedText(entry, 'network');
  if (onWire === undefined) return malformed('The offer names no network.');
  const row = findNetworkOnWire(onWire);
  if (row?.family === 'tempo' || row?.family === 'lightning')
    return new Fault('unsupported_network', `This wallet does not pay by x402 on ${row.label}.`);
  if (row !== undefined) return { row, onWire };
  return new Fault('unsupported_network', `The network ${quoteText(onWire)} is unknown to this wallet.`);
}

function readAsset(entry: JsonObject, network: X402Network): DollarAsset | Fault {
  const stated = statedText(entry, 'asset');
  if (stated === undefined) return malformed('The offer names no asset.');
  const asset = findDollar(network.caip2, stated);
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
function readAmount(entry: JsonObject, { family }: Network): bigint | Fault {
  const [first, second] = ['amount', 'maxAmountRequired']
    .map((name) => statedField(entry, name))
    .filter((value) => value !== undefined);
  if (first === undefined) return malformed('The offer states no amount.');
  if (second !== undefined && second !== first) return malformed('The offer states two different amounts.');
  if (typeof first !== 'string') return malformed("The offer's amount is not text.");
  if (!AMOUNT.test(first))
    return malformed(`The amount ${quoteText(first)} is not a positive whole number of atomic units.`);
  const amountAtomic = BigInt(first);
  return amountAtomic <= (family === 'evm' ? UINT256_MAX : UINT64_MAX)
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

/** On Solana the blockhash ends a payment: sellers who say so by 0 have named no time. */
function readTimeout(entry: JsonObject, { family }: Network): number | Fault {
  const named = statedField(entry, 'maxTimeoutSeconds');
  const stated = named === undefined || (named === 0 && family === 'svm') ? MAX_TIMEOUT_DEFAULT_SEC : named;
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
 * that one, so that a payment would only be held until it expires. Both may be left out. Of a token that signs nothing
 * itself the domain is Permit2's, and nothing that is stated here changes that.
 */
function checkDomain(entry: JsonObject, asset: EvmAsset): undefined | Fault {
  const extra = statedField(entry, 'extra');
  if (!isJsonObject(extra) || !isSigned(asset)) return undefined;
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
