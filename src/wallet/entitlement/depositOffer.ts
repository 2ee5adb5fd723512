import { createHash } from 'node:crypto';
import type { Config } from '../../config/settings.js';
import type { Entitlement } from '../../ledger/books/entitlement.js';
import type { Payment } from '../../ledger/attempts/payment.js';
import { formatUnits, formatUsd } from '../../money/decimal.js';
import type { AtomicAmount, UsdMicros } from '../../money/unit.js';
import type { Offer, PaidFromDeposit, PaymentDemand, RejectedOffer } from '../../payment/challenge.js';
import { judgeDeposit } from '../../policy/deposit.js';
import { isJsonObject, parseJson } from '../../text/json.js';
import { limitsOf, useOf } from '../call/ownerRules.js';
import type { Challenge } from '../call/probe.js';
import type { Engine } from '../engine.js';
import { amountsOf, dollarsOf, keptOf, openWith, REFUSALS_MAX } from './deposit.js';

/** For so long a deposit is used: then what is left comes back. A seller that wants more has another one made. */
export const DEPOSIT_LIFE_MS = 24 * 3_600_000;
/** With less of that left none is drawn on: the seller needs time to take what is its own. */
const DEPOSIT_MARGIN_MS = 15 * 60_000;
/** What is paid from a deposit is decided by. */
export interface DepositAsk {
  readonly target: Challenge['target'];
  readonly maxUsdMicros: UsdMicros | undefined;
  readonly budgetId: string | null;
  readonly sessionId: string;
  /** The wall clock. */
  readonly nowMs: number;
  /** The deposit that the owner said yes to with the call, null for a yes to a call without one; absent where they were not asked. */
  readonly approvedAtomic?: AtomicAmount | null;
  /** For how long a call waits for a deposit that another one is making; absent where it does not. */
  readonly waits?: AbortSignal;
}

/**
 * A demand whose offers each say which deposit pays them. Those that none pays, and for which none is to be made, are
 * rejected by name; every other offer stays as it is.
 */
export async function withDeposits(
  engine: Engine,
  config: Config,
  demand: PaymentDemand,
  ask: DepositAsk,
): Promise<PaymentDemand> {
  const asking = demand.offers.filter(({ deposit }) => deposit !== undefined);
  if (asking.length === 0) return demand;
  const others = demand.offers.filter(({ deposit }) => deposit === undefined);
  const offers: Offer[] = [...others];
  const rejected: RejectedOffer[] = [...demand.rejected];
  for (const offer of asking) {
    const resolved = await resolve(engine, config, { offer, others }, ask);
    if ('payTo' in resolved) offers.push(resolved);
    else rejected.push(resolved);
  }
  return { ...demand, offers, rejected };
}

