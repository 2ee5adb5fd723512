import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { ToldOutcome } from '../../src/wallet/answer/outcome.js';
import { assertClock } from '../../src/wallet/clock/clockCheck.js';
import { reconcileAll } from '../../src/wallet/settle/reconcile.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { connect } from '../http/fixture.js';
import { addAgents, Served, type FundedAgent } from '../http/served.js';
import { journalOf, paymentsIn } from '../support/books.js';
import { anyCall, type TestWallet } from '../support/testWallet.js';
import { callOf, PAST_EXPIRY_SEC, startTestWorld, type TestWorld } from '../support/world.js';
import { asAnyone, asOwner, connectAs, outcomeOf } from './crew.js';

/** Calls that are paid before the agent is stopped, that wait for their price meanwhile, and that come after. */
const CALLS = { first: 5, between: 40, late: 5 };
const GATED = '/v2/gated';

let world: TestWorld;
let wallet: TestWallet;
let owner: Wallet;
let agents: FundedAgent[];
/** How many payments each stopped agent was told of. */
const told = new Map<FundedAgent, number>();
const open = new Set<Ways>();

beforeAll(async () => {
  world = await startTestWorld();
  wallet = await world.wallet();
  owner = wallet.open();
  agents = await addAgents(world.sandbox, owner, ['ada', 'bob', 'carl'], 5_000_000n);
});
afterEach(async () => {
  await Promise.all([...open].map((ways) => ways.close()));
  open.clear();
});
afterAll(() => world.stop());

/** Has a path of the shop name its price once the gate opens; whatever pays there is recorded, and never settled. */
function closeGate(gate: Promise<unknown>): void {
  const { shop } = world.sandbox;
  shop.handle(GATED, async (_order, response) => {
    await gate;
    const offer = await fetch(`${shop.url}/v2/json`);
    response.writeHead(offer.status, { 'payment-required': offer.headers.get('payment-required') ?? '' });
    response.end(await offer.text());
  });
}

/** How an agent pays, whatever is between it and the wallet; null where it is not even let in. */
type Pay = (url: string) => Promise<ToldOutcome | null>;

interface Ways {
  readonly stopped: Pay;
  readonly other: Pay;
  close(): Promise<void>;
}

async function overStdio(stopped: FundedAgent, other: FundedAgent): Promise<Ways> {
  const [a, b] = await Promise.all([connectAs(wallet, stopped.name), connectAs(wallet, other.name)]);
  return {
    stopped: (url) => outcomeOf(a, 'wallet_pay', callOf(url)),
    other: (url) => outcomeOf(b, 'wallet_pay', callOf(url)),
    close: async () => void (await Promise.all([a.close(), b.close()])),
  };
}

async function overHttp(stopped: FundedAgent, other: FundedAgent): Promise<Ways> {
  const served = await Served.start(wallet);
  const [a, b] = await Promise.all([
    connect(served.url, stopped.token, { pin: '2026-07-28' }),
    connect(served.url, other.token, 'legacy'),
  ]);
  const payBy =
    (client: typeof a): Pay =>
    (url) =>
      client.callTool({ name: 'wallet_pay', arguments: callOf(url) }).then(
        ({ structuredContent }) => structuredContent as ToldOutcome,
        () => null,
      );
  return {
    stopped: payBy(a),
    other: payBy(b),
    close: async () => {
      await Promise.all([a.close(), b.close()]);
      await served.stop();
      served.removeLog();
    },
  };
}

/** The nonces of an agent's payments, with the journal's place of their last sending. */
function sendsOf(entries: ReturnType<typeof journalOf>): Map<string, number> {
  const nonces = new Map<string, string>();
  const sends = new Map<string, number>();
  for (const { seq, kind, subject, data } of entries) {
    if (kind === 'hold') nonces.set(subject, String(data['nonce']).toLowerCase());
    if (kind === 'send') sends.set(nonces.get(subject) ?? '', seq);
  }
  return sends;
}

