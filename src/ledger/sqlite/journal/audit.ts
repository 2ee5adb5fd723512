import { AGREED_CONFIG_KEY, agreedIn, agreedText } from './agreedConfig.js';
import {
  PAYMENT_COLUMNS,
  type SqlRow,
  applyJournalPatch,
  paymentFromSql,
  WITHDRAWAL,
} from '../payments/paymentColumns.js';
import type { AuditFinding, AuditReport } from '../../books/audit.js';
import { AgentAudit } from './agentAudit.js';
import { ApprovalAudit } from './approvalAudit.js';
import { BudgetAudit } from './budgetAudit.js';
import { OwnersAudit } from '../owner/owners.js';
import { journalHash } from './authenticity.js';
import type { LedgerContext } from '../file/context.js';
import { toLedgerError } from '../file/fault.js';
import { isResumedKey, resumedKey } from '../views/history.js';
import { entryOf, follows, GENESIS_HASH, setsTimeBack, type JournalEntry } from './entry.js';
import type { JournalHead } from './journal.js';
import { checkSchema } from '../file/migration.js';
import { isLive, type AttemptState } from '../../attempts/attempt.js';
import { liveKey, liveText, NEXT_STATES } from '../payments/paymentRow.js';
import { REGISTER_BUCKETS } from './register.js';
import { sessionKey, sessionText } from '../calls/session.js';
import { contributionOf, totalText } from '../payments/totals.js';
import { TotalsAudit } from './totalsAudit.js';

/** An audit that finds everything wrong stops telling: the first hundred say what happened. */
const FINDINGS_MAX = 100;

type Find = (where: AuditFinding['where'], id: string, says: string) => void;

/**
 * Re-derives payments, totals and sessions from the journal alone, and compares every row, code and digest with
 * them. Reads all of the ledger and holds little of it: rows stream by, only totals are kept.
 *
 * The caller's read transaction makes it one moment's view.
 */
export function auditLedger(context: LedgerContext): AuditReport {
  const findings: AuditFinding[] = [];
  const audit = new Audit(context, (where, id, says) => {
    if (findings.length < FINDINGS_MAX) findings.push({ where, id, says });
  });
  audit.run();
  const { entries, payments, withdrawals, withdrawnUsdMicros, capturedUsdMicros, liveUsdMicros } = audit;
  return {
    entries,
    payments,
    withdrawals,
    withdrawnUsdMicros,
    capturedUsdMicros,
    liveUsdMicros,
    findings,
  };
}

class Audit {
  entries = 0;
  payments = 0;
  withdrawals = 0;
  withdrawnUsdMicros = 0n;
  capturedUsdMicros = 0n;
  liveUsdMicros = 0n;
  readonly #context: LedgerContext;
  readonly #find: Find;
  /** What the journal tells; each is crossed off against what is stored. */
  readonly #register = new Map<string, string>();
  readonly #totals: TotalsAudit;
  readonly #sessions = new Map<string, { readonly agent: string; readonly startedMs: number }>();
  readonly #newestSession = new Map<string, string>();
  readonly #approvals: ApprovalAudit;
  readonly #agents: AgentAudit;
  readonly #budgets: BudgetAudit;
  readonly #owners = new OwnersAudit();

  constructor(context: LedgerContext, find: Find) {
    this.#context = context;
    this.#find = find;
    this.#totals = new TotalsAudit(context, find);
    this.#approvals = new ApprovalAudit(context, find);
    this.#agents = new AgentAudit(find);
    this.#budgets = new BudgetAudit(context, find);
  }

