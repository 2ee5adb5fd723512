import { NO_LABELS } from '../../../payment/labels.js';
import {
  OWNER_SESSION,
  WITHDRAWAL,
  WITHDRAWAL_ORIGIN,
  attemptOf,
  type AttemptRow,
  type RowFields,
} from '../payments/paymentColumns.js';
import type { AtomicAmount } from '../../../money/unit.js';
import type { AnyAttempt } from '../../attempts/withdrawal.js';
import { DEPOSIT_OPEN, isCharged, isDeposit } from '../../../protocols/protocol.js';
import { newId } from '../../newId.js';
import type { FoundDeposit, ImportedPayment, Rebuilt } from '../../books/rebuild.js';
import { createHash } from 'node:crypto';
import { WalletError } from '../../../errors/walletError.js';
import { type LedgerContext } from '../file/context.js';
import { WALLET } from './entry.js';
import { ledgerTimeMs } from './journal.js';
import { changePayment, insertPayment, selectPayment } from '../payments/paymentRow.js';
import { touchSession } from '../calls/session.js';
import { IMPORTED_BUDGET, IMPORTED_CATEGORY, IMPORTED_HOST } from '../payments/totals.js';

/** Stands before the nonce of a payment that is counted beside the row which has that nonce, see {@link isUnsigned}. */
const UNSIGNED = 'unsigned';

/** Entries under this subject are the beginning and the end of a rebuilding. */
const REBUILD = 'rebuild';

/** Where imported payments are kept in views and totals: nobody knows any more what they bought. */
const IMPORTED_ORIGIN = `https://${IMPORTED_HOST}`;

/**
 * Begins a rebuilding: the wallet is frozen until {@link finishRebuild}. What the lost ledger signed may still settle
 * for as long as an authorization lives, so no cap can be reckoned before.
 */
export function beginRebuild(context: LedgerContext, nowMs: number): void {
  if (rebuildingSinceMs(context) !== null) return;
  const head = context.journal.checkedHead();
  const entry = { kind: 'freeze', subject: REBUILD, data: { wall_ms: nowMs } } as const;
  context.journal.append(head, { ...entry, timeMs: ledgerTimeMs(head, nowMs) }, { frozen: true });
}

/** When the rebuilding under way began, by the wall clock, or null where there is none. */
export function rebuildingSinceMs(context: LedgerContext): number | null {
  const last = context.journal.last(REBUILD);
  if (last?.kind !== 'freeze') return null;
  const { wall_ms: wallMs = last.timeMs } = JSON.parse(last.data) as { wall_ms?: number };
  return wallMs;
}

/** Throws `ledger_rebuilding` while a rebuilding is under way: it ends by itself, not by an unfreeze. */
export function assertNotRebuilding(context: LedgerContext): void {
  if (rebuildingSinceMs(context) === null) return;
  throw new WalletError('ledger_rebuilding', 'The ledger is being rebuilt; finish that first.', {
    owner: { say: 'The ledger is being rebuilt.', action: { kind: 'rebuildLedger' } },
  });
}

/**
 * Ends a rebuilding: counts what the chain shows and the ledger does not know, and lifts the freeze, unless the owner
 * froze the wallet for other reasons. Throws `not_found` where none is under way.
 *
 * What came in counts for the wallet and its agent from the chain's time; toward each host and each category, for any may
 * have taken it; and in the session that its agent has now, which is begun where it has none: the lost one may have
 * lasted until now.
 */
export function finishRebuild(
  context: LedgerContext,
  found: readonly ImportedPayment[],
  nowMs: number,
): Rebuilt {
  if (rebuildingSinceMs(context) === null) throw new WalletError('not_found', 'No rebuilding is under way.');
  const unknown: ImportedPayment[] = [];
  const contradicted: AnyAttempt[] = [];
  // What is known by one row's name is known for as much as that row counts, and no more: a deposit may have been added to.
  const named = new Map<string, bigint>();
  for (const shown of found) {
    const payment = isLetGo(context, shown)
      ? { ...shown, openingFeeAtomic: undefined }
      : isUnsigned(context, shown)
        ? { ...shown, nonce: `${UNSIGNED} ${shown.nonce}` }
        : shown;
    const known = knownAs(context, payment, named);
    if (known === null) unknown.push(payment);
    else if (known.state === 'released') contradicted.push(attemptOf(known));
  }
  for (const payment of unknown) importPayment(context, payment, nowMs);
  const head = context.journal.checkedHead();
  const timeMs = ledgerTimeMs(head, nowMs);
  const data = { imported: unknown.length };
  const thawed = context.journal.append(
    head,
    { kind: 'unfreeze', subject: REBUILD, data, timeMs },
    { frozen: false },
  );
  if (context.journal.isFrozenByOwner())
    context.journal.append(thawed, { kind: 'freeze', subject: WALLET, data: {}, timeMs }, { frozen: true });
  return { imported: unknown.length, contradicted };
}

