import type { Settlement } from '../../chain/chain.js';
import type { OwnerStep } from '../../errors/ownerAction.js';
import { WalletError } from '../../errors/walletError.js';
import { isLive, toWallMs } from '../../ledger/attempts/attempt.js';
import type { AttemptControl } from '../../ledger/ledger.js';
import type { AnyAttempt } from '../../ledger/attempts/withdrawal.js';
import { findAsset, toUsdMicros } from '../../money/asset.js';
import { shareOfHold } from '../../money/bitcoin.js';
import type { AtomicAmount, UsdMicros } from '../../money/unit.js';
import { findNetwork, type Caip2 } from '../../money/network.js';
import type { Engine } from '../engine.js';
import { heldUntilMs } from '../answer/outcome.js';
import { withdrawalRailOf } from '../../rails/table.js';
import { isCharged, isCommitment, isDrawn } from '../../protocols/protocol.js';
import { commitmentBehind, noteCommitment } from './commitment.js';
import { LOOK_MS_MAX } from '../../ledger/attempts/observation.js';
import type { Payment } from '../../ledger/attempts/payment.js';
import { depositOf } from '../entitlement/deposit.js';
import { depositBehind, noteDeposit, noteDepositEnd } from './depositEnd.js';
import { stopOvercharger } from '../lightningStop.js';
import { openReason, wayOut, type OpenReason } from './wayOut.js';
import { Witnesses } from './witness.js';

/** What became of looking after one attempt, in words a person can check. */
export interface SettlementVerdict<A extends AnyAttempt = AnyAttempt> {
  readonly attempt: A;
  readonly verdict:
    | 'captured'
    | 'confirmed'
    | 'released'
    | 'receipt_false'
    /** It had been released, and landed all the same. */
    | 'recaptured'
    | 'waits'
    | 'final';
  /** One sentence for a person on what became of it. */
  readonly message: string;
  /**
   * When its end can be proved, ms since 1970; null where the payment is final. That it was taken can show sooner.
   */
  readonly retryAtMs: number | null;
  /** True where the chain showed the authorization unused and it has not expired. */
  readonly stillValid: boolean;
  /** The stable word for why it is still open, where that is not just a matter of time; null for all else. */
  readonly openReason: OpenReason | null;
  /** What the owner can do about that. */
  readonly owner: OwnerStep | null;
}

/** The ledger's steps for the kind of an attempt. */
export function controlOf<A extends AnyAttempt>(
  { ledger }: Pick<Engine, 'ledger'>,
  { kind }: A,
): AttemptControl<A> {
  const control: unknown = kind === 'payment' ? ledger : ledger.withdrawals;
  return control as AttemptControl<A>;
}

/** An unused authorization is sent again only with this much of its life left, or the seller cannot settle it. */
const RESEND_MARGIN_SEC = 5;
/** Where nothing is known of when to ask again. */
const ASK_AGAIN_MS = 30_000;

/** What a look at a payment's end needs of an open wallet. */
export type SettlementPlace = Pick<
  Engine,
  'keys' | 'ledger' | 'funds' | 'now' | 'config' | 'chainOf' | 'rails'
>;

/** Asks the chain about a payment's nonce. Never throws for a fault of an RPC. */
export async function askChain(
  engine: SettlementPlace,
  attempt: AnyAttempt,
  signal: AbortSignal,
): Promise<Settlement> {
  const chain = engine.chainOf(await engine.config(), attempt.network);
  const query = await settlementQuery(engine, attempt);
  if (chain === null || query === null) {
    return {
      kind: 'unknowable',
      reason: 'network_unknown',
      retryAtSec: Math.ceil((engine.now() + ASK_AGAIN_MS) / 1000),
    };
  }
  const witnesses = await Witnesses.of(engine, attempt);
  const marks = [...(query.marks ?? []), ...witnesses.lateMarks];
  const settlement = await chain.settlementOf({ ...query, marks }, signal, witnesses);
  // T32: whoever looks at it again after a release reads the history anew.
  if (settlement.kind === 'released') witnesses.forget();
  if (settlement.kind !== 'captured') await witnesses.save();
  return settlement;
}

function settlementQuery(engine: Pick<Engine, 'rails'>, attempt: AnyAttempt) {
  if (attempt.kind === 'payment')
    return engine.rails.ofPayment(attempt)?.settlementQuery(attempt) ?? Promise.resolve(null);
  const network = findNetwork(attempt.network as Caip2);
  return network === undefined ? Promise.resolve(null) : withdrawalRailOf(network).settlementQuery(attempt);
}