  run(): void {
    const steps: [AuditFinding['where'], () => void][] = [
      ['file', () => this.#checkFile()],
      ['meta', () => this.#checkMeta()],
      ['journal', () => this.#checkJournal()],
      ['payments', () => this.#checkPayments()],
      ['totals', () => this.#totals.check(this.#register)],
      ['sessions', () => this.#checkSessions()],
      ['approvals', () => this.#approvals.check(this.#register)],
      ['agents', () => this.#agents.tell(this.#register)],
      ['budgets', () => this.#budgets.check(this.#register)],
      ['owners', () => this.#owners.tell(this.#register)],
      ['register', () => this.#checkRegister()],
      ['quotes', () => this.#checkCodes('quotes', 'id')],
      ['answers', () => this.#checkCodes('answers', 'payment_id')],
      ['entitlements', () => this.#checkCodes('entitlements', 'id')],
      ['leases', () => this.#checkCodes('leases', 'payment_id')],
      ['looks', () => this.#checkCodes('looks', 'payment_id')],
      ['witnesses', () => this.#checkCodes('witnesses', 'payment_id')],
    ];
    for (const [where, step] of steps) {
      try {
        step();
      } catch (error) {
        this.#find(where, where, toLedgerError(error).shortMessage);
      }
    }
  }

  /** SQLite's own look at every page and index: an index that lies hides rows that are there. */
  #checkFile(): void {
    for (const row of this.#rows('PRAGMA integrity_check')) {
      const says = String(row['integrity_check']);
      if (says !== 'ok') this.#find('file', 'purser.db', `SQLite says: ${says}.`);
    }
  }

  #checkMeta(): void {
    checkSchema(this.#context.db, this.#context.auth);
    this.#checkCodes('meta', 'key');
  }

  #checkJournal(): void {
    let last: JournalEntry | null = null;
    let [frozen, configVersion] = [false, 0];
    for (const entry of this.#context.journal.entries()) {
      const linked: boolean =
        last === null ? entry.seq === 1 && entry.prevHash === GENESIS_HASH : follows(entry, last);
      if (!linked || journalHash(entry) !== entry.hash)
        this.#find('journal', String(entry.seq), 'The entry does not link to the one before it.');
      if (entry.kind === 'freeze' || entry.kind === 'unfreeze') frozen = entry.kind === 'freeze';
      if (entry.kind === 'session') this.#learnSession(entry);
      if (entry.kind === 'resume') this.#register.set(resumedKey(entry.subject), String(entry.timeMs));
      if (setsTimeBack(entry)) this.#setBack(entry.timeMs);
      this.#owners.learn(entry);
      this.#approvals.learn(entry);
      this.#agents.learn(entry);
      this.#budgets.learn(entry);
      if (entry.kind === 'genesis' || entry.kind === 'config') configVersion = configVersionOf(entry);
      if (entry.kind === 'config') this.#learnConfig(entry);
      this.entries++;
      last = entry;
    }
    const head = this.#head();
    if (head === null) return;
    if (head.frozen !== frozen || head.configVersion !== configVersion)
      this.#find('control', 'head', 'The head’s switches differ from the journal.');
  }

  /** No pause was ended later than when ledger time was set back to. */
  #setBack(timeMs: number): void {
    this.#owners.setBack();
    for (const [key, ms] of this.#register)
      if (isResumedKey(key)) this.#register.set(key, String(Math.min(Number(ms), timeMs)));
  }

  #learnConfig(entry: JournalEntry): void {
    const agreed = agreedIn(entry);
    if (agreed !== null) this.#register.set(AGREED_CONFIG_KEY, agreedText(agreed));
  }

  #learnSession({ subject, data, timeMs }: JournalEntry): void {
    const { agent } = JSON.parse(data) as { agent: string };
    this.#sessions.set(subject, { agent, startedMs: timeMs });
    this.#newestSession.set(agent, subject);
  }

  #head(): JournalHead | null {
    try {
      return this.#context.journal.checkedHead();
    } catch {
      this.#find('control', 'head', 'The head does not vouch for the journal.');
      return null;
    }
  }

  /** Walks payments and their journal entries side by side, both by id. */
  #checkPayments(): void {
    const journal = this.#derivedPayments();
    try {
      let told = journal.next();
      for (const row of this.#rows('SELECT * FROM payments ORDER BY id')) {
        const id = String(row['id']);
        for (; told.done !== true && told.value[0] < id; told = journal.next()) this.#missPayment(told.value);
        if (told.done !== true && told.value[0] === id) {
          this.#comparePayment(id, told.value[1], row);
          told = journal.next();
        } else {
          this.#find('payments', id, 'No journal entry tells of this payment.');
        }
      }
      for (; told.done !== true; told = journal.next()) this.#missPayment(told.value);
    } finally {
      // Its rows must not stay open where reading them failed.
      journal.return(undefined);
    }
  }

  #missPayment([id, derived]: [id: string, derived: SqlRow]): void {
    this.#find('payments', id, 'The journal tells of a payment that has no row.');
    this.#count(id, derived, null);
  }

  /** Each payment as the journal's entries make it, in the order of ids. */
  *#derivedPayments(): Generator<[id: string, derived: SqlRow]> {
    for (const prefix of ['pay', 'wdr']) {
      let current: [id: string, derived: SqlRow] | null = null;
      for (const found of this.#rows(
        `SELECT * FROM journal INDEXED BY journal_by_subject WHERE subject >= '${prefix}_' AND subject < '${prefix}\`' ORDER BY subject, seq`,
      )) {
        const entry = entryOf(found);
        if (current !== null && current[0] !== entry.subject) yield current;
        const before: SqlRow = current?.[0] === entry.subject ? current[1] : {};
        current = [entry.subject, this.#applyEntry(before, entry)];
      }
      if (current !== null) yield current;
    }
  }

  #applyEntry(before: SqlRow, entry: JournalEntry): SqlRow {
    const after = applyJournalPatch(before, JSON.parse(entry.data) as Record<string, string | null>);
    const from = before['state'] as AttemptState | undefined;
    const to = after['state'] as AttemptState;
    const legal =
      from === undefined
        ? to === 'held'
        : entry.kind === 'rebase' || entry.kind === 'deliver'
          ? from === to
          : NEXT_STATES[from].includes(to);
    if (from === undefined && (entry.kind === 'withdraw') !== (after['protocol'] === WITHDRAWAL))
      this.#find('journal', String(entry.seq), 'A payment and a withdrawal were taken for each other.');
    if (!legal)
      this.#find('journal', String(entry.seq), `A payment went from ${from ?? 'nothing'} to ${to}.`);
    if (after['changed_ms'] !== BigInt(entry.timeMs))
      this.#find('journal', String(entry.seq), 'The entry and the payment differ in time.');
    return after;
  }

  #comparePayment(id: string, derived: SqlRow, row: SqlRow): void {
    const differing = PAYMENT_COLUMNS.filter(({ name }) => (derived[name] ?? null) !== row[name]);
    if (differing.length > 0) {
      const names = differing.map(({ name }) => name).join(', ');
      this.#find('payments', id, `Differs from the journal in ${names}.`);
    }
    if (!this.#context.auth.rowMatches('payments', row))
      this.#find('payments', id, 'The row does not carry its authentication code.');
    this.#count(id, derived, row['mac'] instanceof Uint8Array ? row['mac'] : null);
  }

  #count(id: string, derived: SqlRow, code: Uint8Array | null): void {
    const payment = paymentFromSql(derived);
    const { live, captured } = contributionOf(payment);
    if (payment.kind === 'withdrawal') {
      this.withdrawals++;
      this.withdrawnUsdMicros += payment.capturedUsdMicros ?? 0n;
    } else this.payments++;
    this.liveUsdMicros += live;
    this.capturedUsdMicros += captured;
    if (isLive(payment.state) && code !== null)
      this.#register.set(liveKey(payment.requestHash), liveText(id, code));
    this.#totals.add(payment);
  }

  #checkSessions(): void {
    for (const row of this.#rows('SELECT * FROM sessions')) {
      const id = String(row['id']);
      const begun = this.#sessions.get(id);
      this.#sessions.delete(id);
      if (
        begun === undefined ||
        begun.agent !== row['agent'] ||
        BigInt(begun.startedMs) !== row['started_ms']
      )
        this.#find('sessions', id, 'The journal does not tell of this session.');
      if (!this.#context.auth.rowMatches('sessions', row))
        this.#find('sessions', id, 'The row does not carry its authentication code.');
      const agent = String(row['agent']);
      if (this.#newestSession.get(agent) === id && row['mac'] instanceof Uint8Array)
        this.#register.set(sessionKey(agent), sessionText(id, row['mac']));
    }
    for (const id of this.#sessions.keys())
      this.#find('sessions', id, 'The journal tells of a session that has no row.');
  }

  #checkRegister(): void {
    const expected = this.#register;
    for (const [key, value] of this.#context.register.all(this.#context.journal.readHead().register)) {
      const told =
        expected.get(key) ?? (key.startsWith('total ') ? totalText({ live: 0n, captured: 0n }) : null);
      expected.delete(key);
      if (value !== told)
        this.#find('register', key, `The register says ${value}, the journal ${told ?? 'nothing'}.`);
    }
    for (const [key, told] of expected)
      this.#find('register', key, `The register says nothing, the journal ${told}.`);
    for (const row of this.#rows('SELECT bucket FROM register')) {
      const bucket = row['bucket'] as bigint;
      if (bucket < 0n || bucket >= BigInt(REGISTER_BUCKETS))
        this.#find('register', String(bucket), 'The register has no such bucket.');
    }
  }

  #checkCodes(
    table: 'meta' | 'quotes' | 'answers' | 'entitlements' | 'leases' | 'looks' | 'witnesses',
    key: string,
  ): void {
    for (const row of this.#rows(`SELECT * FROM ${table}`)) {
      if (!this.#context.auth.rowMatches(table, row))
        this.#find(table, String(row[key]), 'The row does not carry its authentication code.');
    }
  }

  #rows(sql: string): IterableIterator<SqlRow> {
    return this.#context.db.prepare(sql).iterate() as IterableIterator<SqlRow>;
  }
}

function configVersionOf({ data }: JournalEntry): number {
  const { version, configVersion } = JSON.parse(data) as { version?: number; configVersion?: number };
  return version ?? configVersion ?? 0;
}
