import type { SignInDemand } from '../../payment/signIn.js';
import type { Engine } from '../engine.js';
import { remember } from './entitlement.js';

/** A demand is signed for so long after it was issued, and its signature used: published servers take it for five minutes. ms */
export const DEMAND_AGE_MS_MAX = 4 * 60_000;

/** Sellers that take each signature once, by agent; of each wallet, forgotten with it. */
const takingOnce = new WeakMap<Engine['ledger'], Set<string>>();

/** Remembers a signature that a seller took for a page, until it is too old to be taken again. */
export async function rememberSession(
  engine: Engine,
  { issuedAt, expirationTime }: SignInDemand,
  { url }: { readonly url: URL },
  header: readonly [string, string],
): Promise<void> {
  if (takingOnce.get(engine.ledger)?.has(sellerKey(engine, url.origin)) === true) return;
  const ends = [Date.parse(issuedAt) + DEMAND_AGE_MS_MAX, Date.parse(expirationTime ?? '')];
  await remember(engine, {
    ...{ kind: 'siwx_session', origin: url.origin, path: url.pathname + url.search, subject: '' },
    ...{ valueLeft: null, unit: null, paymentId: null, facts: {}, headers: [header] },
    expiresMs: Math.min(...ends.filter((ms) => !Number.isNaN(ms))),
  });
}

/** A signature that is taken no more before its time was taken once: the next ones of this seller are not kept. */
export function noteTakenOnce(engine: Engine, origin: string): void {
  const known = takingOnce.get(engine.ledger) ?? new Set<string>();
  takingOnce.set(engine.ledger, known.add(sellerKey(engine, origin)));
}

function sellerKey({ agent }: Engine, origin: string): string {
  return `${agent} ${origin}`;
}
