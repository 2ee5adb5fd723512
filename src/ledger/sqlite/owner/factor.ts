import type { SqlRow, SqlValue } from '../payments/paymentColumns.js';
import type { FactorUse, StoredFactor, TryPlace, WrongTries } from '../../books/factor.js';
import { hash } from 'node:crypto';
import { WalletError } from '../../../errors/walletError.js';
import type { LedgerContext } from '../file/context.js';
import { statement } from '../file/database.js';
import { changedBehind } from '../../fault.js';
import { ledgerTimeMs, type JournalHead } from '../journal/journal.js';

/** The register's key for the set of factors: none can be taken away, put back or added behind our back (T22). */
export const FACTORS_KEY = 'factors';
/** The register's key for how many owners a loosening needs; none for one. */
export const QUORUM_KEY = 'quorum';
/** How many owners a loosening needs. */
export function quorumOf(context: LedgerContext, head: JournalHead): number {
  return Number(context.register.get(head.register, QUORUM_KEY) ?? '1');
}
/** The register's key for wrong tries at a place. */
export function triesKey(place: TryPlace): string {
  return place === 'terminal' ? 'tries' : `tries ${place}`;
}

/** The journal's subject of wrong tries at a place. */
function triesSubject(place: TryPlace): string {
  return place === 'terminal' ? 'factor' : `factor ${place}`;
}

/** The place that a journal entry about wrong tries is of. */
export function placeOfTries(subject: string): TryPlace {
  return subject === triesSubject('page') ? 'page' : 'terminal';
}

/** The register's text for a set of factors, from the codes of their rows in the order of ids; null for none. */
export function factorsText(codes: readonly Uint8Array[]): string | null {
  if (codes.length === 0) return null;
  return hash('sha256', Buffer.concat(codes), 'hex');
}

/** What the journal tells of a factor's row: its digest. */
export function factorDigest({ id, record, addedMs }: StoredFactor): string {
  return hash('sha256', JSON.stringify([id, record, addedMs]));
}

function readRows(context: LedgerContext): SqlRow[] {
  return statement(context.db, 'SELECT * FROM factors ORDER BY id').all() as SqlRow[];
}

/** The factors, oldest first. Throws `ledger_damaged` where they are not those the head vouches for. */
export function listFactors(context: LedgerContext, head: JournalHead): StoredFactor[] {
  const rows = readRows(context);
  for (const row of rows) context.auth.checkRow('factors', row);
  const text = factorsText(rows.map((row) => row['mac'] as Uint8Array));
  if (context.register.get(head.register, FACTORS_KEY) !== text)
    throw changedBehind('The factors are not those that the journal’s head vouches for.');
  return rows
    .map((row) => ({
      id: String(row['id']),
      record: String(row['record']),
      addedMs: Number(row['added_ms']),
    }))
    .sort((a, b) => a.addedMs - b.addedMs);
}

function put(context: LedgerContext, factor: StoredFactor): void {
  const values: SqlValue[] = [factor.id, factor.record, BigInt(factor.addedMs)];
  statement(context.db, 'INSERT OR REPLACE INTO factors VALUES (?, ?, ?, ?)').run(
    ...values,
    context.auth.codeOf('factors', values),
  );
}

function vouch(
  context: LedgerContext,
  head: JournalHead,
  id: string,
  data: { readonly act: 'added' | 'used' | 'removed'; readonly digest: string | null },
  timeMs: number,
): JournalHead {
  const codes = readRows(context).map((row) => row['mac'] as Uint8Array);
  const register = context.register.set(head.register, FACTORS_KEY, factorsText(codes));
  return context.journal.append(head, { kind: 'factor', subject: id, data, timeMs }, { register });
}

/**
 * Adds a factor. `provedBy` is the factor that allowed it, null where there was none to ask: looked at again here, so
 * that of two first factors added at once only one is.
 *
 * Throws `factor_needed`.
 */
export function addFactor(
  context: LedgerContext,
  factor: StoredFactor,
  provedBy: FactorUse | null,
  nowMs: number,
): void {
  const head = spendFactor(context, context.journal.checkedHead(), provedBy, nowMs);
  put(context, factor);
  vouch(context, head, factor.id, { act: 'added', digest: factorDigest(factor) }, head.timeMs);
}

/**
 * Removes a factor. False where there is none by that id. `enough` judges what is left in this very step: of two removals at once,
 * each of which leaves owners enough, the second one may not. Throws `factor_needed`, and what `enough` does.
 */
export function removeFactor(
  context: LedgerContext,
  id: string,
  provedBy: FactorUse | null,
  enough: (left: readonly StoredFactor[], quorum: number) => void,
  nowMs: number,
): boolean {
  const checked = context.journal.checkedHead();
  const known = listFactors(context, checked);
  const left = known.filter((factor) => factor.id !== id);
  if (left.length === known.length) return false;
  enough(left, quorumOf(context, checked));
  const head = spendFactor(context, checked, provedBy, nowMs);
  statement(context.db, 'DELETE FROM factors WHERE id = ?').run(id);
  vouch(context, head, id, { act: 'removed', digest: null }, head.timeMs);
  return true;
}

