import { expect, test } from 'vitest';
import type { Config } from '../../config/settings.js';
import { assetsOf } from '../../money/asset.js';
import { findNetwork } from '../../money/network.js';
import type { Offer } from '../../payment/challenge.js';
import type { PaidCall } from '../call/paidCall.js';
import type { Challenge } from '../call/probe.js';
import { topUp } from './topUp.js';

const network = findNetwork('eip155:4217');
const [asset] = assetsOf('eip155:4217');
if (network === undefined || asset === undefined) throw new Error('the tables lost Tempo');
const url = new URL('https://api.example.com/');

function config(version: number, depositUsdMicros = 1_000_000n): Config {
  return { version, limits: { depositUsdMicros } } as Config;
}

/** What was done for a call whose deposit lacks a dollar, under a config that may have changed since it began. */
async function toppedUp(now: Config, openAtomic: bigint) {
  const done: string[] = [];
  const facts = JSON.stringify({ deposit_atomic: '1', bound_atomic: '1', network: network!.caip2 });
  const bound = { bound_atomic: openAtomic.toString(), deposit_atomic: '1', network: network!.caip2 };
  const deposit = { id: 'ent_1', paymentId: 'pay_1', revision: 1, facts, valueLeft: '0', subject: '0xc1' };
  const engine = {
    agent: 'default',
    now: () => 0,
    config: () => Promise.resolve(now),
    funds: { known: () => null },
    rails: {
      ofPayment: () => ({
        deposits: {
          topUp: () => {
            done.push('signed');
            throw new Error('signed');
          },
        },
      }),
    },
    ledger: {
      findPayment: () => Promise.resolve({ id: 'pay_1', payFrom: '0xa' }),
      drawnFrom: () => Promise.resolve([]),
      entitlements: {
        find: () => Promise.resolve(deposit),
        usable: () =>
          Promise.resolve([{ kind: 'channel', unit: asset!.address, facts: JSON.stringify(bound) }]),
      },
      raiseDeposit: () => {
        done.push('held');
        return Promise.resolve({ kind: 'raised' });
      },
    },
  };
  const call = { engine, config: config(1), context: {} } as unknown as PaidCall;
  const paidFrom = { kind: 'made', entitlementId: 'ent_1', topUpAtomic: 1_000_000n };
  const offer = { paidFrom, asset, network } as unknown as Offer;
  const parts = { offer, limits: { capLines: [], rateLines: [] } };
  const came = await topUp(call, { target: { url, method: 'GET' } } as Challenge, parts);
  return { came, done };
}

test('nothing is added under a config that is no longer the owner’s', async () => {
  expect(await toppedUp(config(2, 0n), 1_000_000n)).toEqual({
    came: { kind: 'config_changed', configVersion: 2 },
    done: [],
  });
});

test('what passes the owner’s bound with a deposit that was made beside it is held, and never signed', async () => {
  expect(await toppedUp(config(1), 1_000_001n)).toEqual({ came: null, done: ['held'] });
});
