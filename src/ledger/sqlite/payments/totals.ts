import type { SqlRow, AttemptRow, RowFields } from './paymentColumns.js';
import { budgetsOf, isRun } from '../../books/budget.js';
import { type CountedLine, LISTED } from '../../attempts/hold.js';
import type { CapScope } from '../../../money/cap.js';
import type { RowAuthenticator } from '../journal/authenticity.js';
import { statement, type Sqlite } from '../file/database.js';
import { isCommitment, isDrawn } from '../../../protocols/protocol.js';
import { changedBehind } from '../../fault.js';
import { isLive } from '../../attempts/attempt.js';
import type { PastCap } from '../../attempts/payment.js';
import type { Register, RegisterDigests } from '../journal/register.js';
import type { UsdMicros } from '../../../money/unit.js';

/**
 * The spans that captured money is added up in, in seconds: 32 days, a day, an hour, a minute. Each is a whole
 * number of the next, so that every sum can be held against the finer ones it is made of.
 */
export const SPANS_SEC = [32 * 86_400, 86_400, 3600, 60] as const;

/** Rows remembered as checked: the windows of a few dozen scopes, in a megabyte or two. */
const CHECKED_MAX = 10_000;

/** What counts against one scope: money that can still move, and all that ever was captured. In micro-dollars. */
export interface ScopeTotal {
  readonly live: bigint;
  readonly captured: bigint;
}

/** The key a scope's totals are kept under. */
export function scopeKey(scope: CapScope): string {
  switch (scope.kind) {
    case 'wallet':
      return 'wallet';
    case 'agent':
      return `agent:${scope.agent}`;
    case 'session':
      return inCategory(`session:${scope.sessionId}`, scope.category);
    case 'host':
      return `host:${scope.host}`;
    case 'category':
      return `category:${scope.category}`;
    case 'budget':
      return budgetScope(scope.budget);
  }
}

/** The part of an agent's or a session's that went to one category. */
function inCategory(scope: string, category: string | undefined): string {
  return category === undefined ? scope : `${scope} category:${category}`;
}

/** Stands for the category of a payment that came in from the chain: nobody knows what it bought. No category has this name. */
export const IMPORTED_CATEGORY = 'imported:';
/** Stands for its host. */
export const IMPORTED_HOST = 'imported.invalid';
/** Stands for the owner's budgets that it counted in. */
export const IMPORTED_BUDGET = 'imported:';

/**
 * Where money that came in from the chain is added up that may belong to a scope: it counts toward each host, each
 * category, each category of a session and each budget, for any of them may have taken it. Null where a scope knows all
 * its own.
 */
function importedScope(scope: CapScope): CapScope | null {
  switch (scope.kind) {
    case 'host':
      return { ...scope, host: IMPORTED_HOST };
    case 'category':
      return { ...scope, category: IMPORTED_CATEGORY };
    case 'session':
      return scope.category === undefined ? null : { ...scope, category: IMPORTED_CATEGORY };
    case 'budget':
      return { ...scope, budget: IMPORTED_BUDGET };
    case 'wallet':
    case 'agent':
      return null;
  }
}

/** The owner's category of a payment, which caps go by; undefined where it has none. */
function ownCategory({ category }: AttemptRow): string | undefined {
  return category === null || category.startsWith(LISTED) ? undefined : category;
}

/** `host:port` of a payment, the port always written out. */
export function hostPortOf({ host, origin }: Pick<RowFields, 'host' | 'origin'>): string {
  const { port, protocol } = new URL(origin);
  return `${host}:${port === '' ? (protocol === 'http:' ? '80' : '443') : port}`;
}

/** The key of what was approved past one cap: totals of the same form, kept beside those of its scope. JSON, so that no name or host makes another's key. */
function pastKey([name, scope]: PastCap): string {
  return `past ${JSON.stringify([name, scope])}`;
}

