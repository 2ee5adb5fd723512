import type { Config } from '../../config/settings.js';
import { isWalletError, WalletError } from '../../errors/walletError.js';
import type { Entitlement } from '../../ledger/books/entitlement.js';
import type { Payment } from '../../ledger/attempts/payment.js';
import type { SignedPayload } from '../../ledger/attempts/transition.js';
import { findNetwork, type Caip2 } from '../../money/network.js';
import { parseCallUrl } from '../../net/destination/url.js';
import { NetFailure } from '../../net/failure.js';
import type { EndpointAnswer } from '../../payment/challenge.js';
import type { SignedDeposit } from '../../rails/rail.js';
import { isStopped } from '../call/ownerRules.js';
import { changeKept, keptOf, signedOf } from '../entitlement/deposit.js';
import type { Engine } from '../engine.js';
import { settleAttempt } from './settlement.js';

/** A seller closes on the chain before it answers. */
const SELLER_MS_MAX = 30_000;
/** Bodies of these answers are of no interest: a challenge is in their head. */
const ANSWER_BYTES_MAX = 64 * 1024;
/** A seller may want one thing corrected: what it charged of the deposit in the end. */
const CORRECTED_TRIES = 2;
/** For a block's time that is behind the wall clock: what is asked too early only costs its fee. */
const GRACE_MARGIN_MS = 60_000;
/** So long after the rest was asked back it shows, or one of the two transactions never landed, and both are sent anew. */
const REST_SHOWS_MS = 10 * 60_000;
/** A request for the end shows by then, or it never was mined. */
const REQUEST_SHOWS_MS = 2 * 60_000;
const REST_IS_COMING = 'The rest was asked back; the chain settles that within minutes.';

/** What came of closing a deposit. */
export type DepositClosing =
  /** It is proved: what the payee had, and that the rest came back. */
  | { readonly kind: 'closed'; readonly deposit: Entitlement; readonly made: Payment }
  /** The seller, or the chain, was asked; its end is not settled for good yet. */
  | { readonly kind: 'closing'; readonly says: string }
  /** The chain closes it without its payee, from then on: ms since 1970. */
  | { readonly kind: 'waits'; readonly untilMs: number };

/**
 * Ends a deposit: its seller is asked to close it, which costs nothing; where it does not, the chain is, whose fee the address
 * pays, and which gives the payee its time to take what vouchers say. It is drawn on no more from here on. `onChain`:
 * whether the chain may be asked. Throws `rpc_unavailable`, `gas_missing`; `network_unreachable` never: an unreachable seller is one that does not close.
 */
export async function closeDeposit(
  engine: Engine,
  config: Config,
  deposit: Entitlement,
  { onChain, signal }: { readonly onChain: boolean; readonly signal: AbortSignal },
): Promise<DepositClosing> {
  const nowMs = engine.now();
  await changeKept(engine, deposit.id, ({ close_requested_ms }) => ({
    close_requested_ms: close_requested_ms ?? nowMs,
  }));
  const first = await stateOf(engine, deposit, signal);
  if (first.kind === 'closed') return first;
  const { rest_asked_ms } = keptOf((await engine.ledger.entitlements.find(deposit.id)) ?? deposit);
  if (rest_asked_ms !== undefined) {
    if (nowMs - rest_asked_ms < REST_SHOWS_MS) return { kind: 'closing', says: REST_IS_COMING };
    await changeKept(engine, deposit.id, () => ({ end_asked_ms: undefined, rest_asked_ms: undefined }));
  }
  const kept = keptOf((await engine.ledger.entitlements.find(deposit.id)) ?? deposit);
  const signed = await signedOf(engine, deposit);
  if (kept.end_asked_ms === undefined) {
    const isAsked = await askSeller(engine, config, deposit, signed, signal);
    // Also where its answer was lost: it may have closed it all the same.
    const after = await stateOf(engine, deposit, signal);
    if (after.kind === 'closed') return after;
    if (isAsked)
      return {
        kind: 'closing',
        says: 'The seller says that it closed it; the chain settles that within minutes.',
      };
    if (!onChain) return { kind: 'closing', says: 'The seller did not close it.' };
  }
  return endOnChain(engine, config, deposit, signed, signal);
}

/** Asks the chain about a deposit, and gives it as closed where that is proved. */
async function stateOf(
  engine: Engine,
  { id, paymentId }: Entitlement,
  signal: AbortSignal,
): Promise<Extract<DepositClosing, { kind: 'closed' }> | { readonly kind: 'open' }> {
  const row = await engine.ledger.findPayment(paymentId ?? '');
  if (row === null) throw new WalletError('internal', 'A deposit has no payment that made it.');
  await settleAttempt(engine, row, signal);
  const [made, deposit] = await Promise.all([
    engine.ledger.findPayment(row.id),
    engine.ledger.entitlements.find(id),
  ]);
  return made !== null && deposit !== null && deposit.state !== 'live'
    ? { kind: 'closed', made, deposit }
    : { kind: 'open' };
}

