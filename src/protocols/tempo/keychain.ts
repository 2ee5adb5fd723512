import { concatHex, keccak256, numberToHex, pad, toFunctionSelector, toRlp } from 'viem/utils';
import { TEMPO_KEY_TYPES, type TempoKeyIntent, type TempoSubscriptionIntent } from '../../payment/intent.js';
import type { TempoCall } from './transaction.js';

type Hex = `0x${string}`;

/** The part of Tempo that keeps which keys may act for an account, and within which limits (TIP-1011). */
export const ACCOUNT_KEYCHAIN: Hex = '0xaaaaaaaa00000000000000000000000000000000';

const TRANSFER_WITH_MEMO = toFunctionSelector('transferWithMemo(address,uint256,bytes32)');
const REVOKE = toFunctionSelector('revokeKey(address)');
const BURN = toFunctionSelector('burnKeyAuthorizationWitness(bytes32)');
/** RLP has no number but the shortest bytes of it, and none at all for 0. */
const NOTHING: Hex = '0x';

/**
 * What a payer promises by: that one key of the seller's may make one kind of call for this account, a transfer with a memo of
 * one token to one payee, so much in each period, until the end (TIP-1011); bound to one challenge by a witness (TIP-1053).
 */
function authorizationOf(intent: TempoSubscriptionIntent) {
  const { chainId, keyType, accessKey, asset, to, amountAtomic, periodSec, validBeforeSec, witness } = intent;
  const limit = [lower(asset.address as Hex), numberToHex(amountAtomic), numberToHex(periodSec)] as const;
  const calls = [lower(asset.address as Hex), [[TRANSFER_WITH_MEMO, [lower(to)]]]] as const;
  const type = TEMPO_KEY_TYPES.indexOf(keyType);
  return [
    ...[numberToHex(chainId), type === 0 ? NOTHING : numberToHex(type), lower(accessKey)],
    ...[numberToHex(validBeforeSec), [limit], [calls], witness],
  ] as const;
}

/** What its payer signs. */
export function authorizationHash(intent: TempoSubscriptionIntent): Hex {
  return keccak256(toRlp(authorizationOf(intent)));
}

/** The bytes that a seller hands to the chain; `signature` is 65 bytes over {@link authorizationHash}. */
export function writeAuthorization(intent: TempoSubscriptionIntent, signature: Hex): Hex {
  return toRlp([authorizationOf(intent), signature]);
}

/** The call that ends a promise: one that the chain knows by its key, and one that never reached it by its witness. */
export function keyCall(intent: TempoKeyIntent): TempoCall {
  const { chainId, from, asset, call, accessKey, witness, validBeforeSec } = intent;
  const data = call === 'revoke' ? concatHex([REVOKE, pad(accessKey)]) : concatHex([BURN, witness]);
  const to = ACCOUNT_KEYCHAIN;
  return { chainId, from, to, data, validBeforeSec, feePaidBy: 'self', feeToken: asset.address as Hex };
}

function lower(hex: Hex): Hex {
  return hex.toLowerCase() as Hex;
}