/**
 * Makes the factors those that are given: for a ledger that stands in for a lost one. Who calls it has told the owner
 * by the very factors that are given.
 */
export function replaceFactors(
  context: LedgerContext,
  factors: readonly StoredFactor[],
  nowMs: number,
): void {
  let head = context.journal.checkedHead();
  const timeMs = ledgerTimeMs(head, nowMs);
  const stored = listFactors(context, head);
  for (const { id } of stored.filter((one) => !factors.some((kept) => kept.id === one.id))) {
    statement(context.db, 'DELETE FROM factors WHERE id = ?').run(id);
    head = vouch(context, head, id, { act: 'removed', digest: null }, timeMs);
  }
  for (const factor of factors.filter((one) => !stored.some((known) => known.id === one.id))) {
    put(context, factor);
    head = vouch(context, head, factor.id, { act: 'added', digest: factorDigest(factor) }, timeMs);
  }
}

/** Stores that a factor was used for something of the owner's. Throws `factor_needed` where it went meanwhile. */
export function useFactor(context: LedgerContext, use: FactorUse, nowMs: number): void {
  spendFactor(context, context.journal.checkedHead(), use, nowMs);
}

/**
 * Looks again at the factor that proved an owner, and stores its use; null where there was none to ask. The head that it
 * answers has the time of what is done by it. Throws `factor_needed`.
 */
export function spendFactor(
  context: LedgerContext,
  head: JournalHead,
  use: FactorUse | null,
  nowMs: number,
): JournalHead {
  const timeMs = ledgerTimeMs(head, nowMs);
  if (use === null && listFactors(context, head).length === 0) return { ...head, timeMs };
  const next = use === null ? null : changeFactor(context, head, use, timeMs);
  if (next !== null) return { ...next, timeMs };
  throw new WalletError('factor_needed', 'The factors of this wallet changed meanwhile; nothing was done.');
}

/** Looks again at a factor that proved the owner, and stores its use; null where it is not as it was looked at. */
export function changeFactor(
  context: LedgerContext,
  head: JournalHead,
  use: FactorUse,
  timeMs: number,
): JournalHead | null {
  const stored = listFactors(context, head).find(({ id }) => id === use.id);
  // A passkey's signature that was used by another process first has moved its count on.
  if (stored === undefined || stored.record !== use.before) return null;
  let next = head;
  if (use.record !== stored.record) {
    const factor = { ...stored, record: use.record };
    put(context, factor);
    next = vouch(context, next, use.id, { act: 'used', digest: factorDigest(factor) }, timeMs);
  }
  return use.clearsTries === null
    ? next
    : setTries(context, next, use.clearsTries, { wrong: 0, lastWrongMs: 0 }, timeMs);
}

/** The register's text for wrong tries; null for none. */
export function triesText({ wrong, lastWrongMs }: WrongTries): string | null {
  return wrong === 0 ? null : `${wrong} ${lastWrongMs}`;
}

/** The wrong tries at a place so far. */
export function readTries(context: LedgerContext, head: JournalHead, place: TryPlace): WrongTries {
  const [wrong = '0', lastWrongMs = '0'] =
    context.register.get(head.register, triesKey(place))?.split(' ') ?? [];
  return { wrong: Number(wrong), lastWrongMs: Number(lastWrongMs) };
}

function setTries(
  context: LedgerContext,
  head: JournalHead,
  place: TryPlace,
  tries: WrongTries,
  timeMs: number,
): JournalHead {
  if (triesText(readTries(context, head, place)) === triesText(tries)) return head;
  const register = context.register.set(head.register, triesKey(place), triesText(tries));
  return context.journal.append(
    head,
    { kind: 'tries', subject: triesSubject(place), data: tries, timeMs },
    { register },
  );
}

/**
 * Counts a try as wrong before it is made, if `allow` lets one be made at all; so tries side by side slip past
 * nothing. Answers what `allow` said of the tries before it.
 */
export function countTry<Verdict extends { readonly allowed: boolean }>(
  context: LedgerContext,
  place: TryPlace,
  allow: (tries: WrongTries & { readonly nowMs: number }) => Verdict,
  nowMs: number,
): Verdict {
  const head = context.journal.checkedHead();
  const known = readTries(context, head, place);
  // A clock that went back waits the whole time again, from now: not until it has caught up with what it once was.
  const tries = { ...known, lastWrongMs: Math.min(known.lastWrongMs, nowMs) };
  const verdict = allow({ ...tries, nowMs });
  const next = verdict.allowed ? { wrong: tries.wrong + 1, lastWrongMs: nowMs } : tries;
  setTries(context, head, place, next, ledgerTimeMs(head, nowMs));
  return verdict;
}
