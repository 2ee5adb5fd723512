import { formatUsd } from '../money/decimal.js';
import { hostOf } from './host.js';
import { ALLOW, type Verdict } from './verdict.js';
import type { UsdMicros } from '../money/unit.js';

/** So many payments to one payee make it the one that the owner expects (docs/design.md, "Limits"). */
const STABLE_PAYMENTS = 3;

/** Payees of earlier payments on one chain family, newest first, written as the wallet writes them (checksummed). */
export interface PayeeHistory {
  /** Of the latest payments to the origin. */
  readonly history: readonly string[];
  /** Of the latest payments to the endpoint that is called. */
  readonly endpointHistory?: readonly string[];
  /** The latest of each endpoint of the origin, where that was looked up. */
  readonly byEndpoint?: readonly string[];
}

/**
 * Asks the owner when a payee that had been stable for the last three payments changes now: the mark of a hijacked
 * or impersonated seller. A seller that takes each payment at a fresh address was never stable and asks nothing.
 *
 * What is stable is an endpoint, where it was paid often enough to tell; else its origin. An origin whose endpoints are
 * paid at several addresses is a marketplace: an endpoint that was never paid there may well have one of its own.
 */
export function judgePayee({
  hostPort,
  payTo,
  history,
  endpointHistory = [],
  byEndpoint = [],
}: PayeeHistory & { readonly hostPort: string; readonly payTo: string }): Verdict {
  const isKnown = endpointHistory.length >= STABLE_PAYMENTS;
  const latest = (isKnown ? endpointHistory : history).slice(0, STABLE_PAYMENTS);
  const expected = latest[0];
  if (expected === undefined || latest.length < STABLE_PAYMENTS) return ALLOW;
  if (payTo === expected || latest.some((one) => one !== expected)) return ALLOW;
  if (!isKnown && endpointHistory[0] === payTo) return ALLOW;
  if (endpointHistory.length === 0 && new Set(byEndpoint).size > 1) return ALLOW;
  const host = hostOf(hostPort);
  return {
    verdict: 'ask',
    code: 'payee_changed',
    message:
      `${host} wants the money at ${payTo}, and the last ${STABLE_PAYMENTS} payments to it went to ${expected}; ` +
      `only the owner can allow the change; do not retry.`,
    owner: { say: `${host} changed the address it is paid at, from ${expected} to ${payTo}.` },
  };
}

/** What an endpoint (method, origin and path) cost in the last 30 days. */
export interface PriceHistory {
  /** Of what was captured; the lower of the two middle prices where their count is even. */
  readonly medianUsdMicros: UsdMicros;
  /** The highest captured price. */
  readonly highestUsdMicros: UsdMicros;
  /** The highest price that the owner approved for this endpoint when asked. */
  readonly approvedUsdMicros?: UsdMicros;
}

/** What an endpoint's prices come to; undefined where there is none. */
export function medianPrice(
  prices: readonly UsdMicros[],
  approvedUsdMicros: UsdMicros,
): PriceHistory | undefined {
  const sorted = [...prices].sort((a, b) => (a < b ? -1 : a > b ? 1 : 0));
  const medianUsdMicros = sorted[Math.floor((sorted.length - 1) / 2)];
  const highestUsdMicros = sorted.at(-1);
  if (medianUsdMicros === undefined || highestUsdMicros === undefined) return undefined;
  return { medianUsdMicros, highestUsdMicros, approvedUsdMicros };
}

/** How many times its usual price an endpoint may ask unquestioned. */
const RISE_MAX = 2n;

/**
 * Asks the owner when a price is above the floor and more than twice the endpoint's median (T25), unless the
 * endpoint has been paid as much before, or the owner has approved at least half as much for it.
 *
 * Where the request's body sets the price, prices spread widely for good reasons. A price that was paid before is
 * no rise, so a mix of small and large bodies asks for none of them twice; and each approval makes room for one
 * doubling, so bodies that keep growing (a conversation) ask once a doubling, not once a call. A seller that
 * climbs by 1.9 a step gains nothing by it: unasked payments lift the bar only with the median, which lags.
 */