/**
 * Settles what the chain can settle about one payment that nobody is driving. The chain is the judge: a timer alone
 * frees nothing, nor does a seller's word.
 */
export async function settleAttempt<A extends AnyAttempt>(
  engine: SettlementPlace,
  attempt: A,
  signal: AbortSignal,
): Promise<SettlementVerdict<A>> {
  const neverSigned = attempt.state === 'released' && attempt.payload === null;
  if (neverSigned || (attempt.state === 'captured' && attempt.confirmed))
    return closed(attempt, 'final', 'Its end is known.');
  if (attempt.kind === 'payment' && isDrawn(attempt))
    return (await settleDrawn(engine, attempt, signal)) as SettlementVerdict<A>;
  if (attempt.kind === 'payment' && isCharged(attempt))
    return (await settleCharged(engine, attempt, signal)) as SettlementVerdict<A>;
  const settlement = await askChain(engine, attempt, signal);
  // What was taken by a promise is written down before its end is, which frees its rate.
  await noteCommitment(engine, attempt, settlement);
  const verdict = await recordSettlement(engine, attempt, settlement);
  await noteDeposit(engine, attempt, settlement);
  return verdict;
}

async function recordSettlement<A extends AnyAttempt>(
  engine: SettlementPlace,
  attempt: A,
  settlement: Settlement,
): Promise<SettlementVerdict<A>> {
  if (attempt.state === 'released') return lookAgain(engine, attempt, settlement);
  if (settlement.kind === 'captured') return recordCapture(engine, attempt, settlement);
  if (settlement.kind === 'released') return recordRelease(engine, attempt, proofOf(settlement, attempt));
  const nowSec = engine.now() / 1000;
  const inTime = attempt.validBeforeSec - RESEND_MARGIN_SEC > nowSec;
  return {
    ...waiting(engine, attempt, settlement, waitingSentence(attempt, settlement, nowSec)),
    retryAtMs: settlement.retryAtSec * 1000,
    stillValid: settlement.kind === 'open' && (settlement.live ?? inTime),
  };
}

/**
 * Looks after a payment out of a deposit. The chain knows of the deposit alone: once that is closed, each payment out of it
 * ends by its own share. Until then its voucher is good, and can be shown again.
 */
async function settleDrawn(
  engine: SettlementPlace,
  attempt: Payment,
  signal: AbortSignal,
): Promise<SettlementVerdict<Payment>> {
  const behind = await depositBehind(engine, attempt);
  // Where its seller answered, how it stands is the deposit's own look's to find out.
  if (behind !== null && attempt.state === 'unknown' && isLive(behind.made.state))
    await settleAttempt(engine, behind.made, signal);
  else if (behind !== null) await noteDepositEnd(engine, behind.deposit, behind.made);
  const now = (await engine.ledger.findPayment(attempt.id)) ?? attempt;
  if (now.state === 'released')
    return closed(now, 'released', 'Its deposit is closed, and nothing was taken for it.');
  if (now.state === 'captured' && now.confirmed)
    return closed(now, 'confirmed', 'Its deposit is closed, and it was taken out of that.');
  const deposit = await depositOf(engine, now);
  const isUsable = deposit?.state === 'live' && (deposit.expiresMs ?? 0) > engine.now();
  return {
    attempt: now,
    verdict: 'waits',
    message: 'It is paid out of a deposit, and is final once that is closed.',
    retryAtMs: engine.now() + LOOK_MS_MAX,
    stillValid: isUsable && now.state === 'unknown',
    openReason: null,
    owner: null,
  };
}

/** Looks after what was taken by a promise: the chain is asked about that, and shows every charge of it. */
async function settleCharged(
  engine: SettlementPlace,
  attempt: Payment,
  signal: AbortSignal,
): Promise<SettlementVerdict<Payment>> {
  const promise = await commitmentBehind(engine, attempt);
  if (promise !== null && isLive(promise.state) && promise.payload !== null)
    await settleAttempt(engine, promise, signal);
  const now = (await engine.ledger.findPayment(attempt.id)) ?? attempt;
  if (now.state === 'released')
    return closed(now, 'released', 'Its subscription has ended, and nothing was taken for it.');
  if (now.state === 'captured' && now.confirmed)
    return closed(now, 'confirmed', `The chain shows it taken by its subscription, in ${now.tx ?? ''}.`);
  return {
    attempt: now,
    verdict: 'waits',
    message: 'It is taken by a subscription, and the chain does not show it for good yet.',
    retryAtMs: engine.now() + ASK_AGAIN_MS,
    stillValid: false,
    openReason: null,
    owner: null,
  };
}

