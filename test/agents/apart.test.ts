import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { ToldOutcome } from '../../src/wallet/answer/outcome.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { addAgents, type FundedAgent } from '../http/served.js';
import type { Agent } from '../mcp/purser.js';
import type { TestWallet } from '../support/testWallet.js';
import { callOf, startTestWorld, type TestWorld } from '../support/world.js';
import { connectAs, outcomeOf } from './crew.js';

/** More than is shown of an answer: it goes to a file. */
const LARGE_BYTES = 40_000;

/** One agent on stdio, and all that must never show in another's results. */
interface Apart {
  readonly funded: FundedAgent;
  readonly agent: Agent;
  readonly canary: string;
  /** What it did, by a name for it. */
  readonly did: Record<string, ToldOutcome>;
}

let world: TestWorld;
let wallet: TestWallet;
let owner: Wallet;
let crew: Apart[];

beforeAll(async () => {
  world = await startTestWorld();
  wallet = await world.wallet({ settings: { 'approvals.wait_s': '0' } });
  owner = wallet.open();
  const funded = await addAgents(world.sandbox, owner, ['alice', 'bruno'], 2_000_000n);
  crew = await Promise.all(
    funded.map(async (one, i): Promise<Apart> => ({
      funded: one,
      agent: await connectAs(wallet, one.name),
      canary: `canary${i}x${'fg'[i]?.repeat(12) ?? ''}`,
      did: {},
    })),
  );
  await Promise.all(crew.map((one) => act(one)));
});
afterAll(async () => {
  await Promise.all(crew.map(({ agent }) => agent.close()));
  await world.stop();
});

/** Everything that leaves a trace: the same for each agent but for its canary. */
async function act({ agent, canary, did }: Apart): Promise<void> {
  const pay = (args: Record<string, unknown>): Promise<ToldOutcome> => outcomeOf(agent, 'wallet_pay', args);
  const at = (path: string): string => `${world.sandbox.shop.url}${path}`;
  const body = `${canary} `.repeat(LARGE_BYTES / canary.length);
  did['same'] = await pay(callOf(at('/v2/json?id=same'), { idempotency_key: 'same' }));
  did['paid'] = await pay(
    callOf(at(`/v2/echo?id=${canary}`), { method: 'POST', body, reason: `for ${canary}` }),
  );
  did['quoted'] = await outcomeOf(agent, 'wallet_quote', { url: at(`/v2/json?q=${canary}`) });
  did['free'] = await outcomeOf(agent, 'wallet_quote', { url: at('/free/echo'), method: 'POST', body });
  // Past the cap of one call: the owner is asked, and not waited for.
  did['asked'] = await pay({
    url: at(`/v2/price/0.60?${canary}`),
    max_usd: '1',
    reason: `dear ${canary}`,
  });
}

function idsOf({ did }: Apart) {
  const ids = {
    payment: did['paid']?.payment?.id,
    stored: did['paid']?.response?.stored_id,
    free: did['free']?.response?.stored_id,
    quote: did['quoted']?.['quote_id'],
    approval: did['asked']?.['approval_id'],
  };
  for (const id of Object.values(ids)) expect(id).toMatch(/^\w{10,}/);
  return ids as Record<keyof typeof ids, string>;
}

test('each does the same and pays from its own address', async () => {
  for (const { did, funded, agent } of crew) {
    expect(did['same']).toMatchObject({ code: 'paid' });
    expect(did['same']?.['replayed']).not.toBe(true);
    expect(did['paid']).toMatchObject({ code: 'paid', spent_usd: '0.01' });
    expect(did['quoted']).toMatchObject({ code: 'quoted' });
    expect(did['free']).toMatchObject({ code: 'not_priced' });
    expect(did['asked']).toMatchObject({ code: 'approval_required', money: 'none' });
    const { balances } = await outcomeOf(agent, 'wallet_balance');
    expect(balances).toMatchObject([{ address: funded.address, held: '0', on_chain: '1.98' }]);
    expect(await world.sandbox.chain.payments(funded.address)).toHaveLength(2);
  }
});