/** The key that a budget's totals are kept under: a run's by its id, one of the owner's by its name. */
export function budgetScope(id: string): string {
  return `budget:${id}`;
}

/**
 * A total that a payment is part of, and which of its sums it counts in: a session's has no open ones, see {@link Totals};
 * what counts `as a whole` is never looked at by time.
 */
export interface Place {
  readonly key: string;
  readonly counts: 'live and captured' | 'live' | 'captured' | 'as a whole';
}

/** Where promises are added up that have not ended: what they come to in a line is reckoned when it is asked, see `reserve`. */
export const COMMITMENTS = 'commitments';

/** Every total that a payment is part of. */
export function placesOf(payment: AttemptRow): Place[] {
  if (isCommitment(payment)) return [{ key: COMMITMENTS, counts: 'live' }];
  const places: Place[] = rollingScopes(payment).map((key) => ({ key, counts: 'live and captured' }));
  const sessions = sessionScopes(payment);
  for (const { session } of sessions) places.push({ key: session, counts: 'captured' });
  const category = ownCategory(payment);
  if (category !== undefined)
    places.push({ key: inCategory(`agent:${payment.agent}`, category), counts: 'live' });
  for (const id of budgetsOf(payment))
    places.push({ key: budgetScope(id), counts: isRun(id) ? 'as a whole' : 'live and captured' });
  for (const [name, scope] of payment.pastCaps) {
    const own = sessions.find(({ session }) => session === scope);
    if (own === undefined) {
      places.push({ key: pastKey([name, scope]), counts: 'live and captured' });
      continue;
    }
    places.push({ key: pastKey([name, scope]), counts: 'captured' });
    places.push({ key: pastKey([name, own.agent]), counts: 'live' });
  }
  return places;
}

/** The sessions a payment is captured in, whole and by category, each with where its open part is counted. */
function sessionScopes(payment: AttemptRow): { readonly session: string; readonly agent: string }[] {
  const category = ownCategory(payment);
  return [undefined, ...(category === undefined ? [] : [category])].map((one) => ({
    session: inCategory(`session:${payment.sessionId}`, one),
    agent: inCategory(`agent:${payment.agent}`, one),
  }));
}

/** What of a contribution counts in a place. */
export function partOf({ counts }: Place, { live, captured }: ScopeTotal): ScopeTotal {
  return {
    live: counts === 'captured' ? 0n : live,
    captured: counts === 'live' ? 0n : captured,
  };
}

/** Whether a place is added up by time too. */
export function isRolling({ counts }: Place): boolean {
  return counts === 'live and captured';
}

/** The scopes a payment counts in by time. The owner may bound a host, which is every port of it, or one `host:port`. */
export function rollingScopes(payment: AttemptRow): string[] {
  const scopes = ['wallet', `agent:${payment.agent}`, `host:${payment.host}`, `host:${hostPortOf(payment)}`];
  const category = ownCategory(payment);
  if (category !== undefined) scopes.push(`category:${category}`);
  return scopes;
}

/**
 * What a payment adds to each of its scopes as it stands: its hold while it lives, then what it captured. What the
 * owner takes out is no spending of an agent's and adds nothing. What is paid out of a deposit adds nothing either: the
 * deposit counts whole until it is closed, and then for all that was taken of it.
 */
export function contributionOf(payment: AttemptRow | null): ScopeTotal & { readonly countedSec: number } {
  const none = { live: 0n, captured: 0n, countedSec: 0 };
  if (payment === null || payment.kind === 'withdrawal' || isDrawn(payment)) return none;
  if (isLive(payment.state)) return { ...none, live: payment.heldUsdMicros };
  const { capturedUsdMicros, countedMs } = payment;
  if (payment.state !== 'captured' || capturedUsdMicros === null || countedMs === null) return none;
  return { live: 0n, captured: capturedUsdMicros, countedSec: Math.floor(countedMs / 1000) };
}

/** The register's key of a scope. */
export function totalKey(scope: string): string {
  return `total ${scope}`;
}

