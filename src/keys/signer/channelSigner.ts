import { TEMPO_WINDOW_MAX_SEC } from '../../payment/intent.js';
import type { TempoChannelIntent, TempoVoucherIntent } from '../../payment/channelIntent.js';
import { refusal } from './transferSigner.js';
import {
  ADDRESS,
  BYTES32,
  checkWindow,
  isMatch,
  listedTempoAsset,
  type TempoAccount,
} from './tempoSigner.js';

const ZERO_ADDRESS = /^0x0{40}$/;
const CALLS: readonly TempoChannelIntent['call'][] = ['open', 'top_up', 'request_close', 'withdraw'];
const DEPOSITS: readonly TempoChannelIntent['call'][] = ['open', 'top_up'];

/**
 * Signs one call of the chain's reserve and gives its transaction's bytes, after recovering our own address from the
 * signature. Trusts nothing its caller checked: token, chain, parties, amount and window are judged again here; the reserve
 * and the call are made of the intent alone (T3, T7, T8). Throws `signer_refused`.
 */
export async function signTempoChannel(
  given: TempoChannelIntent,
  account: TempoAccount,
  nowMs: number,
): Promise<`0x${string}`> {
  const intent: TempoChannelIntent = {
    ...given,
    asset: listedTempoAsset(given),
    descriptor: { ...given.descriptor },
  };
  if (intent.kind !== 'tempo_channel' || !CALLS.includes(intent.call))
    throw refusal('it is not a call of the reserve that this wallet signs');
  await checkChannel(intent, account.address);
  const { CHANNEL_ATOMIC_MAX, channelCall, openedBy } = await import('../../protocols/tempo/channel.js');
  const { amountAtomic, call, feePaidBy } = intent;
  const isDeposit = DEPOSITS.includes(call);
  if (
    typeof amountAtomic !== 'bigint' ||
    amountAtomic > CHANNEL_ATOMIC_MAX ||
    amountAtomic > 0n !== isDeposit
  )
    throw refusal('the amount is none that this call deposits');
  if (feePaidBy !== 'self' && feePaidBy !== 'payee') throw refusal('nobody is named who pays the fee');
  checkWindow(intent, nowMs, TEMPO_WINDOW_MAX_SEC);
  if (call === 'open') {
    // The channel that vouchers are then signed for is the one that this very transaction opens.
    const { expiringNonceHash: _hash, ...terms } = intent.descriptor;
    if (openedBy(intent, terms).nonce !== intent.nonce)
      throw refusal('the channel is not the one that its transaction opens');
  }
  const { callHash, writeCall } = await import('../../protocols/tempo/transaction.js');
  const { isOwnSignature } = await import('./ownSignature.js');
  const made = channelCall(intent);
  const hash = callHash(made);
  const signature = await account.sign({ hash });
  if (!isOwnSignature(account, hash, signature))
    throw refusal('the signature does not recover to our own address');
  return writeCall(made, signature);
}

/**
 * Signs a voucher: all that a payee may have taken of one channel of our own by then, which is never more than the channel
 * holds. Throws `signer_refused`.
 */
export async function signTempoVoucher(
  given: TempoVoucherIntent,
  account: TempoAccount,
): Promise<`0x${string}`> {
  const intent: TempoVoucherIntent = {
    ...given,
    asset: listedTempoAsset(given),
    descriptor: { ...given.descriptor },
  };
  if (intent.kind !== 'tempo_voucher') throw refusal('it is not a voucher');
  await checkChannel(intent, account.address);
  const { amountAtomic, cumulativeAtomic, depositAtomic } = intent;
  const { CHANNEL_ATOMIC_MAX, channelId, voucherHash } = await import('../../protocols/tempo/channel.js');
  if (
    ![amountAtomic, cumulativeAtomic, depositAtomic].every((one) => typeof one === 'bigint') ||
    amountAtomic < 0n ||
    cumulativeAtomic <= 0n ||
    cumulativeAtomic < amountAtomic ||
    cumulativeAtomic > depositAtomic ||
    depositAtomic > CHANNEL_ATOMIC_MAX
  )
    throw refusal('the voucher says more than its channel holds');
  const id = channelId(intent.descriptor, intent.chainId);
  const { isOwnSignature } = await import('./ownSignature.js');
  const hash = voucherHash(id, cumulativeAtomic, intent.chainId);
  const signature = await account.sign({ hash });
  if (!isOwnSignature(account, hash, signature))
    throw refusal('the signature does not recover to our own address');
  return signature;
}

/** A channel of our own, to somebody else, in a listed token, whose vouchers nobody but this key signs. */
async function checkChannel(
  { asset, from, to, descriptor }: Pick<TempoChannelIntent, 'asset' | 'from' | 'to' | 'descriptor'>,
  ownAddress: string,
): Promise<void> {
  const { payer, payee, operator, token, salt, authorizedSigner, expiringNonceHash } = descriptor;
  const { isAddress } = await import('viem/utils');
  if (![from, to, payer, payee, operator, token, authorizedSigner].every((one) => isMatch(ADDRESS, one)))
    throw refusal('a party of the channel is not an address');
  if (!isAddress(to)) throw refusal('the payee address fails its checksum');
  const own = ownAddress.toLowerCase();
  if ([from, payer, authorizedSigner].some((one) => one.toLowerCase() !== own))
    throw refusal("the channel is not this agent's own");
  const payTo = payee.toLowerCase();
  if (payTo !== to.toLowerCase() || payTo === own || ZERO_ADDRESS.test(payee))
    throw refusal('the payee is not the one of the channel');
  if (token.toLowerCase() !== asset.address.toLowerCase() || payTo === token.toLowerCase())
    throw refusal('the token is not the one of the channel');
  if (!isMatch(BYTES32, salt) || !isMatch(BYTES32, expiringNonceHash)) throw refusal('the channel has no id');
}
