import type { AtomicAmount, UsdMicros } from './unit.js';

/** Atomic units of Lightning's asset in one bitcoin. */
const MSAT_PER_BTC = 100_000_000_000n;
const MSAT_PER_SAT = 1_000n;
const PERCENT = 100n;

/**
 * What an offer of Lightning is priced by, as it stood when the offer was read: kept with a quote, as text, so that an offer
 * costs what was shown.
 */
export interface BitcoinTerms {
  /** Micro-dollars for one bitcoin, as decimal text. */
  readonly usdMicrosPerBtc: string;
  /** When that was read, ms since 1970; null where the owner set it by hand. */
  readonly rateMs: number | null;
  /** Routing may cost so much, or so many percent of the invoice, whichever is more. */
  readonly feeSatMax: number;
  readonly feePercentMax: number;
}

/** A rate is paid by for so long: the price of bitcoin moves some tenths of a percent in that time. */
export const RATE_AGE_MAX_MS = 600_000;
/** Two sources agree where the dearer one is above the other by no more than this. */
const AGREEMENT_PERCENT_MAX = 2n;
/** How far a rate may be from the one before, for each day that began since. */
const JUMP_PERCENT_MAX = 20n;
const DAY_MS = 86_400_000;
/** Between a dollar and ten million dollars: what is outside is a source of something else. */
const RATE_MIN = 1_000_000n;
const RATE_MAX = 10_000_000_000_000n;

/** The dollars that an amount of bitcoin is worth, rounded up: against the agent, in favour of the cap. */
export function bitcoinUsdMicros(
  amountMsat: AtomicAmount,
  { usdMicrosPerBtc }: Pick<BitcoinTerms, 'usdMicrosPerBtc'>,
): UsdMicros {
  return (amountMsat * BigInt(usdMicrosPerBtc) + MSAT_PER_BTC - 1n) / MSAT_PER_BTC;
}

/** The most that routing an invoice may cost, in millisatoshi. */
export function routingFeeMax(
  invoiceMsat: AtomicAmount,
  { feeSatMax, feePercentMax }: Pick<BitcoinTerms, 'feeSatMax' | 'feePercentMax'>,
): AtomicAmount {
  const flat = BigInt(feeSatMax) * MSAT_PER_SAT;
  const share = (invoiceMsat * BigInt(feePercentMax)) / PERCENT;
  return flat > share ? flat : share;
}

/**
 * Dollars of a part of what was held, rounded up: a hold in bitcoin was priced once, and what was taken of it counts by the
 * same rate.
 */
export function shareOfHold(
  held: { readonly atomic: AtomicAmount; readonly usdMicros: UsdMicros },
  takenAtomic: AtomicAmount,
): UsdMicros {
  return (held.usdMicros * takenAtomic + held.atomic - 1n) / held.atomic;
}

/** What one source says: micro-dollars for one bitcoin. */
export interface RateReading {
  readonly host: string;
  readonly usdMicrosPerBtc: UsdMicros;
}

/**
 * The rate that two sources or more agree on: the dearest of those that do, against the agent. Else why there is none, as a
 * clause.
 */
export function agreedRate(readings: readonly RateReading[]): UsdMicros | string {
  const sane = readings.filter(({ usdMicrosPerBtc: rate }) => rate >= RATE_MIN && rate <= RATE_MAX);
  const agreeing = sane.filter((one) => sane.some((other) => other.host !== one.host && isNear(one, other)));
  if (agreeing.length === 0)
    return new Set(sane.map(({ host }) => host)).size < 2
      ? 'fewer than two of its sources answer'
      : 'its sources disagree';
  return agreeing.map(({ usdMicrosPerBtc }) => usdMicrosPerBtc).reduce((a, b) => (a > b ? a : b));
}

function isNear(one: RateReading, other: RateReading): boolean {
  const [low, high] =
    one.usdMicrosPerBtc < other.usdMicrosPerBtc
      ? [one.usdMicrosPerBtc, other.usdMicrosPerBtc]
      : [other.usdMicrosPerBtc, one.usdMicrosPerBtc];
  return (high - low) * PERCENT <= low * AGREEMENT_PERCENT_MAX;
}

/** Whether a rate is too far from the one before it to be believed. */
export function hasJumped(
  before: { readonly usdMicrosPerBtc: UsdMicros; readonly atMs: number },
  next: UsdMicros,
  nowMs: number,
): boolean {
  const days = BigInt(Math.max(0, Math.floor((nowMs - before.atMs) / DAY_MS)) + 1);
  const apart = next > before.usdMicrosPerBtc ? next - before.usdMicrosPerBtc : before.usdMicrosPerBtc - next;
  return apart * PERCENT > before.usdMicrosPerBtc * JUMP_PERCENT_MAX * days;
}

/** Whether a rate that was read then is still one to pay by; a clock that went back makes it none. */
export function isFreshRate(rateMs: number | null, nowMs: number): boolean {
  return rateMs === null || (nowMs >= rateMs && nowMs - rateMs <= RATE_AGE_MAX_MS);
}

/** Whether a number is a rate of bitcoin at all. */
export function isRate(usdMicrosPerBtc: UsdMicros): boolean {
  return usdMicrosPerBtc >= RATE_MIN && usdMicrosPerBtc <= RATE_MAX;
}
