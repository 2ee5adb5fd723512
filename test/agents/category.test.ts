import { afterAll, beforeAll, expect, test } from 'vitest';
import type { Outcome } from '../../src/wallet/answer/outcome.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { addAgents } from '../http/served.js';
import { signaturesIn } from '../support/books.js';
import { anyCall, type TestWallet } from '../support/testWallet.js';
import { callOf, startTestWorld, type TestWorld } from '../support/world.js';
import { runHere } from '../cli/program.js';
import { envOf } from './crew.js';

let world: TestWorld;
let mine: TestWallet;
let owner: Wallet;

beforeAll(async () => {
  world = await startTestWorld();
  const { shop, facilitator } = world.sandbox;
  const places = [shop.hostPort, shop.other.hostPort, facilitator.hostPort];
  mine = await world.wallet({
    settings: {
      'categories.search.hosts': JSON.stringify([shop.hostPort]),
      'categories.data.hosts': JSON.stringify([shop.other.hostPort]),
      'net.allow_private': JSON.stringify(places),
      // Cap and ceiling in one: past it the answer is no.
      'limits.categories.search.per_day_usd': '0.05',
      'ceilings.categories.search.per_day_usd': '0.05',
      'limits.categories.data.per_session_usd': '0.03',
      'ceilings.categories.data.per_session_usd': '0.03',
    },
  });
  owner = mine.open();
  await addAgents(world.sandbox, owner, ['carol', 'dave'], 1_000_000n);
});
afterAll(() => world.stop());

async function pay(wallet: Wallet, where: 'search' | 'data', usd: string): Promise<Outcome> {
  const { shop } = world.sandbox;
  const url = new URL(world.url(`/v2/price/${usd}`));
  url.host = where === 'search' ? shop.hostPort : shop.other.hostPort;
  return wallet.pay(callOf(url.href), anyCall());
}

async function expectRefused(wallet: Wallet, where: 'search' | 'data', usd: string, bound: string) {
  const [signed, arrived] = [signaturesIn(mine.home), world.sandbox.shop.payments().length];
  const outcome = await pay(wallet, where, usd);
  expect(outcome).toMatchObject({ status: 'refused', code: 'above_ceiling', money: 'none', retry: 'never' });
  expect(outcome.message).toContain(bound);
  expect([signaturesIn(mine.home), world.sandbox.shop.payments().length]).toEqual([signed, arrived]);
}

interface Group {
  readonly key: string;
  readonly captured_usd: string;
}

async function categoriesOf(wallet: Wallet): Promise<Group[]> {
  return (await wallet.ledger({ view: 'by_category' }, anyCall()))['groups'] as Group[];
}

test('a category’s day is one for all agents, its session each agent’s own, before signing and after a restart', async () => {
  const [carol, dave] = [owner.forAgent('carol'), owner.forAgent('dave')];
  const paid = { code: 'paid', money: 'captured' };
  expect(await pay(carol, 'search', '0.03')).toMatchObject(paid);
  await expectRefused(dave, 'search', '0.020001', 'ceilings.categories.search.per_day_usd');
  expect(await pay(dave, 'search', '0.02')).toMatchObject(paid);
  // What is spent in one leaves the other as it was.
  expect(await pay(carol, 'data', '0.03')).toMatchObject(paid);
  await expectRefused(carol, 'data', '0.01', 'ceilings.categories.data.per_session_usd');
  expect(await pay(dave, 'data', '0.01')).toMatchObject(paid);
  await owner.close();
  owner = mine.open();
  const again = { carol: owner.forAgent('carol'), dave: owner.forAgent('dave') };
  for (const wallet of [again.carol, again.dave, owner])
    await expectRefused(wallet, 'search', '0.01', 'ceilings.categories.search.per_day_usd');
  await expectRefused(again.carol, 'data', '0.01', 'ceilings.categories.data.per_session_usd');
  expect(await pay(again.dave, 'data', '0.02')).toMatchObject(paid);
  expect((await (await owner.engine()).ledger.audit()).findings).toEqual([]);
});

test('both show in totals and in what is left, an agent’s own to it and all to the owner', async () => {
  const [carol, dave] = [owner.forAgent('carol'), owner.forAgent('dave')];
  expect(await categoriesOf(carol)).toMatchObject([
    { key: 'data', captured_usd: '0.03' },
    { key: 'search', captured_usd: '0.03' },
  ]);
  expect(await categoriesOf(dave)).toMatchObject([
    { key: 'data', captured_usd: '0.03' },
    { key: 'search', captured_usd: '0.02' },
  ]);
  const all = await runHere(['ledger', '--view', 'by_category', '--json'], envOf(mine));
  expect(JSON.parse(all.out)).toMatchObject({
    groups: [
      { key: 'data', captured_usd: '0.06', payments: 3 },
      { key: 'search', captured_usd: '0.05', payments: 2 },
    ],
  });
  const { limits } = await carol.balance({});
  expect(limits).toEqual(
    expect.arrayContaining([
      expect.objectContaining({ name: 'limits.categories.search.per_day_usd', left_usd: '0.00' }),
      expect.objectContaining({ name: 'limits.categories.data.per_session_usd', used_usd: '0.03' }),
    ]),
  );
});
