import { concatHex, keccak256, numberToHex, pad, stringToBytes, toFunctionSelector } from 'viem/utils';
import { CHANNEL_CONTRACT } from '../../money/channelContract.js';
import type { AtomicAmount } from '../../money/unit.js';
import type { EvmChannel, EvmChannelEndIntent } from '../../payment/channelIntent.js';

type Hex = `0x${string}`;

/** The contract counts in 128 bits. */
export const EVM_CHANNEL_ATOMIC_MAX = 2n ** 128n - 1n;

const CONFIG = '(address,address,address,address,address,uint40,bytes32)';
const INITIATE_WITHDRAW = toFunctionSelector(`initiateWithdraw(${CONFIG},uint128)`);
const FINALIZE_WITHDRAW = toFunctionSelector(`finalizeWithdraw(${CONFIG})`);

const DOMAIN_TYPE = hashOf(
  'EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)',
);
const DOMAIN_NAME = hashOf('x402 Batch Settlement');
const DOMAIN_VERSION = hashOf('1');
const CHANNEL_TYPE = hashOf(
  'ChannelConfig(address payer,address payerAuthorizer,address receiver,address receiverAuthorizer,address token,uint40 withdrawDelay,bytes32 salt)',
);
const VOUCHER_TYPE = hashOf('Voucher(bytes32 channelId,uint128 maxClaimableAmount)');

/** The id of a channel on a chain: the hash of its terms as typed data (x402BatchSettlement `getChannelId`). */
export function evmChannelId(channel: EvmChannel, chainId: number): Hex {
  return typedHash(chainId, [CHANNEL_TYPE, ...words(channel)]);
}

/**
 * The nonce by which a channel's one deposit is made (ERC3009DepositCollector): it follows from the channel alone, so that the
 * token takes no second one.
 */
export function depositNonce(channel: EvmChannel, chainId: number): Hex {
  return keccak256(concatHex([evmChannelId(channel, chainId), channel.salt]));
}

/** What a voucher's signer signs (EIP-712). The domain is ours: chain and contract of our own tables (T6). */
export function evmVoucherHash(id: Hex, cumulativeAtomic: AtomicAmount, chainId: number): Hex {
  return typedHash(chainId, [VOUCHER_TYPE, id, word(cumulativeAtomic)]);
}

/** The call by which a payer gets back what is left of a channel. */
export function endCallData({
  call,
  channel,
  amountAtomic,
}: Pick<EvmChannelEndIntent, 'call' | 'channel' | 'amountAtomic'>): Hex {
  return call === 'request_close'
    ? concatHex([INITIATE_WITHDRAW, ...words(channel), word(amountAtomic)])
    : concatHex([FINALIZE_WITHDRAW, ...words(channel)]);
}

function typedHash(chainId: number, parts: readonly Hex[]): Hex {
  const domain = keccak256(
    concatHex([DOMAIN_TYPE, DOMAIN_NAME, DOMAIN_VERSION, word(BigInt(chainId)), pad(CHANNEL_CONTRACT)]),
  );
  return keccak256(concatHex(['0x1901', domain, keccak256(concatHex([...parts]))]));
}

function words({ salt, withdrawDelaySec, ...parties }: EvmChannel): Hex[] {
  const { payer, payerAuthorizer, receiver, receiverAuthorizer, token } = parties;
  return [
    ...[payer, payerAuthorizer, receiver, receiverAuthorizer, token].map((one) => pad(one)),
    ...[word(BigInt(withdrawDelaySec)), salt],
  ];
}

function hashOf(text: string): Hex {
  return keccak256(stringToBytes(text));
}

function word(value: bigint): Hex {
  return numberToHex(value, { size: 32 });
}
