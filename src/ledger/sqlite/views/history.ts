import type { SellerBook } from '../../ledger.js';
import type { Payment } from '../../attempts/payment.js';
import type { LedgerAccess } from '../file/access.js';
import type { AttemptRow, SqlRow, SqlValue } from '../payments/paymentColumns.js';
import type {
  AskedBefore,
  CircuitBreaker,
  Endpoint,
  EndpointPrices,
  ModelPrice,
  OriginHistory,
} from '../../books/seller.js';
import type { LedgerContext } from '../file/context.js';
import { MODEL_LABEL } from '../../../payment/labels.js';
import { statement } from '../file/database.js';
import { ledgerTimeMs, type JournalHead } from '../journal/journal.js';
import { capturedWallMs, toWallMs } from '../../attempts/attempt.js';
import { authenticPayment, paymentOf } from '../payments/paymentRow.js';

/** What was paid to sellers before. */
export function sellerBook(access: LedgerAccess): SellerBook {
  return {
    originHistory: (origin, family, endpoint) =>
      access.read((context, head) =>
        context.journal.readOnce(historyKey(origin, family, endpoint), () =>
          originHistory(context, head, { origin, family, endpoint }),
        ),
      ),
    payeesByEndpoint: (origin, family) => access.read((context) => payeesByEndpoint(context, origin, family)),
    endpointPrices: (endpoint, nowMs) => access.read((context) => endpointPrices(context, endpoint, nowMs)),
    askedBefore: (endpoint, differing, nowMs) =>
      access.read((context) => askedBefore(context, endpoint, { differing, nowMs })),
    modelPrices: (agent, origin, nowMs) =>
      access.read((context) => modelPrices(context, { agent, origin }, nowMs)),
    trippedBreakers: () => access.read((context, head) => trippedBreakers(context, head)),
    resetCircuitBreaker: (origin, nowMs) =>
      access.write('owner', (context) => resetCircuitBreaker(context, origin, nowMs)),
  };
}

function historyKey(origin: string, family: string, endpoint: Endpoint | undefined): string {
  return JSON.stringify(['history', origin, family, endpoint?.method ?? null, pathOf(endpoint?.url ?? '')]);
}

/** A month, as the owner's rule on prices counts it. */
const PRICE_WINDOW_MS = 30 * 24 * 3_600_000;
/** As many as policy looks at to see a stable payee; more would only slow a payment down. */
const PAYEES_MAX = 3;
/** Enough for a median that one odd price does not move. */
const PRICES_MAX = 50;
/** A pause is at its longest long before: see policy's breaker. */
const FAILURES_MAX = 20;

/**
 * A further 402, or a receipt that says it failed, is a failure once the payment is captured, where nothing was delivered:
 * until then it may be an honest seller whose price moved. An honest one whose facilitator was not heard is paused too,
 * for it took money and gave nothing (T12). `rejected` was the note of every failed receipt before schema 3.
 */
const STRUCK = `(coalesce(note, '') = 'receipt_false' OR (state = 'captured' AND coalesce(note, '') IN ('second_402', 'settle_failed', 'rejected')))`;
/**
 * Paid for and answered with nothing: an empty answer, an error alone, or one that broke off. Where no answer was heard, it
 * may have come to a call that had ended. An agent may correct its input and call again, so an origin is forgiven
 * {@link FORGIVEN} of these in a row.
 */
const BROUGHT_NOTHING = `(state = 'captured' AND (delivery IN ('empty', 'error') OR (delivery = 'lost' AND note IS NULL))
  AND NOT ${STRUCK})`;
const FORGIVEN = 2;
/** What ends a row of failures: something that was paid for came. Rows of before schema 5 say so by having no note. */
const BROUGHT = `(state = 'captured' AND coalesce(delivery IN ('delivered', 'pending', 'schema_mismatch'), note IS NULL))`;
/** When it was found out; a later confirmation by the chain makes it no younger. */
const STRUCK_MS = `(CASE state WHEN 'captured' THEN captured_ms ELSE changed_ms END)`;

/** The register's key for when the owner last ended a pause of an origin, in ms. */
export function resumedKey(origin: string): string {
  return `resumed ${origin}`;
}

/** Whether a key of the register is one of {@link resumedKey}. */
export function isResumedKey(key: string): boolean {
  return key.startsWith(resumedKey(''));
}

/**
 * Reads what was paid to an origin, and to the endpoint that is called; every row it rests on carries its code. `family` is
 * the CAIP-2 namespace whose payees are wanted: a seller's addresses on two of them never match.
 */
export function originHistory(
  context: LedgerContext,
  head: JournalHead,
  asked: { readonly origin: string; readonly family: string; readonly endpoint: Endpoint | undefined },
): OriginHistory {
  const { origin, family, endpoint } = asked;
  const captured = newest(context, OF_ORIGIN, PAYEES_MAX, origin, family);
  const { failures, lastFailureMs } = isLatestBrought(context, origin, captured[0])
    ? { failures: 0, lastFailureMs: 0 }
    : circuitBreakerOf(context, head, origin);
  return {
    payees: captured.map(({ payTo }) => payTo),
    endpointPayees: endpoint === undefined ? [] : endpointPayees(context, captured, { family, endpoint }),
    failures,
    lastFailureMs,
  };
}

