import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { capLine } from '../../src/ledger/sqlite/fixtures.js';
import type { Payment } from '../../src/ledger/attempts/payment.js';
import { compareWithChain } from '../../src/owner/ledger/chainAudit.js';
import { rebuildLedger } from '../../src/owner/ledger/ledgerCare.js';
import { recordClaim, settleClaim } from '../../src/wallet/settle/claim.js';
import type { Engine } from '../../src/wallet/engine.js';
import { reconcileAll, reconcileInBackground } from '../../src/wallet/settle/reconcile.js';
import { attemptsIn } from '../support/books.js';
import { anyCall, TEST_PASSPHRASE, type TestWallet } from '../support/testWallet.js';
import { callOf, CHAINS, startTestWorld, type TestWorld } from '../support/world.js';

/** What a look in the background may take on a machine whose cores are all busy. */
const BACKGROUND_MS_MAX = 120_000;

let world: TestWorld;
beforeAll(async () => {
  world = await startTestWorld();
});
afterAll(() => world.stop());

const never = (): AbortSignal => new AbortController().signal;

/** Whatever released a payment falsely: here it is forced, and then the chain has the payment. */
const RELEASED = {
  expired_unused: async (mine: TestWallet): Promise<void> => {
    const wallet = mine.open();
    const fault = { leg: 'paid', settle: 'later', answer: 'error', receipt: 'none' } as const;
    world.sandbox.shop.setFault('/v2/json', fault, { times: 1 });
    expect(await wallet.pay(callOf(world.url('/v2/json')), anyCall())).toMatchObject({ money: 'unknown' });
    await release(await wallet.engine(), 'expired_unused');
    await world.sandbox.shop.releasePending();
  },
  receipt_false: async (mine: TestWallet): Promise<void> => {
    const wallet = mine.open();
    expect(await wallet.pay(callOf(world.url('/v2/json')), anyCall())).toMatchObject({ code: 'paid' });
    await release(await wallet.engine(), 'receipt_false');
  },
};

async function release(engine: Engine, note: keyof typeof RELEASED): Promise<void> {
  const [payment] = await attemptsIn(engine);
  const { kind } = await engine.ledger.release(payment?.id ?? '', note, world.now());
  expect(kind).toBe('done');
  expect(await engine.ledger.usage([capLine()], world.now())).toEqual([0n]);
}

/** Whatever looks at it afterwards. */
const MENDS: Record<string, (mine: TestWallet, engine: Engine) => Promise<unknown>> = {
  'an audit': async (_mine, engine) => {
    const { recaptured, findings } = await compareWithChain(
      await engine.config(),
      engine.keys,
      engine.ledger,
      world.now(),
    );
    expect(recaptured).toMatchObject([{ verdict: 'recaptured' }]);
    expect(findings).toEqual([]);
  },
  'the owner’s reconcile': async (_mine, engine) => {
    expect(await reconcileAll(engine, never())).toMatchObject([{ verdict: 'recaptured' }]);
    expect(await reconcileAll(engine, never())).not.toContainEqual(
      expect.objectContaining({ verdict: 'recaptured' }),
    );
  },
  'a rebuild of a ledger that is sound': async ({ home }) => {
    const passphrase = async (): Promise<string> => TEST_PASSPHRASE;
    const owner = { home, now: world.now, passphrase, auth: { passphrase, atTerminal: false } };
    expect(await rebuildLedger(owner)).toMatchObject({ state: 'sound', recaptured: 1, notes: [] });
  },
  'an agent that asks for it': async (mine, engine) => {
    const [payment] = await attemptsIn(engine);
    const outcome = await mine.open().ledger({ payment_id: payment?.id }, anyCall());
    expect(outcome).toMatchObject({ money: 'captured', payment: { state: 'captured' } });
    expect(outcome.message).toContain('had been released');
  },
  'the background, ten minutes later': async (_mine, engine) => {
    await world.advance(601);
    reconcileInBackground(engine);
    await vi.waitFor(async () => expect(await attemptsIn(engine)).toMatchObject([{ state: 'captured' }]), {
      timeout: BACKGROUND_MS_MAX,
      interval: 200,
    });
  },
};

describe.each(CHAINS)('a payment on %s that was released and had landed', (chain) => {
  describe.each(Object.keys(RELEASED) as (keyof typeof RELEASED)[])('as %s', (note) => {
    test.each(Object.keys(MENDS))('is captured again by %s, and the caps count it', async (mend) => {
      const mine = await world.on(chain).wallet({ settings: { 'limits.per_day_usd': '0.01' } });
      await RELEASED[note](mine);
      const engine = await mine.open().engine();
      await MENDS[mend]?.(mine, engine);
      const [payment] = (await attemptsIn(engine)) as [Payment];
      const [shown] = await world.on(chain).ground.payments(mine.payAddress);
      expect(payment).toMatchObject({
        state: 'captured',
        tx: shown?.transaction,
        note: 'landed_after_release',
      });
      expect(await engine.ledger.usage([capLine()], world.now())).toEqual([10_000n]);
      expect((await engine.ledger.audit()).findings).toEqual([]);
      // Where the limit is used up by it, nothing more is paid.
      expect(await mine.open().pay(callOf(world.url('/v2/json')), anyCall())).toMatchObject({
        code: 'approval_required',
        money: 'none',
      });
    });
  });

  test('is captured again by a receipt that comes late, as far as the chain shows it', async () => {
    const mine = await world.on(chain).wallet();
    await RELEASED.expired_unused(mine);
    const engine = await mine.open().engine();
    const [before] = (await attemptsIn(engine)) as [Payment];
    const claimed = await recordClaim(engine, before, 200, { success: true } as never);
    expect(claimed.state).toBe('released');
    const parts = { isRejected: false, withinMs: BACKGROUND_MS_MAX };
    expect(await settleClaim(engine, before, claimed, parts)).toMatchObject({
      attempt: { state: 'captured' },
    });
  });

  test('stays released where the chain does not show it, and is looked at no more once that is proved', async () => {
    const mine = await world.on(chain).wallet();
    const wallet = mine.open();
    const fault = { leg: 'paid', settle: 'no', answer: 'error', receipt: 'none' } as const;
    world.sandbox.shop.setFault('/v2/json', fault, { times: 1 });
    await wallet.pay(callOf(world.url('/v2/json')), anyCall());
    const engine = await wallet.engine();
    await world.advance(100);
    expect(await reconcileAll(engine, never())).toMatchObject([{ verdict: 'released' }]);
    expect(await reconcileAll(engine, never())).toEqual([]);
    const [payment] = (await attemptsIn(engine)) as [Payment];
    expect(await engine.ledger.findLook(payment.id)).not.toBeNull();
    await world.advance(3_700);
    expect(await reconcileAll(engine, never())).toEqual([]);
    expect(await engine.ledger.findLook(payment.id)).toBeNull();
    expect(await attemptsIn(engine)).toMatchObject([{ state: 'released', note: 'expired_unused' }]);
  });
});
