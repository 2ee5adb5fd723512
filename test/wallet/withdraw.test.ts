import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { Outcome } from '../../src/wallet/answer/outcome.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import type { Withdrawn } from '../../src/treasury/carry.js';
import { refill, type Refill } from '../../src/treasury/refill.js';
import { watchRefills } from '../../src/treasury/refillWatch.js';
import { withdraw } from '../../src/treasury/withdraw.js';
import type { Engine } from '../../src/wallet/engine.js';
import { addAgents } from '../http/served.js';
import type { WithdrawalPlan, WithdrawalOrder } from '../../src/treasury/withdrawPlan.js';
import { assetsOf, type SvmAsset } from '../../src/money/asset.js';
import { findNetwork, type Caip2 } from '../../src/money/network.js';
import { capLine } from '../../src/ledger/sqlite/fixtures.js';
import { compareWithChain } from '../../src/owner/ledger/chainAudit.js';
import { reconcileAll } from '../../src/wallet/settle/reconcile.js';
import { tokenAccountOf } from '../../src/protocols/solana/solanaMessage.js';
import { namedSigner } from '../../sandbox/solana/chain.ts';
import { journalOf, attemptsIn, signaturesIn } from '../support/books.js';
import { anyCall, type TestWallet } from '../support/testWallet.js';
import { expectLedgerIsChain } from '../support/truth.js';
import { callOf, CHAINS, startTestWorld, type Ground, type TestWorld } from '../support/world.js';

const DOLLAR = 1_000_000n;
/** However loaded the machine is. */
const PATIENT = { interval: 5 };
/** Past the window of a withdrawal, with room for the settled block. */
const PAST_WINDOW_SEC = 320;

let world: TestWorld;
let owners = 0;

/** An address of Solana that the chain has never seen. */
const nobody = async (): Promise<string> => (await namedSigner(`an owner ${++owners}`)).address;

/** An address of the EVM as people type it, too: in small letters. */
const typedBy = (address: string): string => (address.startsWith('0x') ? address.toLowerCase() : address);
beforeAll(async () => {
  world = await startTestWorld();
});

afterEach(async () => {
  world.sandbox.facilitator.setFault(null);
  await world.sandbox.rpc.setFault(null);
  await world.sandbox.solanaRpc.setFault(null);
});

afterAll(() => world.stop());

async function take(
  wallet: Wallet,
  order: Partial<WithdrawalOrder> & { to: string },
  signal = anyCall().signal,
): Promise<Withdrawn> {
  const engine = await wallet.engine();
  const done = await withdraw(
    engine,
    { usdMicros: 2n * DOLLAR, takesHeld: false, ...order },
    async () => true,
    signal,
  );
  if (done === null) throw new Error('declined');
  return done;
}

/** Takes two dollars out until the row has this note, and then waits no more. */
async function takeUntil(wallet: Wallet, to: string, note: string): Promise<void> {
  const engine = await wallet.engine();
  const interrupted = new AbortController();
  const taken = take(wallet, { to }, interrupted.signal);
  await expect.poll(async () => (await attemptsIn(engine))[0]?.note, PATIENT).toBe(note);
  interrupted.abort();
  await taken;
}

async function expectTruth(place: TestWorld, mine: TestWallet, wallet: Wallet): Promise<void> {
  await expectLedgerIsChain(place, mine, wallet);
  const engine = await wallet.engine();
  const { findings } = await compareWithChain(await engine.config(), engine.keys, engine.ledger, world.now());
  expect(findings).toEqual([]);
}

const RULE = {
  'agents.researcher.refill.below_usd': '2',
  'agents.researcher.refill.to_usd': '3',
  'agents.researcher.refill.per_day_usd': '4',
};

/** A wallet whose second agent is refilled, with a dollar of its own. */
async function withRefills(place: TestWorld, usdMicros = 10n * DOLLAR) {
  const mine = await place.wallet({ usdMicros, settings: RULE });
  const owner = mine.open();
  await addAgents(world.sandbox, owner, ['researcher'], 0n);
  const wallet = mine.open({ agent: 'researcher' });
  const engine = await wallet.engine();
  const address = await engine.addressOn(findNetwork(place.ground.caip2)!);
  await fund(address, DOLLAR);
  return { mine, wallet, engine, address };
}

const fund = (address: string, usdMicros: bigint) =>
  address.startsWith('0x')
    ? world.sandbox.chain.fund(address as `0x${string}`, usdMicros)
    : world.sandbox.solana.fund(address, usdMicros);

const look = (engine: Engine) => refill(engine, 'researcher', anyCall().signal);

