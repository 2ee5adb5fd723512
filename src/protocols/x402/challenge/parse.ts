import { Buffer } from 'node:buffer';
import type { Code } from '../../../errors/codes.js';
import type { EndpointAnswer, HeaderList, RejectedOffer } from '../../../payment/challenge.js';
import { headerValues, readJsonHeader } from '../header.js';
import {
  isJsonObject,
  nestsDeeperThan,
  parseJson,
  statedField,
  statedLine,
  type JsonObject,
  type JsonValue,
} from '../../../text/json.js';
import { ECHO_DEPTH_MAX, isPaymentOffer, judgeOffer, readVersion } from './offer.js';
import { readOtherProtocols } from './otherProtocols.js';
import { readSignIn } from '../signIn/challenge.js';
import type { PaymentOffer, PaymentRequired } from '../types.js';

/** Offers judged of one challenge, and no more (T1); real ones have one to six. */
export const OFFERS_MAX = 64;

/** A challenge longer than this, in a header or in the body, is not read (T1, T15). */
export const CHALLENGE_BYTES_MAX = 1_048_576;

/** How often one 402 may repeat its challenge header before the rest is ignored. */
const CHALLENGE_HEADERS_MAX = 4;

/** The headers that a challenge is read from. */
const CHALLENGE_HEADERS = ['payment-required', 'x-payment-required'];

/** `index` of a rejection that concerns the challenge as a whole. */
export const WHOLE_CHALLENGE = -1;

const DESCRIPTION_CODE_POINTS_MAX = 500;
const SELLER_ERROR_CODE_POINTS_MAX = 200;

/**
 * Reads the demand for payment in a 402, in every shape that servers send it; null for any other status, and for a
 * 402 that names no protocol at all.
 *
 * Read in this order: `PAYMENT-REQUIRED` headers, the body, `X-PAYMENT-REQUIRED` headers. The first that has an offer
 * to pay is taken whole, or else the first that is a challenge; two are never mixed. So the header wins over a body
 * that disagrees, which is where the protocol puts a v2 challenge: a body may be for older clients, or cached. All of
 * them are the same seller's word, and the price and payee taken are judged and shown like any other.
 *
 * A 402 whose challenge cannot be decoded, and one of other protocols alone, have no offers: {@link refusalOf} says
 * why. Reads in time linear in the bytes given, never throws.
 */
export function parsePaymentRequired(answer: EndpointAnswer): PaymentRequired | null {
  if (answer.status !== 402) return null;
  const otherProtocols = readOtherProtocols(answer.headers);
  const isInBody = !CHALLENGE_HEADERS.some((name) => headerValues(answer.headers, name).length > 0);
  let first: PaymentRequired | undefined;
  for (const challenge of findChallenges(answer)) {
    const required = { ...readChallenge(challenge, answer.requestUrl), otherProtocols, isInBody };
    if (required.offers.length > 0) return required;
    first ??= required;
  }
  if (first !== undefined) return first;
  const fault = findUnreadable(answer);
  if (fault === undefined && otherProtocols.length === 0) return null;
  return {
    x402Version: 2,
    offers: [],
    rejected: fault === undefined ? [] : [fault],
    resource: undefined,
    extensions: undefined,
    description: undefined,
    sellerError: undefined,
    otherProtocols,
    isInBody,
  };
}

/** Why a 402 has nothing this wallet could pay, as a code and a sentence. For one without payable offers only. */
export function refusalOf(required: PaymentRequired | null): { code: Code; reason: string } {
  const [rejection, ...others] = required?.rejected ?? [];
  if (rejection !== undefined) {
    const alike = others.every((other) => other.code === rejection.code);
    if (alike) return { code: rejection.code, reason: rejection.reason };
    return { code: 'no_payable_offer', reason: `None of the offers can be paid. ${rejection.reason}` };
  }
  const names = required?.otherProtocols ?? [];
  if (names.length > 0) {
    return {
      code: 'other_protocol',
      reason: `The endpoint asks for payment by ${names.join(' or ')}, not x402.`,
    };
  }
  return {
    code: 'no_payable_offer',
    reason: 'The endpoint asks for payment without an offer that can be read.',
  };
}

function* findChallenges(answer: EndpointAnswer): Generator<JsonObject> {
  yield* challengesInHeaders(answer.headers, 'payment-required');
  const inBody = isWithinBound(answer.bodyText) ? challengeIn(parseJson(answer.bodyText)) : undefined;
  if (inBody !== undefined) yield inBody;
  yield* challengesInHeaders(answer.headers, 'x-payment-required');
}

function* challengesInHeaders(headers: HeaderList, name: string): Generator<JsonObject> {
  for (const value of headerValues(headers, name).slice(0, CHALLENGE_HEADERS_MAX)) {
    const challenge = challengeIn(readJsonHeader(value, CHALLENGE_BYTES_MAX));
    if (challenge !== undefined) yield challenge;
  }
}