/** The register's text of a total. */
export function totalText({ live, captured }: ScopeTotal): string {
  return `${live} ${captured}`;
}

/**
 * Running totals, so that a cap check costs the same with a thousand payments and with a million: a window reads at
 * most a few dozen rows of each span. A captured amount leaves a window up to one minute late, never early.
 */
export class Totals {
  readonly #db: Sqlite;
  readonly #auth: RowAuthenticator;
  readonly #register: Register;
  readonly #checked = new Map<string, { readonly amount: bigint; readonly code: Buffer }>();

  constructor(db: Sqlite, auth: RowAuthenticator, register: Register) {
    this.#db = db;
    this.#auth = auth;
    this.#register = register;
  }

  /** Replaces what one payment contributes, inside the caller's transaction. Returns the register's new digests. */
  move(digests: RegisterDigests, before: AttemptRow | null, after: AttemptRow): RegisterDigests {
    const [known, now] = [contributionOf(before), contributionOf(after)];
    const left = new Map((before === null ? [] : placesOf(before)).map((place) => [place.key, place]));
    const places = new Set(left.keys());
    let next = digests;
    for (const place of placesOf(after)) {
      left.delete(place.key);
      // A budget that it counts in from now on takes all of it.
      const old = places.has(place.key) ? known : contributionOf(null);
      const change = { live: now.live - old.live, captured: now.captured - old.captured };
      next = this.#addTop(next, place.key, partOf(place, change));
      if (!isRolling(place)) continue;
      if (old.countedSec === now.countedSec) {
        this.#addSpans(place.key, now.countedSec, change.captured);
      } else {
        this.#addSpans(place.key, old.countedSec, -old.captured);
        this.#addSpans(place.key, now.countedSec, now.captured);
      }
    }
    // What it counts in no more, such as the category that its host was taken out of.
    for (const place of left.values()) {
      next = this.#addTop(next, place.key, partOf(place, { live: -known.live, captured: -known.captured }));
      if (isRolling(place)) this.#addSpans(place.key, known.countedSec, -known.captured);
    }
    return next;
  }

