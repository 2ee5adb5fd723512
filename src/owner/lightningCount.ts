import { WalletError } from '../errors/walletError.js';
import { isLive, type Attempt } from '../ledger/attempts/attempt.js';
import type { Payment } from '../ledger/attempts/payment.js';
import type { Ledger } from '../ledger/ledger.js';
import type { UnlockedWallet } from '../keys/keystore.js';
import { formatUsd } from '../money/decimal.js';
import { findNetwork } from '../money/network.js';
import { LOOK_MS_MAX, settlementPlaceOf } from './ledger/chainAudit.js';
import { settleAttempt, type SettlementVerdict } from '../wallet/settle/settlement.js';
import { underWayUntilMs } from '../wallet/settle/wayOut.js';
import { asOwner, type OwnerOptions } from './auth/ownerAuth.js';
import { provedConfig } from './ownerConfig.js';

/** What became of a payment that was to be counted. */
export type CountedPayment =
  /** It counts as paid, whole, by its owner's word. */
  | { readonly kind: 'counted'; readonly payment: Payment }
  /** The wallet told its end meanwhile. */
  | { readonly kind: 'told'; readonly payment: Payment; readonly says: string };

/**
 * Counts an open payment by Lightning as paid, all that was held for it, by its owner's word: where its wallet says that it paid
 * and shows no proof, or where nobody can still be paid by it and its wallet tells no end. It frees nothing: it leaves the
 * windows of the limits as any capture does, and its invoice is never paid again. The wallet is asked once more before.
 *
 * Throws `not_found`, `bad_input` for what is not open by Lightning, `payment_unresolved` while it may still be made, and as
 * `asOwner` does.
 */
export async function countLightning(options: OwnerOptions, id: string): Promise<CountedPayment> {
  let told: Extract<CountedPayment, { kind: 'told' }> | null = null;
  const look = async (keys: UnlockedWallet, ledger: Ledger): Promise<Payment> => {
    const payment = await openPayment(ledger, id);
    const place = settlementPlaceOf(provedConfig(options.home, keys), keys, ledger, options.now());
    const verdict = await settleAttempt(place, payment, AbortSignal.timeout(LOOK_MS_MAX));
    if (isLive(verdict.attempt.state)) assertEndless(verdict, options.now());
    else told = { kind: 'told', payment: verdict.attempt, says: verdict.message };
    return verdict.attempt;
  };
  const operation = {
    what: `Counting ${id} as paid`,
    // It only counts more.
    alone: 'always' as const,
    action: { kind: 'countLightning', id } as const,
    act: async ({ keys, ledger }: { readonly keys: UnlockedWallet; readonly ledger: Ledger | null }) => {
      if (ledger === null) throw new WalletError('ledger_damaged', 'The ledger cannot be read.');
      const payment = await look(keys, ledger);
      return { what: `Count ${id} as paid: $${formatUsd(payment.heldUsdMicros)}`, details: [payment.url] };
    },
  };
  return asOwner(options, operation, async ({ keys, ledger }) => {
    if (ledger === null) throw new WalletError('ledger_damaged', 'The ledger cannot be read.');
    if (told !== null) return told;
    // The owner may have taken their time, and the wallet told its end meanwhile.
    const { heldAtomic, heldUsdMicros } = await look(keys, ledger);
    if (told !== null) return told;
    const facts = {
      ...{ capturedAtomic: heldAtomic, capturedUsdMicros: heldUsdMicros },
      ...{ tx: null, receipt: null, confirmed: true, chainMs: null },
    };
    const { attempt } = await ledger.capture(id, facts, options.now());
    return { kind: 'counted', payment: attempt };
  });
}

async function openPayment(ledger: Ledger, id: string): Promise<Payment> {
  const payment = await ledger.findPayment(id);
  if (payment === null) throw new WalletError('not_found', 'There is no payment by that id.');
  if (!isByLightning(payment))
    throw new WalletError('bad_input', `${id} is no payment by Lightning: its chain tells its end.`);
  if (!isLive(payment.state)) throw new WalletError('bad_input', `${id} is not open.`);
  // Whoever is busy with it may learn what it took, which counts whole.
  if (payment.state !== 'unknown')
    throw new WalletError('payment_unresolved', `A call is or was busy with ${id}.`, {
      owner: { say: 'Have open payments looked after first.', action: { kind: 'reconcile' } },
    });
  return payment;
}

function isByLightning({ network }: Attempt): boolean {
  return findNetwork(network)?.family === 'lightning';
}

/** Throws while it is to be waited for: what moves only later than it was counted would pass a limit's window. */
function assertEndless({ attempt, message, openReason }: SettlementVerdict<Payment>, nowMs: number): void {
  const untilMs = underWayUntilMs(attempt);
  if (openReason === 'no_proof' || nowMs > untilMs) return;
  throw new WalletError(
    'payment_unresolved',
    `${message} It can be counted as paid after ${new Date(untilMs).toISOString()}, when nobody can still be paid by its invoice.`,
    { owner: { say: 'Have its own Lightning wallet asked again.', action: { kind: 'reconcile' } } },
  );
}