describe('an agent that is refilled', () => {
  test('is sent nothing where its source has too little, no facilitator carries it, or it is stopped', async () => {
    const { mine, engine } = await withRefills(world, DOLLAR / 2n);
    expect(await look(engine)).toMatchObject({ kind: 'not', why: 'source_empty', leftUsdMicros: DOLLAR });
    await fund(mine.payAddress, 5n * DOLLAR);
    await world.ground.giveGas(mine.payAddress);
    world.sandbox.facilitator.setFault('idle');
    expect(await look(engine)).toMatchObject({ kind: 'not', why: 'no_facilitator' });
    world.sandbox.facilitator.setFault(null);
    await engine.ledger.freeze(world.now());
    expect(await look(engine)).toEqual({ kind: 'none' });
    await engine.ledger.unfreeze(world.now());
    for (const name of ['researcher', 'default']) {
      await engine.ledger.agents.change(name, { act: 'suspend' }, world.now());
      expect(await look(engine)).toEqual({ kind: 'none' });
      await engine.ledger.agents.change(name, { act: 'resume' }, world.now());
    }
    await mine.set('agents.researcher.refill.to_usd', 'none');
    expect(await look(engine)).toEqual({ kind: 'none' });
    expect(signaturesIn(mine.home)).toBe(0);
  });

  test('is sent nothing under a rule that its owner changed after it was signed', async () => {
    const { mine, address } = await withRefills(world);
    // As the agent that the money comes from, so that what sends reads the config here.
    const engine = await mine.open().engine();
    const read = engine.config.bind(engine);
    engine.config = async () => {
      const isSigned = (await attemptsIn(engine)).some(({ state }) => state === 'signed');
      if (isSigned) await mine.set('agents.researcher.refill.per_day_usd', '3.99');
      return read();
    };
    await expect(look(engine)).rejects.toMatchObject({ code: 'config_stale' });
    expect(await world.ground.balanceOf(address)).toBe(DOLLAR);
    expect((await attemptsIn(engine)).map(({ state }) => state)).toEqual(['signed']);
  });

  test('gets no second one while a facilitator that refused may still settle the first', async () => {
    const { mine, engine, address } = await withRefills(world);
    world.sandbox.facilitator.setFault('refusing');
    expect(await look(engine)).toEqual({ kind: 'later' });
    world.sandbox.facilitator.setFault(null);
    expect(await look(engine)).toEqual({ kind: 'later' });
    expect(signaturesIn(mine.home)).toBe(1);
    await world.advance(PAST_WINDOW_SEC);
    expect(await look(engine)).toMatchObject({ kind: 'sent' });
    expect(await world.ground.balanceOf(address)).toBe(3n * DOLLAR);
    const states = (await attemptsIn(engine)).map(({ state }) => state);
    expect(states).toEqual(['released', 'captured']);
  });
});

