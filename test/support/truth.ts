import { expect, vi } from 'vitest';
import type { AnyAttempt } from '../../src/ledger/attempts/withdrawal.js';
import { reconcileAll } from '../../src/wallet/settle/reconcile.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { attemptsIn } from './books.js';
import type { TestWallet } from './testWallet.js';
import { PAST_EXPIRY_SEC, type PaidOnChain, type TestWorld } from './world.js';

/** Puts a spy in the place of a wallet's signer; it signs as before. */
export async function spyOnSigner(wallet: Wallet) {
  const engine = await wallet.engine();
  const { keys } = engine;
  const signTransfer = vi.fn<typeof keys.signTransfer>((...given) => keys.signTransfer(...given));
  // The keys are frozen; the engine's reference to them is not, whatever its type says.
  Object.defineProperty(engine, 'keys', { value: { ...keys, signTransfer } });
  return signTransfer;
}

/** What a call is answered that would pass a cap: the owner is asked, until too much was asked. Nothing is signed. */
export const PAST_CAP = { code: expect.stringMatching(/^(approval_required|asks_limited)$/), money: 'none' };

/** Moves time past every expiry and reconciles until each payment has its final state. */
export async function settleAll(world: TestWorld, wallet: Wallet): Promise<AnyAttempt[]> {
  const engine = await wallet.engine();
  await world.advance(PAST_EXPIRY_SEC);
  await reconcileAll(engine, new AbortController().signal);
  const payments = await attemptsIn(engine);
  for (const payment of payments) {
    expect(payment, `${payment.id} has its final state`).toMatchObject(
      payment.state === 'captured' ? { confirmed: true } : { state: 'released' },
    );
  }
  return payments;
}

/** Asserts that a settled ledger says what the chain shows, payment by payment and to the atomic unit. */
export async function expectLedgerIsChain(
  world: TestWorld,
  test: TestWallet,
  wallet: Wallet,
): Promise<{ captured: AnyAttempt[]; released: AnyAttempt[] }> {
  const engine = await wallet.engine();
  const payments = await attemptsIn(engine);
  const captured = payments.filter(({ state }) => state === 'captured');
  const onChain = await world.ground.payments(test.payAddress);
  expect(captured.map(factsOfRow).sort(byNonce)).toEqual(onChain.map(factsOfChain).sort(byNonce));
  const spent = captured.reduce((sum, { capturedAtomic }) => sum + (capturedAtomic ?? 0n), 0n);
  expect(await world.ground.balanceOf(test.payAddress)).toBe(test.fundedAtomic - spent);
  expect((await engine.ledger.audit()).findings).toEqual([]);
  return { captured, released: payments.filter(({ state }) => state === 'released') };
}

interface Facts {
  readonly nonce: string;
  readonly to: string;
  readonly amountAtomic: bigint | null;
  readonly tx: string | null;
}

function factsOfRow({ nonce, payTo, capturedAtomic, tx }: AnyAttempt): Facts {
  return { nonce, to: payTo.toLowerCase(), amountAtomic: capturedAtomic, tx };
}

function factsOfChain({ nonce, to, amountAtomic, transaction }: PaidOnChain): Facts {
  return { nonce, to: to.toLowerCase(), amountAtomic, tx: transaction };
}

function byNonce(a: Facts, b: Facts): number {
  return a.nonce < b.nonce ? -1 : 1;
}
