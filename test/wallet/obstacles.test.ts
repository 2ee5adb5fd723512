import type { CommitPoint } from '../../src/ledger/commitPoint.js';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { CONFIG_FILE } from '../../src/config/home.js';
import { DATABASE_FILE } from '../../src/ledger/sqlite/sqliteStore.js';
import { SqliteLedger } from '../../src/ledger/sqlite/sqliteLedger.js';
import type { Outcome } from '../../src/wallet/answer/outcome.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { journalOf, paymentsIn, signaturesIn } from '../support/books.js';
import { startShop } from '../../sandbox/shop/shop.ts';
import { anyCall, type TestWallet } from '../support/testWallet.js';
import { expectLedgerIsChain, settleAll, spyOnSigner } from '../support/truth.js';
import { callOf, startTestWorld, type TestWorld } from '../support/world.js';
import { told } from '../support/told.js';

let world: TestWorld;
let mine: TestWallet;
let wallet: Wallet;
/** What happens in the very step after a commit of the wallet, before its call goes on; null between tests. */
let afterCommit: ((point: CommitPoint) => void) | null = null;
/** How many payments had reached the shop, and how many were signed, when the test began. */
let before: { payments: number; signatures: number };

beforeAll(async () => {
  world = await startTestWorld();
  mine = await world.wallet();
  wallet = mine.open({ observer: { afterCommit: (point) => afterCommit?.(point) } });
});

beforeEach(() => {
  before = { payments: world.sandbox.shop.payments().length, signatures: signaturesIn(mine.home) };
});

afterEach(() => {
  afterCommit = null;
});

afterAll(async () => {
  await settleAll(world, wallet);
  await expectLedgerIsChain(world, mine, wallet);
  await world.stop();
});

/** The payments that reached the shop since the test began. */
const seen = () => world.sandbox.shop.payments().slice(before.payments);
const newest = async () => (await paymentsIn(await wallet.engine())).at(-1);

/** Does something once, in the very step after this commit. */
function once(point: CommitPoint, act: () => void): void {
  afterCommit = (reached) => {
    if (reached !== point) return;
    afterCommit = null;
    act();
  };
}

describe('an empty wallet', () => {
  let empty: TestWallet;
  let its: Wallet;

  beforeAll(async () => {
    empty = await world.wallet({ usdMicros: 0n });
    its = empty.open();
  });

  test('is told which address to fund with what, and signs nothing', async () => {
    const sign = await spyOnSigner(its);
    const outcome = await its.pay(callOf(world.url('/v2/json')), anyCall());
    expect(outcome).toMatchObject({
      status: 'refused',
      code: 'insufficient_funds',
      money: 'none',
      retry: 'after_owner',
    });
    expect(told(outcome)).toContain(empty.address);
    expect(told(outcome)).toMatch(/send USDC on Base Sepolia \(eip155:84532\)/);
    expect(sign).not.toHaveBeenCalled();
    expect(await paymentsIn(await its.engine())).toEqual([]);
  });

  test('pays as soon as it has been funded', async () => {
    await world.sandbox.chain.fund(empty.address, 10_000n);
    expect(await its.pay(callOf(world.url('/v2/json')), anyCall())).toMatchObject({ status: 'ok' });
    expect(await its.pay(callOf(world.url('/v2/json')), anyCall())).toMatchObject({
      code: 'insufficient_funds',
    });
  });

  test('counts what is held as spent', async () => {
    await world.sandbox.chain.fund(empty.address, 15_000n);
    await its.pay(callOf(world.url('/v2/json', { fault: 'reject' })), anyCall());
    const outcome = await its.pay(callOf(world.url('/v2/json')), anyCall());
    expect(outcome).toMatchObject({ code: 'insufficient_funds', money: 'none' });
    expect(outcome.message).toContain('has 0.005 to spend');
  });
});

