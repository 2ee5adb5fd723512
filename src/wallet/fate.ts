import type { Fate } from '../chain/chain.js';
import { isWithdrawal, toWallMs, type Payment } from '../ledger/payment.js';
import { WalletError } from '../errors/walletError.js';
import { findNetwork, type Caip2 } from '../money/network.js';
import { findAsset, toUsdMicros, type Asset } from '../money/asset.js';
import type { Engine } from './engine.js';
import { heldUntilMs } from './answer/outcome.js';
import { withdrawalRailOf } from '../rails/table.js';

/** What became of looking after one payment, in words a person can check. */
export interface FateVerdict {
  readonly payment: Payment;
  readonly verdict:
    | 'captured'
    | 'confirmed'
    | 'released'
    | 'receipt_false'
    /** It had been released, and landed all the same. */
    | 'recaptured'
    | 'waits'
    | 'final';
  /** One sentence on why. */
  readonly says: string;
  /**
   * When its end can be proved, ms since 1970; null where the payment is final. That it was taken can show sooner.
   */
  readonly retryAtMs: number | null;
  /** True where the chain showed the authorization unused and it has not expired. */
  readonly stillValid: boolean;
}

/** An unused authorization is sent again only with this much of its life left, or the seller cannot settle it. */
const RESEND_MARGIN_SEC = 5;
/** Where nothing is known of when to ask again. */
const ASK_AGAIN_MS = 30_000;

/** What a look at a payment's fate needs of an open wallet. */
export type FatePlace = Pick<Engine, 'ledger' | 'funds' | 'now' | 'config' | 'chainOf' | 'rails'>;

/** Asks the chain about a payment's nonce. Never throws for a fault of an RPC. */
export async function askChain(engine: FatePlace, payment: Payment, signal: AbortSignal): Promise<Fate> {
  const chain = engine.chainOf(engine.config(), payment.network);
  const query = await settlementQuery(engine, payment);
  if (chain === null || query === null) {
    return {
      kind: 'unknowable',
      why: 'network_unknown',
      retryAtSec: Math.ceil((engine.now() + ASK_AGAIN_MS) / 1000),
    };
  }
  return chain.fateOf(query, signal);
}

function settlementQuery(engine: Pick<Engine, 'rails'>, payment: Payment) {
  if (!isWithdrawal(payment))
    return engine.rails.ofPayment(payment)?.settlementQuery(payment) ?? Promise.resolve(null);
  const network = findNetwork(payment.network as Caip2);
  return network === undefined ? Promise.resolve(null) : withdrawalRailOf(network).settlementQuery(payment);
}

/**
 * Settles what the chain can settle about one payment that nobody is driving. The chain is the judge: a timer alone
 * frees nothing, nor does a seller's word.
 */
export async function settleFate(
  engine: FatePlace,
  payment: Payment,
  signal: AbortSignal,
): Promise<FateVerdict> {
  const neverSigned = payment.state === 'released' && payment.payload === null;
  if (neverSigned || (payment.state === 'captured' && payment.confirmed)) {
    return { payment, verdict: 'final', says: 'Its fate is known.', retryAtMs: null, stillValid: false };
  }
  const fate = await askChain(engine, payment, signal);
  if (payment.state === 'released') return lookAgain(engine, payment, fate);
  if (fate.kind === 'captured') return recordCapture(engine, payment, fate);
  if (fate.kind === 'released') return recordRelease(engine, payment, proofOf(fate));
  const retryAtMs = fate.retryAtSec * 1000;
  const nowSec = engine.now() / 1000;
  const inTime = payment.validBeforeSec - RESEND_MARGIN_SEC > nowSec;
  const stillValid = fate.kind === 'open' && (fate.live ?? inTime);
  return { payment, verdict: 'waits', says: waitingSentence(payment, fate, nowSec), retryAtMs, stillValid };
}

/** A payment that was released is looked at until a proof this long after it says the same: see {@link watchReleased}. */
const WATCH_MS = 3_600_000;
/** Where no proof can be had, it is looked at no longer than the longest cap counts. */
const WATCH_MS_MAX = 30 * 24 * 3_600_000;

