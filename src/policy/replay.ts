import type { CapLine, RateLine } from '../money/cap.js';
import type { UsdMicros } from '../money/unit.js';
import type { Offer } from '../payment/challenge.js';
import { addedBy } from './commitment.js';
import { judgeNewDeposit } from './deposit.js';
import { medianPrice, type PriceHistory } from './history.js';
import { MONTH_SEC } from './limits.js';
import { selectOffer, type SelectionFacts, type SellerHistory } from './selectOffer.js';
import { judgeRate, judgeTotals, type LineUse } from './totals.js';
import { judgeNetwork, judgeRequest, strictest, type Stop, type Verdict } from './verdict.js';

/** A payment that was made, as far as a policy judges it. */
export interface ReplayedPayment {
  readonly id: string;
  readonly agent: string;
  readonly sessionId: string;
  readonly method: string;
  readonly url: URL;
  readonly hostPort: string;
  /** What was paid, as it was offered. */
  readonly offer: Offer;
  /** What it came to, or holds still. */
  readonly countedUsdMicros: UsdMicros;
  readonly openedMs: number;
  /** Whether its money has moved: sellers are known by those. */
  readonly isCaptured: boolean;
  /** Whether the owner approved it when it was made. */
  readonly wasApproved: boolean;
  /** Whether the owner allowed its payee when it was asked about. */
  readonly isPayeeAllowed: boolean;
  /** Set where nobody knows what it was for: it counts, and is not judged. */
  readonly isImported: boolean;
  /** Set where it is a deposit, which has a bound of its own in the place of those on one call. */
  readonly isDeposit: boolean;
}

/** The owner's policy for one payment. */
export interface ReplayPolicy {
  readonly rules: SelectionFacts['rules'];
  readonly capLines: readonly CapLine[];
  readonly rateLines: readonly RateLine[];
}

/** What a policy says of a payment. */
export type Replayed =
  | { readonly decision: 'pay' }
  | { readonly decision: 'ask' | 'refuse'; readonly reasons: readonly [Stop, ...Stop[]] };

const PAY: Replayed = { decision: 'pay' };

/**
 * Judges payments of before in their order by what decides live, {@link selectOffer}. What is refused counts no more in any
 * limit; what is asked about counts as if the owner had approved it: in all but the caps that it passes. Catalogues, pauses of
 * sellers and balances are left out: they are no part of a policy.
 */
export class Replay {
  readonly #policyFor: (payment: ReplayedPayment) => ReplayPolicy;
  readonly #sums = new Map<string, RollingSum>();
  readonly #starts = new Map<string, number[]>();
  readonly #sellers = new Map<string, Seller>();
  readonly #prices = new Map<string, Price[]>();

  constructor(policyFor: (payment: ReplayedPayment) => ReplayPolicy) {
    this.#policyFor = policyFor;
  }

  /** The next payment; none may have been opened before the one before it. */
  judge(payment: ReplayedPayment): Replayed {
    const policy = this.#policyFor(payment);
    const usage = policy.capLines.map((line): LineUse => ({
      line,
      usedUsdMicros: this.#sumOf(line).within(payment.openedMs),
    }));
    const replayed = payment.isImported ? PAY : this.#decide(payment, policy, usage);
    if (replayed.decision === 'refuse') return replayed;
    const past = replayed.decision === 'pay' && !payment.wasApproved ? [] : exceededBy(payment, usage);
    for (const { line } of usage)
      if (line.kind === 'ceiling' || !past.some((one) => one.line === line))
        this.#sumOf(line).add(payment.openedMs, payment.countedUsdMicros);
    this.#remember(payment, policy);
    return replayed;
  }