export function judgePrice({
  usdMicros,
  askFloorUsdMicros,
  history,
  listedUsdMicros = null,
}: {
  readonly usdMicros: UsdMicros;
  readonly askFloorUsdMicros: UsdMicros;
  readonly history: PriceHistory | undefined;
  /** The highest price that any catalogue lists for it; null where none does. */
  readonly listedUsdMicros?: UsdMicros | null;
}): Verdict {
  if (usdMicros <= askFloorUsdMicros) return ALLOW;
  if (history === undefined) return judgeAgainstListing(usdMicros, listedUsdMicros);
  const { medianUsdMicros, highestUsdMicros, approvedUsdMicros = 0n } = history;
  const known = [RISE_MAX * medianUsdMicros, highestUsdMicros, RISE_MAX * approvedUsdMicros];
  if (known.some((bar) => usdMicros <= bar)) return ALLOW;
  const [price, median] = [formatUsd(usdMicros), formatUsd(medianUsdMicros)];
  return {
    verdict: 'ask',
    code: 'price_jumped',
    message:
      `The price of $${price} is more than twice the $${median} that this endpoint usually costs, ` +
      `and only the owner can allow it; do not retry.`,
    owner: { say: `An endpoint that usually costs $${median} asks $${price} now.` },
  };
}

/** What was never paid has its listing alone to be held against; what was paid, its own history. */
function judgeAgainstListing(usdMicros: UsdMicros, listed: UsdMicros | null): Verdict {
  if (listed === null || usdMicros <= RISE_MAX * listed) return ALLOW;
  const [price, known] = [formatUsd(usdMicros), formatUsd(listed)];
  return {
    verdict: 'ask',
    code: 'price_jumped',
    message:
      `The price of $${price} is ${timesListed(usdMicros, listed)} the $${known} that is listed for this endpoint, ` +
      `and only the owner can allow it; do not retry.`,
    owner: { say: `An endpoint that is listed at $${known} asks $${price} now.` },
  };
}

/** How many times a listed price a live one is, such as "3.5 times". */
export function timesListed(usdMicros: UsdMicros, listed: UsdMicros): string {
  if (listed === 0n) return 'above';
  const tenths = (usdMicros * 10n) / listed;
  const [whole, rest] = [tenths / 10n, tenths % 10n];
  return `${whole}${rest === 0n ? '' : `.${rest}`} times`;
}

/** Failed purchases at an origin: how many since it last delivered for a payment, and when the latest was found out. */
interface CircuitBreaker {
  readonly failures: number;
  readonly lastFailureMs: number;
}

/** The first pause of an origin: as long as the authorization it took can stay live. */
const BREAKER_PAUSE_SEC = 600;
/** T11: the owner may paste it into a shell, so only letters that no shell reads. */
const PLAIN_PLACE = /^[a-z0-9._-]+(:\d+)?$/;
/** However often it fails, an origin is looked at again the next day. */
const BREAKER_PAUSE_MAX_SEC = 86_400;

/**
 * Until when an origin is paused, in ms: ten minutes after its first failure, twice as long after each further one, at
 * most a day. 0 where there is none.
 */
export function pausedUntilMs({ failures, lastFailureMs }: CircuitBreaker): number {
  if (failures === 0) return 0;
  return lastFailureMs + 1000 * Math.min(BREAKER_PAUSE_SEC * 2 ** (failures - 1), BREAKER_PAUSE_MAX_SEC);
}

/**
 * Pauses an origin that took a payment and asked for another, claimed one it never took, or took several and gave nothing
 * for them (T12, T28). Time closes it
 * again, or the owner does.
 */
export function judgeCircuitBreaker({
  hostPort,
  nowMs,
  ...breaker
}: CircuitBreaker & { readonly hostPort: string; readonly nowMs: number }): Verdict {
  const retryAfterSec = Math.ceil((pausedUntilMs(breaker) - nowMs) / 1000);
  if (retryAfterSec <= 0) return ALLOW;
  const host = hostOf(hostPort);
  const shown = hostPort.replace(/:443$/, '');
  return {
    verdict: 'refuse',
    code: 'origin_paused',
    message:
      `${host} took a payment and still asked for more, claimed one it never took, or gave nothing for several, so it ` +
      `is paused; ` +
      `do not pay it again for ${retryAfterSec} s.`,
    retryAfterSec,
    owner: {
      say: `${host} is paused, for it did not keep to what it was paid for. If you know why, you can end the pause.`,
      ...(PLAIN_PLACE.test(shown) && { action: { kind: 'endPause' as const, place: shown } }),
    },
  };
}
