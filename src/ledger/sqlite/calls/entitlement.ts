import {
  DEPOSIT_KINDS,
  type DepositFacts,
  type Draw,
  type Entitlement,
  type EntitlementEnd,
  type EntitlementFilter,
  type EntitlementKind,
  type EntitlementPlace,
  type EntitlementState,
  type EntitlementTerms,
  type NewEntitlement,
} from '../../books/entitlement.js';
import { readDrawNonce } from '../../attempts/drawNonce.js';
import type { AtomicAmount } from '../../../money/unit.js';
import type { EntitlementBook } from '../../ledger.js';
import { newId } from '../../newId.js';
import type { LedgerContext } from '../file/context.js';
import { statement } from '../file/database.js';
import type { LedgerAccess } from '../file/access.js';
import type { SqlRow, SqlValue } from '../payments/paymentColumns.js';

/** What ended is kept for a month, to be shown. */
const ENDED_KEPT_MS = 30 * 86_400_000;
/** More live ones of an agent are not looked through for each call; the one unchanged longest gives way. */
const LIVE_MAX = 1_000;

/** What is bought and not used up; each method one atomic step. */
export class Entitlements implements EntitlementBook {
  readonly #access: LedgerAccess;

  constructor(access: LedgerAccess) {
    this.#access = access;
  }

  save(entitlement: NewEntitlement, nowMs: number): Promise<Entitlement> {
    return this.#access.write('entitlement', (context) => save(context, entitlement, nowMs));
  }

  usable(agent: string, origin: string, nowMs: number): Promise<Entitlement[]> {
    return this.#access.read((context) => {
      // Most calls are of an origin where nothing was bought for later, and need not wait for a sort of nothing.
      const any = `SELECT 1 FROM entitlements WHERE agent = ? AND origin = ? AND state = 'live' LIMIT 1`;
      if (statement(context.db, any).get(agent, origin) === undefined) return [];
      return select(
        context,
        `agent = ? AND origin = ? AND state = 'live' AND (expires_ms IS NULL OR expires_ms > ?)
         ORDER BY changed_ms DESC, id LIMIT ${LIVE_MAX}`,
        agent,
        origin,
        nowMs,
      );
    });
  }

  find(id: string): Promise<Entitlement | null> {
    return this.#access.read((context) => find(context, id));
  }

  findDeposit(agent: string, subject: string): Promise<Entitlement | null> {
    return this.#access.read((context) => findDeposit(context, agent, subject));
  }

  list({ agent, isLive }: EntitlementFilter, limit: number): Promise<Entitlement[]> {
    const conditions = [
      ...(agent === undefined ? [] : ['agent = ?']),
      ...(isLive === undefined ? [] : [`state ${isLive ? '=' : '<>'} 'live'`]),
    ];
    const where = conditions.length === 0 ? '1' : conditions.join(' AND ');
    const values = agent === undefined ? [limit] : [agent, limit];
    return this.#access.read((context) =>
      select(context, `${where} ORDER BY changed_ms DESC, id LIMIT ?`, ...values),
    );
  }

  update(
    { id, revision }: Pick<Entitlement, 'id' | 'revision'>,
    terms: Partial<EntitlementTerms>,
    nowMs: number,
  ): Promise<Entitlement | null> {
    return this.#access.write('entitlement', (context) => {
      const current = find(context, id);
      if (current?.state !== 'live' || current.revision !== revision) return null;
      return change(context, { ...current, ...terms }, nowMs);
    });
  }

  end(id: string, state: EntitlementEnd, nowMs: number): Promise<boolean> {
    return this.#access.write('entitlement', (context) => {
      const current = find(context, id);
      if (current?.state !== 'live') return false;
      change(context, ended(current, state), nowMs);
      return true;
    });
  }
}

const DEPOSIT_NAMES = DEPOSIT_KINDS.map((kind) => `'${kind}'`).join();

/** A deposit of an agent's by its own id, such as a channel's, live or ended; the newest where a place had several. */
function findDeposit(context: LedgerContext, agent: string, subject: string): Entitlement | null {
  const condition = `agent = ? AND subject = ? AND kind IN (${DEPOSIT_NAMES}) ORDER BY created_ms DESC LIMIT 1`;
  return select(context, condition, agent, subject)[0] ?? null;
}

/**
 * Takes so much of a deposit, inside the caller's transaction, for a voucher that is signed next. False, and nothing taken,
 * where it is not as it was seen, or has too little left: what is drawn only grows, and never past the deposit.
 */
export function drawOn(
  context: LedgerContext,
  { entitlementId, drawnAtomic }: Draw,
  atomic: AtomicAmount,
  nowMs: number,
): boolean {
  const deposit = find(context, entitlementId);
  if (deposit?.state !== 'live' || !DEPOSIT_KINDS.includes(deposit.kind)) return false;
  const left = leftOf(deposit);
  if (drawnOf(deposit) !== drawnAtomic || atomic <= 0n || atomic > left) return false;
  change(context, { ...deposit, valueLeft: (left - atomic).toString() }, nowMs);
  return true;
}

/** Gives back what was drawn last and never signed; where more was drawn since, that voucher says it, and nothing changes. */
export function giveBack(
  context: LedgerContext,
  { agent, nonce }: { readonly agent: string; readonly nonce: string },
  atomic: AtomicAmount,
  nowMs: number,
): void {
  const { subject, cumulativeAtomic } = readDrawNonce(nonce);
  const deposit = findDeposit(context, agent, subject);
  if (deposit?.state !== 'live' || drawnOf(deposit) !== cumulativeAtomic) return;
  change(context, { ...deposit, valueLeft: (leftOf(deposit) + atomic).toString() }, nowMs);
}