  #decide(payment: ReplayedPayment, policy: ReplayPolicy, usage: readonly LineUse[]): Replayed {
    const judged = payment.isDeposit
      ? asReplayed([
          judgeRequest({ hosts: policy.rules.hosts, hostPort: payment.hostPort }),
          judgeNetwork(payment.offer, policy.rules),
          judgeNewDeposit(payment.offer),
          judgeTotals({ usdMicros: payment.offer.usdMicros, exceeded: exceededBy(payment, usage) }),
        ])
      : this.#select(payment, policy, usage);
    if (judged.decision === 'refuse') return judged;
    const rate = this.#rateStop(payment, policy);
    return rate === null ? judged : { decision: 'refuse', reasons: [rate] };
  }

  #select(payment: ReplayedPayment, { rules }: ReplayPolicy, usage: readonly LineUse[]): Replayed {
    const { offer, hostPort, openedMs } = payment;
    const history = this.#historyOf(payment, rules.askFloorUsdMicros);
    const selection = selectOffer({
      candidates: [{ offer, history, proofTime: 'minutes', readiness: { kind: 'assumed' } }],
      demand: { rejected: [], otherProtocols: [] },
      ...{ rules, hostPort, usage, isApproved: false, nowMs: openedMs },
    });
    if (selection.decision === 'pay') return PAY;
    if (selection.decision === 'ask') return { decision: 'ask', reasons: selection.reasons };
    // What is on no enabled network is no candidate: the offer's own verdict says so.
    const network = judgeNetwork(offer, rules);
    return { decision: 'refuse', reasons: [network.verdict === 'allow' ? selection.reason : network] };
  }

  #rateStop({ agent, openedMs }: ReplayedPayment, { rateLines }: ReplayPolicy): Stop | null {
    for (const line of rateLines) {
      const sinceMs = openedMs - line.windowSec * 1000;
      const starts = (this.#starts.get(startsKey(line, agent)) ?? []).filter((ms) => ms > sinceMs);
      this.#starts.set(startsKey(line, agent), starts);
      const first = starts.at(-line.callsMax);
      if (starts.length < line.callsMax) continue;
      const waitMs = line.callsMax === 0 || first === undefined ? line.windowSec * 1000 : first - sinceMs;
      return judgeRate({ line, retryAfterSec: Math.ceil(waitMs / 1000) });
    }
    return null;
  }

  #sumOf(line: CapLine): RollingSum {
    const { name, windowSec } = line;
    const scope = line.scope.kind === 'budget' ? line.scope.budget : JSON.stringify(line.scope);
    const key = `${name} ${scope}`;
    const known = this.#sums.get(key) ?? new RollingSum(windowSec);
    this.#sums.set(key, known);
    return known;
  }

  #historyOf(payment: ReplayedPayment, askFloorUsdMicros: UsdMicros): SellerHistory {
    const { offer, isPayeeAllowed } = payment;
    const seller = this.#sellers.get(sellerKey(payment));
    const endpoint = endpointOf(payment);
    return {
      ...{ failures: 0, lastFailureMs: 0, listedUsdMicros: null, isPayeeAllowed },
      payees: seller?.payees ?? [],
      endpointPayees: seller?.byEndpoint.get(endpoint) ?? [],
      payeesByEndpoint: [...(seller?.byEndpoint.values() ?? [])].flatMap(([latest]) => latest ?? []),
      prices: offer.usdMicros <= askFloorUsdMicros ? undefined : this.#pricesOf(endpoint, payment.openedMs),
    };
  }

  #pricesOf(endpoint: string, nowMs: number): PriceHistory | undefined {
    const known = (this.#prices.get(endpoint) ?? []).filter(({ atMs }) => atMs > nowMs - MONTH_SEC * 1000);
    const approved = known.filter(({ wasApproved }) => wasApproved).map(({ usdMicros }) => usdMicros);
    const approvedUsdMicros = approved.reduce((most, price) => (price > most ? price : most), 0n);
    return medianPrice(
      known.map(({ usdMicros }) => usdMicros),
      approvedUsdMicros,
    );
  }

  #remember(payment: ReplayedPayment, { rateLines }: ReplayPolicy): void {
    const { agent, offer, openedMs, isCaptured, isImported, wasApproved } = payment;
    for (const line of rateLines) {
      const key = startsKey(line, agent);
      this.#starts.set(key, [...(this.#starts.get(key) ?? []), openedMs].slice(-line.callsMax - 1));
    }
    if (!isCaptured || isImported || payment.isDeposit) return;
    const seller = this.#sellers.get(sellerKey(payment)) ?? { payees: [], byEndpoint: new Map() };
    const endpoint = endpointOf(payment);
    seller.payees = newest(offer.payTo, seller.payees, PAYEES_MAX);
    seller.byEndpoint.set(endpoint, newest(offer.payTo, seller.byEndpoint.get(endpoint) ?? [], PAYEES_MAX));
    this.#sellers.set(sellerKey(payment), seller);
    const price: Price = { usdMicros: offer.usdMicros, atMs: openedMs, wasApproved };
    this.#prices.set(endpoint, newest(price, this.#prices.get(endpoint) ?? [], PRICES_MAX));
  }
}

/** As many as the ledger looks at. */
const PAYEES_MAX = 3;
const PRICES_MAX = 50;

interface Seller {
  payees: readonly string[];
  readonly byEndpoint: Map<string, readonly string[]>;
}

interface Price {
  readonly usdMicros: UsdMicros;
  readonly atMs: number;
  readonly wasApproved: boolean;
}

function newest<T>(one: T, before: readonly T[], max: number): T[] {
  return [one, ...before].slice(0, max);
}

/** Addresses of one family of networks never match those of another. */
function sellerKey({ url, offer }: ReplayedPayment): string {
  return `${offer.network.family} ${url.origin}`;
}

function endpointOf({ method, url }: ReplayedPayment): string {
  return `${method} ${url.origin}${url.pathname}`;
}

function startsKey({ name, scope }: RateLine, agent: string): string {
  return scope.kind === 'wallet' ? name : `${name} ${agent}`;
}

function exceededBy({ offer, openedMs }: ReplayedPayment, usage: readonly LineUse[]): LineUse[] {
  return usage.filter(
    ({ line, usedUsdMicros }) => usedUsdMicros + addedBy(offer, line, openedMs) > line.usdMicrosMax,
  );
}

function asReplayed(verdicts: readonly Verdict[]): Replayed {
  const worst = strictest(verdicts);
  if (worst.verdict === 'allow') return PAY;
  const others = verdicts.filter(
    (one): one is Stop => one.verdict === worst.verdict && one !== (worst as Verdict),
  );
  return { decision: worst.verdict, reasons: [worst, ...others] };
}

/** What was spent in a window that rolls, or ever where it has none. Times only go on. */
class RollingSum {
  readonly #windowSec: number | null;
  #entries: { readonly atMs: number; readonly usdMicros: UsdMicros }[] = [];
  #first = 0;
  #sum = 0n;

  constructor(windowSec: number | null) {
    this.#windowSec = windowSec;
  }

  add(atMs: number, usdMicros: UsdMicros): void {
    this.#sum += usdMicros;
    if (this.#windowSec !== null) this.#entries.push({ atMs, usdMicros });
  }

  within(nowMs: number): UsdMicros {
    if (this.#windowSec === null) return this.#sum;
    const sinceMs = nowMs - this.#windowSec * 1000;
    for (;;) {
      const oldest = this.#entries[this.#first];
      if (oldest === undefined || oldest.atMs > sinceMs) break;
      this.#sum -= oldest.usdMicros;
      this.#first += 1;
    }
    // Half of it is over: it is let go of, which costs each entry one move.
    if (this.#first > this.#entries.length / 2) {
      this.#entries = this.#entries.slice(this.#first);
      this.#first = 0;
    }
    return this.#sum;
  }
}
