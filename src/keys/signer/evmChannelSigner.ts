import { isSigned, type EvmAsset } from '../../money/asset.js';
import { findNetwork } from '../../money/network.js';
import {
  CHANNEL_CONTRACT,
  DEPOSIT_COLLECTOR,
  WITHDRAW_DELAY_MAX_SEC,
  WITHDRAW_DELAY_MIN_SEC,
} from '../../money/channelContract.js';
import type {
  EvmChannel,
  EvmChannelEndIntent,
  EvmDepositIntent,
  EvmVoucherIntent,
} from '../../payment/channelIntent.js';
import { checkGas, type RelayAccount } from './relaySigner.js';
import {
  ADDRESS,
  checkEvmTransfer,
  findListedAsset,
  isMatch,
  refusal,
  ZERO_ADDRESS,
  type DigestAccount,
} from './transferSigner.js';

const BYTES32 = /^0x[0-9a-fA-F]{64}$/;

/** EIP-3009, "ReceiveWithAuthorization": of use to the one that it pays, and to nobody else. */
const RECEIVE_TYPES = {
  ReceiveWithAuthorization: [
    { name: 'from', type: 'address' },
    { name: 'to', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'validAfter', type: 'uint256' },
    { name: 'validBefore', type: 'uint256' },
    { name: 'nonce', type: 'bytes32' },
  ],
} as const;

/**
 * Signs the one deposit of a channel of our own, and gives the 65-byte signature. Whom it pays is our table's, whose code
 * gives it to that very channel (T36); token, parties, amount, window and nonce are judged again here. Throws `signer_refused`.
 */
export async function signEvmDeposit(
  given: EvmDepositIntent,
  account: DigestAccount,
  nowMs: number,
): Promise<`0x${string}`> {
  const intent: EvmDepositIntent = { ...given, channel: { ...given.channel } };
  if (intent.kind !== 'evm_deposit') throw refusal('it is not a deposit that this wallet signs');
  const asset = checkEvmTransfer(intent, account.address, nowMs);
  if (!isSigned(asset)) throw refusal('the token takes no signature of its holder');
  await checkChannel({ ...intent, asset }, account.address);
  const { depositNonce, EVM_CHANNEL_ATOMIC_MAX } = await import('../../protocols/evm/channel.js');
  if (intent.amountAtomic > EVM_CHANNEL_ATOMIC_MAX) throw refusal('a channel holds no such amount');
  if (depositNonce(intent.channel, intent.chainId) !== intent.nonce)
    throw refusal('the nonce is not the one of its channel');
  const { hashTypedData } = await import('viem/utils');
  return signed(
    account,
    hashTypedData({
      domain: {
        name: asset.eip712.name,
        version: asset.eip712.version,
        chainId: intent.chainId,
        verifyingContract: asset.address,
      },
      types: RECEIVE_TYPES,
      primaryType: 'ReceiveWithAuthorization',
      message: {
        from: intent.from,
        to: DEPOSIT_COLLECTOR,
        value: intent.amountAtomic,
        validAfter: BigInt(intent.validAfterSec),
        validBefore: BigInt(intent.validBeforeSec),
        nonce: intent.nonce,
      },
    }),
  );
}

/**
 * Signs a voucher: all that a receiver may have taken of one channel of our own by then, which is never more than the channel
 * holds. Throws `signer_refused`.
 */
export async function signEvmVoucher(
  given: EvmVoucherIntent,
  account: DigestAccount,
): Promise<`0x${string}`> {
  const intent: EvmVoucherIntent = {
    ...given,
    asset: findListedAsset(given.asset),
    channel: { ...given.channel },
  };
  if (intent.kind !== 'evm_voucher') throw refusal('it is not a voucher');
  await checkChannel(intent, account.address);
  const { amountAtomic, cumulativeAtomic, depositAtomic } = intent;
  const { EVM_CHANNEL_ATOMIC_MAX, evmChannelId, evmVoucherHash } =
    await import('../../protocols/evm/channel.js');
  if (
    ![amountAtomic, cumulativeAtomic, depositAtomic].every((one) => typeof one === 'bigint') ||
    amountAtomic < 0n ||
    cumulativeAtomic < amountAtomic ||
    cumulativeAtomic > depositAtomic ||
    depositAtomic > EVM_CHANNEL_ATOMIC_MAX
  )
    throw refusal('the voucher says more than its channel holds');
  const { channel, chainId } = intent;
  return signed(account, evmVoucherHash(evmChannelId(channel, chainId), cumulativeAtomic, chainId));
}

