import { WalletError } from '../../errors/walletError.js';
import type { HoldResult } from '../../ledger/attempts/hold.js';
import type { Payment } from '../../ledger/attempts/payment.js';
import type { Entitlement } from '../../ledger/books/entitlement.js';
import { toUsdMicros } from '../../money/asset.js';
import type { Offer } from '../../payment/challenge.js';
import { categoryOfCall } from '../discover/catalogAdvice.js';
import { openWith, type KeptDeposit } from '../entitlement/deposit.js';
import { depositHash, DEPOSIT_LIFE_MS } from '../entitlement/depositOffer.js';
import type { PaidCall } from '../call/paidCall.js';
import type { Challenge } from '../call/probe.js';
import type { Purchase } from './hold.js';

/** The method of a row that is a deposit: it is no price of its endpoint's. */
const DEPOSIT_METHOD = 'DEPOSIT';

/** A deposit that is made together with the first call that is paid out of it. */
export interface NewDeposit {
  readonly payment: Payment;
  readonly entitlement: Entitlement;
}

/**
 * Holds a deposit, under every limit, and keeps it as an entitlement: whatever happens from here on, the ledger knows of it
 * before anything is signed. A crash right after it leaves a hold that ends with its lease.
 */
export async function holdDeposit(
  { engine, session, config, context }: PaidCall,
  { target }: Challenge,
  { offer, intent, limits }: Purchase,
): Promise<HoldResult | { readonly kind: 'made'; readonly deposit: NewDeposit }> {
  if ((intent.kind !== 'tempo_voucher' && intent.kind !== 'evm_voucher') || intent.opening === undefined)
    throw new WalletError('internal', 'A deposit is to be made that no intent makes.');
  const { opening } = intent;
  const { asset, network } = offer;
  if (asset.family === 'lightning') throw new WalletError('internal', 'No deposit is made in bitcoin.');
  const budgetId = context.forwarded?.budgetId ?? null;
  const heldAtomic = opening.amountAtomic + (offer.deposit?.feeAtomic ?? 0n);
  const hold = await engine.ledger.openHold({
    agent: engine.agent,
    sessionId: session.id,
    requestHash: depositHash(engine, { target, budgetId }, offer),
    idempotencyKey: null,
    method: DEPOSIT_METHOD,
    url: target.url.href,
    origin: target.url.origin,
    host: target.url.hostname,
    category: categoryOfCall(engine, config, target),
    protocol: offer.protocol,
    scheme: 'channel',
    network: network.caip2,
    asset: asset.address,
    payFrom: intent.from,
    payTo: offer.payTo,
    heldAtomic,
    heldUsdMicros: toUsdMicros(asset, heldAtomic),
    nonce: opening.nonce,
    validAfterSec: 0,
    validBeforeSec: opening.validBeforeSec,
    configVersion: config.version,
    reason: null,
    quoteId: null,
    capLines: limits.capLines,
    rateLines: [],
    budgetId,
    callId: context.callId,
    funds: engine.funds.known(asset, intent.from),
    nowMs: engine.now(),
  });
  if (hold.kind !== 'held') return hold;
  const { payment } = hold;
  const rail = engine.rails.ofPayment(payment)?.deposits;
  if (rail === undefined) throw new WalletError('internal', 'A deposit has no rail that keeps it.');
  const kept: KeptDeposit = {
    ...(JSON.parse(rail.factsOf(intent)) as KeptDeposit),
    ...{ protocol: offer.protocol, network: network.caip2, pay_to: offer.payTo, pay_from: intent.from },
    ...{ operator: offer.deposit?.operator ?? '', budget: budgetId },
    ...delayOf(offer),
    ...{ url: target.url.href, method: target.method, opening: true, refusals: 0 },
  };
  const entitlement = await engine.ledger.entitlements.save(
    {
      ...{
        agent: engine.agent,
        kind: 'channel',
        origin: target.url.origin,
        path: '/',
        subject: opening.nonce,
      },
      ...{ valueLeft: opening.amountAtomic.toString(), unit: asset.address },
      ...{ expiresMs: engine.now() + DEPOSIT_LIFE_MS, facts: JSON.stringify(kept), secret: null },
      paymentId: payment.id,
    },
    engine.now(),
  );
  // Two that are made side by side each see the other here, or one of them did before: what passes the bound is let go.
  const isApproved = offer.paidFrom?.kind === 'to_make' && offer.paidFrom.askedAboveUsdMicros !== undefined;
  const openUsdMicros = await openWith(engine.ledger, engine.agent, target.url.origin);
  if (!isApproved && openUsdMicros > config.limits.depositUsdMicros) {
    await dropDeposit({ engine }, { payment, entitlement });
    return { kind: 'drawn' };
  }
  return { kind: 'made', deposit: { payment, entitlement } };
}

function delayOf({ deposit }: Offer): Pick<KeptDeposit, 'withdraw_delay_sec'> {
  return deposit?.withdrawDelaySec === undefined ? {} : { withdraw_delay_sec: deposit.withdrawDelaySec };
}

/** Lets a deposit go for which nothing was signed: what was kept of it ends in the same step. */
export async function dropDeposit(
  { engine }: Pick<PaidCall, 'engine'>,
  { payment }: NewDeposit,
): Promise<void> {
  await engine.ledger.release(payment.id, 'never_signed', engine.now());
}
