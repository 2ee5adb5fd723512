import type { AtomicAmount } from '../../../money/unit.js';
import type { ReportReader } from '../../ledger.js';
import type { LedgerAccess } from '../file/access.js';
import { LISTED } from '../../attempts/hold.js';
import {
  attemptOf,
  paymentFromSql,
  WITHDRAWAL,
  type AttemptRow,
  type SqlRow,
  type SqlValue,
} from '../payments/paymentColumns.js';
import { paymentOf } from '../payments/paymentRow.js';
import {
  addGroups,
  type ChangedSince,
  type OpenBooks,
  type ReportFilter,
  type ReportGroup,
  type ReportGrouping,
  type SpendCell,
  type SpendSpan,
} from '../../books/report.js';
import { statement, type Sqlite } from '../file/database.js';
import { LEDGER_TIME } from '../journal/entry.js';
import { hostPortOf, IMPORTED_CATEGORY } from '../payments/totals.js';
import { LIVE_STATES } from '../../attempts/attempt.js';
import { DEPOSIT_OPEN, DRAWN_WAYS } from '../../../protocols/protocol.js';
import { UNDELIVERED } from '../../attempts/payment.js';
import { assertInvariant } from '../../../errors/walletError.js';
import { isLabelName } from '../../../payment/labels.js';

/** Payments in pages and totals. */
export function reportReader(access: LedgerAccess): ReportReader {
  return {
    async listPayments(filter, limit, cursor) {
      const page = await access.look((db) => listRows(db, { ...filter, kind: 'payment' }, limit, cursor));
      return { payments: page.rows.map(paymentOf), nextCursor: page.nextCursor };
    },
    async listAttempts(filter, limit, cursor) {
      const page = await access.look((db) => listRows(db, filter, limit, cursor));
      return { attempts: page.rows.map(attemptOf), nextCursor: page.nextCursor };
    },
    groupPayments: (grouping, filter, limit) =>
      access.look((db) => groupPayments(db, grouping, filter, limit)),
    groupByLabel: (name, filter, limit) => access.look((db) => groupByLabel(db, name, filter, limit)),
    groupByCategory: (categoryOf, filter, limit) =>
      access.look((db) => groupByCategory(db, categoryOf, filter, limit)),
    spendCells: (span) => access.look((db) => spendCells(db, span)),
    changedSince: (seq) => access.look((db) => changedSince(db, seq)),
    begunMs: () => access.look(begunMs),
    openBooks: (sinceMs) => access.look((db) => openBooks(db, sinceMs)),
    answerStatuses: (paymentIds) => access.look((db) => answerStatuses(db, paymentIds)),
  };
}

function begunMs(db: Sqlite): number {
  return Number(statement(db, 'SELECT time_ms FROM journal ORDER BY seq LIMIT 1').pluck().get());
}

const GROUP_KEYS: Record<ReportGrouping, string> = {
  by_host: 'host',
  by_day: `strftime('%Y-%m-%d', opened_ms / 1000, 'unixepoch')`,
  by_session: 'session_id',
  by_agent: 'agent',
  // A category that a catalogue named is shown without its mark.
  by_category: `CASE WHEN category IS NULL THEN 'uncategorised' WHEN category = '${IMPORTED_CATEGORY}' THEN 'imported' WHEN category GLOB '${LISTED}*'
    THEN substr(category, ${LISTED.length + 1}) ELSE category END`,
};

/** Paid out of a deposit, which stands in the sums for it. */
const DRAWN = `(${DRAWN_WAYS.map(({ protocol, scheme }) => `(protocol = '${protocol}' AND scheme = '${scheme}')`).join(' OR ')})`;
/** Paid for, and nothing was brought. */
const LOST = `(state = 'captured' AND delivery IN (${UNDELIVERED.map((name) => `'${name}'`).join(', ')}))`;
const LIVE = LIVE_STATES.map((state) => `'${state}'`).join(', ');

function conditionsOf(filter: ReportFilter): { sql: string; values: SqlValue[] } {
  const conditions: [string, SqlValue | undefined][] = [
    ['agent = ?', filter.agent],
    ['id = ?', filter.paymentId],
    ['opened_ms >= ?', filter.sinceMs === undefined ? undefined : BigInt(filter.sinceMs)],
    ['opened_ms < ?', filter.untilMs === undefined ? undefined : BigInt(filter.untilMs)],
    ['host = ?', filter.host],
    [
      `(CASE WHEN origin GLOB '*:[0-9]*' THEN replace(origin, rtrim(origin, '0123456789'), '') ELSE '443' END) = ?`,
      filter.port,
    ],
    ['state = ?', filter.state],
    [
      `instr(lower(url || ' ' || pay_to || ' ' || id || ' ' || coalesce(tx, '') || ' ' || coalesce(reason, '') || ' ' || coalesce(labels, '')), ?) > 0`,
      filter.words,
    ],
    [`${LOST} AND 1 = ?`, filter.undelivered === undefined ? undefined : 1n],
    [
      filter.kind === 'payment' ? 'protocol <> ?' : 'protocol = ?',
      filter.kind === undefined ? undefined : WITHDRAWAL,
    ],
  ];
  const given = conditions.filter((pair): pair is [string, SqlValue] => pair[1] !== undefined);
  return { sql: given.map(([sql]) => `AND ${sql}`).join(' '), values: given.map(([, value]) => value) };
}