const OF_ORIGIN = `origin = ? AND state = 'captured' AND network LIKE ? || ':%'`;
// The index payments_by_endpoint is on this very expression.
const OF_ENDPOINT = `method = ? AND substr(url, 1, instr(url || '?', '?') - 1) = ? AND state = 'captured'`;

/** Payees of an endpoint; where all that the origin was paid last was for it, nothing more is read. */
function endpointPayees(
  context: LedgerContext,
  ofOrigin: readonly AttemptRow[],
  { family, endpoint }: { readonly family: string; readonly endpoint: Endpoint },
): string[] {
  const path = pathOf(endpoint.url);
  const own = ofOrigin.filter(({ method, url }) => method === endpoint.method && pathOf(url) === path);
  const isAll = ofOrigin.length < PAYEES_MAX || own.length === PAYEES_MAX;
  const condition = `${OF_ENDPOINT} AND network LIKE ? || ':%'`;
  const rows = isAll ? own : newest(context, condition, PAYEES_MAX, endpoint.method, path, family);
  return rows.map(({ payTo }) => payTo);
}

/** Payments of an origin that are looked through for its endpoints. */
const ENDPOINTS_LOOK_MAX = 50;

/** The latest payee of each of an origin's endpoints; every row it rests on carries its code. */
export function payeesByEndpoint(context: LedgerContext, origin: string, family: string): string[] {
  const latest = new Map<string, string>();
  for (const { method, url, payTo } of newest(context, OF_ORIGIN, ENDPOINTS_LOOK_MAX, origin, family)) {
    const key = `${method} ${pathOf(url)}`;
    if (!latest.has(key)) latest.set(key, payTo);
  }
  return [...latest.values()];
}

function pathOf(url: string): string {
  return url.split('?', 1)[0] ?? url;
}

/** Reads what an endpoint cost; every row it rests on carries its code. */
export function endpointPrices(context: LedgerContext, endpoint: Endpoint, nowMs: number): EndpointPrices {
  const priced = newest(
    context,
    `${OF_ENDPOINT} AND opened_ms > ?`,
    PRICES_MAX,
    endpoint.method,
    pathOf(endpoint.url),
    BigInt(nowMs - PRICE_WINDOW_MS),
  );
  return {
    // What was asked, as the next offer asks: under a ceiling, or with a fee bound, less is charged every time.
    prices: priced.map(({ heldUsdMicros }) => heldUsdMicros),
    approvedUsdMicros: priced
      .filter(({ approvalId }) => approvalId !== null)
      .map(({ heldUsdMicros }) => heldUsdMicros)
      .reduce((highest, price) => (price > highest ? price : highest), 0n),
  };
}

/** Labelled payments that are looked through for models. */
const MODELS_LOOK_MAX = 500;

/** Reads what an agent's calls of models cost; every row it rests on carries its code. No limit rests on it. */
function modelPrices(
  context: LedgerContext,
  { agent, origin }: { readonly agent: string; readonly origin: string },
  nowMs: number,
): ModelPrice[] {
  const since = BigInt(nowMs - PRICE_WINDOW_MS);
  const condition = `origin = ? AND agent = ? AND state = 'captured' AND labels IS NOT NULL AND opened_ms > ?`;
  const prices = new Map<string, ModelPrice>();
  for (const row of newest(context, condition, MODELS_LOOK_MAX, origin, agent, since)) {
    const { labels, capturedUsdMicros, heldUsdMicros, openedMs } = paymentOf(row);
    const model = labels[MODEL_LABEL];
    if (model === undefined || prices.has(model)) continue;
    const atMs = capturedWallMs(row) ?? openedMs;
    prices.set(model, { model, usdMicros: capturedUsdMicros ?? heldUsdMicros, atMs });
  }
  return [...prices.values()];
}

/** A price that nobody paid for so long is asked anew. */
const ASKED_WINDOW_MS = 24 * 3_600_000;
/** Enough to find some differing requests among those that were repeated. */
const ASKED_MAX = 25;
/** Payments of an origin that are looked through for one that stumbled; where they do not reach back far enough, it counts as one. */
const STUMBLES_LOOK_MAX = 200;

