import {
  PROPOSAL_LIFE_MS,
  PROPOSAL_SKEW_MS,
  PROPOSALS_MAX,
  QUORUM_MAX,
  type Allowed,
  type Approver,
  type OwnersAct,
  type OwnersEntry,
  type Proposal,
  type ProvedAct,
} from '../../books/ownersAct.js';
import { assertInvariant, WalletError } from '../../../errors/walletError.js';
import { changedBehind } from '../../fault.js';
import type { OwnersBook } from '../../ledger.js';
import { newId } from '../../newId.js';
import type { LedgerAccess } from '../file/access.js';
import type { LedgerContext } from '../file/context.js';
import { statement, type Sqlite } from '../file/database.js';
import { journalHash } from '../journal/authenticity.js';
import { entryOf, OWNERS, WALLET, type JournalEntry } from '../journal/entry.js';
import { ledgerTimeMs, type JournalHead } from '../journal/journal.js';
import type { SqlRow } from '../payments/paymentColumns.js';
import { listFactors, QUORUM_KEY, quorumOf, spendFactor } from './factor.js';

/** The register's key for the acts that wait for a second owner. */
export const PROPOSALS_KEY = 'proposals';

/**
 * A proposal as the register has it: what decides, and the entry of the journal that has its words, by number and hash. So
 * the head vouches for all of it, and for none being put back (T22, T29).
 */
export interface OpenProposal {
  readonly id: string;
  readonly digest: string;
  readonly owner: string;
  readonly createdMs: number;
  readonly expiresMs: number;
  readonly seq: number;
  readonly hash: string;
}

/** What an entry about owners says, by its act; `clockMs` is what the clock said, which ledger time may stand behind. */
type OwnersData = { readonly clockMs: number } & OwnersChange;

type OwnersChange =
  | ({ readonly act: 'allowed'; readonly by: readonly Approver[]; readonly proposal: string | null } & Words)
  | ({
      readonly act: 'proposed';
      readonly by: readonly Approver[];
      readonly proposal: string;
      readonly createdMs: number;
      readonly expiresMs: number;
      /** Those that were over, and went with this one. */
      readonly dropped: readonly string[];
    } & Words)
  | {
      readonly act: 'withdrawn';
      readonly by: readonly Approver[];
      readonly proposal: string;
      readonly what: string;
    }
  | {
      readonly act: 'quorum';
      readonly by: readonly Approver[];
      readonly owners: number;
      readonly what: string;
    };

type Words = Pick<OwnersAct, 'what' | 'details' | 'digest' | 'action'>;

/** The register's text for proposals; null for none. */
export function proposalsText(open: readonly OpenProposal[]): string | null {
  return open.length === 0
    ? null
    : JSON.stringify(
        open.map(({ id, digest, owner, createdMs, expiresMs, seq, hash }) => [
          ...[id, digest, owner, createdMs, expiresMs, seq, hash],
        ]),
      );
}

function openProposals(context: LedgerContext, head: JournalHead): OpenProposal[] {
  const rows = JSON.parse(context.register.get(head.register, PROPOSALS_KEY) ?? '[]') as [
    ...[string, string, string, number, number, number, string],
  ][];
  return rows.map(([id, digest, owner, createdMs, expiresMs, seq, hash]) => ({
    ...{ id, digest, owner, createdMs, expiresMs, seq, hash },
  }));
}

/** By the later of the clock and ledger time: in a wallet that pays nothing, ledger time stands still between commands. */
function momentOf(head: JournalHead, nowMs: number): number {
  return Math.max(ledgerTimeMs(head, nowMs), nowMs);
}

/**
 * Those that can still be confirmed: within their time, where a clock before their beginning tells nothing, and made since
 * the wallet was last frozen. Who froze it wanted nothing loosened that was under way.
 */
function liveProposals(context: LedgerContext, head: JournalHead, nowMs: number): OpenProposal[] {
  const momentMs = momentOf(head, nowMs);
  const open = openProposals(context, head);
  if (open.length === 0) return [];
  const frozen = statement(context.db, `SELECT MAX(seq) FROM journal WHERE subject = ? AND kind = 'freeze'`)
    .pluck()
    .get(WALLET) as bigint | null;
  return open.filter(
    ({ createdMs, expiresMs, seq }) =>
      createdMs <= momentMs + PROPOSAL_SKEW_MS && momentMs < expiresMs && seq > Number(frozen ?? 0n),
  );
}