describe('an RPC that does not answer', () => {
  test.each([
    { kind: 'down' },
    { kind: 'hang' },
    { kind: 'garbled' },
    { kind: 'refusing', status: 503 },
  ] as const)('($kind) stops no payment; the balance says that it is unknown', async (fault) => {
    await world.sandbox.rpc.setFault(fault);
    try {
      expect(await wallet.pay(callOf(world.url('/v2/json')), anyCall())).toMatchObject({
        status: 'ok',
        money: 'captured',
        payment: { confirmed: false },
      });
      const balance = await wallet.balance({});
      expect(balance).toMatchObject({ status: 'ok', balances: [{ on_chain: null, spendable: null }] });
      expect(balance.message).toContain('unknown');
      expect(told(balance)).toContain('Base Sepolia');
    } finally {
      await world.sandbox.rpc.setFault(null);
    }
    expect(await wallet.ledger({ payment_id: (await newest())?.id }, anyCall())).toMatchObject({
      payment: { state: 'captured', confirmed: true },
    });
  });
});

test('a seller that is gone by the time it is paid: signed, nothing sent, and free again after its expiry', async () => {
  const { chain, solana, facilitator, shop } = world.sandbox;
  const passing = await startShop({ chain, solana, facilitatorUrl: facilitator.url, now: world.sandbox.now });
  await mine.set('net.allow_private', JSON.stringify([shop.hostPort, passing.hostPort]));
  const quoted = await wallet.quote({ url: `${passing.url}/v2/json` }, anyCall());
  await passing.stop();
  const outcome = await wallet.pay({ quote_id: quoted['quote_id'] }, anyCall());
  expect(outcome).toMatchObject({ status: 'unknown', payment: { state: 'unknown' }, spent_usd: '0.00' });
  expect(await newest()).toMatchObject({ note: 'not_sent' });
  expect(outcome.message).toMatch(/was signed and the endpoint could not be reached/);
  await settleAll(world, wallet);
  expect(await newest()).toMatchObject({ state: 'released', note: 'expired_unused' });
});

/** How often the journal says that a payment was sent. */
function sendsOf({ payment }: Outcome): number {
  return journalOf(mine.home).filter(({ kind, subject }) => kind === 'send' && subject === payment?.id)
    .length;
}

/** Freezes through a handle without keys, as `purser freeze` in another process may. */
function freezeBeside(): Promise<boolean> {
  const beside = SqliteLedger.open(join(mine.home, DATABASE_FILE), { mac: null });
  return beside.freeze(world.now()).finally(() => beside.close());
}

describe('a frozen wallet', () => {
  afterEach(async () => {
    await (await wallet.engine()).ledger.unfreeze(world.now());
  });

  test('signs nothing, says so, and goes on after unfreeze', async () => {
    const { ledger } = await wallet.engine();
    await freezeBeside();
    const sign = await spyOnSigner(wallet);
    expect(await wallet.pay(callOf(world.url('/v2/json')), anyCall())).toMatchObject({
      status: 'refused',
      code: 'frozen',
      money: 'none',
      retry: 'after_owner',
      tell_owner: { action: { kind: 'unfreeze' } },
    });
    expect(sign).not.toHaveBeenCalled();
    expect(await wallet.balance({})).toMatchObject({ frozen: true });
    await ledger.unfreeze(world.now());
    expect(await wallet.pay(callOf(world.url('/v2/json')), anyCall())).toMatchObject({ status: 'ok' });
  });

  test('still calls what is free, and still answers from what was paid', async () => {
    const paid = callOf(world.url('/v2/json'));
    await wallet.pay(paid, anyCall());
    await freezeBeside();
    expect(await wallet.pay(paid, anyCall())).toMatchObject({ status: 'ok', replayed: true });
    expect(await wallet.pay(callOf(world.url('/free/json')), anyCall())).toMatchObject({
      code: 'not_priced',
    });
  });

  test('frozen after the payment was held: nothing is sent', async () => {
    let frozen: Promise<boolean> | undefined;
    once('held', () => (frozen = freezeBeside()));
    const url = world.url('/v2/json');
    const outcome = await wallet.pay(callOf(url), anyCall());
    expect(await frozen).toBe(true);
    expect(outcome).toMatchObject({ status: 'refused', code: 'frozen', money: 'held' });
    expect(seen()).toEqual([]);
    expect(sendsOf(outcome)).toBe(0);

    // A retry while frozen sends nothing either; after unfreeze it is the same authorization that goes out.
    expect(await wallet.pay(callOf(url), anyCall())).toMatchObject({ code: 'frozen' });
    expect(seen()).toEqual([]);
    await (await wallet.engine()).ledger.unfreeze(world.now());
    expect(await wallet.pay(callOf(url), anyCall())).toMatchObject({ status: 'ok', money: 'captured' });
    expect(sendsOf(outcome)).toBe(1);
    expect(signaturesIn(mine.home)).toBe(before.signatures + 1);
    expect(seen()).toHaveLength(1);
  });
});