/** A challenge is an object with `accepts`; FastAPI puts what its handlers raise under `detail`. */
function challengeIn(value: JsonValue | undefined): JsonObject | undefined {
  if (!isJsonObject(value)) return undefined;
  if (acceptsOf(value) !== undefined) return value;
  const detail = statedField(value, 'detail');
  return isJsonObject(detail) && acceptsOf(detail) !== undefined ? detail : undefined;
}

/** `accepts` is a list; some servers send their one offer without it. */
function acceptsOf(challenge: JsonObject): JsonValue[] | undefined {
  const accepts = statedField(challenge, 'accepts');
  if (Array.isArray(accepts)) return accepts;
  return isJsonObject(accepts) ? [accepts] : undefined;
}

function readChallenge(
  challenge: JsonObject,
  requestUrl: string,
): Omit<PaymentRequired, 'otherProtocols' | 'isInBody'> {
  const statedVersion = statedField(challenge, 'x402Version');
  const x402Version = readVersion(statedVersion);
  const accepts = (acceptsOf(challenge) ?? []).slice(0, OFFERS_MAX);
  const resource = measureEcho(readResource(challenge, requestUrl));
  const extensions = measureEcho(statedField(challenge, 'extensions'));
  const sharedEchoBytes = resource.bytes + extensions.bytes;
  const isForeign = x402Version === undefined && (statedVersion !== undefined || isLookAlike(challenge));
  const judged: (PaymentOffer | RejectedOffer)[] = isForeign
    ? [foreignVersion()]
    : accepts.map((entry, index) => judgeOffer(entry, { index, x402Version, sharedEchoBytes }));
  const offers = judged.filter(isPaymentOffer);
  return {
    x402Version: x402Version ?? offers[0]?.x402Version ?? 2,
    offers,
    rejected: judged.filter((entry): entry is RejectedOffer => !isPaymentOffer(entry)),
    resource: resource.part,
    extensions: extensions.part,
    signIn: readSignIn(extensions.part, requestUrl),
    description: readDescription(resource.part, accepts),
    sellerError: statedLine(challenge, 'error', SELLER_ERROR_CODE_POINTS_MAX),
  };
}

/** A protocol made after x402 that writes its version under its own name, such as `t402Version`, settles by its own rules. */
function isLookAlike(challenge: JsonObject): boolean {
  return Object.keys(challenge).some((name) => /^\w{0,16}402Version$/i.test(name) && name !== 'x402Version');
}

/** v2's `resource` as received; one written v1's way, as text, becomes the object that v2 echoes. */
function readResource(challenge: JsonObject, requestUrl: string): JsonObject | undefined {
  const stated = statedField(challenge, 'resource');
  if (isJsonObject(stated)) return stated;
  if (typeof stated !== 'string') return undefined;
  const url = URL.parse(stated, requestUrl);
  return url === null ? undefined : { url: url.href };
}

function readDescription(
  resource: JsonObject | undefined,
  accepts: readonly JsonValue[],
): string | undefined {
  for (const holder of [resource, ...accepts]) {
    const text = isJsonObject(holder)
      ? statedLine(holder, 'description', DESCRIPTION_CODE_POINTS_MAX)
      : undefined;
    if (text !== undefined) return text;
  }
  return undefined;
}

/** A part that nests too deep to be written back is dropped, and counts as too large for any v2 offer beside it. */
function measureEcho(part: JsonValue | undefined): { part: JsonObject | undefined; bytes: number } {
  if (!isJsonObject(part)) return { part: undefined, bytes: 0 };
  if (nestsDeeperThan(part, ECHO_DEPTH_MAX)) return { part: undefined, bytes: Infinity };
  return { part, bytes: Buffer.byteLength(JSON.stringify(part)) };
}

/** The sign of an x402 challenge that no reader above could make sense of. */
function findUnreadable(answer: EndpointAnswer): RejectedOffer | undefined {
  if (/^\s*\{/.test(answer.bodyText) && !isWithinBound(answer.bodyText)) {
    return wholeFault('The demand for payment is larger than this wallet reads.');
  }
  if (headerValues(answer.headers, 'payment-required').length > 0) {
    return wholeFault('The PAYMENT-REQUIRED header is not a challenge in base64 or JSON.');
  }
  return undefined;
}

function foreignVersion(): RejectedOffer {
  return {
    index: WHOLE_CHALLENGE,
    code: 'unsupported_scheme',
    reason:
      'The endpoint asks in a version of x402, or in a protocol like it, that this wallet does not speak.',
  };
}

function wholeFault(reason: string): RejectedOffer {
  return { index: WHOLE_CHALLENGE, code: 'malformed_offer', reason };
}

function isWithinBound(text: string): boolean {
  // A UTF-16 unit makes at least one byte: text that is longer need not be counted.
  return text.length <= CHALLENGE_BYTES_MAX && Buffer.byteLength(text) <= CHALLENGE_BYTES_MAX;
}