async function resolve(
  engine: Engine,
  config: Config,
  { offer: asked, others }: { readonly offer: Offer; readonly others: readonly Offer[] },
  ask: DepositAsk,
): Promise<Offer | RejectedOffer> {
  const { target, nowMs } = ask;
  // Also one whose time is over: until it is closed, no other is made beside it.
  const live = await engine.ledger.entitlements.usable(engine.agent, target.url.origin, 0);
  const own = live.filter((one) => one.kind === 'channel' && isFor(one, asked, ask.budgetId));
  const made = own.find((one) => !isUsedUp(one, asked));
  const offer = besideOthers(asked, own);
  if (made !== undefined) {
    const free = await whenFree(engine, await whenMade(engine, made, ask), offer, ask);
    const drawn = drawnOffer(free, offer, nowMs);
    if (!('lacksAtomic' in drawn)) return drawn;
    // Another call took the last of it meanwhile: what there is by now is looked at.
    if (offer.deposit?.isFixed === true) return resolve(engine, config, { offer: asked, others }, ask);
    return toppedUp(drawn, offer, await allowed(engine, config, offer, ask));
  }
  // By another name, such as another operator's, it gets no further one either.
  const distrusted = live.find((one) => one.kind === 'channel' && keptOf(one).refusals >= REFUSALS_MAX);
  if (distrusted !== undefined) return reject(offer, refusedWords(distrusted));
  const facts = {
    ...{ priceAtomic: offer.amountAtomic, priceUsdMicros: offer.usdMicros },
    ...{ feeAtomic: offer.deposit?.feeAtomic ?? 0n, suggestedAtomic: offer.deposit?.suggestedAtomic ?? null },
    feeUsdMicros: dollarsOf(offer.asset, offer.deposit?.feeAtomic ?? 0n),
    otherUsdMicros: cheapest(others.filter(({ network }) => config.networks.enabled.includes(network.caip2))),
    callsSeen: (await engine.ledger.endpointPrices({ method: target.method, url: target.url.href }, nowMs))
      .prices.length,
  };
  const most = await allowed(engine, config, offer, ask, { isAsked: true });
  const { approvedAtomic } = ask;
  if (typeof approvedAtomic === 'bigint')
    return approvedAtomic <= most && approvedAtomic >= offer.amountAtomic
      ? newOffer(offer, approvedAtomic, nowMs, config.limits.depositUsdMicros)
      : reject(offer, 'The deposit that the owner said yes to is no longer within the call and every limit.');
  const verdict = judgeDeposit({ ...facts, atomicMax: await allowed(engine, config, offer, ask) });
  if (verdict.kind === 'deposit') return newOffer(offer, verdict.atomic, nowMs);
  // Where the owner can be asked, they are: within all other limits. What they said yes to without a deposit is no yes to one.
  const mayAsk = approvedAtomic === undefined && ask.budgetId === null;
  if (verdict.kind === 'not_allowed' && mayAsk && (await canAsk(engine))) {
    const larger = judgeDeposit({ ...facts, atomicMax: most });
    if (larger.kind === 'deposit')
      return newOffer(offer, larger.atomic, nowMs, config.limits.depositUsdMicros);
  }
  return reject(
    offer,
    verdict.kind === 'not_worth'
      ? 'Its session takes a deposit, which is not made before it is cheaper for the calls already seen.'
      : `Its calls are paid out of a deposit with the seller, and none of $${formatUsd(offer.usdMicros)} or more is allowed: the owner's limits.deposit_usd is $${formatUsd(config.limits.depositUsdMicros)}${ask.maxUsdMicros === undefined ? '' : `, max_usd is $${formatUsd(ask.maxUsdMicros)}`}, and a deposit counts whole against every limit.`,
  );
}

/** An offer that a deposit is made for. */
function newOffer(
  offer: Offer,
  depositAtomic: AtomicAmount,
  nowMs: number,
  askedAboveUsdMicros?: UsdMicros,
): Offer {
  return {
    ...offer,
    paidFrom: {
      ...{ kind: 'to_make', depositAtomic, expiresMs: nowMs + DEPOSIT_LIFE_MS },
      ...(askedAboveUsdMicros === undefined ? {} : { askedAboveUsdMicros }),
    },
    facts: { ...offer.facts, deposit_usd: formatUsd(dollarsOf(offer.asset, depositAtomic)) },
  };
}

/** Whether the owner can answer elsewhere than in the agent's own client, whose prompt makes no deposit. */
async function canAsk({ ledger }: Engine): Promise<boolean> {
  return (await ledger.factors.list()).length > 0;
}

/** Whether some deposit with an origin has anything left: it counts whole in every limit already, also where that is full. */
export async function hasDeposit({ ledger, agent }: Engine, origin: string): Promise<boolean> {
  const live = await ledger.entitlements.usable(agent, origin, 0);
  return live.some((one) => one.kind === 'channel' && amountsOf(one).leftAtomic > 0n);
}

/** A deposit as it stands once whoever is making it has heard of it. */
async function whenMade(engine: Engine, found: Entitlement, { waits }: DepositAsk): Promise<Entitlement> {
  if (!keptOf(found).opening || waits === undefined || found.paymentId === null) return found;
  await engine.ledger.waitForEnd(found.paymentId, waits);
  return (await engine.ledger.entitlements.find(found.id)) ?? found;
}

/**
 * A deposit as it stands once no call is busy with it, where its seller takes one voucher at a time: a voucher says all that was
 * taken by then, which shows with the answer to the one before.
 */