/** A plain transfer has no nonce: its place on the chain stands for one. */
function nonceOf({ nonce, named, tx, payTo, amountAtomic, openingFeeAtomic }: ImportedPayment): string {
  // A deposit is known by its channel.
  if (openingFeeAtomic !== undefined && named !== null) return named.toLowerCase();
  return nonce?.toLowerCase() ?? `transfer ${tx} ${payTo.toLowerCase()} ${amountAtomic}`;
}

/**
 * Whether a payment's nonce is known, and that it was signed is not: the copy is of the moment between. Such a row is let go
 * unasked, so what the chain shows of it is counted beside it.
 */
function isUnsigned(context: LedgerContext, { network, payFrom, nonce }: ImportedPayment): boolean {
  if (nonce === null) return false;
  const where = 'network = ? AND pay_from = ? AND nonce = ?';
  const row = selectPayment(
    context,
    context.journal.checkedHead(),
    where,
    network,
    payFrom,
    nonce.toLowerCase(),
  );
  return row !== null && row.payload === null && (row.state === 'held' || row.state === 'released');
}

/** Whether a deposit's row is one that nobody knew as signed, or that was let go: what the chain shows is counted beside it. */
function isLetGo(
  context: LedgerContext,
  { network, payFrom, named, openingFeeAtomic }: ImportedPayment,
): boolean {
  if (openingFeeAtomic === undefined || named === null) return false;
  const where = 'network = ? AND pay_from = ? AND nonce = ?';
  const head = context.journal.checkedHead();
  const row = selectPayment(context, head, where, network, payFrom, named.toLowerCase());
  return row?.state === 'held' || row?.state === 'released';
}

/** The row of a payment that the chain shows, or null. */
function knownAs(
  context: LedgerContext,
  payment: ImportedPayment,
  counted: Map<string, AtomicAmount>,
): AttemptRow | null {
  const where = 'network = ? AND pay_from = ? AND nonce = ?';
  const head = context.journal.checkedHead();
  const { network, payFrom, payTo, tx, nonce, amountAtomic } = payment;
  const known = selectPayment(context, head, where, network, payFrom, nonceOf(payment));
  if (known !== null) return known;
  const charge = chargedIn(context, payment);
  if (charge !== null || nonce !== null) return charge;
  const signed = namedBy(context, payment, counted);
  if (signed !== null) return signed;
  // A transaction that a seller only claims says nothing.
  const row = selectPayment(context, head, 'network = ? AND pay_from = ? AND tx = ?', network, payFrom, tx);
  const isIt =
    row?.confirmed === true &&
    row.payTo.toLowerCase() === payTo.toLowerCase() &&
    row.capturedAtomic === amountAtomic;
  return isIt ? row : null;
}

/** What was taken by a promise: the memo is its seller's, so it is known by its transaction, once the chain showed it for good. */
function chargedIn(
  context: LedgerContext,
  { network, payFrom, payTo, tx, amountAtomic }: ImportedPayment,
): AttemptRow | null {
  const head = context.journal.checkedHead();
  const row = selectPayment(context, head, 'network = ? AND pay_from = ? AND tx = ?', network, payFrom, tx);
  const isIt =
    row?.kind === 'payment' &&
    isCharged(row) &&
    row.confirmed &&
    row.payTo.toLowerCase() === payTo.toLowerCase() &&
    (row.capturedAtomic ?? 0n) >= amountAtomic;
  return isIt ? row : null;
}

/**
 * The row of which a payment's transaction names the nonce, where that one counts or will: what was open in an older copy, too.
 * One that was released counts nothing, one that was only held when it was copied is let go unasked, and one that counts less is
 * not it: such a payment is counted by itself.
 */
function namedBy(
  context: LedgerContext,
  payment: ImportedPayment,
  counted: Map<string, AtomicAmount>,
): AttemptRow | null {
  const { network, payFrom, payTo, named, amountAtomic } = payment;
  if (named === null) return null;
  const where = 'network = ? AND pay_from = ? AND nonce = ?';
  const head = context.journal.checkedHead();
  const row = selectPayment(context, head, where, network, payFrom, named.toLowerCase());
  if (row === null || row.state === 'held' || row.state === 'released') return null;
  if (amountAtomic > row.heldAtomic) return null;
  // A deposit goes to the chain's reserve, and comes to what was taken of it.
  if (row.kind === 'payment' && isDeposit(row)) {
    const sum = (counted.get(row.id) ?? 0n) + amountAtomic;
    if (sum > row.heldAtomic) return null;
    counted.set(row.id, sum);
    return row;
  }
  const isIt =
    row.payTo.toLowerCase() === payTo.toLowerCase() &&
    (!row.confirmed || (row.capturedAtomic ?? 0n) >= amountAtomic);
  return isIt ? row : null;
}

