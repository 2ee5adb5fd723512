import { privateKeyToAccount } from 'viem/accounts';
import { expect, test, vi } from 'vitest';
import { assetsOf, type TempoAsset } from '../../money/asset.js';
import type { TempoKeyIntent, TempoSubscriptionIntent } from '../../payment/intent.js';
import { signTempoKey, signTempoSubscription } from './subscriptionSigner.js';

const account = privateKeyToAccount(`0x${'17'.repeat(32)}`);
const PAYEE = '0x00000000000000000000000000000000000A11cE';
const OTHER = '0x5e11e75E11e75e11E75E11E75E11e75E11E75E11';
const NOW_MS = 1_800_000_000_000;
const DAY_SEC = 86_400;
const [asset] = assetsOf('eip155:42431') as [TempoAsset];

const INTENT: TempoSubscriptionIntent = {
  ...{ kind: 'tempo_subscription', asset, chainId: 42431, from: account.address, to: PAYEE },
  ...{ amountAtomic: 1_000_000n, periodSec: 30 * DAY_SEC, accessKey: OTHER, keyType: 'secp256k1' },
  ...{ witness: `0x${'ab'.repeat(32)}`, validAfterSec: 0, nonce: 'x' },
  validBeforeSec: NOW_MS / 1000 + 90 * DAY_SEC,
};
const END: TempoKeyIntent = {
  ...{ kind: 'tempo_key', call: 'revoke', asset, chainId: 42431, from: account.address, accessKey: OTHER },
  ...{ witness: INTENT.witness, validAfterSec: 0, validBeforeSec: NOW_MS / 1000 + 25 },
};

test('a subscription is signed, and either way to end it', async () => {
  expect(await signTempoSubscription(INTENT, account, NOW_MS)).toMatch(/^0xf8/);
  expect(await signTempoKey(END, account, NOW_MS)).toMatch(/^0x76/);
  expect(await signTempoKey({ ...END, call: 'burn' }, account, NOW_MS)).toMatch(/^0x76/);
});

test.each<[string, object]>([
  ['another kind', { kind: 'tempo_transfer' }],
  ['a token of no row', { asset: { ...asset, address: OTHER } }],
  ['another chain', { chainId: 4217 }],
  ['another payer', { from: OTHER }],
  ['ourselves as payee', { to: account.address }],
  ['the token as payee', { to: asset.address }],
  ['nothing in a period', { amountAtomic: 0n }],
  ['a number for an amount', { amountAtomic: 1_000_000 }],
  ['a period of an hour', { periodSec: 3_600 }],
  ['a period in parts', { periodSec: DAY_SEC + 0.5 }],
  ['our own key', { accessKey: account.address }],
  ['no key', { accessKey: `0x${'0'.repeat(40)}` }],
  ['a key of no kind', { keyType: 'rsa' }],
  ['a witness that is no word', { witness: '0xab' }],
  ['more than a year', { validBeforeSec: NOW_MS / 1000 + 367 * DAY_SEC }],
  ['an end that is over', { validBeforeSec: NOW_MS / 1000 }],
])('none is signed with %s (T7, T8)', async (_, bad) => {
  const sign = vi.fn(account.sign);
  const given = { ...INTENT, ...bad };
  await expect(signTempoSubscription(given, { ...account, sign }, NOW_MS)).rejects.toMatchObject({
    code: 'signer_refused',
  });
  expect(sign).not.toHaveBeenCalled();
});

test.each<[string, object]>([
  ['another kind', { kind: 'tempo_channel' }],
  ['another payer', { from: OTHER }],
  ['another call', { call: 'authorize' }],
  ['no key', { accessKey: '0x' }],
  ['a window too long', { validBeforeSec: NOW_MS / 1000 + 60 }],
])('no end is signed with %s', async (_, bad) => {
  const sign = vi.fn(account.sign);
  const given = { ...END, ...bad };
  await expect(signTempoKey(given, { ...account, sign }, NOW_MS)).rejects.toMatchObject({
    code: 'signer_refused',
  });
  expect(sign).not.toHaveBeenCalled();
});