  #addTop(digests: RegisterDigests, scope: string, { live, captured }: ScopeTotal): RegisterDigests {
    if (live === 0n && captured === 0n) return digests;
    const total = this.#top(digests, scope);
    const next = { live: total.live + live, captured: total.captured + captured };
    return this.#register.set(digests, totalKey(scope), totalText(next));
  }

  #addSpans(scope: string, atSec: number, usdMicros: UsdMicros): void {
    if (usdMicros === 0n) return;
    for (const span of SPANS_SEC) {
      const key = [scope, BigInt(span), BigInt(atSec - (atSec % span))] as const;
      const row = statement(
        this.#db,
        'SELECT * FROM totals WHERE scope = ? AND span_sec = ? AND start_sec = ?',
      ).get(...key) as SqlRow | undefined;
      const sum = (row === undefined ? 0n : this.#amountOf(row)) + usdMicros;
      const mac = this.#auth.codeOf('totals', [...key, sum]);
      statement(this.#db, 'INSERT OR REPLACE INTO totals VALUES (?, ?, ?, ?, ?)').run(...key, sum, mac);
      this.#noteChecked(key.join(' '), sum, mac);
    }
  }

  /** All that a line's scope and window hold right now: everything live, and what was captured inside the window. */
  spentIn(digests: RegisterDigests, line: CountedLine, nowMs: number): bigint {
    return this.#sum(digests, line, nowMs, (scope) => scope);
  }

  /** What of {@link spentIn} was approved past this very cap, and so does not count against it. */
  approvedPast(digests: RegisterDigests, line: CountedLine, nowMs: number): bigint {
    return this.#sum(digests, line, nowMs, (scope) => pastKey([line.name, scope]));
  }

  #sum(
    digests: RegisterDigests,
    { scope, windowSec }: CountedLine,
    nowMs: number,
    keyOf: (scope: string) => string,
  ): bigint {
    const sinceSec = windowSec === null ? null : Math.floor(nowMs / 1000) - windowSec;
    const imported = importedScope(scope);
    const ofOther = imported === null ? 0n : this.#sumOf(digests, imported, sinceSec, keyOf);
    return this.#sumOf(digests, scope, sinceSec, keyOf) + ofOther;
  }

  #sumOf(
    digests: RegisterDigests,
    scope: CapScope,
    sinceSec: number | null,
    keyOf: (scope: string) => string,
  ): bigint {
    const key = keyOf(scopeKey(scope));
    const total = this.#top(digests, key);
    if (scope.kind === 'session') {
      // An agent's open payments count in each of its sessions: a new session must not forget them.
      return (
        total.captured + this.#top(digests, keyOf(inCategory(`agent:${scope.agent}`, scope.category))).live
      );
    }
    if (sinceSec === null) return total.live + total.captured;
    if (total.captured === 0n) return total.live;
    return total.live + this.#capturedSince(key, total.captured, sinceSec);
  }

  /** What can still move of one scope. */
  live(digests: RegisterDigests, scope: string): bigint {
    return this.#top(digests, scope).live;
  }

  /** All that counts against one scope, whenever it did. */
  whole(digests: RegisterDigests, scope: string): ScopeTotal {
    return this.#top(digests, scope);
  }

  #top(digests: RegisterDigests, scope: string): ScopeTotal {
    const text = this.#register.get(digests, totalKey(scope));
    const [live = '0', captured = '0'] = text?.split(' ') ?? [];
    return { live: BigInt(live), captured: BigInt(captured) };
  }

  /**
   * Captured since a moment, from the longest span down: later rows count, the row that the moment falls in is looked
   * into by the next span. At each step the rows must add up to the row they were taken from, and the first to the
   * total that the head vouches for: a row that was deleted or put back shows.
   */
  #capturedSince(scope: string, capturedEver: bigint, sinceSec: number): bigint {
    let whole = capturedEver;
    let [from, before] = [0, Number.MAX_SAFE_INTEGER];
    let used = 0n;
    for (const span of SPANS_SEC) {
      const boundary = Math.max(0, sinceSec - (sinceSec % span));
      let [sum, inside] = [0n, 0n];
      for (const row of this.#rows(scope, span, from, before)) {
        const amount = this.#amountOf(row);
        sum += amount;
        if (Number(row['start_sec']) > boundary) used += amount;
        else if (Number(row['start_sec']) === boundary) inside = amount;
      }
      if (sum !== whole) throw changedBehind(`The totals of ${scope} do not add up.`);
      if (inside === 0n) return used;
      [whole, from, before] = [inside, boundary, boundary + span];
    }
    return used + whole;
  }

  #rows(scope: string, span: number, fromSec: number, beforeSec: number): SqlRow[] {
    return statement(
      this.#db,
      'SELECT * FROM totals WHERE scope = ? AND span_sec = ? AND start_sec >= ? AND start_sec < ?',
    ).all(scope, span, fromSec, beforeSec) as SqlRow[];
  }

  /** A row that is byte for byte one that was checked before needs no second code: those are most of a window. */
  #amountOf(row: SqlRow): bigint {
    const key = `${String(row['scope'])} ${String(row['span_sec'])} ${String(row['start_sec'])}`;
    const [amount, code] = [row['usd_micros'] as bigint, row['mac'] as Uint8Array];
    const known = this.#checked.get(key);
    if (known?.amount === amount && known.code.equals(code)) return amount;
    this.#auth.checkRow('totals', row);
    this.#noteChecked(key, amount, code);
    return amount;
  }

  #noteChecked(key: string, amount: bigint, code: Uint8Array): void {
    if (this.#checked.size >= CHECKED_MAX) this.#checked.clear();
    this.#checked.set(key, { amount, code: Buffer.from(code) });
  }
}
