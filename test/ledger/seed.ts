import {
  PAYMENT_COLUMNS,
  patchToJournal,
  paymentToSql,
} from '../../src/ledger/sqlite/payments/paymentColumns.js';
import { hash } from 'node:crypto';
import Database from 'better-sqlite3';
import { captureFacts, holdRequest, T0, testMac } from '../../src/ledger/sqlite/fixtures.js';
import { journalHash, RowAuthenticator } from '../../src/ledger/sqlite/journal/authenticity.js';
import type { JournalKind } from '../../src/ledger/sqlite/journal/entry.js';
import { Journal, type JournalHead } from '../../src/ledger/sqlite/journal/journal.js';
import { SqliteLedger } from '../../src/ledger/sqlite/sqliteLedger.js';
import type { Payment } from '../../src/ledger/attempts/payment.js';
import { Register } from '../../src/ledger/sqlite/journal/register.js';
import {
  contributionOf,
  rollingScopes,
  SPANS_SEC,
  totalKey,
  totalText,
} from '../../src/ledger/sqlite/payments/totals.js';

/** What a seeded ledger looks like. */
export interface SeedOrder {
  readonly payments: number;
  /** Sessions begin evenly over so many days before {@link T0}; each pays one host, every other second. */
  readonly days: number;
  readonly sessions: number;
  readonly hosts: number;
}

/** A wallet whose agent bought all day long for two months. */
export const HARD_USE: Omit<SeedOrder, 'payments'> = { days: 60, sessions: 1000, hosts: 200 };

/** Thirty calls a minute, which is what the wallet allows by itself. */
const PAYMENT_EVERY_MS = 2000;

const DAY_MS = 86_400_000;

const { capLines: _lines, rateLines: _rates, nowMs: _now, ...REQUEST } = holdRequest();

/** What all seeded payments share while they are held. */
const TEMPLATE: Omit<Payment, 'id'> = {
  ...REQUEST,
  kind: 'payment',
  approvalId: null,
  pastCaps: [],
  budgetPath: null,
  labels: {},
  state: 'held',
  capturedAtomic: null,
  capturedUsdMicros: null,
  payload: null,
  openedMs: 0,
  changedMs: 0,
  capturedMs: null,
  countedMs: null,
  openedWallMs: null,
  capturedWallMs: null,
  delivery: null,
  confirmed: false,
  tx: null,
  receipt: null,
  note: null,
};

/**
 * Makes a ledger of captured, confirmed payments in seconds: rows written straight in, with the codes, the journal and
 * the totals that the ledger itself would have written, so that an audit finds nothing.
 *
 * The keys are {@link testMac}'s.
 */
export function seedLedger(path: string, order: SeedOrder): void {
  const beginMs = T0 - order.days * DAY_MS;
  SqliteLedger.create(path, { mac: testMac(), nowMs: beginMs, configVersion: 1 });
  const db = new Database(path);
  db.defaultSafeIntegers(true);
  // Nothing here must outlive a crash.
  for (const pragma of [
    'journal_mode = OFF',
    'synchronous = OFF',
    'cache_size = -262144',
    'temp_store = MEMORY',
  ])
    db.pragma(pragma);
  const indexes = db
    .prepare(`SELECT name, sql FROM sqlite_schema WHERE type = 'index' AND sql IS NOT NULL ORDER BY rowid`)
    .all() as { name: string; sql: string }[];
  db.transaction(() => {
    // Sorted once at the end is sooner than kept sorted.
    for (const { name } of indexes) db.exec(`DROP INDEX ${name}`);
    new Seeding(db, order, beginMs).run();
    for (const { sql } of indexes) db.exec(sql);
  })();
  db.close();
}

class Seeding {
  readonly #db: Database.Database;
  readonly #order: SeedOrder;
  readonly #beginMs: number;
  readonly #auth: RowAuthenticator;
  readonly #journal: Journal;
  readonly #insertEntry: Database.Statement;
  readonly #spans = new Map<string, Map<number, bigint>[]>();
  readonly #tops = new Map<string, bigint>();
  #head: JournalHead;

  constructor(db: Database.Database, order: SeedOrder, beginMs: number) {
    this.#db = db;
    this.#order = order;
    this.#beginMs = beginMs;
    const ledgerId = db.prepare(`SELECT value FROM meta WHERE key = 'ledger_id'`).pluck().get() as string;
    this.#auth = new RowAuthenticator(testMac(), ledgerId);
    this.#journal = new Journal(db, this.#auth);
    this.#insertEntry = db.prepare('INSERT INTO journal VALUES (?, ?, ?, ?, ?, ?, ?)');
    this.#head = this.#journal.checkedHead();
  }

