import { writeFileSync } from 'node:fs';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startSubscriptionShop, type SubscriptionShop } from '../../../sandbox/tempo/subscriptionShop.ts';
import type { Payment } from '../../../src/ledger/attempts/payment.js';
import { checkUpLocally } from '../../../src/doctor/checkUp.js';
import { compareWithChain } from '../../../src/owner/ledger/chainAudit.js';
import { pageActs } from '../../../src/treasury/pageActs.js';
import { reconcileAll } from '../../../src/wallet/settle/reconcile.js';
import type { Wallet } from '../../../src/wallet/wallet.js';
import { paymentsIn, signaturesIn } from '../../support/books.js';
import { makeScratch, runHere } from '../../cli/program.js';
import { anyCall, TEST_PASSPHRASE, type TestWallet } from '../../support/testWallet.js';
import { startTestWorld, type TestWorld } from '../../support/world.js';

// Sellers of subscriptions on the published server of MPP; the chain itself holds their keys to their limits.
const START = 20_000_000n;
const USD = 1_000_000n;
const DAY_SEC = 86_400;
let world: TestWorld;
let shop: SubscriptionShop;

beforeAll(async () => {
  world = await startTestWorld('tempo');
  shop = await startSubscriptionShop(world.tempo!.chain, world.now);
});

afterAll(async () => {
  await shop.close();
  await world.stop();
});

interface Mine {
  readonly mine: TestWallet;
  readonly wallet: Wallet;
}

async function newWallet(settings: Record<string, string> = {}): Promise<Mine> {
  const mine = await world.wallet({ usdMicros: START });
  await mine.set('net.allow_private', JSON.stringify([shop.hostPort]));
  const free = { 'limits.commitment_usd': '5', 'limits.per_call_usd': '2' };
  for (const [key, value] of Object.entries({ ...free, ...settings })) await mine.set(key, value);
  return { mine, wallet: mine.open() };
}

const balanceOf = ({ mine }: Mine): Promise<bigint> => world.ground.balanceOf(mine.address);
const pay = ({ wallet }: Mine, path: string, more = {}) =>
  wallet.pay({ url: `${shop.url}${path}`, max_usd: '5', ...more }, anyCall());

async function rowsOf({ wallet }: Mine): Promise<{ promises: Payment[]; charges: Payment[] }> {
  const rows = await paymentsIn(await wallet.engine());
  const of = (scheme: string) => rows.filter((one) => one.scheme === scheme);
  return { promises: of('commitment'), charges: of('subscription') };
}

/** What counts against a cap of the whole wallet in so many days. */
async function countedIn({ wallet }: Mine, days: number): Promise<bigint> {
  const { ledger } = await wallet.engine();
  const line = { name: 'x', kind: 'cap', scope: { kind: 'wallet' }, windowSec: days * DAY_SEC } as const;
  return (await ledger.usage([line as never], world.now()))[0]!;
}

/** Runs a command as the wallet's owner, expects success, and reads its JSON. */
async function owner(one: Mine, args: readonly string[]): Promise<Record<string, unknown>> {
  return JSON.parse(await show(one, [...args, '--json'])) as Record<string, unknown>;
}

/** Runs a command as the wallet's owner, expects success, and gives what it prints. */
async function show({ mine }: Mine, args: readonly string[]): Promise<string> {
  const scratch = makeScratch();
  try {
    writeFileSync(scratch.passphraseFile, `${TEST_PASSPHRASE}\n`, { mode: 0o600 });
    const file = ['--passphrase-file', scratch.passphraseFile];
    const env = scratch.env({ PURSER_HOME: mine.home });
    const run = await runHere([...args, ...file], env);
    expect(run, args.join(' ')).toMatchObject({ exit: 0 });
    return run.out;
  } finally {
    scratch.remove();
  }
}

async function look({ wallet }: Mine): Promise<void> {
  await reconcileAll(await wallet.engine(), AbortSignal.timeout(30_000));
}