/** Keeps of a live deposit that more is added, inside the caller's transaction; false where it is not as it was seen. */
export function raiseEntitlement(
  context: LedgerContext,
  { id, revision }: Pick<Entitlement, 'id' | 'revision'>,
  facts: string,
  nowMs: number,
): boolean {
  const deposit = find(context, id);
  if (deposit?.state !== 'live' || deposit.revision !== revision) return false;
  change(context, { ...deposit, facts }, nowMs);
  return true;
}

/**
 * Ends a deposit that was never signed, with the hold that it was to be made by: whoever was making it may be gone, and a
 * deposit that is not there would bar every later one with its seller.
 */
export function endUnmade(
  context: LedgerContext,
  { agent, nonce }: { readonly agent: string; readonly nonce: string },
  nowMs: number,
): void {
  const deposit = findDeposit(context, agent, nonce);
  if (deposit?.state === 'live') change(context, ended(deposit, 'expired'), nowMs);
}

function leftOf({ valueLeft }: Entitlement): AtomicAmount {
  return BigInt(valueLeft ?? 0);
}

function drawnOf(deposit: Entitlement): AtomicAmount {
  return BigInt((JSON.parse(deposit.facts) as DepositFacts).deposit_atomic) - leftOf(deposit);
}

/** What ended has no use for its secret any more. */
function ended(entitlement: Entitlement, state: EntitlementEnd): Entitlement {
  return { ...entitlement, state, secret: null };
}

function save(context: LedgerContext, entitlement: NewEntitlement, nowMs: number): Entitlement {
  const { db } = context;
  statement(db, `DELETE FROM entitlements WHERE state <> 'live' AND changed_ms < ?`).run(
    nowMs - ENDED_KEPT_MS,
  );
  const before = liveAt(context, entitlement);
  if (before !== null) change(context, ended(before, 'spent'), nowMs);
  makeRoom(context, entitlement.agent, nowMs);
  const id = newId('ent');
  const kept = {
    ...entitlement,
    ...{ id, state: 'live' as const, revision: 1, createdMs: nowMs, changedMs: nowMs },
  };
  return put(context, kept);
}

function makeRoom(context: LedgerContext, agent: string, nowMs: number): void {
  const count = statement(
    context.db,
    `SELECT count(*) FROM entitlements WHERE agent = ? AND state = 'live'`,
  ).pluck();
  if (Number(count.get(agent)) < LIVE_MAX) return;
  const [oldest] = select(
    context,
    `agent = ? AND state = 'live' AND kind NOT IN (${DEPOSIT_KINDS.map((kind) => `'${kind}'`).join()})
     ORDER BY changed_ms, id LIMIT 1`,
    agent,
  );
  if (oldest !== undefined) change(context, ended(oldest, 'expired'), nowMs);
}

function liveAt(
  context: LedgerContext,
  { agent, kind, origin, path, subject }: EntitlementPlace,
): Entitlement | null {
  const condition = `agent = ? AND kind = ? AND origin = ? AND path = ? AND subject = ? AND state = 'live'`;
  return select(context, condition, agent, kind, origin, path, subject)[0] ?? null;
}

function find(context: LedgerContext, id: string): Entitlement | null {
  return select(context, 'id = ?', id)[0] ?? null;
}

function change(context: LedgerContext, next: Entitlement, nowMs: number): Entitlement {
  return put(context, { ...next, revision: next.revision + 1, changedMs: nowMs });
}

function put(context: LedgerContext, entitlement: Entitlement): Entitlement {
  const { expiresMs } = entitlement;
  const values: SqlValue[] = [
    entitlement.id,
    entitlement.agent,
    entitlement.kind,
    entitlement.origin,
    entitlement.path,
    entitlement.subject,
    entitlement.state,
    entitlement.valueLeft,
    entitlement.unit,
    expiresMs === null ? null : BigInt(expiresMs),
    entitlement.paymentId,
    entitlement.facts,
    entitlement.secret,
    BigInt(entitlement.revision),
    BigInt(entitlement.createdMs),
    BigInt(entitlement.changedMs),
  ];
  statement(
    context.db,
    'INSERT OR REPLACE INTO entitlements VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)',
  ).run(...values, context.auth.codeOf('entitlements', values));
  return entitlement;
}

function select(context: LedgerContext, condition: string, ...values: readonly unknown[]): Entitlement[] {
  const rows = statement(context.db, `SELECT * FROM entitlements WHERE ${condition}`).all(
    ...values,
  ) as SqlRow[];
  return rows.map((row) => entitlementFromSql(context, row));
}

/** Throws `ledger_damaged` where the row does not carry its code. */
function entitlementFromSql({ auth }: LedgerContext, row: SqlRow): Entitlement {
  auth.checkRow('entitlements', row);
  const text = (name: string): string | null => (row[name] === null ? null : String(row[name]));
  const secret = row['secret'];
  return {
    id: String(row['id']),
    agent: String(row['agent']),
    kind: String(row['kind']) as EntitlementKind,
    origin: String(row['origin']),
    path: String(row['path']),
    subject: String(row['subject']),
    state: String(row['state']) as EntitlementState,
    valueLeft: text('value_left'),
    unit: text('unit'),
    expiresMs: row['expires_ms'] === null ? null : Number(row['expires_ms']),
    paymentId: text('payment_id'),
    facts: String(row['facts']),
    secret: secret instanceof Uint8Array ? Uint8Array.from(secret) : null,
    revision: Number(row['revision']),
    createdMs: Number(row['created_ms']),
    changedMs: Number(row['changed_ms']),
  };
}