/** A page of rows, newest first. `cursor` is the `nextCursor` of the page before. */
function listRows(
  db: Sqlite,
  filter: ReportFilter,
  limit: number,
  cursor: string | null,
): { readonly rows: readonly AttemptRow[]; readonly nextCursor: string | null } {
  const { sql, values } = conditionsOf(filter);
  const [beforeMs, beforeId] = decodeCursor(cursor);
  const found = statement(
    db,
    `SELECT * FROM payments WHERE (opened_ms, id) < (?, ?) ${sql}
     ORDER BY opened_ms DESC, id DESC LIMIT ?`,
  ).all(beforeMs, beforeId, ...values, limit + 1) as SqlRow[];
  const rows = found.slice(0, limit).map(paymentFromSql);
  const last = rows.at(-1);
  return {
    rows,
    nextCursor: found.length > limit && last !== undefined ? `${last.openedMs}.${last.id}` : null,
  };
}

function decodeCursor(cursor: string | null): [bigint, string] {
  const match = cursor === null ? null : /^(\d{1,15})\.((?:pay|wdr)_[0-9a-f]+)$/.exec(cursor);
  // A cursor of nobody's begins at the newest: reading again is harmless.
  return match === null ? [BigInt(Number.MAX_SAFE_INTEGER), ''] : [BigInt(match[1] ?? 0), match[2] ?? ''];
}

/**
 * Totals by category, the largest spending first. Where the owner has a category for a place now, it stands for all that
 * was ever spent there; else the one that the payment was filed under.
 */
export function groupByCategory(
  db: Sqlite,
  categoryOf: (hostPort: string) => string | null,
  filter: ReportFilter,
  limit: number,
): ReportGroup[] {
  const { sql, values } = conditionsOf({ ...filter, kind: 'payment' });
  const rows = statement(
    db,
    `SELECT ${GROUP_KEYS.by_category} AS group_key, host, origin, ${SUMS}
     FROM payments WHERE 1 ${sql} GROUP BY group_key, host, origin`,
  ).all(...values) as SqlRow[];
  const groups = new Map<string, ReportGroup>();
  for (const row of rows) {
    const place = { host: String(row['host']), origin: String(row['origin']) };
    const group = groupOf(row, categoryOf(hostPortOf(place)) ?? String(row['group_key']));
    const known = groups.get(group.key);
    groups.set(group.key, known === undefined ? group : addGroups(known, group));
  }
  return [...groups.values()]
    .sort(
      (a, b) =>
        Number(b.capturedUsdMicros > a.capturedUsdMicros) -
          Number(b.capturedUsdMicros < a.capturedUsdMicros) || (a.key < b.key ? -1 : 1),
    )
    .slice(0, limit);
}

const SUMS = `count(*) AS payments,
  coalesce(sum(CASE WHEN state = 'captured' AND NOT ${DRAWN} THEN captured_usd_micros END), 0) AS captured,
  coalesce(sum(CASE WHEN state IN (${LIVE}) AND NOT ${DRAWN} THEN held_usd_micros END), 0) AS held,
  coalesce(sum(delivery = 'delivered'), 0) AS delivered, coalesce(sum(${LOST}), 0) AS lost,
  coalesce(sum(CASE WHEN ${LOST} THEN captured_usd_micros END), 0) AS lost_usd,
  min(opened_ms) AS first_ms, max(opened_ms) AS last_ms`;

function groupOf(row: SqlRow, key: string): ReportGroup {
  return {
    key,
    payments: Number(row['payments']),
    capturedUsdMicros: row['captured'] as bigint,
    heldUsdMicros: row['held'] as bigint,
    delivered: Number(row['delivered']),
    lost: Number(row['lost']),
    lostUsdMicros: row['lost_usd'] as bigint,
    firstMs: Number(row['first_ms']),
    lastMs: Number(row['last_ms']),
  };
}

/** Totals by one grouping, the largest spending first (days: the newest first). */
export function groupPayments(
  db: Sqlite,
  grouping: ReportGrouping,
  filter: ReportFilter,
  limit: number,
): ReportGroup[] {
  const { sql, values } = conditionsOf({ ...filter, kind: 'payment' });
  const order = grouping === 'by_day' ? 'group_key DESC' : 'captured DESC, group_key';
  const rows = statement(
    db,
    `SELECT ${GROUP_KEYS[grouping]} AS group_key, ${SUMS}
     FROM payments WHERE 1 ${sql} GROUP BY group_key ORDER BY ${order} LIMIT ?`,
  ).all(...values, limit) as SqlRow[];
  return rows.map((row) => groupOf(row, String(row['group_key'])));
}

