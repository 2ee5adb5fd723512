import { readAddress } from '../../money/address.js';
import type { RejectedOffer } from '../../payment/challenge.js';
import { isJsonObject, statedField, statedText } from '../../text/json.js';
import { quoteText } from '../../text/untrusted.js';
import { CHANNEL_ATOMIC_MAX, CHANNEL_RESERVE, ZERO_ADDRESS } from '../tempo/channel.js';
import type { PaymentChallenge } from './challenge.js';
import { AMOUNT, Fault, judged, malformed, readAmount, readAsset, readTempoNetwork } from './terms.js';
import type { TempoSession } from './types.js';

/** The intent that pays each call out of a deposit. */
export const SESSION = 'session';
/** Sessions by the chain's own reserve (TIP-1034); those of before it went by a contract of each seller's choice. */
const PROTOCOL = 'v2';

/**
 * Judges one challenge of the intent `session`, alone (T1): what one call costs, and whose channel it is paid from, or why it
 * cannot be paid. Network, asset and reserve are rows of our own tables; payee, operator and amount come from the seller, the
 * amount in the token's own unit. Never throws.
 */
export function judgeSession(challenge: PaymentChallenge, index: number): TempoSession | RejectedOffer {
  return judged(readSession(challenge, index), index);
}

/** True for a session that {@link judgeSession} found payable. */
export function isSession(offer: TempoSession | RejectedOffer): offer is TempoSession {
  return 'payTo' in offer;
}

function readSession(challenge: PaymentChallenge, index: number): TempoSession | Fault {
  const { method, request } = challenge;
  if (method !== 'tempo')
    return new Fault(
      'unsupported_scheme',
      `This wallet does not pay sessions by the method ${quoteText(method)} of MPP.`,
    );
  const stated = statedField(request, 'methodDetails');
  const details = isJsonObject(stated) ? stated : {};
  const protocol = statedField(details, 'sessionProtocol');
  if (protocol !== PROTOCOL)
    return new Fault(
      'unsupported_scheme',
      "The challenge wants a session by a contract of the seller's choice, and this wallet keeps channels in the chain's own reserve alone.",
    );
  const network = readTempoNetwork(details);
  if (network instanceof Fault) return network;
  const escrow = statedText(details, 'escrowContract');
  if (escrow !== undefined && escrow.toLowerCase() !== CHANNEL_RESERVE)
    return new Fault(
      'unsupported_scheme',
      "The challenge wants its deposit in another place than the chain's own reserve.",
    );
  const asset = readAsset(request, details, network);
  if (asset instanceof Fault) return asset;
  if (asset.family !== 'tempo') return malformed('The token is of another kind of chain than the network.');
  const payTo = readAddress(statedText(request, 'recipient') ?? '');
  if (payTo === undefined || payTo === ZERO_ADDRESS)
    return malformed('The challenge names no valid recipient.');
  const operator = readOperator(statedField(details, 'operator'));
  if (operator instanceof Fault) return operator;
  const amount = readAmount(request, asset, CHANNEL_ATOMIC_MAX);
  if (amount instanceof Fault) return amount;
  const least = readOptional(statedField(details, 'minVoucherDelta'));
  if (least === undefined) return malformed('The least step of a voucher is no whole number.');
  if (least > amount.amountAtomic)
    return new Fault(
      'unsupported_scheme',
      'The challenge wants more paid with each call than the call costs.',
    );
  const suggested = readOptional(statedField(request, 'suggestedDeposit'));
  if (suggested === undefined) return malformed('The suggested deposit is no whole number.');
  return {
    ...{ method: 'tempo', index, challenge, network, asset, payTo, operator, ...amount },
    feePaidBy: statedField(details, 'feePayer') === true ? 'payee' : 'self',
    suggestedAtomic: suggested === 0n ? null : suggested,
  };
}

function readOperator(stated: unknown): `0x${string}` | Fault {
  if (stated === undefined) return ZERO_ADDRESS;
  const operator = typeof stated === 'string' ? readAddress(stated) : undefined;
  return operator ?? malformed('The challenge names an operator that is no address.');
}

/** 0 where it is not stated; undefined where it is no amount. */
function readOptional(stated: unknown): bigint | undefined {
  if (stated === undefined || stated === '0') return 0n;
  if (typeof stated !== 'string' || !AMOUNT.test(stated)) return undefined;
  const amount = BigInt(stated);
  return amount > CHANNEL_ATOMIC_MAX ? undefined : amount;
}
