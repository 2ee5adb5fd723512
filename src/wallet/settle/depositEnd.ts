import type { Settlement } from '../../chain/chain.js';
import { readDrawNonce } from '../../ledger/attempts/drawNonce.js';
import type { Payment } from '../../ledger/attempts/payment.js';
import { isLive } from '../../ledger/attempts/attempt.js';
import type { Entitlement } from '../../ledger/books/entitlement.js';
import type { AnyAttempt } from '../../ledger/attempts/withdrawal.js';
import { findAsset, toUsdMicros } from '../../money/asset.js';
import type { Caip2 } from '../../money/network.js';
import type { AtomicAmount } from '../../money/unit.js';
import { DEPOSIT_OPEN, isDeposit } from '../../protocols/protocol.js';
import { changeKept, depositOf, keptOf } from '../entitlement/deposit.js';
import type { Engine } from '../engine.js';

type Books = Pick<Engine, 'ledger' | 'now'>;

/** What the chain showed of a deposit goes on to what is paid out of it, and to whether it is used any more. */
export async function noteDeposit(engine: Books, attempt: AnyAttempt, settlement: Settlement): Promise<void> {
  if (attempt.kind !== 'payment' || !isDeposit(attempt)) return;
  const deposit = await engine.ledger.entitlements.findDeposit(attempt.agent, attempt.nonce);
  if (deposit === null) return;
  if (settlement.kind === 'open' && settlement.isDeposited === true) {
    // A lost answer: the seller made it all the same, and what was signed is good there.
    if (keptOf(deposit).opening) await changeKept(engine, deposit.id, () => ({ opening: false }));
    if (settlement.depositAtomic !== undefined)
      await noteToppedUp(engine, deposit.id, settlement.depositAtomic);
    if (attempt.state === 'unknown' && attempt.note !== DEPOSIT_OPEN)
      await engine.ledger.markUnknown(attempt.id, DEPOSIT_OPEN, engine.now());
    return;
  }
  const after = await engine.ledger.findPayment(attempt.id);
  if (after !== null) await noteDepositEnd(engine, deposit, after);
}

/**
 * Has a deposit pay for what was added to it, by its seller's word or by that of the chain, which shows how much it holds: a false
 * word lets vouchers say more than it holds, and never more than counts as held. Does nothing where nothing is being added.
 */
export async function noteToppedUp(
  engine: Books,
  id: string,
  shownAtomic: AtomicAmount | 'by its seller',
): Promise<void> {
  for (;;) {
    const deposit = await engine.ledger.entitlements.find(id);
    if (deposit?.state !== 'live') return;
    const { top_up, ...kept } = keptOf(deposit);
    if (top_up === undefined) return;
    const depositAtomic = BigInt(kept.deposit_atomic) + BigInt(top_up.atomic);
    if (shownAtomic !== 'by its seller' && shownAtomic < depositAtomic) return;
    const terms = {
      facts: JSON.stringify({ ...kept, deposit_atomic: depositAtomic.toString() }),
      valueLeft: (BigInt(deposit.valueLeft ?? 0) + BigInt(top_up.atomic)).toString(),
    };
    if ((await engine.ledger.entitlements.update(deposit, terms, engine.now())) !== null) return;
  }
}

/** Where a deposit's own row has ended, so does it, and what is paid out of it. */
export async function noteDepositEnd(engine: Books, deposit: Entitlement, made: Payment): Promise<void> {
  if (isLive(made.state) || (made.state === 'captured' && !made.confirmed)) return;
  await endDeposit(engine, deposit, made);
}

/** Ends a deposit that is closed, and every payment out of it by what its payee had of it. */
async function endDeposit(engine: Books, deposit: Entitlement, closed: Payment): Promise<void> {
  const takenAtomic = takenOf(closed);
  if (deposit.state === 'live') {
    await changeKept(engine, deposit.id, () => ({ opening: false, settled_atomic: takenAtomic.toString() }));
    await engine.ledger.entitlements.end(deposit.id, 'spent', engine.now());
  }
  const { network, pay_from } = keptOf(deposit);
  for (const payment of await engine.ledger.drawnFrom(network, pay_from, deposit.subject))
    await endDrawn(engine, payment, { takenAtomic, closed });
}

/** What the payee had of a deposit, as the proof of its end says beside the network's fee. */
function takenOf({ state, receipt }: Payment): AtomicAmount {
  if (state !== 'captured' || receipt === null) return 0n;
  const { settled_atomic } = JSON.parse(receipt) as { readonly settled_atomic?: string };
  return BigInt(settled_atomic ?? 0);
}

/**
 * What became of a payment out of a deposit, once that is closed: a payee takes what vouchers say in the order of their
 * amounts, so this one's share is what was taken beyond all that was signed before it.
 */
export function shareOf(
  { nonce, heldAtomic }: Pick<Payment, 'nonce' | 'heldAtomic'>,
  takenAtomic: AtomicAmount,
): AtomicAmount {
  const start = readDrawNonce(nonce).cumulativeAtomic - heldAtomic;
  const beyond = takenAtomic - start;
  if (beyond <= 0n) return 0n;
  return beyond < heldAtomic ? beyond : heldAtomic;
}

async function endDrawn(
  engine: Books,
  payment: Payment,
  { takenAtomic, closed }: { readonly takenAtomic: AtomicAmount; readonly closed: Payment },
): Promise<void> {
  if (payment.state === 'released' || (payment.state === 'captured' && payment.confirmed)) return;
  if (payment.payload === null) return;
  const shareAtomic = shareOf(payment, takenAtomic);
  const nowMs = engine.now();
  if (shareAtomic === 0n) {
    const note = payment.state === 'captured' ? 'capture_undone' : 'expired_unused';
    await engine.ledger.release(payment.id, note, nowMs);
    return;
  }
  const asset = findAsset(payment.network as Caip2, payment.asset);
  if (asset === undefined || asset.family === 'lightning') return;
  await engine.ledger.capture(
    payment.id,
    {
      ...{ capturedAtomic: shareAtomic, capturedUsdMicros: toUsdMicros(asset, shareAtomic) },
      ...{ tx: closed.tx, receipt: null, confirmed: true, chainMs: null },
    },
    nowMs,
  );
}

/** The deposit of a payment that was drawn on it, with the row that it was made by; null where the ledger lost one of them. */
export async function depositBehind(
  engine: Books,
  payment: Payment,
): Promise<{ readonly deposit: Entitlement; readonly made: Payment } | null> {
  const deposit = await depositOf(engine, payment);
  const made =
    deposit?.paymentId === undefined || deposit.paymentId === null
      ? null
      : await engine.ledger.findPayment(deposit.paymentId);
  return deposit === null || made === null ? null : { deposit, made };
}