describe.each(CHAINS)('on %s', (on) => {
  let place: TestWorld;
  let ground: Ground;

  beforeAll(() => {
    place = world.on(on);
    ({ ground } = place);
  });

  test('an agent that is refilled gets one refill behind its payment, without gas, within its day, though two processes see the need', async () => {
    const { mine, wallet, engine, address } = await withRefills(place);
    const told: Refill[] = [];
    watchRefills(engine, (_agent, one) => told.push(one));
    const other = await mine.open().engine();
    watchRefills(other, (_agent, one) => told.push(one));
    const paid = await wallet.pay(callOf(world.url('/v2/json')), anyCall());
    expect(paid.status).toBe('ok');
    void look(other).then((one) => told.push(one));
    await expect
      .poll(() => told.find(({ kind }) => kind === 'sent'), PATIENT)
      .toMatchObject({
        ...{ from: 'default', withdrawal: { refills: 'researcher', confirmed: true, agent: 'default' } },
      });
    // Its payment was before or after the look.
    expect([3n * DOLLAR, 2_990_000n]).toContain(await ground.balanceOf(address));
    const refills = async () =>
      (await attemptsIn(engine)).filter((one) => one.kind === 'withdrawal' && one.refills !== null);
    expect(await refills()).toHaveLength(1);
    expect(await look(engine)).toEqual({ kind: 'none' });
    // It is no spending, and no agent's view tells of it as such.
    expect((await wallet.ledger({}, anyCall())) as unknown).toMatchObject({
      entries: [{ host: expect.any(String) }],
    });
    const out = { to: await ground.newOwner(), usdMicros: 5n * (DOLLAR / 2n), takesHeld: false };
    await withdraw(engine, out, async () => true, anyCall().signal);
    // The last one rests until every RPC shows it; then the day leaves too little.
    await world.advance(70);
    await reconcileAll(engine, anyCall().signal);
    expect(await look(engine)).toMatchObject({ kind: 'sent' });
    await fund(await other.addressOn(findNetwork(ground.caip2)!), DOLLAR);
    await withdraw(engine, { ...out, usdMicros: 'all' }, async () => true, anyCall().signal);
    await world.advance(70);
    expect(await look(engine)).toMatchObject({ kind: 'not', why: 'day_used', from: 'default' });
    expect(await refills()).toHaveLength(2);
    expect((await engine.ledger.audit()).findings).toEqual([]);
  });

  test('a refill whose end is unknown holds up no withdrawal of the owner’s: it counts, and either lands for itself', async () => {
    const { mine, engine, address } = await withRefills(place);
    const { facilitator } = world.sandbox;
    const owner = mine.open();
    const to = await ground.newOwner();
    // It says no, and what was signed stays good: anybody who has it may settle it yet.
    facilitator.setFault('refusing');
    expect(await look(engine)).toEqual({ kind: 'later' });
    facilitator.setFault(null);
    const [inDoubt] = await attemptsIn(engine);
    expect(inDoubt).toMatchObject({ kind: 'withdrawal', state: 'unknown', refills: 'researcher' });

    // Two of ten dollars are the refill's, until its end is proved.
    await expect(take(owner, { to, usdMicros: 8n * DOLLAR + 1n })).rejects.toMatchObject({
      code: 'insufficient_funds',
    });
    expect(signaturesIn(mine.home)).toBe(1);
    expect(await take(owner, { to, usdMicros: 8n * DOLLAR })).toMatchObject({
      earlier: false,
      via: 'facilitator',
      withdrawal: { state: 'captured', heldAtomic: 8n * DOLLAR, refills: null },
    });
    expect(await ground.balanceOf(to)).toBe(8n * DOLLAR);
    expect(await ground.balanceOf(mine.payAddress)).toBe(2n * DOLLAR);

    // Its end comes as it would have, and what it held is free then.
    await place.advance(PAST_WINDOW_SEC);
    await reconcileAll(engine, anyCall().signal);
    const states = (await attemptsIn(engine)).map(({ state }) => state);
    expect(states).toEqual(['released', 'captured']);
    expect(await ground.balanceOf(address)).toBe(DOLLAR);
    expect(await take(owner, { to })).toMatchObject({ withdrawal: { heldAtomic: 2n * DOLLAR } });
    await expectTruth(place, mine, owner);
  });

  test('a refill that was claimed and never came stops the next one, and the owner, though money left beside it meanwhile', async () => {
    const { mine, engine } = await withRefills(place);
    const owner = mine.open();
    const order = { to: await ground.newOwner(), usdMicros: DOLLAR };
    world.sandbox.facilitator.setFault('lying');
    const interrupted = new AbortController();
    const refilling = refill(engine, 'researcher', interrupted.signal);
    await expect.poll(async () => (await attemptsIn(engine))[0]?.note, PATIENT).toBe('taken');
    interrupted.abort();
    expect(await refilling).toEqual({ kind: 'later' });
    world.sandbox.facilitator.setFault(null);
    expect(await take(owner, order)).toMatchObject({ withdrawal: { confirmed: true, refills: null } });

    await world.advance(PAST_WINDOW_SEC);
    await reconcileAll(engine, anyCall().signal);
    const states = (await attemptsIn(engine)).map(({ state }) => state);
    expect(states).toEqual(['released', 'captured']);
    expect(await look(engine)).toMatchObject({ kind: 'not', why: 'contradicted' });
    await expect(take(owner, order)).rejects.toThrow(/shows that it never did.*--repeat/);
    expect(signaturesIn(mine.home)).toBe(2);
    // Once the owner has looked, and says so, all goes on.
    await take(owner, { ...order, repeats: true });
    expect(await look(engine)).toMatchObject({ kind: 'sent' });
  });

  describe('money taken out', () => {
    test('goes to the addresses that the owner named alone, where they named any, and to own agents', async () => {
      const [named, other] = [await ground.newOwner(), await ground.newOwner()];
      const entry = `${ground.caip2}:${typedBy(named)}`;
      const mine = await place.wallet({
        usdMicros: 10n * DOLLAR,
        settings: { 'payouts.addresses': JSON.stringify([entry]) },
      });
      const wallet = mine.open();
      await expect(take(wallet, { to: other })).rejects.toMatchObject({
        code: 'bad_input',
        owner: { action: { kind: 'addToSetting', entry: `${ground.caip2}:${other}` } },
      });
      expect(signaturesIn(mine.home)).toBe(0);
      expect(await take(wallet, { to: typedBy(named) })).toMatchObject({ via: 'facilitator' });
      await addAgents(world.sandbox, wallet, ['researcher'], 0n);
      const engine = (await wallet.engine()).forAgent('researcher');
      const to = await engine.addressOn(findNetwork(ground.caip2)!);
      await fund(to, DOLLAR);
      expect(await take(wallet, { to, isWithin: true })).toMatchObject({ withdrawal: { payTo: to } });
      await expectTruth(place, mine, wallet);
    });

    test('goes by a facilitator without gas, to the last atomic unit, and no cap knows of it', async () => {
      const mine = await place.wallet({ usdMicros: 10_000_001n, settings: { 'limits.per_day_usd': '0.10' } });
      const wallet = mine.open();
      const to = await ground.newOwner();
      const paid = await wallet.pay(callOf(world.url('/v2/json')), anyCall());
      expect(paid.status).toBe('ok');
      const plans: WithdrawalPlan[] = [];
      const engine = await wallet.engine();
      const done = await withdraw(
        engine,
        { to: typedBy(to), usdMicros: 'all', takesHeld: false },
        async (plan) => plans.push(plan) > 0,
        anyCall().signal,
      );
      expect(plans[0]).toMatchObject({ to, amountAtomic: 9_990_001n, frozen: false });
      expect(done).toMatchObject({
        via: 'facilitator',
        withdrawal: { state: 'captured', confirmed: true, payTo: to },
      });
      expect(done?.withdrawal.id).toMatch(/^wdr_/);
      expect(await ground.balanceOf(to)).toBe(9_990_001n);
      expect(await ground.balanceOf(mine.payAddress)).toBe(0n);
      await reconcileAll(engine, anyCall().signal);
      await expectTruth(place, mine, wallet);
      const kinds = journalOf(mine.home).filter(({ subject }) => subject === done?.withdrawal.id);
      expect(kinds.map(({ kind }) => kind)).toEqual(['withdraw', 'sign', 'send', 'unknown', 'capture']);
      // The agent's views tell of payments alone.
      const shown = (await wallet.ledger({}, anyCall())) as Outcome & { entries: unknown[] };
      expect(shown.entries).toHaveLength(1);
      expect(await engine.ledger.audit()).toMatchObject({
        withdrawals: 1,
        payments: 1,
        capturedUsdMicros: 10_000n,
      });
    });

    test('goes with gas of its own where no facilitator takes it', async () => {
      const mine = await place.wallet();
      const wallet = mine.open();
      world.sandbox.facilitator.setFault('idle');
      const to = await ground.newOwner();
      const refusal = await take(wallet, { to }).catch((error: unknown) => error);
      expect(refusal).toMatchObject({ code: 'gas_missing', money: 'none' });
      expect(String(refusal)).toContain(`does not settle on ${ground.label}`);
      expect(String(refusal)).toMatch(/lacks 0\.\d+ (ETH|SOL).*: send that/);
      expect(String(refusal)).toContain(`to ${mine.payAddress}`);
      expect(signaturesIn(mine.home)).toBe(0);
      await ground.giveGas(mine.payAddress);
      expect(await take(wallet, { to })).toMatchObject({ via: 'own_gas', withdrawal: { confirmed: true } });
      expect(await ground.balanceOf(to)).toBe(2n * DOLLAR);
      await expectTruth(place, mine, wallet);
    });

    test('by a facilitator that refuses goes on with gas; without gas it stays held until it expires', async () => {
      const mine = await place.wallet();
      const wallet = mine.open();
      world.sandbox.facilitator.setFault('refusing');
      const to = await ground.newOwner();
      const stuck = await take(wallet, { to });
      expect(stuck).toMatchObject({ via: null, withdrawal: { state: 'unknown', note: 'refused' } });
      expect(stuck.messages.join()).toContain('not_today');
      const engine = await wallet.engine();
      expect(await engine.ledger.heldAtomic(ground.caip2, stuck.withdrawal.asset, mine.payAddress)).toBe(
        2n * DOLLAR,
      );
      await expect(take(wallet, { to: await ground.newOwner() })).rejects.toMatchObject({
        code: 'payment_unresolved',
      });
      await ground.giveGas(mine.payAddress);
      if (on === 'base') {
        // The same order again presents what was signed, now with gas.
        expect(await take(wallet, { to })).toMatchObject({ earlier: true, via: 'own_gas' });
        expect(signaturesIn(mine.home)).toBe(1);
      } else {
        // Who pays the fee is in what was signed: it goes the same way again, or it dies first.
        expect(await take(wallet, { to })).toMatchObject({ earlier: true, via: null });
        expect(signaturesIn(mine.home)).toBe(1);
        await mine.set('withdrawals.facilitator_url', 'none');
        await expect(take(wallet, { to })).rejects.toMatchObject({ code: 'payment_unresolved' });
        await world.advance(PAST_WINDOW_SEC);
        expect(await take(wallet, { to })).toMatchObject({ earlier: false, via: 'own_gas' });
        expect(signaturesIn(mine.home)).toBe(2);
      }
      const second = await ground.newOwner();
      expect(await take(wallet, { to: second })).toMatchObject({ via: 'own_gas', earlier: false });
      expect(await ground.balanceOf(second)).toBe(2n * DOLLAR);
      await expectTruth(place, mine, wallet);
    });

    test('is found on chain where the facilitator settled and its answer was lost', async () => {
      const mine = await place.wallet();
      const wallet = mine.open();
      world.sandbox.facilitator.setFault('lost');
      const to = await ground.newOwner();
      expect(await take(wallet, { to })).toMatchObject({
        withdrawal: { state: 'captured', confirmed: true },
      });
      await expectTruth(place, mine, wallet);
    });

    test('stays open where a facilitator lies, and is free again when the chain proves it', async () => {
      const mine = await place.wallet();
      const wallet = mine.open();
      world.sandbox.facilitator.setFault('lying');
      const interrupted = new AbortController();
      const engine = await wallet.engine();
      const to = await ground.newOwner();
      const asked = withdraw(
        engine,
        { to, usdMicros: 'all', takesHeld: false },
        async () => true,
        interrupted.signal,
      );
      await expect.poll(async () => (await attemptsIn(engine))[0]?.state, PATIENT).toBe('unknown');
      // Ctrl-C: what was signed stays written down.
      interrupted.abort();
      expect(await asked).toMatchObject({ via: null, withdrawal: { state: 'unknown', note: 'taken' } });
      await world.advance(PAST_WINDOW_SEC);
      const [verdict] = await reconcileAll(engine, anyCall().signal);
      expect(verdict).toMatchObject({ verdict: 'released', attempt: { state: 'released' } });
      await expectTruth(place, mine, wallet);
    });
  });

  describe('what is held', () => {
    test('is left for its payments, unless the owner takes that too', async () => {
      const mine = await place.wallet();
      const wallet = mine.open();
      const rejected = await wallet.pay(
        callOf(world.url('/v2/json', { fault: 'verify_refused' })),
        anyCall(),
      );
      expect(rejected).toMatchObject({ money: 'held' });
      const to = await ground.newOwner();
      await expect(take(wallet, { to, usdMicros: 10n * DOLLAR })).rejects.toThrow(
        /9\.99 USDC is free.*0\.01 USDC more is held/,
      );
      await take(wallet, { to, usdMicros: 'all' });
      expect(await ground.balanceOf(mine.payAddress)).toBe(10_000n);
      await expect(take(wallet, { to, usdMicros: 'all' })).rejects.toMatchObject({
        code: 'insufficient_funds',
      });
      await take(wallet, { to, usdMicros: 'all', takesHeld: true });
      expect(await ground.balanceOf(mine.payAddress)).toBe(0n);
    });
  });

  describe('a disk that fills', () => {
    type Point = 'held' | 'signed' | 'sent' | 'unknown';
    const full = (): Error => Object.assign(new Error('no space'), { code: 'ENOSPC' });

    test.each([
      ['held', null, 'none'],
      ['signed', 'held', 'held'],
      ['sent', 'signed', 'held'],
      ['unknown', 'sent', 'unknown'],
    ] as const)('as it is to be %s names what it leaves, which then ends', async (point, state, money) => {
      const mine = await place.wallet();
      let isFull = false;
      const wallet = mine.open({
        observer: {
          beforeCommit(at) {
            isFull ||= at === point;
            if (isFull) throw full();
          },
        },
      });
      const engine = await wallet.engine();
      const to = await ground.newOwner();
      const failed: unknown = await take(wallet, { to }).catch((error: unknown) => error);
      const [row] = await attemptsIn(engine);
      expect(row?.state ?? null).toBe(state);
      expect(failed).toMatchObject({ code: 'disk_full', money });
      if (row !== undefined) {
        expect((failed as Error).message).toContain(row.id);
        expect(failed).toMatchObject({
          owner: { say: expect.stringContaining('Make room') as string, action: { kind: 'reconcile' } },
        });
      }
      const roomy = mine.open();
      await reconcileAll(await roomy.engine(), anyCall().signal);
      // What left arrived, and is known to have; what did not is taken out by the same command again.
      if (state !== 'sent') await take(roomy, { to });
      expect((await attemptsIn(await roomy.engine())).at(-1)).toMatchObject({ state: 'captured' });
      expect(await ground.balanceOf(to)).toBe(2n * DOLLAR);
      expect((await (await roomy.engine()).ledger.audit()).findings).toEqual([]);
    });

    test('for a moment, as it is signed, leaves nothing', async () => {
      const mine = await place.wallet();
      let point: Point | null = 'signed';
      const wallet = mine.open({
        observer: {
          beforeCommit(at) {
            if (at !== point) return;
            point = null;
            throw full();
          },
        },
      });
      const to = await ground.newOwner();
      await expect(take(wallet, { to })).rejects.toMatchObject({ code: 'disk_full', money: 'none' });
      expect(await attemptsIn(await wallet.engine())).toMatchObject([
        { state: 'released', note: 'never_signed' },
      ]);
      expect(await take(wallet, { to })).toMatchObject({ earlier: false, withdrawal: { state: 'captured' } });
    });
  });

  describe('an agent', () => {
    test('is sent money at its own address, and emptied though it is suspended', async () => {
      const mine = await place.wallet();
      const engine = await mine.open().engine();
      await engine.ledger.agents.change(
        'researcher',
        { act: 'add', index: 1, tokenHash: 'f'.repeat(64) },
        world.now(),
      );
      const agent = engine.forAgent('researcher');
      const there = await agent.addressOn(findNetwork(ground.caip2)!);
      // On Solana an address that was never sent anything has no token account: making it takes SOL.
      await ground.giveGas(mine.payAddress);
      const send = { to: there, usdMicros: 3n * DOLLAR, takesHeld: false };
      const sent = await withdraw(engine, send, async () => true, anyCall().signal);
      expect(sent?.withdrawal).toMatchObject({ agent: 'default', payTo: there, confirmed: true });
      await engine.ledger.agents.change('researcher', { act: 'suspend' }, world.now());
      const back = { to: mine.payAddress, usdMicros: 'all', takesHeld: false } as const;
      const swept = await withdraw(agent, back, async () => true, anyCall().signal);
      expect(swept?.withdrawal).toMatchObject({ agent: 'researcher', payFrom: there, confirmed: true });
      expect([await ground.balanceOf(there), await ground.balanceOf(mine.payAddress)]).toEqual([
        0n,
        10n * DOLLAR,
      ]);
      expect(await engine.ledger.audit()).toMatchObject({ withdrawals: 2, findings: [] });
      await engine.ledger.agents.change('researcher', { act: 'remove' }, world.now());
    });
  });

  describe('a frozen wallet', () => {
    test('stops agents, and not its owner', async () => {
      const mine = await place.wallet();
      const wallet = mine.open();
      await (await wallet.engine()).ledger.freeze(world.now());
      const to = await ground.newOwner();
      await take(wallet, { to, usdMicros: 'all' });
      expect(await wallet.pay(callOf(world.url('/v2/json')), anyCall())).toMatchObject({ money: 'none' });
      expect(await ground.balanceOf(to)).toBe(10n * DOLLAR);
    });
  });

  describe('an RPC', () => {
    test('that is dead signs nothing; one that dies in the middle leaves it open, for the chain to tell later', async () => {
      const mine = await place.wallet();
      const wallet = mine.open();
      const to = await ground.newOwner();
      await ground.rpc.setFault({ kind: 'down' });
      await expect(take(wallet, { to })).rejects.toMatchObject({ code: 'rpc_unavailable', money: 'none' });
      expect(signaturesIn(mine.home)).toBe(0);
      await ground.rpc.setFault(null);
      const engine = await wallet.engine();
      const interrupted = new AbortController();
      const settled = world.sandbox.facilitator.log.entries.length;
      const asked = withdraw(
        engine,
        { to, usdMicros: DOLLAR, takesHeld: false },
        async () => true,
        interrupted.signal,
      );
      await expect.poll(async () => (await attemptsIn(engine))[0]?.state, PATIENT).toBe('sent');
      await ground.rpc.setFault({ kind: 'down' });
      await expect.poll(() => world.sandbox.facilitator.log.entries.length, PATIENT).toBeGreaterThan(settled);
      await expect
        .poll(async () => (await attemptsIn(engine))[0]?.state, PATIENT)
        .toMatch(/unknown|captured/);
      interrupted.abort();
      await asked;
      await ground.rpc.setFault(null);
      await reconcileAll(engine, anyCall().signal);
      await expectTruth(place, mine, wallet);
      expect(await ground.balanceOf(to)).toBe(DOLLAR);
    });

    test('that is slow is waited for', async () => {
      const mine = await place.wallet();
      const wallet = mine.open();
      await ground.rpc.setFault({ kind: 'slow', ms: 60 });
      const to = await ground.newOwner();
      expect(await take(wallet, { to })).toMatchObject({ withdrawal: { confirmed: true } });
    });

    test('that shows money which is not there has nobody lose any', async () => {
      const mine = await place.wallet({ usdMicros: 3n * DOLLAR });
      const wallet = mine.open();
      await ground.rpc.setFault({ kind: 'lying', balanceAtomic: 100n * DOLLAR });
      const to = await ground.newOwner();
      const stuck = await take(wallet, { to, usdMicros: 'all' });
      expect(stuck).toMatchObject({ via: null, withdrawal: { state: 'unknown', note: 'refused' } });
      const other = take(wallet, { to: await ground.newOwner() });
      await expect(other).rejects.toMatchObject({ code: 'payment_unresolved' });
      expect(signaturesIn(mine.home)).toBe(1);
      await ground.rpc.setFault(null);
      await world.advance(PAST_WINDOW_SEC);
      expect(await take(wallet, { to, usdMicros: 'all' })).toMatchObject({ earlier: false });
      expect(await ground.balanceOf(to)).toBe(3n * DOLLAR);
      await expectTruth(place, mine, wallet);
    });

    test('that hides what arrived is not believed against who settled it', async () => {
      const mine = await place.wallet({ usdMicros: 3n * DOLLAR });
      const wallet = mine.open();
      const engine = await wallet.engine();
      await ground.rpc.setFault({ kind: 'lying', used: false });
      const to = await ground.newOwner();
      await takeUntil(wallet, to, 'taken');
      const other = { to: await ground.newOwner(), usdMicros: DOLLAR };
      await expect(take(wallet, other)).rejects.toMatchObject({ code: 'payment_unresolved' });
      await world.advance(PAST_WINDOW_SEC);
      for (let i = 0; i < 2; i++) {
        await expect(take(wallet, other)).rejects.toThrow(
          /The facilitator said.* settled in .*shows that it never did.*see in a block explorer.*--repeat/,
        );
      }
      expect(signaturesIn(mine.home)).toBe(1);
      await ground.rpc.setFault(null);
      expect(await take(wallet, { ...other, repeats: true })).toMatchObject({
        withdrawal: { confirmed: true },
      });
      const { findings, recaptured } = await compareWithChain(
        await engine.config(),
        engine.keys,
        engine.ledger,
        world.now(),
      );
      expect(recaptured).toMatchObject([{ attempt: { payTo: to, state: 'captured' } }]);
      expect(findings).toEqual([]);
      // What the owner took out counts in no limit, also where it was found out late.
      expect(await engine.ledger.usage([capLine()], world.now())).toEqual([0n]);
    });

    test('that says it arrived when it did not has one signed, and the audit finds it', async () => {
      const mine = await place.wallet({ usdMicros: 3n * DOLLAR });
      const wallet = mine.open();
      const engine = await wallet.engine();
      const to = await ground.newOwner();
      if (on === 'base') {
        world.sandbox.facilitator.setFault('lying');
        await ground.rpc.setFault({ kind: 'lying', used: true });
        await takeUntil(wallet, to, 'taken');
        // An authorization that is spent is no transfer.
        await expect(take(wallet, { to })).rejects.toThrow(/still open.*spent, and no transfer/);
        expect(signaturesIn(mine.home)).toBe(1);
        return;
      }
      await mine.set('withdrawals.facilitator_url', 'none');
      await ground.giveGas(mine.payAddress);
      await ground.rpc.setFault({ kind: 'lying', landed: true });
      expect(await take(wallet, { to })).toMatchObject({ withdrawal: { state: 'captured' } });
      expect(signaturesIn(mine.home)).toBe(1);
      await ground.rpc.setFault(null);
      const { findings } = await compareWithChain(
        await engine.config(),
        engine.keys,
        engine.ledger,
        world.now(),
      );
      expect(findings).toMatchObject([
        { says: expect.stringContaining('the chain does not show it') as unknown },
      ]);
      expect(await ground.balanceOf(mine.payAddress)).toBe(3n * DOLLAR);
    });

    test('that lags behind takes out no more than it shows, and never twice', async () => {
      const mine = await place.wallet({ usdMicros: 3n * DOLLAR });
      const wallet = mine.open();
      await ground.rpc.setFault({ kind: 'stuck' });
      const to = await ground.newOwner();
      const interrupted = new AbortController();
      const engine = await wallet.engine();
      const asked = withdraw(
        engine,
        { to, usdMicros: 'all', takesHeld: false },
        async () => true,
        interrupted.signal,
      );
      await expect.poll(async () => (await attemptsIn(engine))[0]?.note, PATIENT).toBe('taken');
      interrupted.abort();
      await asked;
      // It still shows the money: what is open stays reserved.
      await expect(take(wallet, { to: await ground.newOwner() })).rejects.toMatchObject({
        code: 'payment_unresolved',
      });
      expect(await wallet.pay(callOf(world.url('/v2/json')), anyCall())).toMatchObject({
        code: 'insufficient_funds',
        money: 'none',
        tell_owner: { action: { kind: 'fund' } },
      });
      await ground.rpc.setFault(null);
      expect(await take(wallet, { to, usdMicros: 'all' })).toMatchObject({
        earlier: true,
        withdrawal: { confirmed: true },
      });
      expect(signaturesIn(mine.home)).toBe(1);
      await expectTruth(place, mine, wallet);
    });
  });
});

