import { WalletError } from '../errors/walletError.js';
import type { UnlockedWallet } from '../keys/keystore.js';
import type { AnyAttempt } from '../ledger/attempts/withdrawal.js';
import { formatUsd } from '../money/decimal.js';
import { findNetwork } from '../money/network.js';
import type { AtomicAmount } from '../money/unit.js';

/*
 * A Lightning wallet that takes more than it was bound to breaks every cap: what it took is counted whole, and it is asked for
 * nothing more until its owner connected it anew, or another one (T40). The mark is set before the capture is written, so
 * that no crash comes between.
 */

type StopKeys = Pick<UnlockedWallet, 'lightning'>;

/** Marks the wallet of a payment that took more than was held for it. */
export async function stopOvercharger(
  { lightning }: StopKeys,
  { id, payFrom, network, heldAtomic }: AnyAttempt,
  takenAtomic: AtomicAmount,
): Promise<void> {
  if (takenAtomic <= heldAtomic || findNetwork(network)?.family !== 'lightning') return;
  await lightning.stop(payFrom, id);
}

/** Throws `lightning_stopped` where the wallet took more than it may. */
export function assertNotStopped({ lightning }: StopKeys, walletId: string): void {
  const payment = lightning.stoppedBy(walletId);
  if (payment === null) return;
  throw new WalletError('lightning_stopped', `${overchargeSays(payment)} Nothing was paid now.`, {
    owner: OVERCHARGE_STEP,
  });
}

/** Why a wallet is stopped, as a sentence. */
export function overchargeSays(payment: string): string {
  const which = payment === '' ? 'a payment' : `payment ${payment}`;
  return `The Lightning wallet took more for ${which} than it was bound to, so it is asked for nothing more.`;
}

/** What the owner can do about it. */
export const OVERCHARGE_STEP = {
  say: 'The Lightning wallet charges more for routing than was held. Bound its fees in that wallet, or raise lightning.max_fee_sat and lightning.max_fee_percent to what it reserves; then connect it again, which lets it pay.',
  action: { kind: 'connectLightning' },
} as const;

/** One more sentence on a payment that took more than was held; null where it did not. */
export function overchargeOf({
  capturedUsdMicros,
  heldUsdMicros,
}: Pick<AnyAttempt, 'capturedUsdMicros' | 'heldUsdMicros'>): string | null {
  if (capturedUsdMicros === null || capturedUsdMicros <= heldUsdMicros) return null;
  return `The Lightning wallet took $${formatUsd(capturedUsdMicros - heldUsdMicros)} more than was held for it: that counts too, and it pays nothing more until the owner connected it again.`;
}