/**
 * Signs the transaction by which the owner gets back what is left of a channel of an agent's own, and gives its bytes: the
 * contract is our table's, and whatever it moves goes to the payer. Throws `signer_refused`.
 */
export async function signEvmChannelEnd(
  given: EvmChannelEndIntent,
  account: RelayAccount,
): Promise<`0x${string}`> {
  const intent: EvmChannelEndIntent = {
    ...given,
    asset: findListedAsset(given.asset),
    channel: { ...given.channel },
  };
  if (intent.kind !== 'evm_channel_end' || !['request_close', 'withdraw'].includes(intent.call))
    throw refusal('it is not a transaction this wallet signs');
  await checkChannel({ ...intent, to: intent.channel.receiver }, account.address);
  const { endCallData, EVM_CHANNEL_ATOMIC_MAX } = await import('../../protocols/evm/channel.js');
  const { amountAtomic } = intent;
  if (typeof amountAtomic !== 'bigint' || amountAtomic <= 0n || amountAtomic > EVM_CHANNEL_ATOMIC_MAX)
    throw refusal('the amount is none that a channel holds');
  checkGas(intent);
  return account.signTransaction({
    type: 'eip1559',
    chainId: intent.chainId,
    nonce: intent.accountNonce,
    to: CHANNEL_CONTRACT,
    value: 0n,
    data: endCallData(intent),
    gas: intent.gas,
    maxFeePerGas: intent.maxFeePerGasWei,
    maxPriorityFeePerGas: intent.maxPriorityFeePerGasWei,
  });
}

async function signed(account: DigestAccount, hash: `0x${string}`): Promise<`0x${string}`> {
  const { isOwnSignature } = await import('./ownSignature.js');
  const signature = await account.sign({ hash });
  if (!isOwnSignature(account, hash, signature))
    throw refusal('the signature does not recover to our own address');
  return signature;
}

interface ChannelOf {
  readonly asset: EvmAsset;
  readonly chainId: number;
  readonly from: `0x${string}`;
  readonly to: `0x${string}`;
  readonly channel: EvmChannel;
}

/** A channel of our own, to somebody else, in a listed token of its own chain, whose vouchers nobody but this key signs. */
async function checkChannel(
  { asset, chainId, from, to, channel }: ChannelOf,
  ownAddress: string,
): Promise<void> {
  const network = findNetwork(asset.network);
  if (network?.family !== 'evm' || chainId !== network.chainId)
    throw refusal("the chain is not the asset's own");
  const { payer, payerAuthorizer, receiver, receiverAuthorizer, token, salt, withdrawDelaySec } = channel;
  const parties = [from, to, payer, payerAuthorizer, receiver, receiverAuthorizer, token];
  if (!parties.every((one) => isMatch(ADDRESS, one)))
    throw refusal('a party of the channel is not an address');
  const { isAddress } = await import('viem/utils');
  if (!isAddress(to)) throw refusal('the payee address fails its checksum');
  const own = ownAddress.toLowerCase();
  if ([from, payer, payerAuthorizer].some((one) => one.toLowerCase() !== own))
    throw refusal("the channel is not this agent's own");
  const payTo = receiver.toLowerCase();
  const reserved = [own, asset.address.toLowerCase(), CHANNEL_CONTRACT.toLowerCase()];
  if (payTo !== to.toLowerCase() || reserved.includes(payTo) || ZERO_ADDRESS.test(receiver))
    throw refusal('the payee is not the one of the channel');
  if (ZERO_ADDRESS.test(receiverAuthorizer)) throw refusal('nobody could close the channel for its payee');
  if (token.toLowerCase() !== asset.address.toLowerCase())
    throw refusal('the token is not the one of the channel');
  if (!isMatch(BYTES32, salt)) throw refusal('the channel has no id');
  const isInBounds = withdrawDelaySec >= WITHDRAW_DELAY_MIN_SEC && withdrawDelaySec <= WITHDRAW_DELAY_MAX_SEC;
  if (!Number.isSafeInteger(withdrawDelaySec) || !isInBounds)
    throw refusal('the channel keeps its rest for a time that the contract does not take');
}
