import { privateKeyToAccount } from 'viem/accounts';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Payment } from '../../src/ledger/payment.js';
import { reconcileAll } from '../../src/wallet/reconcile.js';
import { paymentsIn, signaturesIn } from '../support/books.js';
import { anyCall, type TestWallet } from '../support/testWallet.js';
import { expectLedgerIsChain } from '../support/truth.js';
import type { Death, Order } from '../support/walletChild.js';
import { ProcessEnded, startWalletProcess, type WalletProcess } from '../support/walletProcess.js';
import { startTestWorld, type TestWorld } from '../support/world.js';

const DOLLAR = 1_000_000n;
/** Past the window of a withdrawal, with room for the settled block. */
const PAST_WINDOW_SEC = 320;

let world: TestWorld;
let mine: TestWallet;

beforeAll(async () => {
  world = await startTestWorld();
  mine = await world.wallet({ usdMicros: 100n * DOLLAR });
});

afterAll(() => world.stop());

const addressOf = (n: number): `0x${string}` =>
  privateKeyToAccount(`0x${n.toString(16).padStart(64, '8')}`).address;

async function unlocked(): Promise<WalletProcess> {
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

describe('a withdrawal whose process is killed', () => {
  test.each(CASES.map((one, i) => [`${one.death.when} ${one.death.point}`, one, i] as const))(
    '%s goes on by the same command, once',
    async (_name, { death, row, signsAgain }, i) => {
      const to = addressOf(100 + i);
      const process = await unlocked();
      await process.dieAt(death);
      await expect(process.ask(order(to))).rejects.toThrow(ProcessEnded);
      const wallet = mine.open();
      const engine = await wallet.engine();
      const stands = paymentsIn(engine).findLast(({ payTo }) => payTo === to);
      if (row === null) expect(stands).toBeUndefined();
      else expect(stands).toMatchObject(row);
      const signatures = signaturesIn(mine.home);
      const again = await unlocked();
      expect(await again.ask(order(to))).toBe('captured');
      await again.kill();
      expect(signaturesIn(mine.home) - signatures).toBe(signsAgain ? 1 : 0);
      // After the last commit it had gone: the same command is then a second withdrawal.
      const times = row?.state === 'captured' ? 2n : 1n;
      expect(await world.sandbox.chain.balanceOf(to)).toBe(times * DOLLAR);
      await reconcileAll(engine, anyCall().signal);
      await expectLedgerIsChain(world, mine, wallet);
    },
  );

  test('is settled by reconcile alone: free again where nothing left, final where it went', async () => {
    const [unsent, gone] = [addressOf(200), addressOf(201)];
    const first = await unlocked();
    await first.dieAt({ when: 'after', point: 'signed' });
    await expect(first.ask(order(unsent))).rejects.toThrow(ProcessEnded);
    const wallet = mine.open();
    const engine = await wallet.engine();
    const [waits] = await reconcileAll(engine, anyCall().signal);
    expect(waits).toMatchObject({ verdict: 'waits', payment: { state: 'signed' } });
    await world.advance(PAST_WINDOW_SEC);
    const [released] = await reconcileAll(engine, anyCall().signal);
    expect(released).toMatchObject({ verdict: 'released', payment: { state: 'released' } });
    const second = await unlocked();
    await second.dieAt({ when: 'before', point: 'unknown' });
    await expect(second.ask(order(gone))).rejects.toThrow(ProcessEnded);
    const [captured] = await reconcileAll(engine, anyCall().signal);
    expect(captured).toMatchObject({ verdict: 'captured', payment: { confirmed: true } });
    expect(await world.sandbox.chain.balanceOf(unsent)).toBe(0n);
    expect(await world.sandbox.chain.balanceOf(gone)).toBe(DOLLAR);
    await expectLedgerIsChain(world, mine, wallet);
  });
});

test('two processes that take all at once take it once', async () => {
  const pair = await Promise.all([unlocked(), unlocked()]);
  const wallet = mine.open();
  const engine = await wallet.engine();
  const all = await world.sandbox.chain.balanceOf(mine.address);
  const [a, b] = [addressOf(300), addressOf(301)];
  const answers = await Promise.all(pair.map((one, i) => one.ask(order(i === 0 ? a : b, all))));
  await Promise.all(pair.map((one) => one.kill()));
  expect(answers).toContain('captured');
  expect(answers.filter((answer) => answer !== 'captured')).toEqual([
    expect.stringMatching(/^(payment_unresolved|insufficient_funds)$/),
  ]);
  const arrived = (await world.sandbox.chain.balanceOf(a)) + (await world.sandbox.chain.balanceOf(b));
  expect(arrived).toBe(all);
  await reconcileAll(engine, anyCall().signal);
  await expectLedgerIsChain(world, mine, wallet);
});