/** Asks the seller at the place that it was made at; true where it says that it closed it. */
async function askSeller(
  engine: Engine,
  config: Config,
  deposit: Entitlement,
  signed: SignedDeposit,
  signal: AbortSignal,
): Promise<boolean> {
  const made = await engine.ledger.findPayment(deposit.paymentId ?? '');
  const rail = made === null ? undefined : engine.rails.ofPayment(made)?.deposits;
  // Nothing of it was ever given: there is nothing that a seller could be shown.
  if (rail === undefined || signed.signedAtomic === 0n) return false;
  const { url: madeAt, method } = keptOf(deposit);
  try {
    const url = parseCallUrl(madeAt, { allowPrivate: config.net.allowPrivate });
    const options = {
      deadline: { connectMs: SELLER_MS_MAX, firstByteMs: SELLER_MS_MAX, wholeMs: SELLER_MS_MAX },
      ...{ signal, redirects: 'return' as const, bodyBytesMax: ANSWER_BYTES_MAX },
    };
    const send = async (by: string, payload: SignedPayload | null): Promise<EndpointAnswer> => {
      const signedHeaders =
        payload === null ? {} : { signed: { origin: url.origin, headers: [headerOf(payload)] } };
      const answer = await engine
        .net(config)
        .send({ method: by, url, headers: [], ...signedHeaders }, options);
      answer.discard();
      return { status: answer.status, headers: answer.headers, bodyText: '', requestUrl: url.url.href };
    };
    const ports = await engine.railPorts(config);
    const { asks, closes, triesMax } =
      rail.closesBy === 'call'
        ? { asks: [method], closes: method, triesMax: CORRECTED_TRIES }
        : { asks: ['HEAD', 'POST'], closes: 'POST', triesMax: 1 };
    for (const by of asks) {
      let answer = await send(by, null);
      for (let tries = 0; tries < triesMax; tries++) {
        const payload = await rail.close(ports, { answer, deposit: signed });
        if (payload === null) break;
        answer = await send(closes, payload);
        if (answer.status >= 200 && answer.status < 300) return true;
        if (tries === triesMax - 1) return false;
      }
    }
    return false;
  } catch (error) {
    if (error instanceof NetFailure || isWalletError(error)) return false;
    throw error;
  }
}

function headerOf({ name, value }: SignedPayload): readonly [string, string] {
  return [name.toLowerCase(), value];
}

async function endOnChain(
  engine: Engine,
  config: Config,
  deposit: Entitlement,
  signed: SignedDeposit,
  signal: AbortSignal,
): Promise<DepositClosing> {
  const kept = keptOf((await engine.ledger.entitlements.find(deposit.id)) ?? deposit);
  const network = findNetwork(kept.network as Caip2);
  const made = await engine.ledger.findPayment(deposit.paymentId ?? '');
  const rail = made === null ? undefined : engine.rails.ofPayment(made)?.deposits;
  if ((network?.family !== 'tempo' && network?.family !== 'evm') || rail === undefined)
    throw new WalletError('internal', 'A deposit is on a network that is no row.');
  const nowMs = engine.now();
  const waitMs = rail.withdrawDelaySec(signed) * 1000 + GRACE_MARGIN_MS;
  const ports = await engine.railPorts(config);
  const askedMs = kept.end_asked_ms ?? null;
  // What its payee took at that moment makes the request void, and nothing would come back by waiting.
  const isAsked =
    askedMs !== null &&
    (nowMs - askedMs < REQUEST_SHOWS_MS || (await rail.isEndAsked?.(ports, signed)) !== false);
  if (isAsked && nowMs < askedMs + waitMs) return { kind: 'waits', untilMs: askedMs + waitMs };
  const step = isAsked ? 'withdraw' : 'request_close';
  const bytes = await rail.signEnd(ports, signed, step);
  const tx = await engine.chain(config, network).send(bytes, signal);
  await changeKept(engine, deposit.id, ({ end_asked_ms, end_txs = [] }) => ({
    ...{ end_asked_ms: step === 'withdraw' ? (end_asked_ms ?? nowMs) : nowMs, end_txs: [...end_txs, tx] },
    ...(step === 'withdraw' ? { rest_asked_ms: nowMs } : {}),
  }));
  if (step === 'request_close') return { kind: 'waits', untilMs: nowMs + waitMs };
  const after = await stateOf(engine, deposit, signal);
  return after.kind === 'closed' ? after : { kind: 'closing', says: REST_IS_COMING };
}

/** The deposits of an agent whose time is over, or that were to be closed: their sellers are asked to close them. */
export async function closeExpired(engine: Engine, signal: AbortSignal): Promise<void> {
  const { entitlements } = engine.ledger;
  const live = await entitlements.list({ agent: engine.agent, isLive: true }, 1_000);
  const nowMs = engine.now();
  const over = live.filter(
    (one) =>
      one.kind === 'channel' && one.expiresMs !== null && one.expiresMs <= nowMs && !keptOf(one).opening,
  );
  // What is frozen signs and sends nothing by itself; the owner's own command does.
  if (over.length === 0 || (await isStopped(engine, { agent: engine.agent, budgetPath: null }))) return;
  const config = await engine.config();
  for (const deposit of over) {
    if (signal.aborted) return;
    const asked = keptOf(deposit).close_requested_ms ?? 0;
    // A seller that did not close it is asked again once an hour; asking the chain is the owner's, whom it costs a fee.
    if (nowMs - asked < ASK_AGAIN_MS) continue;
    await changeKept(engine, deposit.id, () => ({ close_requested_ms: nowMs }));
    await closeDeposit(engine, config, deposit, { onChain: false, signal }).catch((error: unknown) => {
      if (!isWalletError(error)) throw error;
    });
  }
}

const ASK_AGAIN_MS = 3_600_000;