describe('an owner who tightens the config while a payment is on its way', () => {
  /** Prepares a change that takes effect at once, in the middle of whatever runs. */
  async function prepare(key: string, value: string): Promise<() => void> {
    const file = join(mine.home, CONFIG_FILE);
    const before = readFileSync(file);
    await mine.set(key, value);
    const changed = readFileSync(file);
    writeFileSync(file, before);
    return () => writeFileSync(file, changed);
  }

  afterEach(async () => {
    await mine.set('limits.per_call_usd', '0.50');
    await mine.set('limits.per_session_usd', '20');
    await mine.set('limits.per_day_usd', '50');
    await mine.set('hosts.deny', '[]');
    await mine.set('hosts.allow', '[]');
    await mine.set('networks.enabled', JSON.stringify([world.ground.caip2]));
  });

  test.each([
    ['limits.per_call_usd', '0.005', 'above_cap'],
    ['hosts.deny', '["127.0.0.1"]', 'host_denied'],
    ['hosts.allow', '["example.com"]', 'host_not_allowed'],
    ['networks.enabled', '["eip155:421614"]', 'network_disabled'],
  ])('after it was held: %s %s is obeyed, and the hold is let go', async (key, value, code) => {
    once('held', await prepare(key, value));
    const outcome = await wallet.pay(callOf(world.url('/v2/json')), anyCall());
    expect(outcome).toMatchObject({ status: 'refused', code, money: 'none', payment: { state: 'released' } });
    expect(seen()).toEqual([]);
    expect(await newest()).toMatchObject({ id: outcome.payment!.id, note: 'never_signed', payload: null });
  });

  test.each([
    ['limits.per_session_usd', '0.005', 'above_cap'],
    ['limits.per_day_usd', '0.005', 'above_cap'],
  ])('after it was held: %s %s is obeyed in the step that sends', async (key, value, code) => {
    once('held', await prepare(key, value));
    const outcome = await wallet.pay(callOf(world.url('/v2/json')), anyCall());
    expect(outcome).toMatchObject({ status: 'refused', code, money: 'held', payment: { state: 'signed' } });
    expect(seen()).toEqual([]);
    await settleAll(world, wallet);
    expect(await newest()).toMatchObject({
      id: outcome.payment!.id,
      state: 'released',
      note: 'expired_unused',
    });
  });

  test('a config that was edited after the hold: nothing is sent, and the hold is let go', async () => {
    const file = join(mine.home, CONFIG_FILE);
    const kept = readFileSync(file, 'utf8');
    once('held', () => writeFileSync(file, kept.replace('20.00', '21.00')));
    const outcome = await wallet.pay(callOf(world.url('/v2/json')), anyCall());
    writeFileSync(file, kept);
    expect(outcome).toMatchObject({
      status: 'failed',
      code: expect.stringMatching(/^config_/) as string,
      money: 'none',
    });
    expect(seen()).toEqual([]);
    expect(await newest()).toMatchObject({ state: 'released', note: 'never_signed' });
  });

  test('a change that leaves room is no obstacle', async () => {
    once('held', await prepare('limits.per_session_usd', '19.99'));
    expect(await wallet.pay(callOf(world.url('/v2/json')), anyCall())).toMatchObject({ status: 'ok' });
  });

  test('one who denies the host before the call stops it before it is even asked', async () => {
    await mine.set('hosts.deny', '["127.0.0.1"]');
    const url = world.url('/v2/json');
    expect(await wallet.pay(callOf(url), anyCall())).toMatchObject({ code: 'host_denied', money: 'none' });
    expect(world.sandbox.shop.requests.entries.some((order) => order.url.href === url)).toBe(false);
  });
});
