import { computeChannelId } from '@x402/evm/batch-settlement/client';
import { decodeFunctionData, hashTypedData, parseAbi, parseTransaction } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { BATCH_SETTLEMENT_ADDRESS, ERC3009_DEPOSIT_COLLECTOR_ADDRESS, voucherTypes } from '@x402/evm';
import { expect, test, vi } from 'vitest';
import { assetsOf, type EvmAsset } from '../../money/asset.js';
import { CHANNEL_CONTRACT, DEPOSIT_COLLECTOR } from '../../money/channelContract.js';
import type {
  EvmChannel,
  EvmChannelEndIntent,
  EvmDepositIntent,
  EvmVoucherIntent,
} from '../../payment/channelIntent.js';
import { depositNonce, evmChannelId, evmVoucherHash } from '../../protocols/evm/channel.js';
import { signEvmChannelEnd, signEvmDeposit, signEvmVoucher } from './evmChannelSigner.js';

const account = privateKeyToAccount(`0x${'17'.repeat(32)}`);
const PAYEE = '0x00000000000000000000000000000000000A11cE';
const OTHER = '0x5e11e75E11e75e11E75E11E75E11e75E11E75E11';
const ZERO = '0x0000000000000000000000000000000000000000';
const NOW_MS = 1_800_000_000_000;
const CHAIN = 84532;
const [asset] = assetsOf('eip155:84532') as [EvmAsset];

/** As the contract's source has them (x402-foundation/x402, contracts/evm). */
const ABI = parseAbi([
  'struct ChannelConfig { address payer; address payerAuthorizer; address receiver; address receiverAuthorizer; address token; uint40 withdrawDelay; bytes32 salt; }',
  'function initiateWithdraw(ChannelConfig config, uint128 amount)',
  'function finalizeWithdraw(ChannelConfig config)',
]);

const channel: EvmChannel = {
  ...{ payer: account.address, payerAuthorizer: account.address, receiver: PAYEE, receiverAuthorizer: OTHER },
  ...{ token: asset.address, withdrawDelaySec: 86_400, salt: `0x${'ab'.repeat(32)}` },
};
const shared = { asset, chainId: CHAIN, from: account.address, to: PAYEE, channel } as const;
const DEPOSIT: EvmDepositIntent = {
  ...{ ...shared, kind: 'evm_deposit', amountAtomic: 500_000n, nonce: depositNonce(channel, CHAIN) },
  ...{ validAfterSec: 0, validBeforeSec: NOW_MS / 1000 + 60 },
};
const VOUCHER: EvmVoucherIntent = {
  ...{ ...shared, kind: 'evm_voucher', amountAtomic: 10_000n, cumulativeAtomic: 20_000n },
  ...{ depositAtomic: 500_000n, nonce: 'x', validAfterSec: 0, validBeforeSec: NOW_MS / 1000 + 86_400 },
};
const END: EvmChannelEndIntent = {
  ...{
    kind: 'evm_channel_end',
    call: 'request_close',
    asset,
    chainId: CHAIN,
    from: account.address,
    channel,
  },
  ...{ amountAtomic: 480_000n, accountNonce: 3, gas: 200_000n },
  ...{ maxFeePerGasWei: 10n ** 9n, maxPriorityFeePerGasWei: 1n },
};

test('our own table is the published one', () => {
  expect(CHANNEL_CONTRACT).toBe(BATCH_SETTLEMENT_ADDRESS);
  expect(DEPOSIT_COLLECTOR).toBe(ERC3009_DEPOSIT_COLLECTOR_ADDRESS);
});

test('a channel’s id, a voucher and the calls that end one are what the published library makes of them', async () => {
  const { withdrawDelaySec: withdrawDelay, ...rest } = channel;
  const config = { ...rest, withdrawDelay };
  const id = evmChannelId(channel, CHAIN);
  expect(id).toBe(computeChannelId(config, CHAIN));
  expect(evmVoucherHash(id, 20_000n, CHAIN)).toBe(
    hashTypedData({
      domain: {
        ...{ name: 'x402 Batch Settlement', version: '1', chainId: CHAIN },
        verifyingContract: BATCH_SETTLEMENT_ADDRESS,
      },
      types: voucherTypes,
      primaryType: 'Voucher',
      message: { channelId: id, maxClaimableAmount: 20_000n },
    }),
  );
  const { to, data, value, chainId } = parseTransaction(await signEvmChannelEnd(END, account));
  expect([to, value ?? 0n, chainId]).toEqual([BATCH_SETTLEMENT_ADDRESS.toLowerCase(), 0n, CHAIN]);
  expect(decodeFunctionData({ abi: ABI, data: data! })).toEqual({
    functionName: 'initiateWithdraw',
    args: [config, 480_000n],
  });
  const ending = parseTransaction(await signEvmChannelEnd({ ...END, call: 'withdraw' }, account));
  expect(decodeFunctionData({ abi: ABI, data: ending.data! })).toEqual({
    functionName: 'finalizeWithdraw',
    args: [config],
  });
});

