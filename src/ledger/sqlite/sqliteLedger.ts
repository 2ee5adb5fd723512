import type { Answer, FreeAnswer } from '../answer.js';
import type { AuditReport } from '../audit.js';
import type { LedgerOptions, MacFunction, NewLedger } from '../ledgerStore.js';
import { newId } from '../newId.js';
import type { CountedLine, HoldRequest, HoldResult } from '../hold.js';
import type { CircuitBreaker, Endpoint, EndpointPrices, OriginHistory } from '../seller.js';
import type { DueAttempt, Look, Witness } from '../observation.js';
import type { SqlRow } from './payments/paymentColumns.js';
import type {
  CaptureFacts,
  LandingProof,
  ReleaseNote,
  SendRequest,
  SendResult,
  SignResult,
  SignedPayload,
  Transition,
} from '../transition.js';
import type { Quote } from '../quote.js';
import type { Rebased } from '../rebase.js';
import type { ImportedPayment, Rebuilt } from '../rebuild.js';
import type { OpenBooks, ReportFilter, ReportGroup, ReportGrouping, ReportPage } from '../report.js';
import type { Session } from '../session.js';
import type { WithdrawalRequest, WithdrawalResult } from '../withdrawal.js';
import type { CommitPoint } from '../commitPoint.js';
import { assertInvariant, WalletError } from '../../errors/walletError.js';
import { findAnswer, saveAnswer, saveFreeAnswer } from './calls/answer.js';
import { unnamedFiles } from './calls/answerRoom.js';
import { Entitlements } from './calls/entitlement.js';
import { Agents } from './owner/agents.js';
import { Budgets } from './owner/budgets.js';
import type { Checkpoint, Ledger } from '../ledger.js';
import { Approvals, Factors } from './owner/approvals.js';
import { auditLedger } from './journal/audit.js';
import { RowAuthenticator } from './journal/authenticity.js';
import { type LedgerContext } from './file/context.js';
import {
  copyDatabase,
  createDatabase,
  openDatabase,
  statement,
  syncLog,
  type Sqlite,
} from './file/database.js';
import { toLedgerError } from './file/fault.js';
import { findByKey, noteConfig, openHold, usageOf } from './payments/hold.js';
import {
  endpointPrices,
  resetCircuitBreaker,
  originHistory,
  payeesByEndpoint,
  trippedBreakers,
} from './views/history.js';
import { Journal, ledgerTimeMs, type JournalHead } from './journal/journal.js';
import {
  dueAttempts,
  endWatch,
  findLook,
  findWitnesses,
  saveLook,
  saveWitnesses,
  watchedAttempts,
} from './views/look.js';
import { migrate, MIGRATIONS, schemaGuard, sealSchema, type Migration } from './file/migration.js';
import type { Delivery, Payment } from '../payment.js';
import { currentPayment, existingPayment, findLive, selectPayment } from './payments/paymentRow.js';
import { THIS_HOLDER, type Lease } from '../lease.js';
import { findQuote, saveQuote } from './calls/quote.js';
import { rebase } from './journal/rebase.js';
import { assertNotRebuilding, beginRebuild, finishRebuild, rebuildingSinceMs } from './journal/rebuild.js';
import { Register } from './journal/register.js';
import {
  answerStatuses,
  groupByCategory,
  groupPayments,
  heldAtomic,
  listPayments,
  openBooks,
} from './views/report.js';
import { currentSession, isFresh, touchSession } from './calls/session.js';
import { Totals } from './payments/totals.js';
import { endLease, findLease, renewLease, takeLease } from './payments/leaseRow.js';
import { capture, markSent, markUnknown, recapture, recordSigned, release } from './payments/transition.js';
import { Waiting } from './payments/waiting.js';
import { openWithdrawal } from './payments/withdrawal.js';
import { LedgerWriter } from './file/writer.js';

/** As {@link capturedWallMs}; from no earlier than the opening, whatever the clock said meanwhile. */
const CAPTURED_WALL = `max(coalesce(captured_wall_ms, captured_ms), coalesce(opened_wall_ms, 0))`;