/** The verdict on a payment whose end is known. */
export function closed<A extends AnyAttempt>(
  attempt: A,
  verdict: SettlementVerdict['verdict'],
  message: string,
): SettlementVerdict<A> {
  return {
    attempt,
    verdict,
    message,
    retryAtMs: null,
    stillValid: false,
    openReason: null,
    owner: null,
  };
}

function waiting<A extends AnyAttempt>(
  engine: SettlementPlace,
  attempt: A,
  settlement: Extract<Settlement, { kind: 'open' | 'unknowable' | 'captured' }>,
  message: string,
): SettlementVerdict<A> {
  const reason = openReason(attempt, settlement, engine.now());
  const owner = reason === null ? null : wayOut(reason, attempt, engine.now());
  const retryAtMs = engine.now() + ASK_AGAIN_MS;
  return { attempt, verdict: 'waits', message, retryAtMs, stillValid: false, openReason: reason, owner };
}

/** A payment that was released is looked at until a proof this long after it says the same: see {@link watchReleased}. */
const WATCH_MS = 3_600_000;
/** Where no proof can be had, it is looked at no longer than the longest cap counts. */
const WATCH_MS_MAX = 30 * 24 * 3_600_000;

/** T32: whatever released a payment may have been false. The chain is believed where it shows that it landed. */
async function lookAgain<A extends AnyAttempt>(
  engine: SettlementPlace,
  attempt: A,
  settlement: Settlement,
): Promise<SettlementVerdict<A>> {
  if (settlement.kind === 'captured') return recordLanding(engine, attempt, settlement);
  // A deposit that was released and is there all the same: all of it may be taken, until it is closed.
  if (settlement.kind === 'open' && settlement.isDeposited === true)
    return recordLanding(engine, attempt, {
      ...({ kind: 'captured', tx: null, amountAtomic: attempt.heldAtomic, final: false } as const),
      blockTimeMs: engine.now(),
    });
  const ageMs = engine.now() - toWallMs(attempt, attempt.changedMs);
  const isProved = settlement.kind === 'released';
  const isOver = (isProved && ageMs >= WATCH_MS) || ageMs >= WATCH_MS_MAX;
  if (isOver) await engine.ledger.endWatch(attempt.id);
  const why =
    settlement.kind === 'unknowable'
      ? ` ${settlement.message ?? UNKNOWABLE[settlement.reason] ?? ''}`.trimEnd()
      : '';
  const says = isProved
    ? `It can never settle: ${proofOf(settlement, attempt)}.`
    : `It was released by a proof, and the chain does not show it.${why}`;
  return { ...closed(attempt, 'final', says), retryAtMs: isOver ? null : engine.now() + WATCH_MS };
}

async function recordLanding<A extends AnyAttempt>(
  engine: SettlementPlace,
  attempt: A,
  settlement: Extract<Settlement, { kind: 'captured' }>,
): Promise<SettlementVerdict<A>> {
  const proof = {
    capturedAtomic: settlement.amountAtomic,
    capturedUsdMicros: usdMicrosOf(attempt, settlement.amountAtomic),
    tx: settlement.tx,
    confirmed: settlement.final,
    chainMs: settlement.blockTimeMs,
    ...excess(attempt),
  };
  await stopOvercharger(engine.keys, attempt, settlement.amountAtomic);
  const { attempt: after } = await controlOf(engine, attempt).recapture(attempt.id, proof, engine.now());
  const says = `It had been released, and ${shownBy(settlement)}: it counts as paid again.`;
  return closed(after, 'recaptured', says);
}

/** Dollars of what a payment moved: bitcoin by the rate that its hold was counted by. */
function usdMicrosOf(
  { network, asset, heldAtomic, heldUsdMicros }: AnyAttempt,
  amountAtomic: AtomicAmount,
): UsdMicros {
  const row = findAsset(network as Caip2, asset);
  if (row === undefined) throw new WalletError('internal', 'A payment is in an asset the table lost.');
  return row.family === 'lightning'
    ? shareOfHold({ atomic: heldAtomic, usdMicros: heldUsdMicros }, amountAtomic)
    : toUsdMicros(row, amountAtomic);
}

/** The owner's own wallet tells what left it, which nothing but that wallet bounds. */
function excess({ network }: AnyAttempt): { readonly mayExceedHold?: true } {
  return findNetwork(network)?.family === 'lightning' ? { mayExceedHold: true } : {};
}

