import type { Entitlement, EntitlementKind } from '../../ledger/books/entitlement.js';
import { isWalletError } from '../../errors/walletError.js';
import { hasHeader, headersForOtherOrigin, type HeaderList } from '../../net/headers.js';
import { readAnswer, type ReadAnswer } from '../answer/answerBody.js';
import type { PaidCall } from '../call/paidCall.js';
import { isStopped } from '../call/ownerRules.js';
import { readChallenge, type Challenge } from '../call/probe.js';
import { sendSigned } from '../call/sendSigned.js';
import type { Engine } from '../engine.js';
import { covers, factOf, headersOf, remember } from './entitlement.js';
import { endpointText, noteBalance, readIssued } from './issued.js';
import { withoutIssuedToken } from './issuedListener.js';
import { masked } from './mask.js';
import { noteTakenOnce } from './session.js';

/** Kinds that a seller takes by a header, in the order in which they are tried. */
const BY_HEADER: readonly EntitlementKind[] = ['l402_token', 'prepaid_balance', 'bearer', 'siwx_session'];
/** More is not tried for one call: each costs a request. */
const TRIES_MAX = 2;

/** Shorter parts of a credential are its scheme's words, and would mask what is none of it. */
const SECRET_PART_MIN = 8;

/** What a seller means by refusing one, by the status of its answer. */
const REFUSED: Readonly<Record<number, 'spent' | 'expired'>> = {
  401: 'expired',
  402: 'spent',
  403: 'expired',
};

/** A call as far as it can be made by what was bought before. */
export type OwnedCall = Pick<PaidCall, 'engine' | 'config' | 'request' | 'deadline' | 'context'>;

/** What came of making a call by what was bought before. */
export type Owned =
  /** The seller took it, and this is its answer. */
  | {
      readonly kind: 'served';
      readonly read: ReadAnswer;
      readonly target: Challenge['target'];
      readonly entitlement: Entitlement;
    }
  /** It wants to be paid all the same. */
  | { readonly kind: 'priced'; readonly challenge: Challenge }
  /** There is nothing that fits, or the seller takes none of it. */
  | { readonly kind: 'none' };

/**
 * Makes a call by what this agent bought before at its place, without a payment. What the seller no longer takes is spent
 * or expired from then on. `isFree`: only by what is not used up by being used.
 *
 * What a seller takes it by goes to the origin and the path that it was sold for, follows no redirect, and comes back in
 * no answer (T38). Throws `NetFailure`s.
 */
export async function callByEntitlement(
  call: OwnedCall,
  target: Challenge['target'],
  { isFree }: { readonly isFree: boolean },
): Promise<Owned> {
  const { engine } = call;
  let priced: Challenge | null = null;
  const fitting = await findOwned(call, target, { isFree });
  if (fitting.length === 0) return { kind: 'none' };
  for (const { entitlement, headers } of fitting.slice(0, TRIES_MAX)) {
    await engine.assertActive();
    // What is frozen sends nothing that could be spent, nor does a run that is over (T42); the price is still asked.
    const budgetPath = call.context.forwarded?.budgetId ?? null;
    if (await isStopped(engine, { agent: engine.agent, budgetPath })) break;
    const secrets = headers.flatMap(([, value]) => [value, ...partsOf(value)]);
    const answer = masked(await sendSigned(call, target, headers, call.config), secrets);
    const { status } = answer;
    const end = REFUSED[status];
    if (end !== undefined) {
      if (status === 402) priced = await challengeOf(call, answer, target);
      else answer.discard();
      await refused(engine, entitlement, target, end);
      if (entitlement.kind === 'siwx_session') noteTakenOnce(engine, target.url.origin);
    } else if (status >= 300 && status < 400 && isSafe(target.method)) {
      // Where a page went is asked without it.
      answer.discard();
    } else {
      const came = await readAnswer(engine, answer, withoutIssuedToken(call.context));
      const noted = await noteBalance(engine, entitlement, came.headers);
      const { paymentId, kind } = entitlement;
      const { read, bought } = readIssued({ target, paymentId, nowMs: engine.now() }, came);
      // A token in the place of the one that was sent, or the balance of whoever signed in.
      if (bought !== null && (bought.headers.length > 0 || kind === 'siwx_session'))
        await remember(engine, bought);
      return { kind: 'served', read, target, entitlement: noted };
    }
  }
  return priced === null ? { kind: 'none' } : { kind: 'priced', challenge: priced };
}

/** What fits a call and can be sent with it: no header of the caller's own is replaced. */
export async function findOwned(
  { engine, request }: Pick<OwnedCall, 'engine' | 'request'>,
  { url, method }: Challenge['target'],
  { isFree }: { readonly isFree: boolean },
): Promise<{ readonly entitlement: Entitlement; readonly headers: HeaderList }[]> {
  const usable = await engine.ledger.entitlements.usable(engine.agent, url.origin, engine.now());
  const callers =
    url.origin === request.target.origin ? request.headers : headersForOtherOrigin(request.headers);
  return usable
    .filter((one) => BY_HEADER.includes(one.kind) && covers(one, url))
    .filter((one) => !isFree || one.valueLeft === null)
    .filter((one) => factOf(one, 'priced_at') !== endpointText(method, url))
    .map((entitlement) => ({ entitlement, headers: headersOf(engine, entitlement) }))
    .filter(({ headers }) => headers.length > 0 && headers.every(([name]) => !hasHeader(callers, name)))
    .sort((a, b) => BY_HEADER.indexOf(a.entitlement.kind) - BY_HEADER.indexOf(b.entitlement.kind));
}

/** Where the place that sold it asks for money again, it sells the next one: what is left of this one stays. */
async function refused(
  engine: Pick<Engine, 'ledger' | 'now'>,
  entitlement: Entitlement,
  { url, method }: Challenge['target'],
  end: 'spent' | 'expired',
): Promise<void> {
  const { entitlements } = engine.ledger;
  const endpoint = endpointText(method, url);
  if (end === 'spent' && factOf(entitlement, 'sold_at') === endpoint) {
    const facts = JSON.stringify({ sold_at: endpoint, priced_at: endpoint });
    await entitlements.update(entitlement, { facts }, engine.now());
    return;
  }
  await entitlements.end(entitlement.id, end, engine.now());
}

/** The price in an answer; null where it names none that can be read: then it is asked without anything. */
async function challengeOf(
  { engine, config, request }: OwnedCall,
  answer: Parameters<typeof readChallenge>[2],
  target: Challenge['target'],
): Promise<Challenge | null> {
  const callers = request.headers.map(([name]) => name.toLowerCase());
  try {
    return await readChallenge(engine, config, answer, target, callers);
  } catch (error) {
    if (isWalletError(error) && error.code === 'no_payable_offer') return null;
    throw error;
  }
}

/** The parts of a credential that are secrets by themselves, such as a macaroon and a preimage; not the name of its scheme. */
function partsOf(value: string): string[] {
  return value.split(/[\s:,]+/).filter(({ length }) => length >= SECRET_PART_MIN);
}

/** Whether a method asks and does nothing. */
export function isSafe(method: string): boolean {
  return method === 'GET' || method === 'HEAD';
}
