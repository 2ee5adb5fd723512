import type { ApprovalState, Grant } from '../../books/approval.js';
import type { WrongTries } from '../../books/factor.js';
import type { SqlRow } from '../payments/paymentColumns.js';
import { grantKey } from '../owner/approval.js';
import { fixedDigest, isOpen, livingText, openKey, openText } from '../owner/approvalRow.js';
import type { LedgerContext } from '../file/context.js';
import { addElicited, ELICITED_BEFORE_KEY, elicitedKey, rebaseElicited } from '../owner/elicited.js';
import {
  factorDigest,
  FACTORS_KEY,
  factorsText,
  placeOfTries,
  triesKey,
  triesText,
} from '../owner/factor.js';
import { setsTimeBack, type JournalEntry } from './entry.js';

/** What the journal tells of one approval. */
interface ToldApproval {
  readonly fixed: string;
  readonly living: Readonly<Record<string, string | null>>;
}

const NEXT_STATES: Readonly<Record<string, readonly ApprovalState[]>> = {
  ask: ['pending'],
  prompt: ['pending'],
  answer: ['approved', 'denied'],
  consume: ['consumed'],
  lapse: ['expired'],
};
const BEFORE: Readonly<Record<string, readonly (ApprovalState | undefined)[]>> = {
  ask: [undefined],
  prompt: ['pending'],
  answer: ['pending'],
  consume: ['approved'],
  lapse: ['pending', 'approved'],
};

type Report = (where: 'approvals' | 'factors' | 'journal', id: string, says: string) => void;

/** Re-derives approvals, factors and what answers granted from the journal, entry by entry, and compares. */
export class ApprovalAudit {
  readonly #context: LedgerContext;
  readonly #report: Report;
  readonly #approvals = new Map<string, ToldApproval>();
  readonly #factors = new Map<string, string>();
  readonly #grants = new Map<string, string>();
  /** By their keys of the register. */
  readonly #elicited = new Map<string, string>();
  /** By the register's key. */
  readonly #tries = new Map<string, string | null>();

  constructor(context: LedgerContext, report: Report) {
    this.#context = context;
    this.#report = report;
  }

  /** Learns from an entry; entries of other kinds teach nothing. */
  learn(entry: JournalEntry): void {
    if (Object.hasOwn(NEXT_STATES, entry.kind)) this.#learnApproval(entry);
    if (entry.kind === 'factor') this.#learnFactor(entry);
    if (setsTimeBack(entry))
      for (const [key, text] of this.#elicited) this.#elicited.set(key, rebaseElicited(text, entry.timeMs));
    if (entry.kind === 'tries')
      this.#tries.set(triesKey(placeOfTries(entry.subject)), triesText(JSON.parse(entry.data) as WrongTries));
  }

  #learnApproval({ seq, kind, subject, data, timeMs }: JournalEntry): void {
    const {
      fixed,
      usd_micros: _usd,
      grants,
      elicited,
      elicited_for: elicitedFor,
      ...living
    } = JSON.parse(data) as {
      fixed?: string;
      usd_micros?: string;
      grants?: readonly Grant[];
      elicited?: string | null;
      elicited_for?: string | null;
    } & Record<string, string | null>;
    const before = this.#approvals.get(subject);
    const was = before?.living['state'] as ApprovalState | undefined;
    const is = living['state'] as ApprovalState;
    if (BEFORE[kind]?.includes(was) !== true || NEXT_STATES[kind]?.includes(is) !== true)
      this.#report('journal', String(seq), `An approval went from ${was ?? 'nothing'} to ${is} by ${kind}.`);
    this.#approvals.set(subject, { fixed: fixed ?? before?.fixed ?? '', living });
    for (const { key, value } of grants ?? []) this.#grants.set(key, value);
    if (typeof elicited !== 'string') return;
    const key = typeof elicitedFor === 'string' ? elicitedKey(elicitedFor) : ELICITED_BEFORE_KEY;
    this.#elicited.set(key, addElicited(this.#elicited.get(key) ?? null, timeMs, BigInt(elicited)));
  }

  #learnFactor({ subject, data }: JournalEntry): void {
    const { digest } = JSON.parse(data) as { digest: string | null };
    if (digest === null) this.#factors.delete(subject);
    else this.#factors.set(subject, digest);
  }

  /** Compares the rows with what was learned, and adds to `register` what its keys must say. */
  check(register: Map<string, string>): void {
    this.#checkApprovals(register);
    this.#checkFactors(register);
    for (const [key, value] of this.#grants) register.set(grantKey(key), value);
    for (const [key, text] of this.#elicited) register.set(key, text);
    for (const [key, tries] of this.#tries) if (tries !== null) register.set(key, tries);
  }

  #checkApprovals(register: Map<string, string>): void {
    for (const row of this.#rows('SELECT * FROM approvals')) {
      const id = String(row['id']);
      const told = this.#approvals.get(id);
      this.#approvals.delete(id);
      if (told === undefined) this.#report('approvals', id, 'No journal entry tells of this approval.');
      else if (told.fixed !== fixedDigest(row) || !sameText(told.living, livingText(row)))
        this.#report('approvals', id, 'The approval differs from the journal.');
      if (!this.#context.auth.rowMatches('approvals', row))
        this.#report('approvals', id, 'The row does not carry its authentication code.');
      if (isOpen(String(row['state']) as ApprovalState) && row['mac'] instanceof Uint8Array)
        register.set(openKey(id), openText(row['mac']));
    }
    for (const id of this.#approvals.keys())
      this.#report('approvals', id, 'The journal tells of an approval that has no row.');
  }

  #checkFactors(register: Map<string, string>): void {
    const codes: Uint8Array[] = [];
    for (const row of this.#rows('SELECT * FROM factors ORDER BY id')) {
      const id = String(row['id']);
      const told = this.#factors.get(id);
      this.#factors.delete(id);
      const factor = { id, record: String(row['record']), addedMs: Number(row['added_ms']) };
      if (told !== factorDigest(factor)) this.#report('factors', id, 'The factor differs from the journal.');
      if (!this.#context.auth.rowMatches('factors', row))
        this.#report('factors', id, 'The row does not carry its authentication code.');
      if (row['mac'] instanceof Uint8Array) codes.push(row['mac']);
    }
    for (const id of this.#factors.keys())
      this.#report('factors', id, 'The journal tells of a factor that has no row.');
    const text = factorsText(codes);
    if (text !== null) register.set(FACTORS_KEY, text);
  }

  #rows(sql: string): IterableIterator<SqlRow> {
    return this.#context.db.prepare(sql).iterate() as IterableIterator<SqlRow>;
  }
}

function sameText(
  told: Readonly<Record<string, string | null>>,
  row: Readonly<Record<string, string | null>>,
): boolean {
  const names = Object.keys(row);
  return names.length === Object.keys(told).length && names.every((name) => told[name] === row[name]);
}
