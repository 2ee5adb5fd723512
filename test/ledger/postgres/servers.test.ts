import { cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { findNetwork } from '../../../src/money/network.js';
import { COPY_FILE } from '../../../src/ledger/postgres/copy.js';
import { placeUrl } from '../../../src/ledger/postgres/place.js';
import { moveLedger } from '../../../src/owner/ledger/ledgerMove.js';
import { refill } from '../../../src/treasury/refill.js';
import { withdraw } from '../../../src/treasury/withdraw.js';
import { untilFree } from '../../../src/wallet/leaseKeeper.js';
import { reconcileAll } from '../../../src/wallet/settle/reconcile.js';
import type { Wallet } from '../../../src/wallet/wallet.js';
import { addAgents } from '../../http/served.js';
import { attemptsIn } from '../../support/books.js';
import { NO_POSTGRES, TestPostgres } from '../../support/postgres.js';
import { ownerOf } from '../../support/quickWallet.js';
import { TEST_PASSPHRASE } from '../../support/testPassphrase.js';
import { anyCall, type TestWallet } from '../../support/testWallet.js';
import type { Death } from '../../support/walletChild.js';
import { ProcessEnded, startWalletProcess, type WalletProcess } from '../../support/walletProcess.js';
import { callOf, startTestWorld, type TestWorld } from '../../support/world.js';

const DOLLAR = 1_000_000n;
const CENT = 10_000n;
/** Past the window of a withdrawal, with room for the settled block; and past the rest behind a refill. */
const PAST_WINDOW_SEC = 320;
const PAST_REST_SEC = 70;

/** Two servers of one wallet over one database: the folder of one that is to fail, and the other in this process. */
interface Pair extends AsyncDisposable {
  readonly mine: TestWallet;
  readonly wallet: Wallet;
  /** Starts the server that is to fail, `skewMs` off from the world's clock. */
  start(skewMs?: number): Promise<WalletProcess>;
}

/** Whether a process stands still. */
function isStopped({ pid }: WalletProcess): boolean {
  const stat = readFileSync(`/proc/${pid}/stat`, 'utf8');
  return stat.slice(stat.lastIndexOf(')') + 2).startsWith('T');
}

describe.skipIf(NO_POSTGRES !== null)('servers that share a ledger in PostgreSQL', () => {
  let server: TestPostgres;
  let world: TestWorld;
  let pairs = 0;
  beforeAll(async () => {
    [server, world] = await Promise.all([TestPostgres.start(), startTestWorld()]);
  });
  afterAll(async () => {
    await Promise.all([server.stop(), world.stop()]);
  });

  async function startPair(settings: Record<string, string>, agents: readonly string[] = []): Promise<Pair> {
    const mine = await world.wallet({ usdMicros: 100n * DOLLAR, settings });
    const before = mine.open();
    await addAgents(world.sandbox, before, agents, 0n);
    await before.close();
    const to = { url: placeUrl(server.place(`pair${pairs++}`)), passwordFile: server.passwordFile };
    await moveLedger({ ...ownerOf(mine.home, TEST_PASSPHRASE), now: world.now }, to);
    const root = mkdtempSync(join(tmpdir(), 'purser-server-'));
    const home = join(root, 'home');
    mkdirSync(home, { mode: 0o700 });
    cpSync(mine.home, home, { recursive: true });
    for (const end of ['', '-wal', '-shm']) rmSync(join(home, `${COPY_FILE}${end}`), { force: true });
    const wallet = mine.open();
    const started: WalletProcess[] = [];
    return {
      ...{ mine, wallet },
      async start(skewMs = 0) {
        const child = await startWalletProcess(home, { aheadMs: world.now() - Date.now() + skewMs });
        started.push(child);
        await child.ask({ do: 'balance', input: {} });
        return child;
      },
      async [Symbol.asyncDispose]() {
        await Promise.all(started.map((child) => child.kill()));
        await wallet.close();
        rmSync(root, { recursive: true, force: true });
      },
    };
  }

  const spentBy = async ({ payAddress, fundedAtomic }: TestWallet): Promise<bigint> =>
    fundedAtomic - (await world.ground.balanceOf(payAddress));
  /** How often a seller was shown a payment for a URL. */
  const shownFor = (url: string): number =>
    world.sandbox.shop.requests.entries.filter(
      ({ payment, url: asked }) => payment?.nonce !== undefined && asked.href === url,
    ).length;

  describe('when one is killed in the middle of a refill', () => {
    const RULE = {
      'agents.researcher.refill.below_usd': '2',
      'agents.researcher.refill.to_usd': '3',
      'agents.researcher.refill.per_day_usd': '100',
    };
    const CASES: readonly { readonly death: Death; readonly left: string }[] = [
      { death: { when: 'after', point: 'held' }, left: 'held' },
      { death: { when: 'after', point: 'signed' }, left: 'signed' },
      { death: { when: 'after', point: 'sent' }, left: 'sent' },
      { death: { when: 'before', point: 'confirmed' }, left: 'unknown' },
    ];
    let pair: Pair;
    let address: `0x${string}`;
    beforeAll(async () => {
      pair = await startPair(RULE, ['researcher']);
      const network = findNetwork(world.ground.caip2)!;
      const engine = await pair.wallet.engine();
      address = (await engine.forAgent('researcher').addressOn(network)) as `0x${string}`;
      await world.sandbox.chain.fund(address, DOLLAR);
    });
    afterAll(() => pair[Symbol.asyncDispose]());

    test.each(CASES.map((one) => [`${one.death.when} ${one.death.point}`, one] as const))(
      '%s, the other brings the agent what it lacks, once',
      async (_name, { death, left }) => {
        const { mine, wallet } = pair;
        const engine = await wallet.engine();
        const known = new Set((await attemptsIn(engine)).map(({ id }) => id));
        const spentBefore = await spentBy(mine);
        const child = await pair.start();
        await child.dieAt(death);
        await expect(child.ask({ do: 'refill', agent: 'researcher' })).rejects.toThrow(ProcessEnded);
        const fresh = async () => (await attemptsIn(engine)).filter(({ id }) => !known.has(id));
        const [row, ...more] = await fresh();
        expect(more).toEqual([]);
        expect(row).toMatchObject({ kind: 'withdrawal', state: left, refills: 'researcher' });
        // While the dead one's lease may be a living one's, and while its bytes may be anywhere, no second one is signed. What
        // has arrived is seen to have.
        const look = () => refill(engine, 'researcher', anyCall().signal);
        expect((await look()).kind).toBe(left === 'unknown' ? 'none' : 'later');
        expect(await untilFree(engine, row!, anyCall().signal)).toBe(true);
        if (left !== 'held' && left !== 'unknown') expect(await look()).toEqual({ kind: 'later' });
        await world.advance(PAST_WINDOW_SEC);
        await reconcileAll(engine, anyCall().signal);
        const again = await look();
        expect(again.kind).toBe(left === 'unknown' ? 'none' : 'sent');

        expect(await world.ground.balanceOf(address)).toBe(3n * DOLLAR);
        expect((await spentBy(mine)) - spentBefore).toBe(2n * DOLLAR);
        const states = (await fresh()).map(({ state }) => state);
        expect(states).toEqual(left === 'unknown' ? ['captured'] : ['released', 'captured']);
        expect((await engine.ledger.audit()).findings).toEqual([]);
        // Spent, so that there is a need for the next.
        const out = { to: await world.ground.newOwner(), usdMicros: 2n * DOLLAR, takesHeld: false };
        await withdraw(engine.forAgent('researcher'), out, async () => true, anyCall().signal);
        await world.advance(PAST_REST_SEC);
        await reconcileAll(engine, anyCall().signal);
      },
    );
  });

  describe('when one stands still', () => {
    test('right behind its hold, the other takes over and pays; awake again it signs nothing', async () => {
      await using pair = await startPair({});
      const child = await pair.start();
      const url = world.url('/v2/json');
      await child.ask({ do: 'stall', at: { point: 'held', when: 'after' } });
      const told = child.pay(callOf(url));
      await expect.poll(() => isStopped(child)).toBe(true);
      expect(await pair.wallet.pay(callOf(url), anyCall())).toMatchObject({ status: 'ok', code: 'paid' });
      child.resume();
      // It learns that its hold is gone; that the other one paid is this call's answer or its refusal, and no second payment.
      await told;
      expect(shownFor(url)).toBe(1);
      expect(await spentBy(pair.mine)).toBe(CENT);
      const engine = await pair.wallet.engine();
      expect((await attemptsIn(engine)).filter(({ payload }) => payload !== null)).toHaveLength(1);
      expect((await engine.ledger.audit()).findings).toEqual([]);
    });

    test('with a payment that may leave, the other shows it in its place; awake again it sends nothing', async () => {
      await using pair = await startPair({});
      const child = await pair.start();
      const url = world.url('/v2/json');
      await child.ask({ do: 'stall', at: { point: 'sent', when: 'after' } });
      const told = child.pay(callOf(url));
      await expect.poll(() => isStopped(child)).toBe(true);
      expect(shownFor(url)).toBe(0);
      const paid = await pair.wallet.pay(callOf(url), anyCall());
      expect(paid).toMatchObject({ status: 'ok', money: 'captured' });
      child.resume();
      await told;
      expect(shownFor(url)).toBe(1);
      expect(await spentBy(pair.mine)).toBe(CENT);
      const engine = await pair.wallet.engine();
      expect(await attemptsIn(engine)).toHaveLength(1);
      expect((await engine.ledger.audit()).findings).toEqual([]);
    });

    test('in the middle of a step, with the lock, it loses that; both pay, and each unit counts', async () => {
      await using pair = await startPair({ 'limits.per_day_usd': '0.02' });
      const child = await pair.start();
      const [own, others] = [world.url('/v2/json'), world.url('/v2/json')];
      await child.ask({ do: 'stall', at: { point: 'held', when: 'before' } });
      const told = child.pay(callOf(own));
      await expect.poll(() => isStopped(child)).toBe(true);
      expect(await pair.wallet.pay(callOf(others), anyCall())).toMatchObject({ code: 'paid' });
      child.resume();
      expect(await told).toMatchObject({ code: 'paid' });
      expect([shownFor(own), shownFor(others)]).toEqual([1, 1]);
      const third = await pair.wallet.pay(callOf(world.url('/v2/json')), anyCall());
      expect(third).toMatchObject({ status: 'approval_required', money: 'none' });
      expect(await spentBy(pair.mine)).toBe(2n * CENT);
      const engine = await pair.wallet.engine();
      expect((await engine.ledger.audit()).findings).toEqual([]);
    });
  });

  describe('whose clocks differ', () => {
    test('one that is wrong by minutes signs nothing and moves no time; the others go on', async () => {
      await using pair = await startPair({});
      const engine = await pair.wallet.engine();
      expect(await pair.wallet.pay(callOf(world.url('/v2/json')), anyCall())).toMatchObject({ code: 'paid' });
      for (const skewMs of [10 * 60_000, -10 * 60_000]) {
        const child = await pair.start(skewMs);
        const { seq, timeMs } = await engine.ledger.head();
        const url = world.url('/v2/json');
        expect(await child.pay(callOf(url))).toMatchObject({ code: 'clock_wrong', money: 'none' });
        expect(await engine.ledger.head()).toMatchObject({ seq, timeMs });
        expect(shownFor(url)).toBe(0);
        await child.kill();
      }
      expect(await pair.wallet.pay(callOf(world.url('/v2/json')), anyCall())).toMatchObject({ code: 'paid' });
      expect(await spentBy(pair.mine)).toBe(2n * CENT);
    });

    test('by what is let pass, they fill a cap to the cent, pay one request once, and take over from no living one', async () => {
      await using pair = await startPair({ 'limits.per_day_usd': '0.08' });
      const [ahead, behind] = [await pair.start(20_000), await pair.start(-20_000)];
      const both = [ahead, behind];
      const twin = callOf(world.url('/v2/json'));
      const twins = await Promise.all(both.map((child) => child.pay(twin)));
      expect(twins.map(({ status }) => status)).toEqual(['ok', 'ok']);
      expect(new Set(twins.map(({ payment }) => payment?.id)).size).toBe(1);
      const rush = await Promise.all(
        Array.from({ length: 14 }, (_, i) => both[i % 2]!.pay(callOf(world.url('/v2/json')))),
      );
      expect(rush.filter(({ code }) => code === 'paid')).toHaveLength(7);
      expect(await spentBy(pair.mine)).toBe(8n * CENT);
      const engine = await pair.wallet.engine();
      // No lease of a living one looked over, whichever clock looked at it.
      expect((await attemptsIn(engine)).map(({ state }) => state)).toEqual(Array(8).fill('captured'));
      expect((await engine.ledger.audit()).findings).toEqual([]);
    });
  });
});
