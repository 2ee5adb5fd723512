import { isDeepStrictEqual } from 'node:util';
import type { SignedPayload } from '../ledger/attempts/transition.js';
import type { Offer } from '../payment/challenge.js';
import { ECHO_BYTES_MAX } from '../protocols/x402/challenge/offer.js';
import { readJsonHeader } from '../protocols/x402/header.js';
import { PAYMENT_IDENTIFIER } from '../protocols/x402/codec.js';
import { isJsonObject, statedField, type JsonObject, type JsonValue } from '../text/json.js';
import { requiredOf, toOffer, type X402Offer } from './x402Offer.js';

/**
 * An offer of scheme `exact` as its seller would make it for another request of the same endpoint: the resource that it names
 * is that request. Null for every other scheme, and where the seller gave the challenge an identifier of its own.
 */
export function offerFor(offer: Offer, seenAt: URL, url: URL): Offer | null {
  const { x402 } = offer as X402Offer;
  const required = requiredOf(offer);
  if (offer.scheme !== 'exact' || identifierIn(required.extensions) !== undefined) return null;
  const { resource } = required;
  const isSeen = resource !== undefined && statedField(resource, 'url') === seenAt.href;
  const made = isSeen ? { ...required, resource: { ...resource, url: url.href } } : required;
  return toOffer(x402, made);
}

/** Whether a payment said back the terms of this offer and its extensions. One of version 1 says back neither. */
export function answersTo({ value }: SignedPayload, offer: Offer): boolean {
  const { x402 } = offer as X402Offer;
  const sent = readJsonHeader(value, ECHO_BYTES_MAX * 2);
  if (sent === undefined || statedField(sent, 'x402Version') !== x402.x402Version) return false;
  if (x402.x402Version === 1) return statedField(sent, 'network') === x402.networkOnWire;
  const { extensions } = requiredOf(offer);
  return (
    isDeepStrictEqual(statedField(sent, 'accepted'), x402.raw) &&
    isDeepStrictEqual(withoutIdentifier(statedField(sent, 'extensions')), withoutIdentifier(extensions))
  );
}

function identifierIn(extensions: JsonValue | undefined): JsonValue | undefined {
  const info = isJsonObject(extensions) ? infoIn(extensions) : undefined;
  return info === undefined ? undefined : statedField(info, 'id');
}

function infoIn(extensions: JsonObject): JsonObject | undefined {
  const declared = statedField(extensions, PAYMENT_IDENTIFIER);
  const info = isJsonObject(declared) ? statedField(declared, 'info') : undefined;
  return isJsonObject(info) ? info : undefined;
}

/** Extensions without the identifier of one payment, which this wallet adds to each. */
function withoutIdentifier(extensions: JsonValue | undefined): JsonValue | undefined {
  const info = isJsonObject(extensions) ? infoIn(extensions) : undefined;
  if (!isJsonObject(extensions) || info === undefined) return extensions;
  const { id: _id, ...rest } = info;
  const declared = statedField(extensions, PAYMENT_IDENTIFIER) as JsonObject;
  return { ...extensions, [PAYMENT_IDENTIFIER]: { ...declared, info: rest } };
}