/** How a ledger in one file is opened. */
export interface SqliteOptions extends LedgerOptions {
  /** Tests alone bring their own. */
  readonly migrations?: readonly Migration[];
}

/**
 * The ledger in one file of SQLite, for the processes of one machine. Each operation runs whole, without a pause, in one
 * transaction.
 */
export class SqliteLedger implements Ledger {
  readonly id: string;
  readonly approvals: Approvals;
  readonly factors: Factors;
  readonly agents: Agents;
  readonly entitlements: Entitlements;
  readonly budgets: Budgets;
  readonly #db: Sqlite;
  readonly #path: string;
  readonly #isStopped: () => boolean;
  readonly #writer: LedgerWriter;
  readonly #journal: Journal;
  readonly #context: LedgerContext | null;
  readonly #waiting = new Waiting();

  private constructor(path: string, db: Sqlite, options: SqliteOptions) {
    const { mac, observer, lockWaitMaxMs, migrations = MIGRATIONS } = options;
    this.#isStopped = options.isStopped ?? (() => false);
    this.#db = db;
    this.#path = path;
    const { id, auth } = identify(db, mac);
    migrate(db, path, auth, migrations);
    this.id = id;
    this.#journal = new Journal(db, auth, options.clock);
    this.#context =
      auth === null
        ? null
        : contextOf(db, auth, this.#journal, this.#isStopped, options.holder ?? THIS_HOLDER);
    const access = {
      read: <T>(operation: (context: LedgerContext, head: JournalHead) => T) => this.#read(operation),
      write: <T>(point: CommitPoint, operation: (context: LedgerContext) => T) =>
        this.#write(point, operation),
    };
    this.approvals = new Approvals(access);
    this.factors = new Factors(access);
    this.agents = new Agents(access);
    this.entitlements = new Entitlements(access);
    this.budgets = new Budgets(access);
    const guard = schemaGuard(db, auth, migrations.length + 1);
    this.#atOnce(() => {
      guard();
      if (auth !== null) this.#journal.remember(this.#journal.checkedHead());
    });
    this.#writer = new LedgerWriter(db, path, this.#journal, { observer, lockWaitMaxMs, guard });
  }

  /** Makes a new ledger file; only set-up and rebuilding do. Throws `already_set_up` where a file exists. */
  static create(path: string, options: NewLedger): Checkpoint {
    const ledgerId = newId('led');
    let checkpoint: Checkpoint | undefined;
    createDatabase(path, (db) => {
      const auth = new RowAuthenticator(options.mac, ledgerId);
      const code = auth.codeOf('meta', ['ledger_id', ledgerId]);
      statement(db, `INSERT INTO meta VALUES ('ledger_id', ?, ?)`).run(ledgerId, code);
      sealSchema(db, auth);
      const head = new Journal(db, auth).begin(ledgerId, options.nowMs, options.configVersion);
      checkpoint = { ledgerId, seq: head.seq, headHash: head.hash };
    });
    assertInvariant(checkpoint !== undefined, 'a new ledger has a head');
    return checkpoint;
  }

  /**
   * Opens an existing ledger, brought to the newest schema; its tables and its head are proved when keys are given.
   * Throws as the class says, and `ledger_foreign` where other keys wrote it.
   */
  static open(path: string, options: SqliteOptions): SqliteLedger {
    const db = openDatabase(path, (options.migrations ?? MIGRATIONS).length + 1);
    try {
      return new SqliteLedger(path, db, options);
    } catch (error) {
      db.close();
      throw toLedgerError(error);
    }
  }

  async close(): Promise<void> {
    await Promise.resolve(this.#db.close());
  }

  /** The journal's head as stored, unproved: also without keys. */
  async head(): Promise<JournalHead> {
    const head = await this.#snapshot(() => this.#journal.readHead());
    return head.frozen || !this.#isStopped() ? head : { ...head, frozen: true };
  }

  /** Whether there are rows of factors, unproved: also without keys. */
  hasFactorRows(): Promise<boolean> {
    return this.#snapshot(() => statement(this.#db, 'SELECT 1 FROM factors LIMIT 1').get() !== undefined);
  }

  /** Where the journal stands now. */
  checkpoint(): Promise<Checkpoint> {
    return this.#read((_context, head) => ({
      ledgerId: this.id,
      seq: head.seq,
      headHash: head.hash,
      ...(this.#journal.isFrozenByOwner() ? { isFrozen: true } : {}),
    }));
  }

  /**
   * Where the journal stands now, once the disk has it: a keystore that remembered a head which a power cut takes back
   * would call the owner's own ledger an older copy. Null where that is entry `sinceSeq`, or one before it.
   */
  async durableCheckpoint(sinceSeq = 0): Promise<Checkpoint | null> {
    const checkpoint = await this.checkpoint();
    if (checkpoint.seq <= sinceSeq) return null;
    await syncLog(this.#path);
    return checkpoint;
  }

  /**
   * Throws `ledger_foreign`, `ledger_older` or `ledger_damaged` unless this ledger continues the checkpoint, every
   * entry since linked to the one before. Needs the keys.
   */
  async verifyCheckpoint(checkpoint: Checkpoint): Promise<void> {
    if (checkpoint.ledgerId !== this.id) {
      throw new WalletError('ledger_foreign', 'This ledger is not the one the keystore remembers.', {
        owner: {
          say: 'The ledger is not the one this wallet last wrote; signing has stopped.',
          action: { kind: 'rebuildLedger' },
        },
      });
    }
    await this.#read(() => this.#journal.verifySince(checkpoint.seq, checkpoint.headHash));
  }

  /** The agent's session: renewed, or begun anew after {@link SESSION_IDLE_MS}. */
  async touchSession(agent: string, nowMs: number): Promise<Session & { readonly begun: boolean }> {
    const current = await this.currentSession(agent, nowMs);
    if (current !== null && isFresh(current, nowMs)) return { ...current, begun: false };
    return this.#write('session', (context) => touchSession(context, agent, nowMs));
  }

  /** The agent's running session, or null; writes nothing. */
  currentSession(agent: string, nowMs: number): Promise<Session | null> {
    return this.#read((context, head) => currentSession(context, head, agent, nowMs));
  }

  saveQuote(quote: Omit<Quote, 'id'>): Promise<Quote> {
    return this.#write('quote', (context) => saveQuote(context, quote));
  }

  findQuote(agent: string, id: string): Promise<Quote | null> {
    return this.#read((context) => findQuote(context, agent, id));
  }

  /** Checks every line and reserves, in one step. */
  openHold(request: HoldRequest): Promise<HoldResult> {
    return this.#write('held', (context) => openHold(context, request));
  }

  /** Reserves money that the owner takes out, beside all that is held; no cap is looked at. */
  openWithdrawal(request: WithdrawalRequest): Promise<WithdrawalResult> {
    return this.#write('held', (context) => openWithdrawal(context, request));
  }

  recordSigned(id: string, payload: SignedPayload, nowMs: number): Promise<SignResult> {
    return this.#write('signed', (context) => recordSigned(context, id, payload, nowMs));
  }

  /** Bytes may leave only after this answered `done`. */
  markSent(id: string, send: SendRequest): Promise<SendResult> {
    return this.#write('sent', (context) => markSent(context, id, send));
  }

  /**
   * held → signed → sent, two steps that share one commit and so one fsync: nobody could use the moment between them.
   * What bars sending leaves the row signed. Bytes may leave only after `sent` answered `done`.
   */
  async signAndSend(
    id: string,
    payload: SignedPayload,
    send: SendRequest,
  ): Promise<{ readonly signed: SignResult; readonly sent: SendResult }> {
    const [signed, sent] = await Promise.all([
      this.recordSigned(id, payload, send.nowMs),
      this.markSent(id, send),
    ]);
    return { signed, sent };
  }

  markUnknown(id: string, note: string, nowMs: number, receipt?: string): Promise<Transition> {
    return this.#write('unknown', (context) => markUnknown(context, id, note, nowMs, receipt));
  }

  capture(id: string, facts: CaptureFacts, nowMs: number): Promise<Transition> {
    const point = facts.confirmed ? 'confirmed' : 'captured';
    return this.#write(point, (context) => capture(context, id, facts, nowMs));
  }

  release(id: string, note: ReleaseNote, nowMs: number): Promise<Transition> {
    return this.#write('released', (context) => release(context, id, note, nowMs));
  }

  /** Takes a released payment for captured after all; only ever by a proof from the chain. */
  recapture(id: string, proof: LandingProof, nowMs: number): Promise<Transition> {
    return this.#write('confirmed', (context) => recapture(context, id, proof, nowMs));
  }

  findLease(paymentId: string): Promise<Lease | null> {
    return this.#read((context) => findLease(context, paymentId));
  }

  isHeldHere({ holder }: Lease): boolean {
    return holder === this.#unlocked().holder;
  }

  takeLease(paymentId: string, seen: Lease | null, nowMs: number): Promise<boolean> {
    return this.#write('look', (context) => takeLease(context, paymentId, seen, nowMs));
  }

  renewLease(paymentId: string, nowMs: number): Promise<boolean> {
    return this.#write('look', (context) => renewLease(context, paymentId, nowMs));
  }

  /** A call that went well has ended it already: then nothing is written. */
  async endLease(paymentId: string): Promise<void> {
    const isOurs = (context: LedgerContext): boolean =>
      findLease(context, paymentId)?.holder === context.holder;
    if (await this.#read(isOurs))
      await this.#write('look', (context) => isOurs(context) && endLease(context, paymentId));
  }

  /** A hash that says nothing of its text to whoever lacks the keys, and is another in every ledger. Hex. */
  keyedHash(text: string): string {
    return Buffer.from(this.#unlocked().auth.keyedHash(text)).toString('hex');
  }

  /** The payment by id, its code checked, or null. */
  findPayment(id: string): Promise<Payment | null> {
    return this.#read((context, head) => selectPayment(context, head, 'id = ?', id));
  }

  /** The payment of this request still open, or null; of several hashes the first that has one. */
  findLive(...requestHashes: string[]): Promise<Payment | null> {
    return this.#read((context, head) => {
      for (const requestHash of requestHashes) {
        const live = findLive(context, head, requestHash);
        if (live !== null) return live;
      }
      return null;
    });
  }

  findByKey(agent: string, key: string): Promise<Payment | null> {
    return this.#read((context, head) => findByKey(context, head, agent, key));
  }

  /** The newest payment of this request, by either hash, that was taken for captured at `sinceMs` of the wall clock or later. */
  findCaptured(requestHash: string, sinceMs: number, otherHash = requestHash): Promise<Payment | null> {
    const condition = `request_hash IN (?, ?) AND state = 'captured' AND ${CAPTURED_WALL} >= ?`;
    return this.#read((context, head) =>
      selectPayment(context, head, condition, requestHash, otherHash, sinceMs),
    );
  }

  /** Payments still open, and captures the chain has not confirmed: the reconciler's list, longest unchanged first. */
  openAttempts(limit: number): Promise<Payment[]> {
    return this.#read((context, head) => {
      const rows = statement(
        this.#db,
        `SELECT * FROM payments
         WHERE state IN ('held', 'signed', 'sent', 'unknown') OR (state = 'captured' AND confirmed = 0)
         ORDER BY changed_ms LIMIT ?`,
      ).all(limit) as SqlRow[];
      return rows.map((row) => currentPayment(context, head, row));
    });
  }

  /** Payments from one address still open, longest unchanged first. */
  openAttemptsFrom(network: string, asset: string, payFrom: string, limit: number): Promise<Payment[]> {
    return this.#read((context, head) => {
      const rows = statement(
        this.#db,
        // By name, as {@link heldAtomic} does.
        `SELECT * FROM payments INDEXED BY one_live_payment_per_request
         WHERE network = ? AND asset = ? AND pay_from = ? AND state IN ('held', 'signed', 'sent', 'unknown')
         ORDER BY changed_ms LIMIT ?`,
      ).all(network, asset, payFrom, limit) as SqlRow[];
      return rows.map((row) => currentPayment(context, head, row));
    });
  }

  /** Open payments whose next look is due, those that are not stuck in front; see {@link dueAttempts}. */
  dueAttempts(nowMs: number, limit: number): Promise<DueAttempt[]> {
    return this.#read((context, head) => dueAttempts(context, head, nowMs, limit));
  }

  /** The next look at a payment, or null where it is due now. */
  findLook(paymentId: string): Promise<Look | null> {
    return this.#read((context) => findLook(context, paymentId));
  }

  /** Notes when an open payment is looked at next. */
  saveLook(look: Look): Promise<void> {
    return this.#write('look', (context) => saveLook(context, look));
  }

  /** What is remembered of the RPC operators of an open payment. */
  findWitnesses(paymentId: string): Promise<Witness[]> {
    return this.#read((context) => findWitnesses(context, paymentId));
  }

  /** Remembers what RPC operators showed of an open payment. */
  saveWitnesses(paymentId: string, witnesses: readonly Witness[]): Promise<void> {
    return this.#write('look', (context) => saveWitnesses(context, paymentId, witnesses));
  }

  /** Released payments that are looked after for a while, and due for a look (T32). */
  watchedAttempts(nowMs: number, limit: number): Promise<Payment[]> {
    return this.#read((context, head) => watchedAttempts(context, head, nowMs, limit));
  }

  /** Ends the looks at a released payment. */
  endWatch(paymentId: string): Promise<void> {
    return this.#write('look', (context) => endWatch(context, paymentId));
  }

  /**
   * Signed payments that were released, opened at `sinceMs` or later, newest first: what released them may have been
   * false. Reads all payments since then.
   */
  releasedAttempts(sinceMs: number, limit: number): Promise<Payment[]> {
    return this.#read((context, head) => {
      const rows = statement(
        this.#db,
        `SELECT * FROM payments WHERE opened_ms >= ? AND state = 'released' AND payload IS NOT NULL
         ORDER BY opened_ms DESC LIMIT ?`,
      ).all(sinceMs, limit) as SqlRow[];
      return rows.map((row) => currentPayment(context, head, row));
    });
  }

  /** What was paid to an origin before: payees and failures, for the owner's rules. */
  originHistory(origin: string, family: string, endpoint?: Endpoint): Promise<OriginHistory> {
    return this.#read((context, head) => originHistory(context, head, { origin, family, endpoint }));
  }

  /** The latest payee of each of an origin's endpoints, for the owner's rules. */
  payeesByEndpoint(origin: string, family: string): Promise<string[]> {
    return this.#read((context) => payeesByEndpoint(context, origin, family));
  }

  /** What an endpoint cost before, for the owner's rule on prices. */
  endpointPrices(endpoint: { method: string; url: string }, nowMs: number): Promise<EndpointPrices> {
    return this.#read((context) => endpointPrices(context, endpoint, nowMs));
  }

  /** Every origin with failures against it. */
  trippedBreakers(): Promise<CircuitBreaker[]> {
    return this.#read((context, head) => trippedBreakers(context, head));
  }

  /** Forgets the failures of an origin: the owner's alone. */
  resetCircuitBreaker(origin: string, nowMs: number): Promise<void> {
    return this.#write('owner', (context) => resetCircuitBreaker(context, origin, nowMs));
  }

  saveAnswer(answer: Answer, delivery?: Delivery): Promise<readonly string[]> {
    return this.#write('answered', (context) => saveAnswer(context, answer, delivery));
  }

  /** Stores an answer that cost nothing, so that its agent finds it again. */
  saveFreeAnswer(answer: FreeAnswer): Promise<readonly string[]> {
    return this.#write('answered', (context) => saveFreeAnswer(context, answer));
  }

  unnamedFiles(storedIds: readonly string[]): Promise<string[]> {
    return this.#read((context) => unnamedFiles(context, storedIds));
  }

  findAnswer(agent: string, by: { paymentId: string } | { storedId: string }): Promise<Answer | null> {
    return this.#read((context) => findAnswer(context, agent, by));
  }

  /** What counts against each line now, in the lines' order. */
  usage(lines: readonly CountedLine[], nowMs: number): Promise<bigint[]> {
    return this.#read((context, head) => usageOf(context, head, lines, ledgerTimeMs(head, nowMs)));
  }

  /** Stops all signing and sending, in every process. Needs no keys. Returns false where it was frozen already. */
  freeze(nowMs: number): Promise<boolean> {
    return this.#writeUnlocked('frozen', () => {
      // Also while a rebuilding freezes it: that ends by itself.
      if (this.#journal.isFrozenByOwner()) return false;
      this.#journal.appendFreeze(nowMs);
      return true;
    });
  }

  /** The owner's alone. Returns false where it was not frozen. */
  unfreeze(nowMs: number): Promise<boolean> {
    return this.#write('frozen', (context) => {
      const { journal } = context;
      const head = journal.checkedHead();
      if (!head.frozen) return false;
      assertNotRebuilding(context);
      const entry = {
        kind: 'unfreeze',
        subject: 'wallet',
        data: {},
        timeMs: ledgerTimeMs(head, nowMs),
      } as const;
      journal.append(head, entry, { frozen: false });
      return true;
    });
  }

  /** Sets ledger time back to the true one; see {@link rebase}. */
  rebase(nowMs: number): Promise<Rebased | null> {
    return this.#write('owner', (context) => rebase(context, nowMs));
  }

  /** Freezes the wallet until a rebuilding ends; does nothing where one is under way. */
  beginRebuild(nowMs: number): Promise<void> {
    return this.#write('frozen', (context) => beginRebuild(context, nowMs));
  }

  /** When the rebuilding under way began, or null. */
  rebuildingSinceMs(): Promise<number | null> {
    return this.#read((context) => rebuildingSinceMs(context));
  }

  /** Throws `ledger_rebuilding` while a rebuilding is under way. */
  assertNotRebuilding(): Promise<void> {
    return this.#read((context) => assertNotRebuilding(context));
  }

  /** Counts what the chain shows and this ledger does not know, and ends the rebuilding. */
  finishRebuild(found: readonly ImportedPayment[], nowMs: number): Promise<Rebuilt> {
    return this.#write('frozen', (context) => finishRebuild(context, found, nowMs));
  }

  /** Records that the config moved on, so that payments judged under the old one are judged again. */
  noteConfigVersion(version: number, nowMs: number): Promise<void> {
    return this.#write('config', (context) => {
      const head = context.journal.checkedHead();
      noteConfig(context, head, version, ledgerTimeMs(head, nowMs));
    });
  }

  /** Resolves with the payment once its end is known or it is `unknown`, or as it stands when the signal ends the wait. */
  waitForEnd(id: string, signal: AbortSignal): Promise<Payment> {
    return this.#waiting.forEnd(
      () => this.#read((context, head) => existingPayment(context, head, id)),
      signal,
    );
  }

  listPayments(filter: ReportFilter, limit: number, cursor: string | null): Promise<ReportPage> {
    return this.#snapshot(() => listPayments(this.#db, filter, limit, cursor));
  }

  /** Totals by the owner's categories as they are now, see {@link groupByCategory}. */
  groupByCategory(
    categoryOf: (hostPort: string) => string | null,
    filter: ReportFilter,
    limit: number,
  ): Promise<ReportGroup[]> {
    return this.#snapshot(() => groupByCategory(this.#db, categoryOf, filter, limit));
  }

  groupPayments(grouping: ReportGrouping, filter: ReportFilter, limit: number): Promise<ReportGroup[]> {
    return this.#snapshot(() => groupPayments(this.#db, grouping, filter, limit));
  }

  /** What is held, what was captured since, and what waits for the chain, of all agents together. */
  openBooks(sinceMs: number): Promise<OpenBooks> {
    return this.#snapshot(() => openBooks(this.#db, sinceMs));
  }

  answerStatuses(paymentIds: readonly string[]): Promise<ReadonlyMap<string, number>> {
    return this.#snapshot(() => answerStatuses(this.#db, paymentIds));
  }

  /** What is held from an address, but for the payments of these ids. */
  heldAtomic(
    network: string,
    asset: string,
    payFrom: string,
    exceptIds: readonly string[] = [],
  ): Promise<bigint> {
    return this.#snapshot(() => heldAtomic(this.#db, network, asset, payFrom, exceptIds));
  }

  /** Re-derives every row and total from the journal and compares; reads all of it. */
  audit(): Promise<AuditReport> {
    return this.#snapshot(() => auditLedger(this.#unlocked()));
  }

  /**
   * Copies the ledger, whole and as of one moment, into a new file while it is in use; blocks this process while it
   * does. Throws `bad_input` where the name is taken.
   */
  async backup(path: string): Promise<void> {
    await Promise.resolve(copyDatabase(this.#db, path));
  }

  #unlocked(): LedgerContext {
    if (this.#context === null) {
      throw new WalletError('keystore_locked', 'The keystore is locked, so the ledger can only be read.');
    }
    return this.#context;
  }

  /** Reads one moment's view: without it, a commit of another process between two looks would seem like damage. */
  #atOnce<T>(operation: () => T): T {
    if (!this.#db.open)
      throw new WalletError('cancelled', 'The ledger was closed before this could be read.');
    try {
      statement(this.#db, 'BEGIN').run();
      try {
        return operation();
      } finally {
        statement(this.#db, 'COMMIT').run();
      }
    } catch (error) {
      throw toLedgerError(error);
    }
  }

  /** Reads without keys. What is read is there at once: the promise costs no turn of the event loop. */
  async #snapshot<T>(operation: () => T): Promise<T> {
    return this.#atOnce(operation);
  }

  /** Reads under a head that was proved. */
  async #read<T>(operation: (context: LedgerContext, head: JournalHead) => T): Promise<T> {
    return this.#readNow(operation);
  }

  #readNow<T>(operation: (context: LedgerContext, head: JournalHead) => T): T {
    const context = this.#unlocked();
    return this.#atOnce(() => operation(context, context.journal.headForReading(this.#writer.commits)));
  }

  #write<T>(point: CommitPoint, operation: (context: LedgerContext) => T): Promise<T> {
    return this.#writeUnlocked(point, () => operation(this.#unlocked()));
  }

  async #writeUnlocked<T>(point: CommitPoint, operation: () => T): Promise<T> {
    const result = await this.#writer.write(point, operation);
    this.#waiting.wake();
    return result;
  }
}

function contextOf(
  db: Sqlite,
  auth: RowAuthenticator,
  journal: Journal,
  isStopped: () => boolean,
  holder: string,
): LedgerContext {
  const register = new Register(db);
  return {
    db,
    auth,
    journal,
    register,
    totals: new Totals(db, auth, register),
    holder,
    isStopped,
  };
}

/** Which ledger this is, and whether the keys are those that wrote it. */
function identify(db: Sqlite, mac: MacFunction | null): { id: string; auth: RowAuthenticator | null } {
  const row = statement(db, `SELECT * FROM meta WHERE key = 'ledger_id'`).get() as SqlRow | undefined;
  if (row === undefined) throw new WalletError('ledger_damaged', 'The ledger has no id.');
  const id = String(row['value']);
  if (mac === null) return { id, auth: null };
  const auth = new RowAuthenticator(mac, id);
  if (auth.rowMatches('meta', row)) return { id, auth };
  throw new WalletError('ledger_foreign', 'This ledger was not written with the keys of this wallet.', {
    owner: {
      say: 'The ledger belongs to another wallet; signing has stopped.',
      action: { kind: 'rebuildLedger' },
    },
  });
}
