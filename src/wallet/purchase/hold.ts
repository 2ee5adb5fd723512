import type { HoldResult } from '../../ledger/attempts/hold.js';
import type { Payment } from '../../ledger/attempts/payment.js';
import type { AnyAttempt } from '../../ledger/attempts/withdrawal.js';
import type { SignedPayload } from '../../ledger/attempts/transition.js';
import { WalletError } from '../../errors/walletError.js';
import type { Offer } from '../../payment/challenge.js';
import { MODEL_LABEL, NO_LABELS, withLabel, type Labels } from '../../payment/labels.js';
import type { PaymentIntent } from '../../payment/intent.js';
import { shortOfMoney } from '../../policy/selectOffer.js';
import { judgeRate } from '../../policy/totals.js';
import { deniedOutcome, problemError } from '../approval/approvalOutcome.js';
import type { Outcome } from '../answer/outcome.js';
import { barredError, budgetError, failureOutcome, frozenError, stopOutcome } from '../answer/refusal.js';
import { assertClock } from '../clock/clockCheck.js';
import { categoryOfCall } from '../discover/catalogAdvice.js';
import { withMarks } from '../settle/witness.js';
import { keyReused } from '../call/duplicate.js';
import { modelOf } from '../call/model.js';
import type { Draw } from '../../ledger/books/entitlement.js';
import { newCommitment } from '../commitment/offered.js';
import { dropDeposit, holdDeposit } from './deposit.js';
import type { Companion } from './companion.js';
import type { PaidCall } from '../call/paidCall.js';
import type { Challenge } from '../call/probe.js';
import type { CallLimits } from '../call/ownerRules.js';

/** What is to be paid, and how. */
export interface Purchase {
  readonly offer: Offer;
  readonly intent: PaymentIntent;
  readonly limits: CallLimits;
}

/** A hold, with what is made with it: the deposit that it is paid out of, or the promise that it begins. */
export type CallHold =
  | { readonly kind: 'held'; readonly payment: Payment; readonly companion: Companion | null }
  | Exclude<HoldResult, { readonly kind: 'held' }>;

/**
 * Checks every limit and reserves the amount, in the ledger's one step; nothing is signed. Where a deposit is to be made for
 * it, that is held first, and let go where the call itself cannot be held.
 */
export async function holdPurchase(
  call: PaidCall,
  challenge: Challenge,
  purchase: Purchase,
): Promise<CallHold> {
  const { paidFrom } = purchase.offer;
  if (paidFrom?.kind !== 'to_make') {
    // It has too little left for a voucher: whoever calls adds to it first.
    if (paidFrom?.topUpAtomic !== undefined) return { kind: 'drawn' };
    const draw =
      paidFrom === undefined
        ? null
        : { entitlementId: paidFrom.entitlementId, drawnAtomic: paidFrom.drawnAtomic };
    const hold = await holdCall(call, challenge, purchase, draw);
    if (hold.kind !== 'held') return hold;
    const { payment, commitment } = hold;
    const companion = commitment === null ? null : { payment: commitment, deposit: null };
    return { kind: 'held', payment, companion };
  }
  const made = await holdDeposit(call, challenge, purchase);
  // Another call is making one, or closing one: what is there by then is looked at again.
  if (made.kind === 'duplicate') return { kind: 'drawn' };
  if (made.kind === 'held') throw new WalletError('internal', 'A deposit was held that nobody keeps.');
  if (made.kind !== 'made') return made;
  const { deposit } = made;
  const draw = { entitlementId: deposit.entitlement.id, drawnAtomic: 0n };
  const hold = await holdCall(call, challenge, purchase, draw).catch(async (error: unknown) => {
    await dropDeposit(call, deposit).catch(() => undefined);
    throw error;
  });
  if (hold.kind === 'held') {
    const companion = { payment: deposit.payment, deposit: deposit.entitlement };
    return { kind: 'held', payment: hold.payment, companion };
  }
  await dropDeposit(call, deposit);
  return hold;
}