/** T32: whatever released a payment may have been false. The chain is believed where it shows that it landed. */
async function lookAgain(engine: FatePlace, payment: Payment, fate: Fate): Promise<FateVerdict> {
  if (fate.kind === 'captured') return recordLanding(engine, payment, fate);
  const ageMs = engine.now() - toWallMs(payment, payment.changedMs);
  const isProved = fate.kind === 'released';
  const isOver = (isProved && ageMs >= WATCH_MS) || ageMs >= WATCH_MS_MAX;
  if (isOver) await engine.ledger.endWatch(payment.id);
  const why = fate.kind === 'unknowable' ? ` ${fate.says ?? UNKNOWABLE[fate.why] ?? ''}`.trimEnd() : '';
  return {
    payment,
    verdict: 'final',
    says: isProved
      ? `It can never settle: ${proofOf(fate)}.`
      : `It was released by a proof, and the chain does not show it.${why}`,
    retryAtMs: isOver ? null : engine.now() + WATCH_MS,
    stillValid: false,
  };
}

async function recordLanding(
  engine: FatePlace,
  payment: Payment,
  fate: Extract<Fate, { kind: 'captured' }>,
): Promise<FateVerdict> {
  const proof = {
    capturedAtomic: fate.amountAtomic,
    capturedUsdMicros: toUsdMicros(assetOf(payment), fate.amountAtomic),
    tx: fate.tx,
    confirmed: fate.final,
    chainMs: fate.blockTimeMs,
  };
  const { payment: after } = await engine.ledger.recapture(payment.id, proof, engine.now());
  return {
    payment: after,
    verdict: 'recaptured',
    says: `It had been released, and the chain shows the transfer in ${fate.tx}: it counts as paid again.`,
    retryAtMs: null,
    stillValid: false,
  };
}

function assetOf(payment: Payment): Asset {
  const asset = findAsset(payment.network as Caip2, payment.asset);
  if (asset === undefined) throw new WalletError('internal', 'A payment is in an asset the table lost.');
  return asset;
}

async function recordCapture(
  engine: FatePlace,
  payment: Payment,
  fate: Extract<Fate, { kind: 'captured' }>,
): Promise<FateVerdict> {
  const asset = assetOf(payment);
  const was = payment.state;
  const { payment: after } = await engine.ledger.capture(
    payment.id,
    {
      capturedAtomic: fate.amountAtomic,
      capturedUsdMicros: toUsdMicros(asset, fate.amountAtomic),
      tx: fate.tx,
      receipt: null,
      confirmed: true,
      chainMs: fate.blockTimeMs,
    },
    engine.now(),
  );
  if (was !== 'captured') engine.funds.spent(payment);
  return {
    payment: after,
    verdict: was === 'captured' ? 'confirmed' : 'captured',
    says: `The chain shows the transfer in ${fate.tx}.`,
    retryAtMs: null,
    stillValid: false,
  };
}

function proofOf(fate: Extract<Fate, { kind: 'released' }>): string {
  if ('says' in fate) return fate.says;
  return `a safe block of ${new Date(fate.blockTimeSec * 1000).toISOString()} is past its expiry and shows it unused`;
}

async function recordRelease(engine: FatePlace, payment: Payment, proof: string): Promise<FateVerdict> {
  const wasClaimed = payment.state === 'captured';
  const note = wasClaimed ? 'receipt_false' : 'expired_unused';
  const { payment: after } = await engine.ledger.release(payment.id, note, engine.now());
  return {
    payment: after,
    verdict: wasClaimed ? 'receipt_false' : 'released',
    says: wasClaimed
      ? `The seller claimed a settlement that never was: ${proof}.`
      : `It can never settle: ${proof}.`,
    retryAtMs: null,
    stillValid: false,
  };
}

const UNKNOWABLE: Readonly<Record<string, string>> = {
  rpc_down: 'The RPC does not answer, so nothing about it is known.',
  rpc_disagree: 'Two RPC operators disagree about it, so neither is believed.',
};

function waitingSentence(payment: Payment, fate: Fate, nowSec: number): string {
  if (fate.kind === 'unknowable') {
    const why = fate.says ?? UNKNOWABLE[fate.why] ?? 'The chain cannot say what became of it.';
    return `${why} The amount stays held.`;
  }
  if (payment.state === 'captured') return 'The seller says it settled; the chain does not show it yet.';
  const until = new Date(heldUntilMs(payment)).toISOString();
  return (fate.kind === 'open' && fate.live !== undefined ? fate.live : payment.validBeforeSec > nowSec)
    ? `The chain shows it unused and it can still settle; if it never does, the amount is free again at about ${until}.`
    : `It has expired; the amount is free again when a settled block proves it unused, at about ${until}.`;
}