/** The words of a proposal, out of the entry that the register names. Throws `ledger_damaged` for another one. */
function readProposal(context: LedgerContext, open: OpenProposal): Proposal {
  const entry = context.journal.entry(open.seq);
  if (entry === null || entry.hash !== open.hash || journalHash(entry) !== open.hash)
    throw changedBehind('A proposal of an owner is not as it was written.');
  const data = JSON.parse(entry.data) as OwnersData;
  const [by] = data.by;
  assertInvariant(data.act === 'proposed' && by !== undefined, 'the register names the entry of a proposal');
  const { what, details, digest, action } = data;
  const { id, createdMs, expiresMs } = open;
  return { id, what, details, digest, action, by, createdMs, expiresMs };
}

/** Appends an entry, and writes what it leaves of the proposals. */
function append(
  context: LedgerContext,
  head: JournalHead,
  change: OwnersChange,
  nowMs: number,
  open: (entry: Pick<JournalHead, 'seq' | 'hash'>) => readonly OpenProposal[] | null,
): JournalHead {
  const [timeMs, data] = [ledgerTimeMs(head, nowMs), { ...change, clockMs: nowMs }];
  const made = context.journal.append(head, { kind: 'owner', subject: OWNERS, data, timeMs });
  const left = open(made);
  if (left === null) return made;
  const register = context.register.set(made.register, PROPOSALS_KEY, proposalsText(left));
  const next = { ...made, register };
  context.journal.attest(next);
  return next;
}

/**
 * Takes an owner's word for an act, and spends the use of their factor: all in one step, so that of two second owners at
 * once one is told to go on, and the act is done once. A crash behind this step, before the act, leaves it undone, and the
 * owners say so anew.
 *
 * Throws `factor_needed` where the factor is not as it was looked at, `approval_changed` where the proposal that is
 * meant is not of this act or over, and `bad_input` where too many wait.
 */
function allow(
  context: LedgerContext,
  { act, by, owners, use, needsQuorum, confirms }: ProvedAct,
  nowMs: number,
): Allowed {
  const head = spendFactor(context, context.journal.checkedHead(), use, nowMs);
  const { what, details, digest, action } = act;
  const live = liveProposals(context, head, nowMs).filter(({ owner }) => owners.includes(owner));
  const same = live.find((one) => one.digest === digest);
  if (confirms !== null && same?.id !== confirms) throw otherAct();
  if (!needsQuorum || quorumOf(context, head) === 1) {
    const data: OwnersChange = { act: 'allowed', what, details, digest, action, by: [by], proposal: null };
    append(context, head, data, nowMs, () => null);
    return { kind: 'allowed', by: [by] };
  }
  if (same === undefined) return { kind: 'proposed', proposal: propose(context, head, live, act, by, nowMs) };
  const proposal = readProposal(context, same);
  if (same.owner === by.owner) return { kind: 'proposed', proposal };
  const both = [proposal.by, by];
  const data: OwnersChange = { act: 'allowed', what, details, digest, action, by: both, proposal: same.id };
  append(context, head, data, nowMs, () => openProposals(context, head).filter(({ id }) => id !== same.id));
  return { kind: 'allowed', by: both };
}

function propose(
  context: LedgerContext,
  head: JournalHead,
  live: readonly OpenProposal[],
  { what, details, digest, action }: OwnersAct,
  by: Approver,
  nowMs: number,
): Proposal {
  if (live.length >= PROPOSALS_MAX)
    throw new WalletError('bad_input', `${PROPOSALS_MAX} acts wait for a second owner: withdraw one first.`);
  const createdMs = momentOf(head, nowMs);
  const [id, expiresMs] = [newId('prp'), createdMs + PROPOSAL_LIFE_MS];
  const dropped = openProposals(context, head)
    .filter((one) => !live.some((kept) => kept.id === one.id))
    .map((one) => one.id);
  const said = { what, details, digest, action, by: [by] };
  const data: OwnersChange = { ...said, act: 'proposed', proposal: id, createdMs, expiresMs, dropped };
  append(context, head, data, nowMs, ({ seq, hash }) => [
    ...live,
    { id, digest, owner: by.owner, createdMs, expiresMs, seq, hash },
  ]);
  return { id, what, details, digest, action, by, createdMs, expiresMs };
}