  run(): void {
    const marks = [...PAYMENT_COLUMNS, 'mac'].map(() => '?').join(', ');
    const insert = this.#db.prepare(`INSERT INTO payments VALUES (${marks})`);
    for (let i = 0; i < this.#order.payments; i++) {
      const payment = this.#live(i);
      const values = paymentToSql(payment);
      insert.run(...values, this.#auth.codeOf('payments', values));
      this.#count(payment);
    }
    this.#writeTotals();
    this.#journal.attest(this.#head);
  }

  /** The whole life of one payment, in the journal; returns it as it ended. */
  #live(i: number): Payment {
    const { payments, days, sessions } = this.#order;
    const session = Math.floor((i * sessions) / payments);
    const inSession = i - Math.ceil((session * payments) / sessions);
    const openedMs =
      this.#beginMs + Math.floor((session * days * DAY_MS) / sessions) + inSession * PAYMENT_EVERY_MS;
    const held = this.#held(i, session, openedMs);
    this.#append('hold', held, held);
    const signed = {
      state: 'signed',
      payload: '{"name":"PAYMENT-SIGNATURE","value":"c2VlZGVk"}',
      changedMs: openedMs,
    } as const;
    this.#append('sign', held, signed);
    const { chainMs: _chainMs, ...facts } = captureFacts(held, { confirmed: true });
    const captured = {
      ...facts,
      state: 'captured',
      capturedMs: openedMs,
      countedMs: openedMs,
      changedMs: openedMs,
    } as const;
    this.#append('capture', held, captured);
    return { ...held, ...signed, ...captured };
  }

  #held(i: number, session: number, openedMs: number): Payment {
    const usdMicros = BigInt(1000 + (i % 7) * 500);
    const host = `api-${session % this.#order.hosts}.example.com`;
    return {
      ...TEMPLATE,
      // In the order of time: random ones would only make the seeding slower.
      id: `pay_${i.toString(16).padStart(20, '0')}`,
      sessionId: `ses_${session}`,
      requestHash: hash('sha256', `request ${i}`),
      nonce: `0x${hash('sha256', `nonce ${i}`)}`,
      host,
      origin: `https://${host}`,
      url: `https://${host}/report?id=${i}`,
      heldAtomic: usdMicros,
      heldUsdMicros: usdMicros,
      validAfterSec: Math.floor(openedMs / 1000) - 60,
      validBeforeSec: Math.floor(openedMs / 1000) + 60,
      openedMs,
      changedMs: openedMs,
    };
  }

  #append(kind: JournalKind, { id }: Payment, patch: Partial<Payment>): void {
    const entry = {
      seq: this.#head.seq + 1,
      timeMs: patch.changedMs ?? 0,
      kind,
      subject: id,
      data: JSON.stringify(patchToJournal(patch)),
      prevHash: this.#head.hash,
    };
    const link = journalHash(entry);
    this.#insertEntry.run(entry.seq, entry.timeMs, kind, id, entry.data, entry.prevHash, link);
    const { seq, timeMs } = entry;
    this.#head = { ...this.#head, seq, timeMs, hash: link, attestedSeq: seq, attestedHash: link };
  }

  #count(payment: Payment): void {
    const { captured, countedSec } = contributionOf(payment);
    const rolling = rollingScopes(payment);
    for (const scope of [...rolling, `session:${payment.sessionId}`])
      this.#tops.set(scope, (this.#tops.get(scope) ?? 0n) + captured);
    for (const scope of rolling) {
      const spans = this.#spans.get(scope) ?? SPANS_SEC.map(() => new Map<number, bigint>());
      this.#spans.set(scope, spans);
      SPANS_SEC.forEach((span, i) => {
        const start = countedSec - (countedSec % span);
        spans[i]?.set(start, (spans[i].get(start) ?? 0n) + captured);
      });
    }
  }

  #writeTotals(): void {
    const insert = this.#db.prepare('INSERT INTO totals VALUES (?, ?, ?, ?, ?)');
    for (const [scope, spans] of this.#spans) {
      SPANS_SEC.forEach((span, i) => {
        for (const [start, usdMicros] of spans[i] ?? []) {
          const values = [scope, BigInt(span), BigInt(start), usdMicros];
          insert.run(...values, this.#auth.codeOf('totals', values));
        }
      });
    }
    const register = new Register(this.#db);
    for (const [scope, captured] of this.#tops) {
      const digests = register.set(this.#head.register, totalKey(scope), totalText({ live: 0n, captured }));
      this.#head = { ...this.#head, register: digests };
    }
  }
}