test('a deposit of our own channel is signed, and vouchers of it up to what it holds', async () => {
  expect(await signEvmDeposit(DEPOSIT, account, NOW_MS)).toMatch(/^0x[0-9a-f]{130}$/);
  for (const cumulativeAtomic of [20_000n, 500_000n])
    expect(await signEvmVoucher({ ...VOUCHER, cumulativeAtomic }, account)).toMatch(/^0x[0-9a-f]{130}$/);
});

/** What is wrong with an intent, and the fields that are. */
type Bad = readonly [string, object];
const about = (more: object) => ({ channel: { ...channel, ...more } });
const OF_ALL: readonly Bad[] = [
  ['another kind', { kind: 'eip3009' }],
  ['a token of no row', { asset: { ...asset, address: OTHER } }],
  ['another chain', { chainId: 8453 }],
  ['another payer', { from: OTHER }],
  ['a channel of somebody else’s', about({ payer: OTHER })],
  ['vouchers that another key signs', about({ payerAuthorizer: OTHER })],
  ['nobody who takes for the payee', about({ receiverAuthorizer: ZERO })],
  ['the contract itself as payee', { to: CHANNEL_CONTRACT, ...about({ receiver: CHANNEL_CONTRACT }) }],
  ['ourselves as payee', { to: account.address, ...about({ receiver: account.address }) }],
  ['another token in the channel', about({ token: OTHER })],
  ['a salt that is no word', about({ salt: '0x00' })],
  ['a rest that stays for less than the contract takes', about({ withdrawDelaySec: 899 })],
  ['a rest that stays for more than it takes', about({ withdrawDelaySec: 2_592_001 })],
];

test.each<Bad>([
  ...OF_ALL,
  ['a payee that is not the channel’s', { to: OTHER }],
  ['more than the channel holds', { cumulativeAtomic: 500_001n }],
  ['less in all than for this call', { amountAtomic: 20_001n }],
  ['less than nothing for this call', { amountAtomic: -1n }],
  ['a number', { cumulativeAtomic: 20_000 }],
])('no voucher is signed for %s (T7)', async (_, bad) => {
  const sign = vi.fn(account.sign);
  await expect(signEvmVoucher({ ...VOUCHER, ...bad }, { ...account, sign })).rejects.toMatchObject({
    code: 'signer_refused',
  });
  expect(sign).not.toHaveBeenCalled();
});

test.each<Bad>([
  ...OF_ALL,
  ['a payee that is not the channel’s', { to: OTHER }],
  ['nothing', { amountAtomic: 0n }],
  ['a window too long', { validBeforeSec: NOW_MS / 1000 + 700 }],
  ['a window that is over', { validBeforeSec: NOW_MS / 1000 }],
  ['the nonce of another channel', about({ salt: `0x${'cd'.repeat(32)}` })],
  ['a nonce of its own', { nonce: `0x${'11'.repeat(32)}` }],
])('no deposit is signed with %s (T7, T36)', async (_, bad) => {
  const sign = vi.fn(account.sign);
  await expect(signEvmDeposit({ ...DEPOSIT, ...bad }, { ...account, sign }, NOW_MS)).rejects.toMatchObject({
    code: 'signer_refused',
  });
  expect(sign).not.toHaveBeenCalled();
});

test.each<Bad>([
  ...OF_ALL,
  ['a call of no kind', { call: 'deposit' }],
  ['nothing to bring back', { amountAtomic: 0n }],
  ['gas beyond its bound', { gas: 300_001n }],
])('no end of a channel is signed with %s (T7)', async (_, bad) => {
  const signTransaction = vi.fn(account.signTransaction);
  await expect(
    signEvmChannelEnd({ ...END, ...bad }, { ...account, signTransaction: signTransaction as never }),
  ).rejects.toMatchObject({ code: 'signer_refused' });
  expect(signTransaction).not.toHaveBeenCalled();
});
