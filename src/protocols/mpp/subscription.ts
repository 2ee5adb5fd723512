import { Buffer } from 'node:buffer';
import { readAddress } from '../../money/address.js';
import type { RejectedOffer } from '../../payment/challenge.js';
import {
  SUBSCRIPTION_PERIOD_SEC_MIN,
  SUBSCRIPTION_SEC_MAX,
  TEMPO_KEY_TYPES,
  type TempoKeyType,
} from '../../payment/intent.js';
import { isJsonObject, statedField, statedText, type JsonObject } from '../../text/json.js';
import { quoteText } from '../../text/untrusted.js';
import { ZERO_ADDRESS } from '../tempo/channel.js';
import type { PaymentChallenge } from './challenge.js';
import { AMOUNT, Fault, judged, malformed, readAmount, readAsset, readTempoNetwork } from './terms.js';
import type { TempoSubscription } from './types.js';

/** The intent that lets a seller take the same amount in each period. */
export const SUBSCRIPTION = 'subscription';

const UINT128_MAX = 2n ** 128n - 1n;
/** Seconds of each unit that is sold by; development's own seconds are none. */
const UNIT_SEC: ReadonlyMap<string, number> = new Map([
  ['day', 86_400],
  ['week', 604_800],
]);
const WITNESS_BYTES = 32;
/** RFC 3339 in UTC, in whole seconds, as the published server writes it: the chain counts in those. */
const WHOLE_SECOND = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.0{1,9})?Z$/;

/**
 * Judges one challenge of the intent `subscription`, alone (T1): how much in which period until when, and by which key, or why
 * it cannot be paid. Network and asset are rows of our own tables; all else is the seller's. Never throws.
 */
export function judgeSubscription(
  challenge: PaymentChallenge,
  index: number,
): TempoSubscription | RejectedOffer {
  return judged(readSubscription(challenge, index), index);
}

/** True for a subscription that {@link judgeSubscription} found payable. */
export function isSubscription(offer: TempoSubscription | RejectedOffer): offer is TempoSubscription {
  return 'payTo' in offer;
}

function readSubscription(challenge: PaymentChallenge, index: number): TempoSubscription | Fault {
  const { method, request, id } = challenge;
  if (method !== 'tempo')
    return new Fault(
      'unsupported_scheme',
      `This wallet does not subscribe by the method ${quoteText(method)} of MPP.`,
    );
  const stated = statedField(request, 'methodDetails');
  const details = isJsonObject(stated) ? stated : {};
  const network = readTempoNetwork(details);
  if (network instanceof Fault) return network;
  const asset = readAsset(request, details, network);
  if (asset instanceof Fault) return asset;
  if (asset.family !== 'tempo') return malformed('The token is of another kind of chain than the network.');
  const payTo = readAddress(statedText(request, 'recipient') ?? '');
  if (payTo === undefined || payTo === ZERO_ADDRESS)
    return malformed('The challenge names no valid recipient.');
  const key = readKey(details);
  if (key instanceof Fault) return key;
  const witness = readWitness(id);
  if (witness === undefined)
    return malformed('The id of the challenge is not of 32 bytes, to which a subscription is bound.');
  const amount = readAmount(request, asset, UINT128_MAX);
  if (amount instanceof Fault) return amount;
  const time = readTime(request, challenge);
  if (time instanceof Fault) return time;
  return {
    ...{ method: 'tempo', index, challenge, network, asset, payTo, witness },
    ...key,
    ...amount,
    ...time,
  };
}

/** The seller's key: whatever kind it is of, its address is what the chain knows it by. */
function readKey(
  details: JsonObject,
): { readonly accessKey: `0x${string}`; readonly keyType: TempoKeyType } | Fault {
  const stated = statedField(details, 'accessKey');
  const accessKey = isJsonObject(stated)
    ? readAddress(statedText(stated, 'accessKeyAddress') ?? '')
    : undefined;
  const named = isJsonObject(stated) ? statedText(stated, 'keyType') : undefined;
  const keyType = TEMPO_KEY_TYPES.find((one) => one === named);
  if (accessKey === undefined || accessKey === ZERO_ADDRESS || keyType === undefined)
    return malformed('The challenge names no key of the seller that could be charged by.');
  return { accessKey: accessKey.toLowerCase() as `0x${string}`, keyType };
}

function readWitness(id: string): `0x${string}` | undefined {
  if (!/^[A-Za-z0-9_-]+=?$/.test(id)) return undefined;
  const bytes = Buffer.from(id, 'base64url');
  return bytes.length === WITNESS_BYTES ? `0x${bytes.toString('hex')}` : undefined;
}

function readTime(
  request: JsonObject,
  { expiresMs }: PaymentChallenge,
): { readonly periodSec: number; readonly endsSec: number } | Fault {
  const count = statedText(request, 'periodCount') ?? '';
  const unitSec = UNIT_SEC.get(statedText(request, 'periodUnit') ?? '');
  if (unitSec === undefined)
    return new Fault(
      'unsupported_scheme',
      'The subscription is charged by another period than days or weeks.',
    );
  const periodSec = AMOUNT.test(count) ? Number(count) * unitSec : Number.NaN;
  if (!Number.isSafeInteger(periodSec) || periodSec < SUBSCRIPTION_PERIOD_SEC_MIN)
    return malformed("The subscription's period is no whole number of days or weeks.");
  const ends = statedText(request, 'subscriptionExpires') ?? '';
  const endsMs = WHOLE_SECOND.test(ends) ? Date.parse(ends) : Number.NaN;
  if (!Number.isSafeInteger(endsMs)) return malformed("The subscription's end is no time in whole seconds.");
  if (expiresMs !== undefined && endsMs <= expiresMs)
    return malformed('The subscription ends before its challenge does.');
  return { periodSec, endsSec: endsMs / 1000 };
}

/** Whether a subscription lasts longer than one is signed for, seen from now. */
export function isTooLong({ endsSec }: Pick<TempoSubscription, 'endsSec'>, nowMs: number): boolean {
  return endsSec - nowMs / 1000 > SUBSCRIPTION_SEC_MAX;
}