async function whenFree(
  engine: Engine,
  found: Entitlement,
  { deposit }: Offer,
  { waits }: DepositAsk,
): Promise<Entitlement> {
  if (deposit?.isInTurn !== true || waits === undefined) return found;
  const { network, pay_from } = keptOf(found);
  const drawn = await engine.ledger.drawnFrom(network, pay_from, found.subject);
  for (const { id, state } of drawn)
    if (BUSY.includes(state) && !waits.aborted) await engine.ledger.waitForEnd(id, waits);
  return (await engine.ledger.entitlements.find(found.id)) ?? found;
}

/** A call is at work on a payment that is none of these. */
const BUSY: readonly Payment['state'][] = ['held', 'signed', 'sent'];

/** An offer that a deposit pays, or why that one pays no more: it is never made twice for one seller at a time. */
function drawnOffer(deposit: Entitlement, offer: Offer, nowMs: number): Offer | RejectedOffer | Lacking {
  const kept = keptOf(deposit);
  const { depositAtomic, leftAtomic, drawnAtomic } = amountsOf(deposit);
  const expiresMs = deposit.expiresMs ?? 0;
  const close = closeWords(deposit);
  if (kept.opening)
    return reject(
      offer,
      `The deposit with this seller is being made, and nothing shows yet that it was (payment ${deposit.paymentId ?? ''}).`,
    );
  if (kept.refusals >= REFUSALS_MAX) return reject(offer, refusedWords(deposit));
  if (kept.close_requested_ms !== undefined || expiresMs - nowMs < DEPOSIT_MARGIN_MS)
    return reject(offer, `The deposit with this seller is at its end; ${close}.`);
  const paidFrom: Lacking['paidFrom'] = {
    kind: 'made',
    ...{ entitlementId: deposit.id, drawnAtomic, depositAtomic, expiresMs, facts: deposit.facts },
  };
  if (leftAtomic < offer.amountAtomic) {
    const left = `${formatUnits(leftAtomic, offer.asset.decimals)} ${offer.asset.symbol}`;
    const says = `The deposit with this seller has ${left} left, less than the call costs`;
    if (kept.top_up !== undefined)
      return reject(offer, `${says}; more is being added, and nothing shows yet that it was.`);
    return { lacksAtomic: offer.amountAtomic - leftAtomic, paidFrom, says: `${says}; ${close}.` };
  }
  return {
    ...offer,
    paidFrom,
    facts: { ...offer.facts, deposit_left_usd: formatUsd(dollarsOf(offer.asset, leftAtomic)) },
  };
}

/** A deposit that has too little left for an offer. */
interface Lacking {
  readonly lacksAtomic: AtomicAmount;
  readonly paidFrom: Extract<PaidFromDeposit, { readonly kind: 'made' }>;
  /** Why it does not pay, as a sentence. */
  readonly says: string;
}

/**
 * An offer whose deposit is added to before it pays, by as much as a new one would be; refused where that is not allowed. Where the
 * fee would be ours another deposit is as cheap, and its fee is proved with it.
 */
function toppedUp(
  { lacksAtomic, paidFrom, says }: Lacking,
  offer: Offer,
  atomicMax: AtomicAmount,
): Offer | RejectedOffer {
  const verdict = judgeDeposit({
    ...{ priceAtomic: lacksAtomic, feeAtomic: 0n, atomicMax, callsSeen: 0, otherUsdMicros: null },
    suggestedAtomic: offer.deposit?.suggestedAtomic ?? null,
    ...{ priceUsdMicros: offer.usdMicros, feeUsdMicros: 0n },
  });
  if (verdict.kind !== 'deposit' || offer.deposit?.feeAtomic !== 0n) return reject(offer, says);
  const addedUsd = formatUsd(dollarsOf(offer.asset, verdict.atomic));
  return {
    ...offer,
    paidFrom: { ...paidFrom, topUpAtomic: verdict.atomic },
    facts: { ...offer.facts, deposit_added_usd: addedUsd },
  };
}

function refusedWords(deposit: Entitlement): string {
  const { refusals } = keptOf(deposit);
  return `The seller took ${refusals} vouchers in a row and served nothing; its deposit is used no more, and ${closeWords(deposit)}.`;
}