async function holdCall(
  call: PaidCall,
  { target }: Challenge,
  { offer, intent, limits }: Purchase,
  draw: Draw | null,
): Promise<HoldResult> {
  const { engine, session, config, terms, request, approval, context, beside } = call;
  return engine.ledger.openHold({
    agent: engine.agent,
    sessionId: session.id,
    requestHash: request.hash,
    idempotencyKey: terms.idempotency_key ?? null,
    method: target.method,
    url: target.url.href,
    origin: target.url.origin,
    host: target.url.hostname,
    category: categoryOfCall(engine, config, target),
    protocol: offer.protocol,
    scheme: offer.scheme,
    network: offer.network.caip2,
    asset: offer.asset.address,
    payFrom: intent.from,
    payTo: offer.payTo,
    heldAtomic: offer.amountAtomic,
    heldUsdMicros: offer.usdMicros,
    nonce: intent.nonce,
    validAfterSec: intent.validAfterSec,
    validBeforeSec: intent.validBeforeSec,
    configVersion: config.version,
    reason: terms.reason ?? null,
    quoteId: terms.quote_id ?? null,
    capLines: limits.capLines,
    rateLines: limits.rateLines,
    approvalId: approval?.id ?? null,
    labels: await labelsOf(call),
    callId: context.callId,
    budgetId: context.forwarded?.budgetId ?? null,
    draw,
    commitment: newCommitment(engine.agent, target.url.origin, offer, engine.now()),
    beside: beside === undefined ? null : { paymentId: beside.payment.id, usdMicrosMax: beside.usdMicrosMax },
    funds: engine.funds.known(offer.asset, intent.from),
    nowMs: engine.now(),
  });
}

/** The caller's labels; of a program's own call to a model also which one it asks. */
async function labelsOf({ terms, request, context }: PaidCall): Promise<Labels> {
  const given = terms.labels ?? NO_LABELS;
  if (context.forwarded?.asksModel !== true || Object.hasOwn(given, MODEL_LABEL)) return given;
  // What lies in the spool is large: a label is not worth having it in memory.
  if (request.body?.bytes === null) return given;
  const model = await modelOf(request);
  return model === null ? given : withLabel(given, MODEL_LABEL, model);
}

/** A hold that was not opened for a reason that ends the call. */
export type BarringHold = Extract<
  HoldResult,
  { kind: 'frozen' | 'barred' | 'withdrawn' | 'key_reused' | 'nonce_used' | 'rate' | 'approval' | 'budget' }
>;

/** The outcome of a call whose hold was barred: nothing was reserved. */
export async function barredOutcome(call: PaidCall, hold: BarringHold, offer: Offer): Promise<Outcome> {
  const { engine } = call;
  switch (hold.kind) {
    case 'frozen':
      return failureOutcome(frozenError());
    case 'barred':
      return failureOutcome(barredError(engine.agent, hold.bar));
    case 'withdrawn': {
      const { spendableAtomic } = hold;
      const address = await engine.addressOn(offer.network);
      return stopOutcome(shortOfMoney(engine.agent, [{ offer, spendableAtomic, address }]));
    }
    case 'key_reused':
      return failureOutcome(keyReused(hold.payment));
    case 'nonce_used':
      return failureOutcome(challengeUsed(hold.payment));
    case 'rate':
      return stopOutcome(judgeRate(hold));
    case 'budget':
      return failureOutcome(budgetError(hold, offer.usdMicros));
    case 'approval': {
      const { problem } = hold;
      if (problem !== 'denied' && problem !== 'pending') return failureOutcome(problemError(problem));
      // The approval that was to pay was taken back between: nobody does that but its owner.
      const id = call.approval?.id ?? '';
      return deniedOutcome({ id, answeredHow: null, answeredBy: null }, call.context.asks);
    }
  }
}

/** Signs for a hold and writes the header; where either fails nothing has left, and the hold goes with the signature. */
export async function signHold(
  { engine, config }: PaidCall,
  { offer, intent }: Purchase,
  held: Payment,
): Promise<SignedPayload> {
  try {
    // Once more: the clock may have been set while the hold was written.
    await assertClock(engine, config);
    const parts = { offer, intent, paymentId: held.id };
    const signed = await engine.rails.ofOffer(offer).sign(await engine.railPorts(config), parts);
    return withMarks(engine, config, held, signed);
  } catch (error) {
    // Where that fails too, the first fault is told, and the hold ends with its lease.
    await engine.ledger.release(held.id, 'never_signed', engine.now()).catch(() => undefined);
    throw error;
  }
}

/** T23: one challenge is paid once, even where its seller would take it twice. */
function challengeUsed({ id }: Pick<AnyAttempt, 'id'>): WalletError {
  return new WalletError(
    'quote_expired',
    `The seller's challenge was answered before, by payment ${id}; nothing was signed now. Ask for a new quote.`,
  );
}
