import type { Offer } from '../payment/challenge.js';
import { chargesWithin } from '../payment/commitment.js';
import { formatUsd } from '../money/decimal.js';
import type { UsdMicros } from '../money/unit.js';
import { DAY_SEC, MONTH_SEC } from './limits.js';
import { ALLOW, type Verdict } from './verdict.js';

const KEY = 'limits.commitment_usd';

/**
 * What paying an offer adds to a limit: its price, or where it promises more, as much as the limit's window can see taken; nothing
 * where a deposit pays it, which counts whole.
 */
export function addedBy(
  { usdMicros, commitment, paidFrom }: Pick<Offer, 'usdMicros' | 'commitment' | 'paidFrom'>,
  { scope, windowSec }: { readonly scope: { readonly kind: string }; readonly windowSec: number | null },
  nowMs: number,
): UsdMicros {
  if (paidFrom?.kind === 'made') return 0n;
  if (commitment === undefined) return usdMicros;
  const { periodSec, endsSec } = commitment;
  const recurrence = { periodSec, endsSec, fromSec: Math.floor(nowMs / 1000) };
  // A session has no length of its own: it counts what a day can see taken, as the ledger does.
  return usdMicros * chargesWithin(scope.kind === 'session' ? DAY_SEC : windowSec, recurrence);
}

/** Whether the owner is asked about a promise: above the line that they set for what one can take in a month. */
export function judgeCommitment(
  offer: Pick<Offer, 'usdMicros' | 'commitment'>,
  usdMicrosMax: UsdMicros,
  nowMs: number,
): Verdict {
  if (offer.commitment === undefined) return ALLOW;
  const month = addedBy(offer, { scope: { kind: 'wallet' }, windowSec: MONTH_SEC }, nowMs);
  if (month <= usdMicrosMax) return ALLOW;
  const terms = termsOf(offer);
  return {
    verdict: 'ask',
    code: 'above_cap',
    message: `It is a subscription, ${terms}, which can take $${formatUsd(month)} in a month; above $${formatUsd(usdMicrosMax)} (${KEY}) only the owner subscribes; do not retry.`,
    line: { name: KEY, usdMicrosMax, usdMicrosLeft: usdMicrosMax },
    owner: {
      say: `The agent wants to subscribe: ${terms}. It can take $${formatUsd(month)} in a month; agents subscribe to $${formatUsd(usdMicrosMax)} without asking.`,
      action: { kind: 'setSetting', key: KEY, value: formatUsd(month) },
    },
  };
}

/** The terms of a promise in words, such as "$5 every 30 days until 2027-03-01". */
export function termsOf({ usdMicros, commitment }: Pick<Offer, 'usdMicros' | 'commitment'>): string {
  if (commitment === undefined) return `$${formatUsd(usdMicros)} once`;
  const days = commitment.periodSec / DAY_SEC;
  const every = days === 1 ? 'every day' : `every ${days} days`;
  const until = new Date(commitment.endsSec * 1000).toISOString().slice(0, 10);
  return `$${formatUsd(usdMicros)} ${every} until ${until}`;
}
