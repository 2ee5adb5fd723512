import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { formatUsd, parseUsd } from '../../src/money/decimal.js';
import type { Outcome } from '../../src/wallet/answer/outcome.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { paymentsIn, signaturesIn } from '../support/books.js';
import { Patience } from '../support/patience.js';
import { anyCall, type TestWallet } from '../support/testWallet.js';
import { expectLedgerIsChain, settleAll, spyOnSigner } from '../support/truth.js';
import { callOf, startTestWorld, type TestWorld } from '../support/world.js';
import { told } from '../support/told.js';

const CENT = 10_000n;
/** What a test may set, and what it is set back to: as wide as it goes. */
const WIDE: Readonly<Record<string, string>> = {
  'ceilings.per_call_usd': '5',
  'ceilings.per_session_usd': '100',
  'ceilings.per_day_usd': '100',
  'ceilings.per_month_usd': '500',
  'limits.per_call_usd': '0.50',
  'limits.per_session_usd': '100',
  'limits.per_day_usd': '100',
  'limits.per_month_usd': '100',
  'limits.calls_per_minute': '10000',
};

let world: TestWorld;
let mine: TestWallet;
let wallet: Wallet;
const patience = new Patience();

beforeAll(async () => {
  world = await startTestWorld();
  mine = await world.wallet({ settings: WIDE });
  wallet = mine.open();
  await pay();
  await patience.measure(() => pay());
});

afterEach(async () => {
  for (const [key, value] of Object.entries(WIDE)) await mine.set(key, value);
  for (const host of ['127.0.0.1', world.sandbox.shop.hostPort]) {
    await mine.set(`limits.hosts.${host}.per_day_usd`, 'none');
    await mine.set(`ceilings.hosts.${host}.per_day_usd`, 'none');
  }
});

afterAll(async () => {
  await settleAll(world, wallet);
  await expectLedgerIsChain(world, mine, wallet);
  await world.stop();
});

const pay = (path = '/v2/json', query: Record<string, string> = {}): Promise<Outcome> =>
  wallet.pay(callOf(world.url(path, query)), anyCall());

/** What the ledger counts against one of the owner's lines now. */
async function usedBy(name: string): Promise<bigint> {
  const limits = (await wallet.balance({}))['limits'] as { name: string; used_usd: string }[];
  return parseUsd(limits.find((one) => one.name === name)?.used_usd ?? '0', name);
}

/** Sets a bound so that just this much is left under it. */
async function leave(name: string, usdMicros: bigint): Promise<void> {
  if (name.includes('.hosts.')) await mine.set(name, '100');
  const value = formatUsd((await usedBy(name)) + usdMicros);
  if (name.startsWith('ceilings.')) await mine.set(name.replace('ceilings.', 'limits.'), value);
  await mine.set(name, value);
}

/** What passes a cap is asked about, `asked`, until too much was; what passes a ceiling is refused. */
function expectCode({ status, code }: Outcome, expected: string): void {
  if (expected === 'asked') expect(['approval_required', 'asks_limited']).toContain(code);
  else expect([status, code]).toEqual(['refused', expected]);
}

/** Runs a call that must be stopped, and asserts that it was before anything was signed. */
async function expectStopped(call: () => Promise<Outcome>, code: string): Promise<Outcome> {
  const sign = await spyOnSigner(wallet);
  const signatures = signaturesIn(mine.home);
  const payments = world.sandbox.shop.payments().length;
  const rows = (await paymentsIn(await wallet.engine())).length;
  const outcome = await call();
  expect(outcome).toMatchObject({ money: 'none', payment: null, spent_usd: '0.00' });
  expectCode(outcome, code);
  expect(sign).not.toHaveBeenCalled();
  expect(signaturesIn(mine.home)).toBe(signatures);
  expect(world.sandbox.shop.payments()).toHaveLength(payments);
  expect(await paymentsIn(await wallet.engine())).toHaveLength(rows);
  return outcome;
}

describe('a bound on one call', () => {
  test.each([
    ['limits.per_call_usd', 'asked'],
    ['ceilings.per_call_usd', 'above_ceiling'],
  ])('%s stops a dearer one before signing', async (name, code) => {
    if (name.startsWith('ceilings.')) await mine.set('limits.per_call_usd', '0.02');
    await mine.set(name, '0.02');
    const outcome = await expectStopped(() => pay('/v2/price/0.020001'), code);
    if (code === 'above_ceiling') expect(outcome.retry).toBe('never');
    if (code === 'above_ceiling') expect(outcome.message).toContain(name);
    expect(await pay('/v2/price/0.02')).toMatchObject({ status: 'ok' });
  });
});

