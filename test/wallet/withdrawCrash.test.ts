import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Payment } from '../../src/ledger/attempts/payment.js';
import { withdraw } from '../../src/treasury/withdraw.js';
import { reconcileAll } from '../../src/wallet/settle/reconcile.js';
import { attemptsIn, signaturesIn } from '../support/books.js';
import { anyCall, type TestWallet } from '../support/testWallet.js';
import { expectLedgerIsChain } from '../support/truth.js';
import type { Death, Order } from '../support/walletChild.js';
import { ProcessEnded, startWalletProcess, type WalletProcess } from '../support/walletProcess.js';
import { CHAINS, startTestWorld, type Ground, type TestWorld } from '../support/world.js';

const DOLLAR = 1_000_000n;
/** Past the window of a withdrawal, with room for the settled block. */
const PAST_WINDOW_SEC = 320;

let world: TestWorld;

beforeAll(async () => {
  world = await startTestWorld();
});

afterAll(() => world.stop());

async function unlocked(mine: TestWallet): Promise<WalletProcess> {
  const process = await startWalletProcess(mine.home, { aheadMs: world.now() - Date.now() });
  await process.ask({ do: 'balance', input: {} });
  return process;
}

const order = (to: string, usdMicros = DOLLAR): Order => ({
  do: 'withdraw',
  to,
  usdMicros: String(usdMicros),
});

interface Case {
  readonly death: Death;
  /** What the row says then; null: there is none. */
  readonly row: Partial<Payment> | null;
  /** Whether the same command again signs anew, because nothing had been signed. */
  readonly signsAgain: boolean;
}

const CASES: readonly Case[] = [
  { death: { when: 'before', point: 'held' }, row: null, signsAgain: true },
  { death: { when: 'after', point: 'held' }, row: { state: 'held' }, signsAgain: true },
  { death: { when: 'before', point: 'signed' }, row: { state: 'held' }, signsAgain: true },
  { death: { when: 'after', point: 'signed' }, row: { state: 'signed' }, signsAgain: false },
  { death: { when: 'before', point: 'sent' }, row: { state: 'signed' }, signsAgain: false },
  { death: { when: 'after', point: 'sent' }, row: { state: 'sent' }, signsAgain: false },
  { death: { when: 'before', point: 'unknown' }, row: { state: 'sent' }, signsAgain: false },
  { death: { when: 'after', point: 'unknown' }, row: { state: 'unknown' }, signsAgain: false },
  { death: { when: 'before', point: 'confirmed' }, row: { state: 'unknown' }, signsAgain: false },
  {
    death: { when: 'after', point: 'confirmed' },
    row: { state: 'captured', confirmed: true },
    signsAgain: true,
  },
];

/** What Solana has of its own: another thing is signed, and another proof tells where it went. */
const OF_ITS_OWN = CASES.filter(({ row }) => row !== null && row.confirmed !== true)
  .map(({ death }) => death)
  .filter(({ when, point }) => when === 'after' || point === 'confirmed');

