import { toUsdMicros } from '../money/asset.js';
import { formatUsd } from '../money/decimal.js';
import type { AtomicAmount, UsdMicros } from '../money/unit.js';
import type { Offer } from '../payment/challenge.js';
import { ALLOW, type Verdict } from './verdict.js';

const KEY = 'limits.deposit_usd';

/** Calls that a deposit is made for where the seller suggests none: enough that it is seldom made anew. */
const CALLS_WITHOUT_ADVICE = 20n;

/** What a deposit is judged by. Amounts in the smallest unit of one token, whose dollars are exact. */
export interface DepositFacts {
  readonly priceAtomic: AtomicAmount;
  readonly feeAtomic: AtomicAmount;
  readonly suggestedAtomic: AtomicAmount | null;
  /** The most that the owner lets an agent deposit, and that the agent lets this call move. */
  readonly atomicMax: AtomicAmount;
  /** The price of the cheapest other way to pay the same call; null where there is none. */
  readonly otherUsdMicros: UsdMicros | null;
  readonly priceUsdMicros: UsdMicros;
  readonly feeUsdMicros: UsdMicros;
  /** How often this endpoint was paid of late. */
  readonly callsSeen: number;
}

/** What to deposit, or why nothing is. */
export type DepositVerdict =
  | { readonly kind: 'deposit'; readonly atomic: AtomicAmount }
  /** The owner or the call allows less than one call costs. */
  | { readonly kind: 'not_allowed' }
  /** Another way to pay is cheaper for as many calls as there were. */
  | { readonly kind: 'not_worth' };

/**
 * Judges whether to make a deposit for calls that are paid out of it, and how large a one. Where the call can be paid
 * without, a deposit has to have been cheaper for the calls already seen, its fee included: nobody knows of further ones.
 */
export function judgeDeposit(facts: DepositFacts): DepositVerdict {
  const { priceAtomic, suggestedAtomic, atomicMax, otherUsdMicros, callsSeen } = facts;
  if (otherUsdMicros !== null) {
    const savedUsdMicros = (otherUsdMicros - facts.priceUsdMicros) * BigInt(callsSeen);
    if (savedUsdMicros <= facts.feeUsdMicros) return { kind: 'not_worth' };
  }
  if (atomicMax < priceAtomic) return { kind: 'not_allowed' };
  const wanted = suggestedAtomic ?? priceAtomic * CALLS_WITHOUT_ADVICE;
  const least = wanted < priceAtomic ? priceAtomic : wanted;
  return { kind: 'deposit', atomic: least < atomicMax ? least : atomicMax };
}

/** What is to be deposited anew for an offer, in dollars; null where nothing is. */
export function newDepositUsd({ asset, paidFrom }: Pick<Offer, 'asset' | 'paidFrom'>): UsdMicros | null {
  if (paidFrom?.kind !== 'to_make' || asset.family === 'lightning') return null;
  return toUsdMicros(asset, paidFrom.depositAtomic);
}

/** Whether the owner is asked about a deposit: above what they let agents deposit with one seller. */
export function judgeNewDeposit(offer: Pick<Offer, 'asset' | 'network' | 'paidFrom'>): Verdict {
  const { paidFrom } = offer;
  const usdMicros = newDepositUsd(offer);
  if (paidFrom?.kind !== 'to_make' || paidFrom.askedAboveUsdMicros === undefined || usdMicros === null)
    return ALLOW;
  const usdMicrosMax = paidFrom.askedAboveUsdMicros;
  const usd = formatUsd(usdMicros);
  return {
    verdict: 'ask',
    code: 'above_cap',
    message: `Its calls are paid out of a deposit of $${usd} with the seller; above $${formatUsd(usdMicrosMax)} (${KEY}) only the owner deposits; do not retry.`,
    line: { name: KEY, usdMicrosMax, usdMicrosLeft: usdMicrosMax },
    owner: {
      say: `The agent wants to deposit $${usd} with the seller, in a channel on ${offer.network.label}, to pay calls out of it; agents deposit $${formatUsd(usdMicrosMax)} without asking.`,
      action: { kind: 'setSetting', key: KEY, value: usd },
    },
  };
}