/** Brings one payment in by the same steps as any other, so that the journal tells its whole life. */
function importPayment(context: LedgerContext, found: ImportedPayment, nowMs: number): void {
  const timeMs = ledgerTimeMs(context.journal.checkedHead(), nowMs);
  const sessionId = found.toOwn ? OWNER_SESSION : touchSession(context, found.agent, nowMs).id;
  const held = heldPayment(context, found, sessionId, timeMs);
  insertPayment(context, context.journal.checkedHead(), held);
  const signed = step(context, held, { kind: 'sign', patch: { state: 'signed', payload: null } }, timeMs);
  if (found.openingFeeAtomic !== undefined) {
    // It counts whole until a proof closes it, as any deposit.
    const sent = step(context, signed, { kind: 'send', patch: { state: 'sent' } }, timeMs);
    step(
      context,
      sent,
      { kind: 'unknown', patch: { state: 'unknown', note: DEPOSIT_OPEN, tx: found.tx } },
      timeMs,
    );
    return;
  }
  const patch: Partial<RowFields> = {
    state: 'captured',
    capturedAtomic: found.amountAtomic,
    capturedUsdMicros: found.usdMicros,
    capturedMs: timeMs,
    countedMs: Math.min(found.blockTimeMs, Math.max(timeMs, nowMs)),
    confirmed: true,
    tx: found.tx,
  };
  step(context, signed, { kind: 'capture', patch }, timeMs);
}

function step(
  context: LedgerContext,
  before: AttemptRow,
  change: { readonly kind: 'sign' | 'send' | 'unknown' | 'capture'; readonly patch: Partial<RowFields> },
  nowMs: number,
): AttemptRow {
  return changePayment(context, context.journal.checkedHead(), before, { ...change, nowMs }).attempt;
}

function receiptOf({ openingFeeAtomic, channelId }: ImportedPayment): string | null {
  if (openingFeeAtomic === undefined) return null;
  const found: FoundDeposit = {
    opening_fee_atomic: openingFeeAtomic.toString(),
    ...(channelId === undefined ? {} : { channel_id: channelId }),
  };
  return JSON.stringify(found);
}

function heldPayment(
  context: LedgerContext,
  found: ImportedPayment,
  sessionId: string,
  timeMs: number,
): AttemptRow {
  const nonce = nonceOf(found);
  const origin = found.toOwn ? WITHDRAWAL_ORIGIN : IMPORTED_ORIGIN;
  return {
    kind: found.toOwn ? 'withdrawal' : 'payment',
    id: newId(found.toOwn ? 'wdr' : 'pay'),
    agent: found.agent,
    sessionId,
    state: 'held',
    requestHash: createHash('sha256').update(`imported ${found.network} ${nonce}`).digest('hex'),
    idempotencyKey: null,
    method: 'GET',
    url: origin,
    origin,
    host: new URL(origin).hostname,
    category: found.toOwn ? null : IMPORTED_CATEGORY,
    protocol: found.toOwn ? WITHDRAWAL : found.protocol,
    scheme: found.scheme,
    network: found.network,
    asset: found.asset,
    payFrom: found.payFrom,
    payTo: found.payTo,
    heldAtomic: found.amountAtomic,
    heldUsdMicros: found.usdMicros,
    capturedAtomic: null,
    capturedUsdMicros: null,
    nonce,
    validAfterSec: 0,
    validBeforeSec: Math.floor(found.blockTimeMs / 1000),
    payload: null,
    configVersion: context.journal.checkedHead().configVersion,
    openedMs: timeMs,
    changedMs: timeMs,
    capturedMs: null,
    countedMs: null,
    confirmed: false,
    tx: null,
    receipt: receiptOf(found),
    note: 'imported',
    reason: null,
    quoteId: null,
    approvalId: null,
    pastCaps: [],
    // A deposit's end is searched for from when it was made.
    openedWallMs: found.openingFeeAtomic === undefined ? null : found.blockTimeMs,
    capturedWallMs: null,
    delivery: null,
    budgetPath: found.toOwn ? null : IMPORTED_BUDGET,
    labels: NO_LABELS,
  };
}