/** Totals by the value of one label, the largest spending first. */
function groupByLabel(db: Sqlite, name: string, filter: ReportFilter, limit: number): ReportGroup[] {
  // A name has neither quotes nor backslashes, so that it is one step of a path.
  assertInvariant(isLabelName(name), 'a label has a name of its own kind');
  const { sql, values } = conditionsOf({ ...filter, kind: 'payment' });
  const rows = statement(
    db,
    `SELECT coalesce(json_extract(labels, '$."' || ? || '"'), '') AS group_key, ${SUMS}
     FROM payments WHERE 1 ${sql} GROUP BY group_key ORDER BY captured DESC, group_key LIMIT ?`,
  ).all(name, ...values, limit) as SqlRow[];
  return rows.map((row) => groupOf(row, String(row['group_key'])));
}

/** Totals by stretch of time, agent, place and category. */
function spendCells(db: Sqlite, { fromMs, untilMs, stretchMs }: SpendSpan): SpendCell[] {
  const { sql, values } = conditionsOf({ sinceMs: fromMs, untilMs, kind: 'payment' });
  const rows = statement(
    db,
    `SELECT opened_ms / ? AS stretch, agent, host, origin, ${GROUP_KEYS.by_category} AS filed, ${SUMS}
     FROM payments WHERE 1 ${sql} GROUP BY stretch, agent, host, origin, filed`,
  ).all(BigInt(stretchMs), ...values) as SqlRow[];
  return rows.map((row) => {
    const { key: category, ...sums } = groupOf(row, String(row['filed']));
    return {
      ...sums,
      category,
      agent: String(row['agent']),
      host: String(row['host']),
      origin: String(row['origin']),
      startMs: Number(row['stretch']) * stretchMs,
    };
  });
}

/** Every change of a payment is an entry of the journal under its id. */
function changedSince(db: Sqlite, seq: number): ChangedSince {
  const rows = statement(
    db,
    `SELECT DISTINCT payments.opened_ms AS opened_ms FROM journal JOIN payments ON payments.id = journal.subject WHERE seq > ?`,
  ).all(seq) as SqlRow[];
  const newest = statement(db, 'SELECT max(seq) FROM journal').pluck().get();
  const rebased = statement(db, 'SELECT 1 FROM journal WHERE subject = ? AND seq > ?').get(LEDGER_TIME, seq);
  return {
    seq: Number(newest),
    openedMs: rows.map((row) => Number(row['opened_ms'])),
    isRebased: rebased !== undefined,
  };
}

/**
 * What is held from one address in one asset: money on chain that is not free to spend, in atomic units. A deposit that was
 * made is on chain elsewhere, and what is paid out of it with it.
 */
export function heldAtomic(
  db: Sqlite,
  network: string,
  asset: string,
  payFrom: string,
  exceptIds: readonly string[] = [],
): AtomicAmount {
  const rows = statement(
    db,
    // By name: the few rows still open, where the planner would walk all there ever were of the address.
    `SELECT id, held_atomic FROM payments INDEXED BY one_live_payment_per_request WHERE network = ? AND asset = ? AND pay_from = ? AND state IN (${LIVE})
       AND NOT ${DRAWN} AND coalesce(note, '') <> '${DEPOSIT_OPEN}'`,
  ).all(network, asset, payFrom) as SqlRow[];
  return rows
    .filter((row) => !exceptIds.includes(String(row['id'])))
    .reduce((sum, row) => sum + BigInt(String(row['held_atomic'])), 0n);
}

/** The HTTP status of the answer that is kept of each payment. */
export function answerStatuses(db: Sqlite, paymentIds: readonly string[]): ReadonlyMap<string, number> {
  const find = statement(db, 'SELECT status FROM answers WHERE payment_id = ?').pluck();
  const found = paymentIds.flatMap((id) => {
    const status = find.get(id);
    return status === undefined ? [] : [[id, Number(status)] as const];
  });
  return new Map(found);
}

/** What is held, what was captured of late, and what still waits for the chain. */
export function openBooks(db: Sqlite, sinceMs: number): OpenBooks {
  const { sql, values } = conditionsOf({ sinceMs, state: 'captured', kind: 'payment' });
  const captured = statement(
    db,
    `SELECT coalesce(sum(captured_usd_micros), 0) AS captured FROM payments WHERE NOT ${DRAWN} ${sql}`,
  ).get(...values) as SqlRow;
  const row = statement(
    db,
    `SELECT coalesce(sum(CASE WHEN state IN (${LIVE}) AND NOT ${DRAWN} AND protocol <> ? THEN held_usd_micros END), 0) AS held,
       count(*) AS open, min(changed_ms) AS oldest_ms
     FROM payments WHERE state IN (${LIVE}) OR (state = 'captured' AND confirmed = 0)`,
  ).get(WITHDRAWAL) as SqlRow;
  const oldest = row['oldest_ms'];
  return {
    heldUsdMicros: row['held'] as bigint,
    capturedUsdMicros: captured['captured'] as bigint,
    open: Number(row['open']),
    oldestMs: oldest === null ? null : Number(oldest),
  };
}