function withdraw(context: LedgerContext, id: string, by: Approver | null, nowMs: number): boolean {
  const head = context.journal.checkedHead();
  const open = openProposals(context, head);
  const found = open.find((one) => one.id === id);
  if (found === undefined) return false;
  const { what } = readProposal(context, found);
  const data: OwnersChange = { act: 'withdrawn', by: by === null ? [] : [by], proposal: id, what };
  append(context, head, data, nowMs, () => open.filter((one) => one.id !== id));
  return true;
}

/** Sets it for owners who were told apart by just these factors. Throws `factor_needed` where there are others by now. */
function setQuorum(
  context: LedgerContext,
  owners: number,
  { by, factorIds }: { readonly by: readonly Approver[]; readonly factorIds: readonly string[] },
  nowMs: number,
): void {
  assertInvariant(Number.isInteger(owners) && owners >= 1 && owners <= QUORUM_MAX, 'a quorum is one or two');
  const head = context.journal.checkedHead();
  const known = listFactors(context, head).map(({ id }) => id);
  if (known.length !== factorIds.length || !known.every((id) => factorIds.includes(id)))
    throw new WalletError('factor_needed', 'The factors of this wallet changed meanwhile; nothing was done.');
  const register = context.register.set(head.register, QUORUM_KEY, owners === 1 ? null : String(owners));
  const what = `Owners that a loosening needs: ${owners}`;
  const data: OwnersData = { act: 'quorum', by, owners, what, clockMs: nowMs };
  const entry = { kind: 'owner', subject: OWNERS, data, timeMs: ledgerTimeMs(head, nowMs) } as const;
  context.journal.append(head, entry, { register });
}

function listEntries(db: Sqlite, limit: number): OwnersEntry[] {
  const rows = statement(
    db,
    `SELECT * FROM journal WHERE subject = ? AND kind = 'owner' ORDER BY seq DESC LIMIT ?`,
  ).all(OWNERS, limit) as SqlRow[];
  return rows.map((row) => {
    const { act, what, by, clockMs } = JSON.parse(entryOf(row).data) as OwnersData;
    return { act, what, by, atMs: clockMs };
  });
}

/** What owners do, and how many of them it takes; each method one atomic step. */
export function ownersBook(access: LedgerAccess): OwnersBook {
  return {
    quorum: () => access.read((context, head) => quorumOf(context, head)),
    setQuorum: (owners, seen, nowMs) =>
      access.write('owner', (context) => setQuorum(context, owners, seen, nowMs)),
    allow: (proved, nowMs) => access.write('owner', (context) => allow(context, proved, nowMs)),
    proposals: (nowMs) =>
      access.read((context, head) =>
        liveProposals(context, head, nowMs).map((open) => readProposal(context, open)),
      ),
    withdraw: (id, by, nowMs) => access.write('owner', (context) => withdraw(context, id, by, nowMs)),
    entries: (limit) => access.look((db) => listEntries(db, limit)),
  };
}

/** Re-derives the quorum and the proposals from the journal, entry by entry. */
export class OwnersAudit {
  #owners = 1;
  #open: readonly OpenProposal[] = [];

  /** Learns from an entry; entries of other kinds teach nothing. */
  learn(entry: JournalEntry): void {
    if (entry.kind !== 'owner') return;
    const data = JSON.parse(entry.data) as OwnersData;
    if (data.act === 'quorum') this.#owners = data.owners;
    else if (data.act === 'proposed') this.#learnProposal(entry, data);
    else this.#open = this.#open.filter(({ id }) => id !== data.proposal);
  }

  #learnProposal(
    { seq, hash }: JournalEntry,
    { proposal, digest, by, createdMs, expiresMs, dropped }: Extract<OwnersChange, { act: 'proposed' }>,
  ): void {
    const owner = by[0]?.owner ?? '';
    this.#open = [
      ...this.#open.filter(({ id }) => !dropped.includes(id)),
      { id: proposal, digest, owner, createdMs, expiresMs, seq, hash },
    ];
  }

  /** Ledger time was set back: what was proposed by the time before is over. */
  setBack(): void {
    this.#open = [];
  }

  /** Adds to `register` what its keys must say. */
  tell(register: Map<string, string>): void {
    if (this.#owners > 1) register.set(QUORUM_KEY, String(this.#owners));
    const text = proposalsText(this.#open);
    if (text !== null) register.set(PROPOSALS_KEY, text);
  }
}

function otherAct(): WalletError {
  return new WalletError(
    'approval_changed',
    'What this would do now is not what was proposed, or the proposal is over. Nothing was done.',
  );
}