describe.each([
  ['alice', 0, 1],
  ['bruno', 1, 0],
] as const)('%s', (_name, me, them) => {
  const other = (): Apart => crew[them]!;
  const mine = (): Apart => crew[me]!;
  /** Calls as me, and finds nothing of the other in all that comes back. */
  const call = async (tool: string, args: Record<string, unknown> = {}): Promise<ToldOutcome> => {
    const { outcome, text } = await mine().agent.call(tool, args);
    const all = JSON.stringify(outcome) + text;
    const { canary, funded } = other();
    for (const secret of [canary, funded.address, funded.address.toLowerCase(), funded.name])
      expect(all).not.toContain(secret);
    return outcome;
  };

  test('is told of its own in every view of its ledger', async () => {
    const views: ToldOutcome[] = [];
    for (const view of ['entries', 'by_host', 'by_day', 'by_session', 'by_category'])
      views.push(await call('wallet_ledger', { view, limit: 200 }));
    const [entries, ...totals] = views;
    expect(entries?.['entries']).toHaveLength(2);
    for (const { groups } of totals) {
      // Two days, where midnight fell between.
      const found = groups as { payments: number; captured_usd: string }[];
      expect(found.reduce((sum, { payments }) => sum + payments, 0)).toBe(2);
      expect(found.reduce((sum, one) => sum + Number(one.captured_usd) * 100, 0)).toBe(2);
    }
    const all = JSON.stringify(views);
    expect(all).not.toContain(idsOf(other()).payment);
    expect(all).toContain(idsOf(mine()).payment);
    // A place in the other's list is a place in time, in this one's own list.
    const { next_cursor: cursor } = await outcomeOf(other().agent, 'wallet_ledger', { limit: 1 });
    expect(cursor).not.toBeNull();
    await call('wallet_ledger', { cursor });
    await call('wallet_ledger', { host: '127.0.0.1', state: 'captured' });
    await call('wallet_balance');
  });

  test('finds nothing by the other’s ids', async () => {
    const { payment, stored, free, quote, approval } = idsOf(other());
    const notThere = { status: 'failed', code: 'not_found', money: 'none' };
    expect(await call('wallet_ledger', { payment_id: payment })).toMatchObject(notThere);
    for (const id of [payment, stored, free]) {
      expect(await call('wallet_response', { id })).toMatchObject(notThere);
      expect(await call('wallet_response', { id, find: 'c' })).toMatchObject(notThere);
    }
    expect(await call('wallet_pay', { quote_id: quote })).toMatchObject({ code: 'quote_unknown' });
    expect(await call('wallet_approval', { id: approval, wait_s: 0 })).toMatchObject({
      code: 'approval_unknown',
    });
    expect(await call('wallet_pay', { approval_id: approval })).toMatchObject({ code: 'approval_unknown' });
    // An id is told from one that nobody has by nothing at all.
    const nobodys = await call('wallet_ledger', { payment_id: 'pay_00000000000000000000' });
    expect(await call('wallet_ledger', { payment_id: payment })).toEqual(nobodys);
  });

  test('finds its own by them', async () => {
    const { payment, stored, free, approval } = idsOf(mine());
    expect(await call('wallet_ledger', { payment_id: payment })).toMatchObject({ code: 'ok' });
    for (const id of [payment, stored, free])
      expect((await call('wallet_response', { id, length: 500 }))['text']).toContain(mine().canary);
    expect(await call('wallet_approval', { id: approval, wait_s: 0 })).toMatchObject({ state: 'pending' });
  });

  test('gets its own answer again, and never the other’s', async () => {
    const url = `${world.sandbox.shop.url}/v2/echo?id=${other().canary}`;
    const body = `${other().canary} `.repeat(LARGE_BYTES / other().canary.length);
    const before = world.sandbox.shop.payments().length;
    // The very call of the other, a moment ago: this one's own payment, for its own answer.
    const again = await outcomeOf(mine().agent, 'wallet_pay', callOf(url, { method: 'POST', body }));
    expect(again).toMatchObject({ code: 'paid' });
    expect(again['replayed']).not.toBe(true);
    expect(again.payment?.id).not.toBe(idsOf(other()).payment);
    expect(world.sandbox.shop.payments().length).toBe(before + 1);
    const replayed = await outcomeOf(mine().agent, 'wallet_pay', callOf(url, { method: 'POST', body }));
    expect(replayed).toMatchObject({ replayed: true, payment: { id: again.payment?.id } });
  });
});

test('the owner’s ledger has them all, each under its name, and holds', async () => {
  const { ledger } = await owner.engine();
  const { payments } = await ledger.listPayments({}, 100, null);
  for (const { funded } of crew) {
    const own = payments.filter(({ agent }) => agent === funded.name);
    expect(own).toHaveLength(3);
    expect(new Set(own.map(({ payFrom }) => payFrom))).toEqual(new Set([funded.address]));
    expect(new Set(own.map(({ sessionId }) => sessionId)).size).toBe(1);
  }
  expect(new Set(payments.map(({ sessionId }) => sessionId)).size).toBe(2);
  expect((await ledger.audit()).findings).toEqual([]);
});
