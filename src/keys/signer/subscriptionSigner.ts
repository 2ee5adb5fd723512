import {
  SUBSCRIPTION_PERIOD_SEC_MIN,
  SUBSCRIPTION_SEC_MAX,
  TEMPO_KEY_TYPES,
  TEMPO_WINDOW_MAX_SEC,
  type TempoKeyIntent,
  type TempoSubscriptionIntent,
} from '../../payment/intent.js';
import {
  ADDRESS,
  BYTES32,
  checkWindow,
  isMatch,
  listedTempoAsset,
  type TempoAccount,
} from './tempoSigner.js';
import { refusal } from './transferSigner.js';

const ZERO_ADDRESS = /^0x0{40}$/;
const UINT128_END = 2n ** 128n;

/**
 * Signs that a seller's key may take so much of this account in each period, and gives the bytes that the seller hands to the
 * chain, after recovering our own address from the signature. Trusts nothing its caller checked: token, chain, payee, amount,
 * period, end and key are judged again here, and what the key may call is made of the intent alone (T3, T7, T8). Throws
 * `signer_refused`.
 */
export async function signTempoSubscription(
  given: TempoSubscriptionIntent,
  account: TempoAccount,
  nowMs: number,
): Promise<`0x${string}`> {
  if (given.kind !== 'tempo_subscription') throw refusal('it is not a subscription');
  const intent: TempoSubscriptionIntent = { ...given, asset: listedTempoAsset(given) };
  await checkParties(intent, account.address);
  const { amountAtomic, periodSec, keyType } = intent;
  if (typeof amountAtomic !== 'bigint' || amountAtomic <= 0n || amountAtomic >= UINT128_END)
    throw refusal('the amount is not one that a token of Tempo can hold');
  if (!Number.isSafeInteger(periodSec) || periodSec < SUBSCRIPTION_PERIOD_SEC_MIN)
    throw refusal('the period is shorter than a day');
  if (!TEMPO_KEY_TYPES.includes(keyType)) throw refusal('the key is of no kind that the chain knows');
  checkWindow(intent, nowMs, SUBSCRIPTION_SEC_MAX);
  const { authorizationHash, writeAuthorization } = await import('../../protocols/tempo/keychain.js');
  const hash = authorizationHash(intent);
  return writeAuthorization(intent, await ownSignature(account, hash));
}

/** Signs the transaction that ends a subscription, and gives its bytes. Throws `signer_refused`. */
export async function signTempoKey(
  given: TempoKeyIntent,
  account: TempoAccount,
  nowMs: number,
): Promise<`0x${string}`> {
  if (given.kind !== 'tempo_key') throw refusal('it is not the end of a subscription');
  const intent: TempoKeyIntent = { ...given, asset: listedTempoAsset(given) };
  const { from, accessKey, witness, call } = intent;
  if (!isMatch(ADDRESS, from) || from.toLowerCase() !== account.address.toLowerCase())
    throw refusal("the payer is not this agent's own address");
  if (!isMatch(ADDRESS, accessKey) || !isMatch(BYTES32, witness)) throw refusal('it names no key');
  if (call !== 'revoke' && call !== 'burn') throw refusal('it is no call that ends one');
  checkWindow(intent, nowMs, TEMPO_WINDOW_MAX_SEC);
  const { keyCall } = await import('../../protocols/tempo/keychain.js');
  const { callHash, writeCall } = await import('../../protocols/tempo/transaction.js');
  const made = keyCall(intent);
  return writeCall(made, await ownSignature(account, callHash(made)));
}

/** T6: a signature that does not come back to our address never leaves. */
async function ownSignature(account: TempoAccount, hash: `0x${string}`): Promise<`0x${string}`> {
  const { isOwnSignature } = await import('./ownSignature.js');
  const signature = await account.sign({ hash });
  if (!isOwnSignature(account, hash, signature))
    throw refusal('the signature does not recover to our own address');
  return signature;
}

async function checkParties(intent: TempoSubscriptionIntent, ownAddress: string): Promise<void> {
  const { from, to, accessKey, witness, asset } = intent;
  const own = ownAddress.toLowerCase();
  if (!isMatch(ADDRESS, from) || from.toLowerCase() !== own)
    throw refusal("the payer is not this agent's own address");
  if (!isMatch(ADDRESS, to) || ZERO_ADDRESS.test(to)) throw refusal('the payee is not an address');
  const { isAddress } = await import('viem/utils');
  if (!isAddress(to)) throw refusal('the payee address fails its checksum');
  const [payee, key, token] = [
    to.toLowerCase(),
    String(accessKey).toLowerCase(),
    asset.address.toLowerCase(),
  ];
  if (payee === own) throw refusal('the payee is the payer');
  if (payee === token) throw refusal('the payee is the token contract');
  if (!isMatch(ADDRESS, accessKey) || ZERO_ADDRESS.test(accessKey) || key === own)
    throw refusal("the key is not one of the seller's");
  if (!isMatch(BYTES32, witness)) throw refusal('the witness is not 32 bytes');
}