async function recordCapture<A extends AnyAttempt>(
  engine: SettlementPlace,
  attempt: A,
  settlement: Extract<Settlement, { kind: 'captured' }>,
): Promise<SettlementVerdict<A>> {
  const wasCaptured = attempt.state === 'captured';
  await stopOvercharger(engine.keys, attempt, settlement.amountAtomic);
  const captured = await controlOf(engine, attempt).capture(
    attempt.id,
    {
      capturedAtomic: settlement.amountAtomic,
      capturedUsdMicros: usdMicrosOf(attempt, settlement.amountAtomic),
      tx: settlement.tx,
      receipt:
        settlement.takenAtomic === undefined
          ? null
          : JSON.stringify({ settled_atomic: settlement.takenAtomic.toString() }),
      // What is shown at a newer block may be undone, or a lie, whoever named the RPC.
      confirmed: settlement.final,
      chainMs: settlement.blockTimeMs,
      ...excess(attempt),
    },
    engine.now(),
  );
  const { attempt: after } = captured;
  // What the owner took out, the ledger itself takes off a reading that is older.
  if (captured.kind === 'done' && !wasCaptured && attempt.kind === 'payment') engine.funds.spent(attempt);
  const says = `T${shownBy(settlement).slice(1)}`;
  if (settlement.final) return closed(after, wasCaptured ? 'confirmed' : 'captured', `${says}.`);
  const open = waiting(engine, after, settlement, `${says}; that is not settled for good yet.`);
  return captured.kind === 'done' ? { ...open, verdict: 'captured' } : open;
}

function shownBy({ tx }: Extract<Settlement, { kind: 'captured' }>): string {
  return tx === null
    ? 'the chain shows its authorization used, which only this payment can'
    : `the chain shows the transfer in ${tx}`;
}

function proofOf(settlement: Extract<Settlement, { kind: 'released' }>, attempt: AnyAttempt): string {
  if ('summary' in settlement) return settlement.summary;
  if (attempt.kind === 'payment' && isCommitment(attempt))
    return `a settled block of ${new Date(settlement.blockTimeSec * 1000).toISOString()} shows that its subscription has ended`;
  return `a safe block of ${new Date(settlement.blockTimeSec * 1000).toISOString()} is past its expiry and shows it unused`;
}

async function recordRelease<A extends AnyAttempt>(
  engine: SettlementPlace,
  attempt: A,
  proof: string,
): Promise<SettlementVerdict<A>> {
  const isLie = isClaimed(attempt);
  const undone = isLie ? 'receipt_false' : 'capture_undone';
  const note = attempt.state === 'captured' ? undone : 'expired_unused';
  const { attempt: after } = await controlOf(engine, attempt).release(attempt.id, note, engine.now());
  // Another process was first, and found out what came meanwhile.
  if (after.state !== 'released') return closed(after, 'final', 'Its end is known.');
  return isLie
    ? closed(after, 'receipt_false', `The seller claimed a settlement that never was: ${proof}.`)
    : closed(after, 'released', `It can never settle: ${proof}.`);
}

/** Whether a capture rests on the seller's word; else it was one operator that showed it, and a block may be undone. */
function isClaimed({ state, receipt }: AnyAttempt): boolean {
  return (
    state === 'captured' &&
    receipt !== null &&
    (JSON.parse(receipt) as { success?: boolean }).success === true
  );
}

const UNKNOWABLE: Readonly<Record<string, string>> = {
  rpc_down: 'The RPC does not answer, so nothing about it is known.',
  rpc_disagree: 'Two RPC operators disagree about it, so neither is believed.',
};

function waitingSentence(
  attempt: AnyAttempt,
  settlement: Extract<Settlement, { kind: 'open' | 'unknowable' }>,
  nowSec: number,
): string {
  if (settlement.kind === 'unknowable') {
    const why =
      settlement.message ?? UNKNOWABLE[settlement.reason] ?? 'The chain cannot say what became of it.';
    return attempt.state === 'captured'
      ? `${why} The amount counts as paid.`
      : `${why} The amount stays held.`;
  }
  if (attempt.state === 'captured')
    return isClaimed(attempt)
      ? 'The seller says it settled; the chain does not show it yet.'
      : 'One RPC operator showed it paid; that is not settled for good yet.';
  if (settlement.promise !== undefined)
    return 'The subscription goes on, and counts by its rate until the chain shows that it has ended.';
  if (settlement.isDeposited === true)
    return 'The deposit is made, and counts in full until it is closed; what was not taken of it comes back then.';
  const until = new Date(heldUntilMs(attempt)).toISOString();
  return (settlement.live ?? attempt.validBeforeSec > nowSec)
    ? `The chain shows it unused and it can still settle; if it never does, the amount is free again at about ${until}.`
    : `It has expired; the amount is free again when a settled block proves it unused, at about ${until}.`;
}
