import type { AtomicAmount } from '../../money/unit.js';
import { concatHex, keccak256, numberToHex, pad, stringToBytes, toFunctionSelector } from 'viem/utils';
import type { ChannelDescriptor, TempoChannelIntent } from '../../payment/channelIntent.js';
import { expiringNonceHash, type TempoCall } from './transaction.js';

type Hex = `0x${string}`;

/** The part of Tempo that keeps the deposits of channels (TIP-1034), at the same address on each of its chains. */
export const CHANNEL_RESERVE: Hex = '0x4d50500000000000000000000000000000000000';
/** So long after a payer asked for it, a channel can be closed without its payee. s */
export const CLOSE_GRACE_SEC = 900;
/** The reserve counts in 96 bits. */
export const CHANNEL_ATOMIC_MAX = 2n ** 96n - 1n;
export const ZERO_ADDRESS: Hex = '0x0000000000000000000000000000000000000000';

const DESCRIPTOR = '(address,address,address,address,bytes32,address,bytes32)';
const OPEN = toFunctionSelector('open(address,address,address,uint96,bytes32,address)');
const TOP_UP = toFunctionSelector(`topUp(${DESCRIPTOR},uint96)`);
const REQUEST_CLOSE = toFunctionSelector(`requestClose(${DESCRIPTOR})`);
const WITHDRAW = toFunctionSelector(`withdraw(${DESCRIPTOR})`);

const DOMAIN_TYPE = keccak256(
  stringToBytes('EIP712Domain(string name,string version,uint256 chainId,address verifyingContract)'),
);
const DOMAIN_NAME = keccak256(stringToBytes('TIP20 Channel Reserve'));
const DOMAIN_VERSION = keccak256(stringToBytes('1'));
const VOUCHER_TYPE = keccak256(stringToBytes('Voucher(bytes32 channelId,uint96 cumulativeAmount)'));

/** The id of a channel on a chain. */
export function channelId(descriptor: ChannelDescriptor, chainId: number): Hex {
  return keccak256(concatHex([...words(descriptor), pad(CHANNEL_RESERVE), word(BigInt(chainId))]));
}

/** The channel that a transaction would open, whose fields but this hash are given. */
export function openedBy(
  intent: Omit<TempoChannelIntent, 'nonce' | 'kind' | 'call' | 'descriptor'>,
  terms: Omit<ChannelDescriptor, 'expiringNonceHash'>,
): TempoChannelIntent {
  const draft = { ...terms, expiringNonceHash: word(0n) };
  const call = {
    ...intent,
    kind: 'tempo_channel',
    call: 'open',
    nonce: word(0n),
    descriptor: draft,
  } as const;
  const descriptor = { ...terms, expiringNonceHash: expiringNonceHash(channelCall(call)) };
  return { ...call, nonce: channelId(descriptor, intent.chainId), descriptor };
}

/** The call that an intent makes of the reserve. */
export function channelCall(intent: TempoChannelIntent): TempoCall {
  const { chainId, asset, from, validBeforeSec, feePaidBy } = intent;
  return {
    ...{ chainId, from, to: CHANNEL_RESERVE, data: dataOf(intent) },
    ...{ validBeforeSec, feePaidBy, feeToken: asset.address },
  };
}

function dataOf({ call, descriptor, amountAtomic }: TempoChannelIntent): Hex {
  const { payee, operator, token, salt, authorizedSigner } = descriptor;
  switch (call) {
    case 'open':
      return concatHex([
        ...[OPEN, pad(payee), pad(operator), pad(token), word(amountAtomic)],
        ...[salt, pad(authorizedSigner)],
      ]);
    case 'top_up':
      return concatHex([TOP_UP, ...words(descriptor), word(amountAtomic)]);
    case 'request_close':
      return concatHex([REQUEST_CLOSE, ...words(descriptor)]);
    case 'withdraw':
      return concatHex([WITHDRAW, ...words(descriptor)]);
  }
}

/** What a voucher's signer signs (EIP-712). The domain is ours: chain and reserve of our own tables (T6). */
export function voucherHash(id: Hex, cumulativeAtomic: AtomicAmount, chainId: number): Hex {
  const domain = keccak256(
    concatHex([DOMAIN_TYPE, DOMAIN_NAME, DOMAIN_VERSION, word(BigInt(chainId)), pad(CHANNEL_RESERVE)]),
  );
  const voucher = keccak256(concatHex([VOUCHER_TYPE, id, word(cumulativeAtomic)]));
  return keccak256(concatHex(['0x1901', domain, voucher]));
}

function words(descriptor: ChannelDescriptor): Hex[] {
  const { payer, payee, operator, token, salt, authorizedSigner } = descriptor;
  return [
    ...[pad(payer), pad(payee), pad(operator), pad(token)],
    ...[salt, pad(authorizedSigner), descriptor.expiringNonceHash],
  ];
}

function word(value: bigint): Hex {
  return numberToHex(value, { size: 32 });
}
