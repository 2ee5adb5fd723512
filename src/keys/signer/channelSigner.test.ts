import { privateKeyToAccount } from 'viem/accounts';
import { expect, test, vi } from 'vitest';
import { assetsOf, type TempoAsset } from '../../money/asset.js';
import type { TempoChannelIntent, TempoVoucherIntent } from '../../payment/channelIntent.js';
import { channelId, openedBy } from '../../protocols/tempo/channel.js';
import { signTempoChannel, signTempoVoucher } from './channelSigner.js';

const account = privateKeyToAccount(`0x${'17'.repeat(32)}`);
const PAYEE = '0x00000000000000000000000000000000000A11cE';
const OTHER = '0x5e11e75E11e75e11E75E11E75E11e75E11E75E11';
const ZERO = '0x0000000000000000000000000000000000000000';
const NOW_MS = 1_800_000_000_000;
const [asset] = assetsOf('eip155:42431') as [TempoAsset];

const OPEN: TempoChannelIntent = openedBy(
  {
    ...{ asset, chainId: 42431, from: account.address, to: PAYEE, amountAtomic: 500_000n },
    ...{ feePaidBy: 'self', validAfterSec: 0, validBeforeSec: NOW_MS / 1000 + 25 },
  },
  {
    ...{ payer: account.address, payee: PAYEE, operator: ZERO, token: asset.address as `0x${string}` },
    ...{ salt: `0x${'ab'.repeat(32)}`, authorizedSigner: account.address },
  },
);
const { descriptor } = OPEN;
const VOUCHER: TempoVoucherIntent = {
  ...{ kind: 'tempo_voucher', asset, chainId: 42431, from: account.address, to: PAYEE, descriptor },
  ...{ amountAtomic: 10_000n, cumulativeAtomic: 20_000n, depositAtomic: 500_000n, nonce: 'x' },
  ...{ validAfterSec: 0, validBeforeSec: NOW_MS / 1000 + 86_400 },
};

test('a channel of our own is opened, and vouchers of it are signed up to what it holds', async () => {
  expect(await signTempoChannel(OPEN, account, NOW_MS)).toMatch(/^0x76/);
  expect(await signTempoVoucher(VOUCHER, account)).toMatch(/^0x[0-9a-f]{130}$/);
  const all = { ...VOUCHER, cumulativeAtomic: 500_000n };
  expect(await signTempoVoucher(all, account)).toMatch(/^0x[0-9a-f]{130}$/);
});

/** What is wrong with an intent, and the fields that are. */
type Bad = readonly [string, object];
const about = (more: object) => ({ descriptor: { ...descriptor, ...more } });
const OF_BOTH: readonly Bad[] = [
  ['another kind', { kind: 'tempo_transfer' }],
  ['a token of no row', { asset: { ...asset, address: OTHER } }],
  ['another chain', { chainId: 4217 }],
  ['another payer', { from: OTHER }],
  ['a channel of somebody else’s', about({ payer: OTHER })],
  ['vouchers that another key signs', about({ authorizedSigner: OTHER })],
  ['a payee that is not the channel’s', { to: OTHER }],
  ['ourselves as payee', { to: account.address, ...about({ payee: account.address }) }],
  ['another token in the channel', about({ token: OTHER })],
  ['a salt that is no word', about({ salt: '0x00' })],
];

test.each<Bad>([
  ...OF_BOTH,
  ['more than the channel holds', { cumulativeAtomic: 500_001n }],
  ['nothing', { cumulativeAtomic: 0n }],
  ['less in all than for this call', { amountAtomic: 20_001n }],
  ['less than nothing for this call', { amountAtomic: -1n }],
  ['a number', { cumulativeAtomic: 20_000 }],
])('no voucher is signed for %s (T7)', async (_, bad) => {
  const sign = vi.fn(account.sign);
  await expect(signTempoVoucher({ ...VOUCHER, ...bad }, { ...account, sign })).rejects.toMatchObject({
    code: 'signer_refused',
  });
  expect(sign).not.toHaveBeenCalled();
});

test.each<Bad>([
  ...OF_BOTH,
  ['a call of no kind', { call: 'settle' }],
  ['no deposit', { amountAtomic: 0n }],
  ['a deposit with the request of its end', { call: 'request_close' }],
  ['a window too long', { validBeforeSec: NOW_MS / 1000 + 60 }],
  ['a window that is over', { validBeforeSec: NOW_MS / 1000 }],
  [
    'a channel that another transaction opens',
    { nonce: channelId({ ...descriptor, salt: `0x${'cd'.repeat(32)}` }, 42431) },
  ],
  ['a larger deposit than its channel follows from', { amountAtomic: 500_001n }],
])('no call of the reserve is signed with %s (T7)', async (_, bad) => {
  const sign = vi.fn(account.sign);
  await expect(signTempoChannel({ ...OPEN, ...bad }, { ...account, sign }, NOW_MS)).rejects.toMatchObject({
    code: 'signer_refused',
  });
  expect(sign).not.toHaveBeenCalled();
});