describe.each([
  ['stdio', overStdio, 0],
  ['purser serve', overHttp, 1],
] as const)('in the middle of %s', (_name, start, which) => {
  test('a suspension in another process lets nothing more be signed, and others go on', async () => {
    const [stopped, other] = [agents[which]!, agents[2]!];
    const ways = await start(stopped, other);
    open.add(ways);
    const { shop } = world.sandbox;
    const first = Array.from({ length: CALLS.first }, () => ways.stopped(world.url('/v2/json')));
    const from = stopped.address.toLowerCase();
    await shop.requests.waitFor(({ payment }) => payment?.from?.toLowerCase() === from);
    const gate = Promise.withResolvers<undefined>();
    closeGate(gate.promise);
    const between = Array.from({ length: CALLS.between }, () => ways.stopped(world.url(GATED)));
    const waiting = (): number => shop.requests.entries.filter(({ path }) => path === GATED).length;
    const before = waiting();
    await expect.poll(waiting).toBeGreaterThan(before + CALLS.between / 4);
    const inside = waiting() - before;
    expect(await asAnyone(wallet, 'agents', 'suspend', stopped.name)).toMatchObject({ exit: 0 });
    gate.resolve(undefined);
    const late = Array.from({ length: CALLS.late }, () => ways.stopped(world.url('/v2/json')));
    const beside = Array.from({ length: 2 }, () => ways.other(world.url('/v2/json')));
    const outcomes = { first: await Promise.all(first), late: await Promise.all(late) };
    // Those that were let in while it was active find it suspended where they would hold; on a slow machine some come to a
    // server's door after it, and are not let in.
    const held = await Promise.all(between);
    expect(held.filter((outcome) => outcome !== null).length).toBeGreaterThanOrEqual(inside);
    for (const outcome of [...held, ...outcomes.late]) {
      if (outcome === null) continue;
      expect(outcome).toMatchObject({ status: 'refused', code: 'agent_suspended', money: 'none' });
    }
    for (const outcome of await Promise.all(beside)) expect(outcome).toMatchObject({ code: 'paid' });

    const journal = journalOf(wallet.home);
    const subject = `agent ${stopped.name}`;
    const suspended = journal.findLast(({ kind, subject: of }) => kind === 'agent' && of === subject);
    const after = journal.filter(({ seq }) => seq > (suspended?.seq ?? 0));
    const own = (await paymentsIn(await owner.engine())).filter(({ agent }) => agent === stopped.name);
    const ids = own.map(({ id }) => id);
    expect(
      after.filter(({ kind, subject: of }) => /^(hold|sign|send)$/.test(kind) && ids.includes(of)),
    ).toEqual([]);
    // What reached the seller had left for it before, every one.
    const sends = sendsOf(journal);
    const arrived = shop.payments().filter((payment) => payment.from?.toLowerCase() === from);
    for (const { nonce } of arrived)
      expect(sends.get(nonce?.toLowerCase() ?? '')).toBeLessThan(suspended?.seq ?? 0);

    expect(await asOwner(wallet, 'agents', 'resume', stopped.name)).toMatchObject({ exit: 0 });
    expect(await ways.stopped(world.url('/v2/json'))).toMatchObject({ code: 'paid' });
    const paid = outcomes.first.filter((outcome) => outcome?.code === 'paid').length + 1;
    told.set(stopped, paid);
  });
});

function textOf({ code, retry, message, tell_owner: tell }: ToldOutcome): string {
  return `${code}, ${retry}: ${message} ${(tell ?? '').replace(/Run: .*@\S+( --home \S+)?/, 'Run: purser')}`;
}

describe('what an agent is told', () => {
  test('when it is suspended, the wallet is frozen, it is removed, or was never there', async () => {
    const { ledger } = await owner.engine();
    const texts: Record<string, string> = {};
    const carl = await connectAs(wallet, 'carl');
    const ask = async (name: string): Promise<void> => {
      const { outcome } = await carl.call('wallet_pay', callOf(world.url('/v2/json')));
      expect(outcome).toMatchObject({ money: 'none' });
      texts[name] = textOf(outcome);
    };
    await ledger.agents.change('carl', { act: 'suspend' }, world.now());
    await ask('suspended');
    await ledger.agents.change('carl', { act: 'resume' }, world.now());
    await ledger.freeze(world.now());
    await ask('frozen');
    await ledger.unfreeze(world.now());
    await ledger.agents.change('carl', { act: 'remove' }, world.now());
    await ask('removed');
    await carl.close();
    const nobody = await connectAs(wallet, 'dora');
    texts['unknown'] = textOf(await outcomeOf(nobody, 'wallet_balance'));
    await nobody.close();
    expect(texts).toMatchInlineSnapshot(`
      {
        "frozen": "frozen, after_owner: The wallet is frozen: nothing is signed or sent until its owner lifts that; do not retry. What was sent before is not undone: the chain settles it, or it comes free by itself. The wallet is frozen. Run: purser unfreeze",
        "removed": "agent_unknown, after_owner: The owner removed the agent carl for good: nothing is shown to it, signed or sent for it any more; do not retry. What was sent before is not undone: the chain settles it, or it comes free by itself. The agent carl was removed: add another one and let its client name that. Run: purser agents add NAME",
        "suspended": "agent_suspended, after_owner: The owner suspended the agent carl: nothing is shown to it, signed or sent for it until they resume it; do not retry. What was sent before is not undone: the chain settles it, or it comes free by itself. The agent carl is suspended. Run: purser agents resume carl",
        "unknown": "agent_unknown, after_owner: This wallet has no agent by the name dora; do not retry. There is no agent by the name dora: add it, or name another. Run: purser agents list",
      }
    `);
  });
});

// The last one: it moves the chain on, and from then on the clocks of the agents' processes are wrong.
test('what was paid in between is on the chain, and nothing else', async () => {
  const engine = await owner.engine();
  await world.advance(PAST_EXPIRY_SEC);
  await reconcileAll(engine, anyCall().signal);
  for (const [agent, paid] of told) {
    const captured = (await paymentsIn(engine)).filter(
      ({ agent: name, state }) => name === agent.name && state === 'captured',
    );
    expect(captured).toHaveLength((await world.sandbox.chain.payments(agent.address)).length);
    expect(captured.length).toBeGreaterThanOrEqual(paid);
  }
  expect(told.size).toBe(2);
  expect((await engine.ledger.audit()).findings).toEqual([]);
});

test('a clock that is set back after an agent’s end lets it do nothing, not even look', async () => {
  const engine = await owner.engine();
  const { ledger } = engine;
  const untilMs = world.now() + 60_000;
  const add = { act: 'add', index: 9, tokenHash: 'f'.repeat(64), untilMs } as const;
  await ledger.agents.change('eve', add, world.now());
  const before = world.now();
  const eve = wallet.open({ agent: 'eve', now: () => before });
  expect(await eve.balance({})).toMatchObject({ status: 'ok' });
  await world.advance(61);
  // The ledger sees the time, by a clock that was checked.
  await assertClock(engine, await engine.config());
  await ledger.freeze(world.now());
  await ledger.unfreeze(world.now());
  expect(await eve.balance({})).toMatchObject({ status: 'refused', code: 'agent_expired' });
});
