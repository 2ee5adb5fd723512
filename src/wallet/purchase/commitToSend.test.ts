import { expect, test } from 'vitest';
import type { Config } from '../../config/settings.js';
import { initialSettings } from '../../config/settings.js';
import type { Payment } from '../../ledger/attempts/payment.js';
import { assetsOf } from '../../money/asset.js';
import type { PaidCall, SignedRequest } from '../call/paidCall.js';
import { commitToSend } from './commitToSend.js';

const CAIP2 = 'eip155:8453';
const [asset] = assetsOf(CAIP2);
if (asset === undefined) throw new Error('the tables lost Base');
const CENT = 10_000n;

/** The owner's config with this bound on deposits, as it stands from that version on. */
function configOf(version: number, depositUsdMicros: bigint): Config {
  const settings = initialSettings(false);
  const limits = { ...settings.limits, depositUsdMicros };
  // In a category of its own, for what catalogues say is not there.
  const categories = { hosts: new Map([['search', ['api.example.com']]]) };
  return {
    ...settings,
    categories,
    version,
    walletId: 'w',
    keystore: 'file',
    testnet: false,
    limits,
  } as Config;
}

/** A deposit of ten cents that is about to leave, in a call that began while one of a dollar was allowed. */
async function sent(now: Config) {
  const released: string[] = [];
  let left = false;
  const payment = {
    ...{
      id: 'pay_1',
      agent: 'default',
      sessionId: 'ses_1',
      state: 'held',
      protocol: 'x402',
      scheme: 'channel',
    },
    ...{ origin: 'https://api.example.com', network: CAIP2, asset: asset!.address, configVersion: 1 },
    ...{ heldUsdMicros: 10n * CENT, heldAtomic: 10n * CENT, capturedUsdMicros: null, capturedAtomic: null },
    ...{ payTo: '0x1', tx: null, receipt: null, confirmed: false, approvalId: null, validBeforeSec: 1 },
  } as unknown as Payment;
  const facts = JSON.stringify({ network: CAIP2, deposit_atomic: (10n * CENT).toString() });
  const engine = {
    agent: 'default',
    now: () => 1,
    config: () => Promise.resolve(now),
    ledger: {
      entitlements: { usable: () => Promise.resolve([{ kind: 'channel', unit: asset!.address, facts }]) },
      release: (id: string) => {
        released.push(id);
        return Promise.resolve({ kind: 'done', attempt: { ...payment, state: 'released' } });
      },
      approvals: { grant: () => Promise.resolve(null) },
      signAndSend: () => {
        left = true;
        return Promise.reject(new Error('left'));
      },
    },
  };
  const request = { method: 'GET', headers: [], body: undefined };
  const call = { engine, request, config: configOf(1, 100n * CENT) } as unknown as PaidCall;
  const target = { url: new URL('https://api.example.com/'), method: 'GET' };
  const signed = { payment, payload: {}, target } as unknown as SignedRequest;
  const done = await commitToSend(call, signed).catch(() => null);
  return { code: done !== null && 'code' in done ? done.code : null, left, released };
}

test('a deposit above the bound that its owner lowered meanwhile is not sent, and let go', async () => {
  expect(await sent(configOf(2, 10n * CENT - 1n))).toEqual({
    ...{ code: 'above_cap', left: false, released: ['pay_1'] },
  });
  expect(await sent(configOf(2, 10n * CENT))).toMatchObject({ left: true });
});