/** Reads what an endpoint asked of late; every captured row carries its code. A limit rests on none of it. */
export function askedBefore(
  context: LedgerContext,
  endpoint: Endpoint,
  { differing, nowMs }: { readonly differing: number; readonly nowMs: number },
): AskedBefore {
  const path = pathOf(endpoint.url);
  const since = BigInt(nowMs - ASKED_WINDOW_MS);
  const last = (count: number): Payment[] =>
    newest(context, `${OF_ENDPOINT} AND opened_ms > ?`, count, endpoint.method, path, since).map(paymentOf);
  const few = last(differing);
  const isEnough =
    few.length < differing || new Set(few.map(({ requestHash }) => requestHash)).size === differing;
  const captured = isEnough ? few : last(ASKED_MAX);
  const oldest = captured.at(-1);
  if (oldest === undefined) return { captured, stumbled: false };
  const others = statement(
    context.db,
    `SELECT method, url, state, note FROM payments WHERE origin = ? AND opened_ms >= ?
     ORDER BY opened_ms DESC LIMIT ${STUMBLES_LOOK_MAX}`,
  ).all(new URL(endpoint.url).origin, BigInt(oldest.openedMs)) as SqlRow[];
  const stumbled = others.some(
    ({ method, url, state, note }) =>
      method === endpoint.method &&
      pathOf(String(url)) === path &&
      (state === 'unknown' || (state === 'released' && note !== 'never_signed')),
  );
  return { captured, stumbled: stumbled || others.length === STUMBLES_LOOK_MAX };
}

/** Whether a payment is the one that was opened last at an origin, and brought something: then nothing failed after it. */
function isLatestBrought({ db }: LedgerContext, origin: string, payment: AttemptRow | undefined): boolean {
  if (payment === undefined || !hasBrought(payment)) return false;
  const [last, before] = statement(
    db,
    'SELECT id, opened_ms FROM payments WHERE origin = ? ORDER BY opened_ms DESC LIMIT 2',
  ).all(origin) as SqlRow[];
  return last?.['id'] === payment.id && before?.['opened_ms'] !== last['opened_ms'];
}

/** {@link BROUGHT} of a row that was read. */
function hasBrought({ state, delivery, note }: AttemptRow): boolean {
  if (state !== 'captured') return false;
  return delivery === null ? note === null : ['delivered', 'pending', 'schema_mismatch'].includes(delivery);
}

function newest(
  context: LedgerContext,
  condition: string,
  limit: number,
  ...values: SqlValue[]
): AttemptRow[] {
  const select = (order: string, count: number): SqlRow[] =>
    statement(context.db, `SELECT * FROM payments WHERE ${condition} ORDER BY ${order} LIMIT ${count}`).all(
      ...values,
    ) as SqlRow[];
  // As the index has them, with one more to see a tie; only where ledger time stood still has SQLite to sort.
  const rows = select('opened_ms DESC', limit + 1);
  const isTied = rows.some((row, i) => i > 0 && row['opened_ms'] === rows[i - 1]?.['opened_ms']);
  const ordered = isTied ? select('opened_ms DESC, opened_wall_ms DESC', limit) : rows.slice(0, limit);
  return ordered.map((row) => authenticPayment(context, row));
}

function circuitBreakerOf(context: LedgerContext, head: JournalHead, origin: string): CircuitBreaker {
  const [delivered] = newest(context, `origin = ? AND ${BROUGHT}`, 1, origin);
  const since = (failure: string, limit: number): AttemptRow[] =>
    newest(
      context,
      // Ledger time can stand still; within one moment of it the wall clock tells which came later.
      `origin = ? AND opened_ms >= ? AND (opened_ms > ? OR coalesce(opened_wall_ms, 0) > ?)
       AND ${failure} AND ${STRUCK_MS} > ?`,
      limit,
      origin,
      BigInt(delivered?.openedMs ?? 0),
      BigInt(delivered?.openedMs ?? 0),
      BigInt(delivered?.openedWallMs ?? Number.MAX_SAFE_INTEGER),
      BigInt(context.register.get(head.register, resumedKey(origin)) ?? 0),
    );
  const nothing = since(BROUGHT_NOTHING, FAILURES_MAX + FORGIVEN);
  const breaker = [
    ...since(STRUCK, FAILURES_MAX),
    ...nothing.slice(0, Math.max(0, nothing.length - FORGIVEN)),
  ];
  const times = breaker.map((payment) => {
    const captured = payment.state === 'captured' ? capturedWallMs(payment) : null;
    return captured ?? toWallMs(payment, payment.changedMs);
  });
  return { origin, failures: breaker.length, lastFailureMs: Math.max(0, ...times) };
}

/** Every origin with failures, by name. Reads all payments: for the owner's eyes, not for the path of one. */
export function trippedBreakers(context: LedgerContext, head: JournalHead): CircuitBreaker[] {
  const rows = statement(
    context.db,
    `SELECT DISTINCT origin FROM payments WHERE ${STRUCK} OR ${BROUGHT_NOTHING} ORDER BY origin`,
  ).all() as SqlRow[];
  return rows
    .map((row) => circuitBreakerOf(context, head, String(row['origin'])))
    .filter(({ failures }) => failures > 0);
}

/** Forgets an origin's failures, inside the caller's transaction: the owner ended its pause. */
export function resetCircuitBreaker(context: LedgerContext, origin: string, nowMs: number): void {
  const head = context.journal.checkedHead();
  const timeMs = ledgerTimeMs(head, nowMs);
  const register = context.register.set(head.register, resumedKey(origin), String(timeMs));
  context.journal.append(head, { kind: 'resume', subject: origin, data: {}, timeMs }, { register });
}