describe('an address of the EVM', () => {
  test.each([
    ['a wrong checksum', '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1Beaed', /checksum/],
    ['no address', 'vitalik.eth', /none on Base Sepolia/],
    ['the zero address', `0x${'0'.repeat(40)}`, /zero address/],
    ['the token', '0x036CbD53842c5426634e7929541eC2318f3dCF7e', /contract of a token/],
    ['the wallet itself', 'own', /this very wallet/],
  ])('that is %s is refused before anything is signed', async (_what, to, says) => {
    const mine = await world.wallet({ usdMicros: 0n });
    const order = { to: to === 'own' ? mine.address : to };
    await expect(take(mine.open(), order)).rejects.toMatchObject({ code: 'bad_input' });
    await expect(take(mine.open(), order)).rejects.toThrow(says);
    expect(journalOf(mine.home).some(({ kind }) => kind === 'withdraw')).toBe(false);
  });
});

describe('an address of Solana', () => {
  const TOKEN_PROGRAM = 'TokenkegQfeZyiNwAJbNbGKPFXCWuBvf9Ss623VQ5DA';
  let place: TestWorld;
  let mine: TestWallet;
  let wallet: Wallet;
  let account: string;
  let usdc: SvmAsset;

  beforeAll(async () => {
    place = world.on('solana');
    [usdc] = assetsOf(place.ground.caip2 as Caip2) as SvmAsset[] as [SvmAsset];
    mine = await place.wallet();
    wallet = mine.open();
    account = await tokenAccountOf(await place.ground.newOwner(), usdc);
  });

  const signedNothing = (): void => expect(signaturesIn(mine.home)).toBe(0);

  test.each([
    ['no address', () => 'Vote1111', /none on Solana devnet/],
    ['one of the EVM', () => mine.address, /none on Solana devnet/],
    ['a token account', () => account, /a token account and no wallet; its owner is \w{32,}: give that one/],
    ['the token', () => usdc.address, /an account of a program, such as a token/],
    ['a program', () => TOKEN_PROGRAM, /is a program/],
    ['the system program', () => '1'.repeat(32), /is a program/],
    ['the wallet itself', () => mine.solanaAddress, /this very wallet/],
    ['its own token account', () => tokenAccountOf(mine.solanaAddress, usdc), /token account of this very/],
    [
      'without a key',
      async () => tokenAccountOf(await nobody(), usdc),
      /has no key.*--off-curve if it is yours all the same/,
    ],
  ])('that is %s is refused before anything is signed', async (_what, to, says) => {
    const asked = take(wallet, { to: await to() });
    await expect(asked).rejects.toMatchObject({ code: 'bad_input', message: expect.stringMatching(says) });
    signedNothing();
  });

  test('without a token account is told of; with SOL it is made, a vault’s too where the owner says so', async () => {
    const to = await nobody();
    const refusal = take(wallet, { to });
    await expect(refusal).rejects.toMatchObject({ code: 'gas_missing', money: 'none' });
    await expect(refusal).rejects.toThrow(
      /The recipient has no USDC account on Solana devnet yet.*lacks 0\.\d+ SOL.*0\.00203928 SOL of it to make/,
    );
    signedNothing();
    await place.ground.giveGas(mine.solanaAddress);
    const plans: WithdrawalPlan[] = [];
    const order = { to, usdMicros: 3n * DOLLAR, takesHeld: false };
    const engine = await wallet.engine();
    const done = await withdraw(engine, order, async (plan) => plans.push(plan) > 0, anyCall().signal);
    expect(plans[0]?.methods).toMatchObject([
      { kind: 'own_gas', createsAccount: true, feeText: expect.stringContaining('0.00203928 SOL of it') },
    ]);
    expect(done).toMatchObject({ via: 'own_gas', withdrawal: { confirmed: true, payTo: to } });
    expect(await place.ground.balanceOf(to)).toBe(3n * DOLLAR);
    // It has one now: nobody need pay for another.
    expect(await take(wallet, { to })).toMatchObject({ via: 'facilitator' });
    const vault = await tokenAccountOf(await nobody(), usdc);
    expect(await take(wallet, { to: vault, usdMicros: 'all', offCurve: true })).toMatchObject({
      via: 'own_gas',
    });
    expect(await place.ground.balanceOf(vault)).toBe(5n * DOLLAR);
    await expectTruth(place, mine, wallet);
  });
});
