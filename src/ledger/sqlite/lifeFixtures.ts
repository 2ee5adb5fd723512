import type { LandingProof } from '../attempts/transition.js';
import { captured, captureFacts, held, sent, T0 } from './fixtures.js';
import type { Ledger } from '../ledger.js';
import type { Payment } from '../attempts/payment.js';

/** A payment in each place of its life. */
export const PLACES = {
  held: (ledger: Ledger) => held(ledger),
  signed: async (ledger: Ledger) => {
    const { id } = await held(ledger);
    return done(await ledger.recordSigned(id, { name: 'X-PAYMENT', value: 'bytes' }, T0));
  },
  sent: (ledger: Ledger) => sent(ledger),
  unknown: async (ledger: Ledger) => done(await ledger.markUnknown((await sent(ledger)).id, 'timeout', T0)),
  captured: (ledger: Ledger) => captured(ledger),
  confirmed: (ledger: Ledger) => captured(ledger, {}, { confirmed: true, chainMs: T0 }),
  released: async (ledger: Ledger) => done(await ledger.release((await held(ledger)).id, 'never_signed', T0)),
} satisfies Record<string, (ledger: Ledger) => Promise<Payment>>;

/** A state, where a capture that the chain confirmed is one of its own. */
export type Place = keyof typeof PLACES;

/** Every way to move a payment on. */
export const MOVES = {
  recordSigned: (ledger: Ledger, { id }: Payment) =>
    ledger.recordSigned(id, { name: 'X-PAYMENT', value: 'new' }, T0),
  markSent: (ledger: Ledger, { id }: Payment) =>
    ledger.markSent(id, { configVersion: 1, capLines: [], nowMs: T0 }),
  markUnknown: (ledger: Ledger, { id }: Payment) => ledger.markUnknown(id, 'reset', T0),
  captureClaimed: (ledger: Ledger, payment: Payment) => ledger.capture(payment.id, captureFacts(payment), T0),
  captureConfirmed: (ledger: Ledger, payment: Payment) =>
    ledger.capture(payment.id, captureFacts(payment, { confirmed: true, chainMs: T0 }), T0),
  releaseNeverSigned: (ledger: Ledger, { id }: Payment) => ledger.release(id, 'never_signed', T0),
  releaseUnused: (ledger: Ledger, { id }: Payment) => ledger.release(id, 'expired_unused', T0),
  releaseFalse: (ledger: Ledger, { id }: Payment) => ledger.release(id, 'receipt_false', T0),
  recaptureShown: (ledger: Ledger, payment: Payment) => ledger.recapture(payment.id, landing(payment), T0),
  recaptureSettled: (ledger: Ledger, payment: Payment) =>
    ledger.recapture(payment.id, landing(payment, true), T0),
  releaseUndone: (ledger: Ledger, { id }: Payment) => ledger.release(id, 'capture_undone', T0),
};

/** A way of {@link MOVES}. */
export type Move = keyof typeof MOVES;

/** docs/design.md, "The life of a payment": where each move leads from each place. What is absent is refused. */
export const LIFE: Record<Place, Partial<Record<Move, Place>>> = {
  held: { recordSigned: 'signed', releaseNeverSigned: 'released', releaseUnused: 'released' },
  signed: { markSent: 'sent', captureConfirmed: 'confirmed', releaseUnused: 'released' },
  sent: {
    markUnknown: 'unknown',
    captureClaimed: 'captured',
    captureConfirmed: 'confirmed',
    releaseUnused: 'released',
  },
  unknown: {
    markSent: 'sent',
    markUnknown: 'unknown',
    captureClaimed: 'captured',
    captureConfirmed: 'confirmed',
    releaseUnused: 'released',
  },
  captured: { captureConfirmed: 'confirmed', releaseFalse: 'released', releaseUndone: 'released' },
  confirmed: {},
  released: { recaptureShown: 'captured', recaptureSettled: 'confirmed' },
};

/** What the chain shows of a payment that landed. */
function landing({ heldAtomic, heldUsdMicros }: Payment, confirmed = false): LandingProof {
  return { capturedAtomic: heldAtomic, capturedUsdMicros: heldUsdMicros, tx: '0xtx', confirmed, chainMs: T0 };
}

/** The payment of a move that must have been made. */
export function done(result: Awaited<ReturnType<Ledger['markSent']>>): Payment {
  if (result.kind !== 'done') throw new Error(`Ended as ${result.kind}`);
  return result.attempt;
}

/** Where a payment stands. */
export function placeOf({ state, confirmed }: Payment): Place {
  return state === 'captured' && confirmed ? 'confirmed' : state;
}

/** Whether money can still move from there. */
export function isOpen(place: Place): boolean {
  return ['held', 'signed', 'sent', 'unknown'].includes(place);
}