function closeWords({ id }: Entitlement): string {
  return `its owner closes it: entitlement ${id}`;
}

function reject({ index, usdMicros }: Offer, reason: string): RejectedOffer {
  return { index, code: 'unsupported_scheme', reason, usdMicros };
}

/**
 * Whether a deposit to which nothing can be added has too little left: another one is made beside it, which counts beside it in
 * every limit, and in the owner's bound on all that is with one seller.
 */
function isUsedUp(one: Entitlement, { deposit, amountAtomic }: Offer): boolean {
  const { opening, refusals } = keptOf(one);
  if (deposit?.isFixed !== true || opening || refusals >= REFUSALS_MAX) return false;
  return amountsOf(one).leftAtomic < amountAtomic;
}

/** An offer that says which deposits are used up, where there are any. */
function besideOthers(offer: Offer, own: readonly Entitlement[]): Offer {
  const beside = own.filter((one) => isUsedUp(one, offer)).map(({ id }) => id);
  return offer.deposit === undefined || beside.length === 0
    ? offer
    : { ...offer, deposit: { ...offer.deposit, beside } };
}

function isFor(one: Entitlement, offer: Offer, budgetId: string | null): boolean {
  const kept = parseJson(one.facts);
  if (!isJsonObject(kept)) return false;
  const { protocol, network, pay_to, operator, withdraw_delay_sec, budget } = keptOf(one);
  return (
    protocol === offer.protocol &&
    network === offer.network.caip2 &&
    one.unit === offer.asset.address &&
    pay_to === offer.payTo &&
    operator === offer.deposit?.operator &&
    withdraw_delay_sec === offer.deposit.withdrawDelaySec &&
    budget === budgetId
  );
}

/** The most that may be deposited: by the owner's bound unless they are asked, by the call's own, and by what each limit leaves. */
async function allowed(
  { ledger, agent }: Engine,
  config: Config,
  { asset, deposit }: Offer,
  { target, maxUsdMicros, sessionId, budgetId, nowMs }: DepositAsk,
  { isAsked = false } = {},
): Promise<AtomicAmount> {
  const place = { agent, sessionId, url: target.url, budgetId, nowMs };
  const { capLines } = await limitsOf(ledger, config, place);
  const feeUsdMicros = dollarsOf(asset, deposit?.feeAtomic ?? 0n);
  const left = (await useOf(ledger, capLines, place)).map(
    ({ line, usedUsdMicros }) => line.usdMicrosMax - usedUsdMicros - feeUsdMicros,
  );
  const bounds = [
    ...(isAsked ? [] : [config.limits.depositUsdMicros - (await openWith(ledger, agent, target.url.origin))]),
    // All that one call moves is within what it may cost: the fee of its deposit, too.
    ...(maxUsdMicros === undefined ? [] : [maxUsdMicros - feeUsdMicros]),
    ...left,
  ];
  const usdMicros = bounds.reduce((least, one) => (one < least ? one : least));
  if (usdMicros <= 0n) return 0n;
  // A dollar token: as many of its units as the dollars buy, never one more.
  const micros = 6;
  return asset.decimals >= micros
    ? usdMicros * 10n ** BigInt(asset.decimals - micros)
    : usdMicros / 10n ** BigInt(micros - asset.decimals);
}

function cheapest(offers: readonly Offer[]): UsdMicros | null {
  return offers.reduce<UsdMicros | null>(
    (least, { usdMicros }) => (least === null || usdMicros < least ? usdMicros : least),
    null,
  );
}

/** One deposit at a time is open for an agent, a seller, its terms and a budget: as the same request it is made once. */
export function depositHash(
  { agent }: Pick<Engine, 'agent'>,
  { target, budgetId }: Pick<DepositAsk, 'target' | 'budgetId'>,
  { protocol, network, asset, payTo, deposit }: Offer,
): string {
  const terms = [deposit?.operator, deposit?.withdrawDelaySec, deposit?.beside].filter(
    (one) => one !== undefined,
  );
  const place = [agent, target.url.origin, protocol, network.caip2, asset.address, payTo, ...terms];
  return createHash('sha256')
    .update(`deposit ${JSON.stringify([...place, budgetId])}`)
    .digest('hex');
}