test('a subscription is one promise that counts by its rate, and each charge of it one row', async () => {
  const one = await newWallet();
  const path = '/monthly?usd=1&days=30';
  expect(await one.wallet.quote({ url: `${shop.url}${path}` }, anyCall())).toMatchObject({
    ...{ code: 'quoted', usd: '1.00', usd_per_period: '1.00', period_days: 30 },
  });
  expect(await pay(one, path)).toMatchObject({ status: 'ok', code: 'paid', spent_usd: '1.00' });
  expect(await balanceOf(one)).toBeGreaterThanOrEqual(START - USD - 100_000n);
  const { promises, charges } = await rowsOf(one);
  expect(promises).toMatchObject([{ state: 'unknown', note: 'commitment_open', heldAtomic: USD }]);
  expect(charges).toMatchObject([{ state: 'captured', capturedAtomic: USD }]);
  // Two periods can meet in one day, and in a month too; in three months no more than the three it has.
  expect([await countedIn(one, 1), await countedIn(one, 30)]).toEqual([2n * USD, 2n * USD]);
  await look(one);
  expect((await rowsOf(one)).charges).toMatchObject([{ state: 'captured', confirmed: true }]);
  expect([await countedIn(one, 1), await countedIn(one, 30)]).toEqual([2n * USD, 2n * USD]);
  // Who subscribed is served, and pays nothing for it.
  expect(await pay(one, `${path}&n=2`)).toMatchObject({ status: 'ok', money: 'none' });
});

test('the owner lists, shows and ends one by the command line, and the chain lets the seller take nothing more', async () => {
  const one = await newWallet();
  expect(await pay(one, '/shown?usd=0.50')).toMatchObject({ code: 'paid' });
  await look(one);
  const { promises } = await rowsOf(one);
  const { id } = promises[0]!;
  await one.wallet.close();
  const listed = await owner(one, ['commitments', 'list']);
  const fields = {
    id,
    agent: 'default',
    seller: shop.url,
    pay_to: shop.payTo,
    amount: '0.5',
    period_days: 30,
  };
  expect(listed['commitments']).toMatchObject([{ ...fields, taken: '0.5', times: 1, state: 'open' }]);
  expect(await owner(one, ['commitments', 'show', id])).toMatchObject({ ...fields, state: 'open' });
  const before = await balanceOf(one);
  const ended = await owner(one, ['commitments', 'cancel', id]);
  expect(ended).toMatchObject({ id });
  await expect(shop.charge('/shown', 1n)).rejects.toThrow();
  // It cost its own fee, and nothing more.
  const fee = before - (await balanceOf(one));
  expect(fee).toBeGreaterThan(0n);
  expect(fee).toBeLessThan(20_000n);
  expect(await owner(one, ['commitments', 'cancel', id])).toMatchObject({ id, state: 'ended', tx: null });
  expect((await owner(one, ['commitments', 'list']))['commitments']).toEqual([]);
  const all = await owner(one, ['commitments', 'list', '--all']);
  expect(all['commitments']).toMatchObject([{ id, state: 'ended', taken: '0.5' }]);
});

test('doctor names a subscription that goes on past the end of its agent, and how to end it', async () => {
  const one = await newWallet();
  expect(await pay(one, '/outlives?usd=0.50')).toMatchObject({ code: 'paid' });
  const { promises } = await rowsOf(one);
  const { id } = promises[0]!;
  const place = { home: one.mine.home, passphrase: async () => TEST_PASSPHRASE, now: world.now, env: {} };
  const found = async () =>
    (await checkUpLocally(place)).checks.filter(({ name }) => name === 'subscriptions');
  expect(await found()).toEqual([]);
  const { ledger } = await one.wallet.engine();
  await ledger.agents.change('default', { act: 'suspend' }, world.now());
  expect(await found()).toEqual([
    {
      name: 'subscriptions',
      state: 'warn',
      says: `${shop.hostPort} may still take by the subscription ${id} of agent default, which is suspended.`,
      mend: { say: 'End it, unless it is still wanted.', action: { kind: 'cancelCommitment', id } },
    },
  ]);
});

test('above the owner’s line they are asked, and every limit holds it by what its window can see', async () => {
  const asked = await newWallet({ 'limits.commitment_usd': '1.50' });
  const pending = await pay(asked, '/asked');
  expect(pending).toMatchObject({ status: 'approval_required', money: 'none' });
  expect(String(pending['why'])).toContain('$2.00 in a month');
  // A day can see two of them.
  const capped = await newWallet({ 'limits.per_day_usd': '1.50' });
  expect(await pay(capped, '/capped')).toMatchObject({ status: 'approval_required', money: 'none' });
  const budget = await newWallet({ 'budgets.field.per_day_usd': '1.50', 'agents.default.budget': 'field' });
  expect(await pay(budget, '/budget')).toMatchObject({ status: 'refused', money: 'none' });
  for (const one of [asked, capped, budget]) expect(signaturesIn(one.mine.home)).toBe(0);
});

