import type { CapLine } from '../../../money/cap.js';
import type { UsdMicros } from '../../../money/unit.js';
import { chargesWithin, readCommitmentNonce, type Recurrence } from '../../../payment/commitment.js';
import { COMMITMENT_WAYS } from '../../../protocols/protocol.js';
import { isLive, LIVE_STATES, openedWallMs } from '../../attempts/attempt.js';
import type { CountedLine } from '../../attempts/hold.js';
import { changedBehind } from '../../fault.js';
import { statement } from '../file/database.js';
import type { LedgerContext } from '../file/context.js';
import type { JournalHead } from '../journal/journal.js';
import type { AttemptRow, SqlRow } from './paymentColumns.js';
import { currentPayment } from './paymentRow.js';
import { COMMITMENTS, placesOf, scopeKey } from './totals.js';

/** States of what can still move money, for a question of SQL. */
export const LIVE = LIVE_STATES.map((state) => `'${state}'`).join();
/** Every row that is a promise. */
export const WAYS_OF_COMMITMENTS = COMMITMENT_WAYS.map(
  ({ protocol, scheme }) => `(protocol = '${protocol}' AND scheme = '${scheme}')`,
).join(' OR ');

/** A promise that has not ended, with what was taken by it. */
export interface OpenCommitment {
  readonly row: AttemptRow;
  readonly recurrence: Recurrence;
  readonly charges: readonly AttemptRow[];
  /** Every total that it and its charges are part of. */
  readonly places: ReadonlySet<string>;
}

/** Every promise that has not ended. Throws `ledger_damaged` where one of them is gone from behind the register. */
export function openCommitments(context: LedgerContext, head: JournalHead): OpenCommitment[] {
  const known = context.totals.live(head.register, COMMITMENTS);
  // Most wallets have none, and their calls do not wait for a look.
  if (known === 0n) return [];
  const select = `SELECT * FROM payments WHERE state IN (${LIVE}) AND (${WAYS_OF_COMMITMENTS})`;
  const rows = (statement(context.db, select).all() as SqlRow[]).map((row) =>
    currentPayment(context, head, row),
  );
  if (rows.reduce((sum, { heldUsdMicros }) => sum + heldUsdMicros, 0n) !== known)
    throw changedBehind('The open commitments are not those that the register knows.');
  return rows.map((row) => ({
    row,
    recurrence: recurrenceOf(row),
    charges: chargesOf(context, head, row),
    places: new Set(placesOf({ ...row, scheme: CHARGED }).map(({ key }) => key)),
  }));
}

/** The places of a promise are those of an ordinary payment: only the promise itself is kept apart. */
const CHARGED = 'subscription';

/** When a promise's money can be taken. */
export function recurrenceOf(row: AttemptRow): Recurrence {
  const { periodSec } = readCommitmentNonce(row.nonce);
  return { periodSec, fromSec: Math.floor(openedWallMs(row) / 1000), endsSec: row.validBeforeSec };
}

function chargesOf(context: LedgerContext, head: JournalHead, row: AttemptRow): AttemptRow[] {
  const { subject } = readCommitmentNonce(row.nonce);
  const rows = statement(
    context.db,
    `SELECT * FROM payments WHERE network = ? AND pay_from = ? AND nonce > ? || '/' AND nonce < ? || '0'`,
  ).all(row.network, row.payFrom, subject, subject) as SqlRow[];
  return rows.map((one) => currentPayment(context, head, one));
}

/** What a session counts of a promise is what so long can see taken. */
const SESSION_SEC = 86_400;

/** A session has no length of its own: a promise counts in it by what a day can see taken. */
export function windowOf({ scope, windowSec }: Pick<CapLine, 'scope' | 'windowSec'>): number | null {
  return scope.kind === 'session' ? SESSION_SEC : windowSec;
}

/**
 * What promises can still bring a line to see taken, beside what it counts of them already: each counts for as many periods as
 * the line's window can see, whatever was taken by it yet. The caps that its owner took one past do not count it.
 */
export function reservedIn(
  commitments: readonly OpenCommitment[],
  line: CountedLine,
  nowMs: number,
): UsdMicros {
  return commitments.reduce((sum, one) => sum + reservedBy(one, line, nowMs), 0n);
}

function reservedBy(
  { row, recurrence, charges, places }: OpenCommitment,
  line: CountedLine,
  nowMs: number,
): UsdMicros {
  const { scope, name, kind } = line;
  const key = scopeKey(scope);
  const isIn = scope.kind === 'session' ? scope.agent === row.agent : places.has(key);
  const isPast = kind === 'cap' && row.pastCaps.some(([cap, past]) => cap === name && past === key);
  if (!isIn || isPast) return 0n;
  const most = row.heldUsdMicros * chargesWithin(windowOf(line), recurrence);
  const counted = charges.reduce((sum, charge) => sum + countedOf(charge, line, nowMs), 0n);
  return most > counted ? most - counted : 0n;
}

/** What a line counts of one charge for certain: what leaves its window within a moment counts for nothing here. */
function countedOf(charge: AttemptRow, { scope, windowSec }: CountedLine, nowMs: number): UsdMicros {
  if (isLive(charge.state)) return charge.heldUsdMicros;
  const { capturedUsdMicros, countedMs } = charge;
  if (charge.state !== 'captured' || capturedUsdMicros === null || countedMs === null) return 0n;
  if (scope.kind === 'session') return charge.sessionId === scope.sessionId ? capturedUsdMicros : 0n;
  return windowSec === null || countedMs > nowMs - windowSec * 1000 ? capturedUsdMicros : 0n;
}