describe.each([
  'per_session_usd',
  'per_day_usd',
  'per_month_usd',
  'hosts.127.0.0.1.per_day_usd',
  'hosts.HOSTPORT.per_day_usd',
])('a bound on the sum: %s', (key) => {
  test.each([
    ['limits', 'asked'],
    ['ceilings', 'above_ceiling'],
  ])('%s lets what fits pass and stops the rest before signing', async (section, code) => {
    const name = `${section}.${key.replace('HOSTPORT', world.sandbox.shop.hostPort)}`;
    await leave(name, 2n * CENT);
    expect(await pay()).toMatchObject({ status: 'ok' });
    await expectStopped(() => pay('/v2/price/0.010001'), code);
    expect(await pay()).toMatchObject({ status: 'ok' });
    const asked = world.sandbox.shop.requests.entries.length;
    const outcome = await expectStopped(() => pay('/v2/price/0.000001'), code);
    if (code === 'above_ceiling') expect(outcome.message).toContain(name);
    // Where no price fits, whatever the endpoint would say, it is not even asked; a host's line binds that host alone.
    const isUsedUp = section === 'ceilings' && !key.startsWith('hosts.');
    expect(world.sandbox.shop.requests.entries).toHaveLength(isUsedUp ? asked : asked + 1);
    if (isUsedUp) expect(told(outcome)).toContain('used up');
    else if (outcome.code !== 'asks_limited') expect(told(outcome)).toContain('$0.000001');
  });
});

describe('a budget of the owner’s', () => {
  const KEYS = {
    'budgets.company.per_day_usd': '0.05',
    'budgets.field.total_usd': '1',
    'budgets.field.parent': 'company',
    'agents.default.budget': 'field',
  } as const;

  test('is never passed, by however many calls at once, and says who can raise what', async () => {
    for (const [key, value] of Object.entries(KEYS)) await mine.set(key, value);
    const all = await Promise.all(Array.from({ length: 8 }, (_, i) => pay('/v2/json', { n: `budget ${i}` })));
    expect(all.filter(({ status }) => status === 'ok')).toHaveLength(5);
    for (const one of all.filter(({ status }) => status !== 'ok')) expectCode(one, 'budget_spent');
    const asked = world.sandbox.shop.requests.entries.length;
    const outcome = await expectStopped(() => pay(), 'budget_spent');
    expect(outcome.retry).toBe('after_owner');
    expect(outcome.message).toContain('budgets.company.per_day_usd');
    expect(world.sandbox.shop.requests.entries).toHaveLength(asked);
    expect(await usedBy('budgets.field.total_usd')).toBe(5n * CENT);
    await mine.set('budgets.company.per_day_usd', '0.06');
    const dear = await expectStopped(() => pay('/v2/price/0.02'), 'budget_spent');
    expect(dear.tell_owner?.action).toEqual({
      kind: 'setSetting',
      key: 'budgets.company.per_day_usd',
      value: '0.07',
    });
    expect(await pay()).toMatchObject({ status: 'ok' });
    await mine.set('budgets.field.until', '2020-01-01');
    await expectStopped(() => pay('/v2/price/0.000001'), 'budget_over');
    for (const key of ['agents.default.budget', 'budgets.field.until']) await mine.set(key, 'none');
    expect(await pay()).toMatchObject({ status: 'ok' });
    expect(await usedBy('budgets.company.per_day_usd')).toBe(0n);
  });
});

describe('thirty calls at once', () => {
  test.each([
    ['limits.per_session_usd', 'asked'],
    ['limits.per_day_usd', 'asked'],
    ['ceilings.per_day_usd', 'above_ceiling'],
  ])('spend exactly what %s leaves', async (name, code) => {
    await leave(name, 20n * CENT);
    const before = await world.sandbox.chain.balanceOf(mine.address);
    const signatures = signaturesIn(mine.home);
    const outcomes = await Promise.all(Array.from({ length: 30 }, (_, i) => pay(`/v${1 + (i % 2)}/json`)));
    const ok = outcomes.filter(({ status }) => status === 'ok');
    const stopped = outcomes.filter(({ status }) => status !== 'ok');
    expect([ok.length, stopped.length]).toEqual([20, 10]);
    for (const outcome of stopped) {
      expect(outcome).toMatchObject({ money: 'none', payment: null });
      expectCode(outcome, code);
    }
    expect(before - (await world.sandbox.chain.balanceOf(mine.address))).toBe(20n * CENT);
    expect(signaturesIn(mine.home)).toBe(signatures + 20);
  });
});