describe.each(CHAINS)('on %s', (on) => {
  let place: TestWorld;
  let ground: Ground;
  let mine: TestWallet;

  beforeAll(async () => {
    place = world.on(on);
    ({ ground } = place);
    mine = await place.wallet({ usdMicros: 100n * DOLLAR });
  });

  describe('a withdrawal whose process is killed', () => {
    const cases = CASES.filter(({ death }) => on === 'base' || OF_ITS_OWN.includes(death));

    test.each(cases.map((one) => [`${one.death.when} ${one.death.point}`, one] as const))(
      '%s goes on by the same command, once',
      async (_name, { death, row, signsAgain }) => {
        const to = await ground.newOwner();
        const process = await unlocked(mine);
        await process.dieAt(death);
        await expect(process.ask(order(to))).rejects.toThrow(ProcessEnded);
        const wallet = mine.open();
        const engine = await wallet.engine();
        const stands = (await attemptsIn(engine)).findLast(({ payTo }) => payTo === to);
        if (row === null) expect(stands).toBeUndefined();
        else expect(stands).toMatchObject(row);
        const signatures = signaturesIn(mine.home);
        const wish = { to, usdMicros: DOLLAR, takesHeld: false };
        const again = await withdraw(engine, wish, async () => true, anyCall().signal);
        expect(again?.withdrawal).toMatchObject({ state: 'captured', confirmed: true });
        expect(signaturesIn(mine.home) - signatures).toBe(signsAgain ? 1 : 0);
        // After the last commit it had gone: the same command is then a second withdrawal.
        const times = row?.state === 'captured' ? 2n : 1n;
        expect(await ground.balanceOf(to)).toBe(times * DOLLAR);
        await reconcileAll(engine, anyCall().signal);
        await expectLedgerIsChain(place, mine, wallet);
      },
    );

    // On the EVM one signature serves either way; here another transaction is signed.
    if (on === 'solana') {
      test('goes on once where the address pays its own fee, too', async () => {
        await mine.set('withdrawals.facilitator_url', 'none');
        await ground.giveGas(mine.payAddress);
        const to = await ground.newOwner();
        const engine = await mine.open().engine();
        for (const death of [
          { when: 'after', point: 'sent' },
          { when: 'before', point: 'unknown' },
        ] as const) {
          const signatures = signaturesIn(mine.home);
          const process = await unlocked(mine);
          await process.dieAt(death);
          await expect(process.ask(order(to))).rejects.toThrow(ProcessEnded);
          const wish = { to, usdMicros: DOLLAR, takesHeld: false };
          const again = await withdraw(engine, wish, async () => true, anyCall().signal);
          expect(again).toMatchObject({ earlier: true, withdrawal: { state: 'captured', confirmed: true } });
          expect(signaturesIn(mine.home) - signatures).toBe(1);
        }
        expect(await ground.balanceOf(to)).toBe(2n * DOLLAR);
        await mine.set('withdrawals.facilitator_url', world.sandbox.facilitator.url);
      });
    }

    test('is settled by reconcile alone: free again where nothing left, final where it went', async () => {
      const [unsent, gone] = [await ground.newOwner(), await ground.newOwner()];
      const first = await unlocked(mine);
      await first.dieAt({ when: 'after', point: 'signed' });
      await expect(first.ask(order(unsent))).rejects.toThrow(ProcessEnded);
      const wallet = mine.open();
      const engine = await wallet.engine();
      const [waits] = await reconcileAll(engine, anyCall().signal);
      expect(waits).toMatchObject({ verdict: 'waits', attempt: { state: 'signed' } });
      await world.advance(PAST_WINDOW_SEC);
      const [released] = await reconcileAll(engine, anyCall().signal);
      expect(released).toMatchObject({ verdict: 'released', attempt: { state: 'released' } });
      const second = await unlocked(mine);
      await second.dieAt({ when: 'before', point: 'unknown' });
      await expect(second.ask(order(gone))).rejects.toThrow(ProcessEnded);
      const [captured] = await reconcileAll(engine, anyCall().signal);
      expect(captured).toMatchObject({ verdict: 'captured', attempt: { confirmed: true } });
      expect(await ground.balanceOf(unsent)).toBe(0n);
      expect(await ground.balanceOf(gone)).toBe(DOLLAR);
      await expectLedgerIsChain(place, mine, wallet);
    });
  });

  test('two processes that take all at once take it once', async () => {
    const pair = await Promise.all([unlocked(mine), unlocked(mine)]);
    const wallet = mine.open();
    const engine = await wallet.engine();
    const all = await ground.balanceOf(mine.payAddress);
    const [a, b] = [await ground.newOwner(), await ground.newOwner()];
    const answers = await Promise.all(pair.map((one, i) => one.ask(order(i === 0 ? a : b, all))));
    await Promise.all(pair.map((one) => one.kill()));
    expect(answers).toContain('captured');
    expect(answers.filter((answer) => answer !== 'captured')).toEqual([
      expect.stringMatching(/^(payment_unresolved|insufficient_funds)$/),
    ]);
    const arrived = (await ground.balanceOf(a)) + (await ground.balanceOf(b));
    expect(arrived).toBe(all);
    await reconcileAll(engine, anyCall().signal);
    await expectLedgerIsChain(place, mine, wallet);
  });
});