test('what can be paid once is not subscribed to, and nothing is subscribed to twice', async () => {
  const one = await newWallet();
  expect(await pay(one, '/single?charge=0.50')).toMatchObject({ code: 'paid', spent_usd: '0.50' });
  expect(await pay(one, '/late?fault=late')).toMatchObject({ money: 'unknown' });
  const signed = signaturesIn(one.mine.home);
  const again = await pay(one, '/late/other');
  expect(again).toMatchObject({ status: 'refused', money: 'none' });
  expect(String(again['message'])).toContain('another subscription');
  expect(signaturesIn(one.mine.home)).toBe(signed);
  // The promise is out, so it counts, though nothing was charged.
  expect(await countedIn(one, 1)).toBe(2n * USD + USD / 2n);
});

test('renewals are found on the chain, which lets the seller take one period’s amount and no more', async () => {
  const one = await newWallet({ 'limits.commitment_usd': '20' });
  expect(await pay(one, '/daily?days=1&usd=0.50&life=20')).toMatchObject({ code: 'paid' });
  await expect(shop.charge('/daily', 1n)).rejects.toThrow();
  // A captured amount leaves a window up to a minute late.
  await world.advance(DAY_SEC + 120);
  await shop.charge('/daily', 300_000n);
  await expect(shop.charge('/daily', 300_000n)).rejects.toThrow();
  await look(one);
  const { charges } = await rowsOf(one);
  const shown = charges.map(({ capturedAtomic, confirmed }) => `${capturedAtomic} ${confirmed}`);
  expect(shown.sort()).toEqual(['300000 true', '500000 true']);
  // Looked at once more, nothing is counted twice.
  await look(one);
  expect((await rowsOf(one)).charges).toHaveLength(2);
  expect(await countedIn(one, 1)).toBe(USD);
  const engine = await one.wallet.engine();
  expect(await engine.ledger.audit()).toMatchObject({ findings: [] });
  const compared = await compareWithChain(await engine.config(), engine.keys, engine.ledger, world.now());
  expect(compared.findings.filter(({ says }) => !says.includes('0xfeec'))).toEqual([]);
});

test('its owner ends it on the chain, and then it counts for what it took alone', async () => {
  const one = await newWallet();
  expect(await pay(one, '/ended?usd=0.50')).toMatchObject({ code: 'paid' });
  const engine = await one.wallet.engine();
  const [promise] = (await rowsOf(one)).promises;
  const signal = AbortSignal.timeout(30_000);
  const prepared = await pageActs(engine, signal)({ kind: 'cancel_commitment', subject: promise!.id });
  expect(prepared).toMatchObject({ isOwners: true, act: { what: `End the subscription ${promise!.id}` } });
  expect(prepared.act.details[0]).toContain('at most 0.5 ');
  expect((await prepared.run()).message).toMatch(/has ended|was asked to end/);
  await look(one);
  expect((await rowsOf(one)).promises).toMatchObject([{ state: 'released' }]);
  expect(await countedIn(one, 30)).toBe(500_000n);
  await world.advance(30 * DAY_SEC);
  await expect(shop.charge('/ended', 500_000n)).rejects.toThrow();
});

test('one that nobody ever charged ends with its time, and all of it is free again', async () => {
  const one = await newWallet();
  expect(await pay(one, '/never?fault=late&days=1&life=2')).toMatchObject({ money: 'unknown' });
  await look(one);
  expect(await countedIn(one, 1)).toBe(2n * USD);
  await world.advance(4 * DAY_SEC);
  await look(one);
  expect(await countedIn(one, 1)).toBe(0n);
  const { promises, charges } = await rowsOf(one);
  expect([...promises, ...charges].map(({ state }) => state)).toEqual(['released', 'released']);
});

test('a quote says in its sentence, and to a person at a terminal, what it binds to', async () => {
  const one = await newWallet({ 'limits.per_session_usd': '10' });
  const url = `${shop.url}/quoted?usd=1`;
  const quoted = await one.wallet.quote({ url }, anyCall());
  expect(quoted).toMatchObject({ code: 'quoted', intent: 'subscription', usd_per_period: '1.00' });
  expect(String(quoted['message'])).toMatch(
    /^The call costs \$1\.00 on Tempo testnet, as a subscription of \$1\.00 every 30 days until \d{4}-\d\d-\d\d; nothing/,
  );
  const shown = await show(one, ['quote', url]);
  expect(shown).toContain('it is a subscription: $1.00 every 30 days until ');
  expect(shown).toMatch(/^paid by +mpp, tempo, subscription$/m);
});