describe('money that could still move counts', () => {
  test.each(['reject', 'hang', 'error_before_settle', 'settles_later'])('%s', async (fault) => {
    const name = 'limits.per_session_usd';
    await leave(name, 2n * CENT);
    const used = await usedBy(name);
    const url = world.url('/v1/json', { fault });
    const open = await patience.lose((bound) =>
      wallet.pay(callOf(url, fault === 'hang' ? bound : {}), anyCall()),
    );
    expect(open).toMatchObject({ payment: { state: 'unknown' } });
    expect(await usedBy(name)).toBe(used + CENT);
    await expectStopped(() => pay('/v2/price/0.010001'), 'asked');

    // Proven never to settle, it counts no more; settled after all, it counts for good.
    if (fault === 'settles_later') await world.sandbox.shop.releasePending();
    await settleAll(world, wallet);
    expect(await usedBy(name)).toBe(fault === 'settles_later' ? used + CENT : used);
    const next = await pay('/v2/price/0.02');
    if (fault === 'settles_later') expectCode(next, 'asked');
    else expect(next.status).toBe('ok');
  });

  test('in a session that began after it, too', async () => {
    const apart = await startTestWorld();
    const quiet = await apart.wallet();
    const its = quiet.open();
    const session = async () => (await its.ledger({ view: 'by_session' }, anyCall()))['groups'];
    // Its chain does not move, only its time does, by the other chain: so the payment is still live.
    const later = quiet.open({ now: () => apart.now() + 31 * 60_000 });
    await its.pay(callOf(apart.url('/v1/json', { fault: 'reject' })), anyCall());
    await quiet.set('limits.per_session_usd', '0.015');
    expect(await session()).toHaveLength(1);
    apart.sandbox.solana.increaseTime(31 * 60);
    const outcome = await later.pay(callOf(apart.url('/v2/json')), anyCall());
    expectCode(outcome, 'asked');
    expect(outcome).toMatchObject({ money: 'none' });
    await apart.stop();
  });
});

test('captured money leaves a day’s window after a day, and not a month’s', async () => {
  await pay();
  expect(await usedBy('limits.per_day_usd')).toBeGreaterThan(0n);
  const month = await usedBy('limits.per_month_usd');
  await world.advance(25 * 3600);
  expect(await usedBy('limits.per_day_usd')).toBe(0n);
  expect(await usedBy('limits.per_session_usd')).toBe(0n);
  expect(await usedBy('limits.per_month_usd')).toBe(month);
});

describe('calls per minute', () => {
  test('stop a further call before signing, and say when the next one may come', async () => {
    await world.advance(61);
    await mine.set('limits.calls_per_minute', '3');
    for (let i = 0; i < 3; i++) expect(await pay('/v2/price/0.001')).toMatchObject({ status: 'ok' });
    const outcome = await expectStopped(() => pay('/v2/price/0.001'), 'rate_limited');
    expect(outcome.retry).toBe('after_delay');
    expect(outcome.retry_after_s).toBeGreaterThan(50);
    expect(outcome.retry_after_s).toBeLessThanOrEqual(60);
    await world.advance(outcome.retry_after_s!);
    expect(await pay('/v2/price/0.001')).toMatchObject({ status: 'ok' });
  });

  test('hold for thirty calls at once', async () => {
    await world.advance(61);
    await mine.set('limits.calls_per_minute', '7');
    const outcomes = await Promise.all(Array.from({ length: 30 }, () => pay('/v2/price/0.001')));
    expect(outcomes.filter(({ status }) => status === 'ok')).toHaveLength(7);
    expect(outcomes.filter(({ code }) => code === 'rate_limited')).toHaveLength(23);
  });

  test('are not used up by what is refused or free', async () => {
    await world.advance(61);
    await mine.set('limits.calls_per_minute', '1');
    for (let i = 0; i < 3; i++) await pay('/free/json');
    for (let i = 0; i < 3; i++) expect(await pay('/v2/price/0.6')).toMatchObject({ status: 'refused' });
    expect(await pay('/v2/price/0.001')).toMatchObject({ status: 'ok' });
  });
});
