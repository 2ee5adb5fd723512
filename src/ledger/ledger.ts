import type { DepositRaise, RaiseResult } from './attempts/depositRaise.js';
import type { AtomicAmount, UsdMicros } from '../money/unit.js';
import type { AgentBar, AgentChange, AgentChanged, AgentRecord } from './books/agent.js';
import type { Answer, FreeAnswer } from './attempts/answer.js';
import type {
  ApprovalRecord,
  Ask,
  AskResult,
  Decision,
  DecisionResult,
  PaidBefore,
} from './books/approval.js';
import type { AdminAct } from './books/adminAct.js';
import type { AuditReport } from './books/audit.js';
import type { Allowed, Approver, OwnersEntry, Proposal, ProvedAct } from './books/ownersAct.js';
import type {
  Entitlement,
  EntitlementEnd,
  EntitlementFilter,
  EntitlementTerms,
  NewEntitlement,
} from './books/entitlement.js';
import type { BudgetOpened, BudgetUse, NewBudget } from './books/budget.js';
import type { FactorUse, StoredFactor, TryPlace, WrongTries } from './books/factor.js';
import type {
  AskedBefore,
  CircuitBreaker,
  Endpoint,
  EndpointPrices,
  ModelPrice,
  OriginHistory,
} from './books/seller.js';
import type { CountedLine, HoldRequest, HoldResult } from './attempts/hold.js';
import type { DueAttempt, Look, Witness } from './attempts/observation.js';
import type {
  CaptureFacts,
  ChargeFacts,
  LandingProof,
  ReleaseNote,
  SendRequest,
  SendResult,
  SignResult,
  SignedPayload,
  Transition,
} from './attempts/transition.js';
import type { Lease } from './attempts/lease.js';
import type { Quote } from './books/quote.js';
import type { Rebased } from './books/rebuild.js';
import type { ImportedPayment, Rebuilt } from './books/rebuild.js';
import type {
  AttemptPage,
  ChangedSince,
  OpenBooks,
  ReportFilter,
  ReportGroup,
  ReportGrouping,
  ReportPage,
  SpendCell,
  SpendSpan,
} from './books/report.js';
import type { Session } from './books/session.js';
import type { SharedConfigBook } from './books/sharedConfig.js';
import type {
  AnyAttempt,
  PaidFrom,
  RefillTerms,
  Withdrawal,
  WithdrawalRequest,
  WithdrawalResult,
} from './attempts/withdrawal.js';
import type { Attempt } from './attempts/attempt.js';
import type { Delivery, Payment } from './attempts/payment.js';

/*
 * The ledger's face. Each method is one whole operation: it is atomic, what it wrote outlives the process before its promise
 * resolves, and a power cut, too, where its own words say that it is durable or what it wrote is the owner's; and there is no
 * transaction for a caller to hold on to. A decision about money reads and
 * writes inside one method. Every method that writes takes the time, in ms since 1970.
 *
 * Amounts are atomic units of their asset where a name ends in `Atomic`, and millionths of a US dollar where it ends in
 * `UsdMicros`.
 *
 * Any method rejects with the `WalletError`s of the ledger: `ledger_busy`, `ledger_damaged`, `ledger_missing`,
 * `ledger_older`, `ledger_newer`, `disk_full`, `home_unusable`, and `keystore_locked` where it needs keys that the
 * ledger was opened without.
 */

/** Where a ledger's journal stood: kept in the keystore, so that an older or foreign copy is noticed (T29). */
export interface Checkpoint {
  readonly ledgerId: string;
  readonly seq: number;
  readonly headHash: string;
  /** Set where the owner has frozen the wallet: a ledger that is lost or old takes that along otherwise. */
  readonly isFrozen?: true;
}

/** Where the journal stands, and the switches that it has moved. */
export interface LedgerHead {
  /** Number of the newest entry. */
  readonly seq: number;
  /** Ledger time of the newest entry, ms since 1970. */
  readonly timeMs: number;
  readonly frozen: boolean;
  /** The newest version of the config that it has seen. */
  readonly configVersion: number;
}

/** Sessions of agents: activity in all processes, until 30 idle minutes. */
export interface SessionBook {
  /** The agent's session: renewed, or begun anew after the idle time. */
  touchSession(agent: string, nowMs: number): Promise<Session & { readonly begun: boolean }>;
  /** The agent's running session, or null; writes nothing. */
  currentSession(agent: string, nowMs: number): Promise<Session | null>;
}

/** Offers kept for five minutes, so that an agent can pay what it was shown. */
export interface QuoteBook {
  saveQuote(quote: Omit<Quote, 'id'>): Promise<Quote>;
  /** The agent's own quote by id, or null. */
  findQuote(agent: string, id: string): Promise<Quote | null>;
}

/**
 * The life of an attempt after its hold, in the order in which it calls. Each step is a compare-and-set from the state
 * that it names: where the row stands elsewhere by now, nothing changes, and the answer carries the row as it is.
 */
export interface AttemptControl<A extends Attempt> {
  /** held → signed: keeps the signature before anything leaves. */
  recordSigned(id: string, payload: SignedPayload, nowMs: number): Promise<SignResult<A>>;
  /** signed or unknown → sent, durable. Bytes may leave only after this answered `done`. */
  markSent(id: string, send: SendRequest): Promise<SendResult<A>>;
  /** sent or unknown → unknown: the money may still move, and nothing new is signed in its place. */
  markUnknown(id: string, note: string, nowMs: number, receipt?: string): Promise<Transition<A>>;
  /** Records that the money moved, by somebody's claim or by the chain. */
  capture(id: string, facts: CaptureFacts, nowMs: number): Promise<Transition<A>>;
  /** Records, by proof or because nothing was signed, that it can never move. */
  release(id: string, note: ReleaseNote, nowMs: number): Promise<Transition<A>>;
  /** Takes a released attempt for captured after all; only ever by a proof from the chain. */
  recapture(id: string, proof: LandingProof, nowMs: number): Promise<Transition<A>>;
}

/** The life of a payment. A freeze, an agent's suspension and every limit bar its steps. */
export interface PaymentControl extends AttemptControl<Payment> {
  /** Computes what counts against every line, checks it, and reserves the amount, in one step. */
  openHold(request: HoldRequest): Promise<HoldResult>;
  /** Writes down what was taken by a promise, as the chain shows it, once for each transaction. */
  recordCharge(commitmentId: string, facts: ChargeFacts, nowMs: number): Promise<Payment>;
  /** Holds so much more of an open deposit, under every line, in one step with what is kept of it. */
  raiseDeposit(raise: DepositRaise): Promise<RaiseResult>;
  /**
   * held → signed → sent, two steps that share one durable wait: nobody could use the moment between them. What bars
   * sending leaves the row signed. Bytes may leave only after `sent` answered `done`.
   */
  signAndSend(
    id: string,
    payload: SignedPayload,
    send: SendRequest,
  ): Promise<{ readonly signed: SignResult; readonly sent: SendResult }>;
}

/**
 * The life of a withdrawal: money that the owner takes out. No cap is looked at, and neither a freeze nor a suspension
 * stops it. One at a time leaves an address in one asset. A refill is one that the wallet makes by itself, within a bound of
 * its own; it is stopped as a payment is, and begins only where none of either is under way. The owner's own waits for no refill:
 * what one that is in doubt may still move is held, as a payment's is.
 */
export interface WithdrawalControl extends AttemptControl<Withdrawal> {
  /** Reserves it beside all that is held. Throws `ledger_rebuilding`. */
  open(request: WithdrawalRequest): Promise<WithdrawalResult>;
  /** The withdrawal by id, or null. */
  find(id: string): Promise<Withdrawal | null>;
  /** The one that is under way from here, or null: the owner's, or `anybody`'s, a refill included. */
  findOpen(from: PaidFrom, whose: 'owner' | 'anybody'): Promise<Withdrawal | null>;
  /** The one of this agent's that was opened last from here, or null: the owner's, or the wallet's own refill. */
  findLatest(agent: string, from: PaidFrom, whose: 'owner' | 'refill'): Promise<Withdrawal | null>;
  /** What refills brought an agent in the last 24 hours, those on their way included. */
  refilledUsdMicros(refilled: Pick<RefillTerms, 'agent' | 'addresses'>, nowMs: number): Promise<UsdMicros>;
}

/**
 * Who is busy with a payment. A hold gives its lease to the process that opens it, and sending one that nobody has takes
 * it; `unknown`, a release and a stored answer end it. Only its holder signs and sends, whatever the clocks say: a process
 * that stood still finds its lease taken, and stops.
 */
export interface LeaseBook {
  /** The lease on a payment, or null where nobody has one. */
  findLease(paymentId: string): Promise<Lease | null>;
  /** Whether a lease is this ledger's own. */
  isHeldHere(lease: Lease): boolean;
  /** Takes a lease over that stands exactly as it was seen; false where it was renewed, taken or ended meanwhile. */
  takeLease(paymentId: string, seen: Lease | null, nowMs: number): Promise<boolean>;
  /** Renews this ledger's own lease; false where it has none any more. */
  renewLease(paymentId: string, nowMs: number): Promise<boolean>;
  /** Ends this ledger's own lease, where it still has one. */
  endLease(paymentId: string): Promise<void>;
}

/** Payments as they stand. Each row's code is checked, and that it is its newest. */
export interface PaymentReader {
  /** The payment by id, or null. */
  findPayment(id: string): Promise<Payment | null>;
  /** The payment of this request still open, or null; of several hashes the first that has one. */
  findLive(...requestHashes: string[]): Promise<Payment | null>;
  /** The agent's payment under this idempotency key, or null. */
  findByKey(agent: string, key: string): Promise<Payment | null>;
  /** The newest payment of this request, by either hash, that was taken for captured at `sinceMs` of the wall clock or later. */
  findCaptured(requestHash: string, sinceMs: number, otherHash?: string): Promise<Payment | null>;
  /** What was paid out of a deposit, or taken by a promise, by the id or subject of that, oldest first. */
  drawnFrom(network: string, payFrom: string, subject: string): Promise<Payment[]>;
  /** Promises to pay in each period that have not ended, with those that ended at `sinceMs` or later where that is given; newest first. */
  commitments(sinceMs?: number): Promise<Payment[]>;
  /** What is held from an address, but for the attempts of these ids. */
  heldAtomic(
    network: string,
    asset: string,
    payFrom: string,
    exceptIds?: readonly string[],
  ): Promise<AtomicAmount>;
  /**
   * What counts against each line now, in the lines' order; for showing: {@link PaymentControl.openHold} decides. For a
   * run, by id, what it has set aside in the owner's budgets does not count: it is its own to use.
   */
  usage(lines: readonly CountedLine[], nowMs: number, runId?: string | null): Promise<UsdMicros[]>;
  /**
   * Resolves with the payment once its end is known or it is `unknown`, or as it stands when the signal ends the wait.
   */
  waitForEnd(id: string, signal: AbortSignal): Promise<Payment>;
}

/** Payments and withdrawals alike, to learn what became of each. */
export interface AttemptReader {
  /** Those still open, and captures the chain has not confirmed, longest unchanged first. */
  openAttempts(limit: number): Promise<AnyAttempt[]>;
  /** Those from one address still open, longest unchanged first. */
  openAttemptsFrom(network: string, asset: string, payFrom: string, limit: number): Promise<AnyAttempt[]>;
  /**
   * Signed ones that were released, opened at `sinceMs` or later, newest first: what released them may have been false.
   * Reads all attempts since then.
   */
  releasedAttempts(sinceMs: number, limit: number): Promise<AnyAttempt[]>;
}

/** Payments in pages and totals, unproved: also without keys. */
export interface ReportReader {
  /** One page, newest first, from a cursor of the page before. A cursor that is none begins at the newest. */
  listPayments(filter: ReportFilter, limit: number, cursor: string | null): Promise<ReportPage>;
  /** A page of payments and withdrawals together. */
  listAttempts(filter: ReportFilter, limit: number, cursor: string | null): Promise<AttemptPage>;
  groupPayments(grouping: ReportGrouping, filter: ReportFilter, limit: number): Promise<ReportGroup[]>;
  /** Totals by the value of one label, the largest spending first; under an empty key those of payments without it. */
  groupByLabel(name: string, filter: ReportFilter, limit: number): Promise<ReportGroup[]>;
  /** Totals by the owner's categories as they are now. */
  groupByCategory(
    categoryOf: (hostPort: string) => string | null,
    filter: ReportFilter,
    limit: number,
  ): Promise<ReportGroup[]>;
  /** Totals of a span, cut by time, agent, place and category: for whoever keeps them and has those read anew that changed. */
  spendCells(span: SpendSpan): Promise<SpendCell[]>;
  /** Which payments changed behind an entry of the journal. */
  changedSince(seq: number): Promise<ChangedSince>;
  /** When the ledger was begun. */
  begunMs(): Promise<number>;
  /** What is held, what was captured since, and what waits for the chain, of all agents together. */
  openBooks(sinceMs: number): Promise<OpenBooks>;
  /** The HTTP status of the answer that is kept of each of these payments; none of those without one. */
  answerStatuses(paymentIds: readonly string[]): Promise<ReadonlyMap<string, number>>;
}

/** When an open payment is looked at next on its chain, and what was seen there. */
export interface ObservationBook {
  /** Open payments whose next look is due, those that are not stuck in front. */
  dueAttempts(nowMs: number, limit: number): Promise<DueAttempt[]>;
  /** The next look at a payment, or null where it is due now. */
  findLook(paymentId: string): Promise<Look | null>;
  /** Notes when an open payment is looked at next. */
  saveLook(look: Look): Promise<void>;
  /** What is remembered of the RPC operators of an open payment. */
  findWitnesses(paymentId: string): Promise<Witness[]>;
  /** Remembers what RPC operators showed of an open payment. */
  saveWitnesses(paymentId: string, witnesses: readonly Witness[]): Promise<void>;
  /** Released payments that are looked after for a while, and due for a look (T32). */
  watchedAttempts(nowMs: number, limit: number): Promise<AnyAttempt[]>;
  /** Ends the looks at a released payment. */
  endWatch(paymentId: string): Promise<void>;
}

/** What was paid to sellers before. */
export interface SellerBook {
  /** Payees and failures of an origin, and payees of the endpoint that is called, for the owner's rules. */
  originHistory(origin: string, family: string, endpoint?: Endpoint): Promise<OriginHistory>;
  /** The latest payee of each of an origin's endpoints on one chain family, of those that were paid last. */
  payeesByEndpoint(origin: string, family: string): Promise<string[]>;
  /** What an endpoint cost before, for the owner's rule on prices. */
  endpointPrices(endpoint: Endpoint, nowMs: number): Promise<EndpointPrices>;
  /** What was asked at an endpoint of late, back to so many differing requests: whether its price is fixed shows there (T37). */
  askedBefore(endpoint: Endpoint, differing: number, nowMs: number): Promise<AskedBefore>;
  /** What an agent paid last for a call of each model at an origin, of 30 days, by the labels of its payments. */
  modelPrices(agent: string, origin: string, nowMs: number): Promise<ModelPrice[]>;
  /** Every origin with failures against it. */
  trippedBreakers(): Promise<CircuitBreaker[]>;
  /** Forgets the failures of an origin: the owner's alone. */
  resetCircuitBreaker(origin: string, nowMs: number): Promise<void>;
}

/**
 * Stored responses of sellers. All together are bounded; beyond it the agent that keeps most gives way, so that no agent
 * clears what another one keeps within an equal share. Of one agent's, free ones go first, then the oldest.
 */
export interface AnswerBook {
  /**
   * Stores what a payment bought, and what that came to. Resolves with the ids of files that nothing names any more: the
   * caller's to remove.
   */
  saveAnswer(answer: Answer, delivery?: Delivery): Promise<readonly string[]>;
  /** Stores an answer that cost nothing, so that its agent finds it again. Resolves as {@link saveAnswer} does. */
  saveFreeAnswer(answer: FreeAnswer): Promise<readonly string[]>;
  /** Those of these ids that no answer names. */
  unnamedFiles(storedIds: readonly string[]): Promise<string[]>;
  /** The agent's own answer, or null. */
  findAnswer(agent: string, by: { paymentId: string } | { storedId: string }): Promise<Answer | null>;
}

/**
 * What is bought and not used up: it is used before anything new is paid. The ledger keeps its secret as it was sealed,
 * and has no key to it.
 */
export interface EntitlementBook {
  /** Keeps one. A live one of the same place was replaced by it, and counts as spent. */
  save(entitlement: NewEntitlement, nowMs: number): Promise<Entitlement>;
  /** Live ones of an agent at an origin whose time is not over by the wall clock, the one changed last in front. */
  usable(agent: string, origin: string, nowMs: number): Promise<Entitlement[]>;
  /** One by its id, or null. */
  find(id: string): Promise<Entitlement | null>;
  /** A deposit of an agent's by its own id, such as a channel's, live or ended; or null. */
  findDeposit(agent: string, subject: string): Promise<Entitlement | null>;
  /** The ones changed last, in front. */
  list(filter: EntitlementFilter, limit: number): Promise<Entitlement[]>;
  /** Changes a live one that stands as it was seen; null where it was changed or ended meanwhile. */
  update(
    seen: Pick<Entitlement, 'id' | 'revision'>,
    terms: Partial<EntitlementTerms>,
    nowMs: number,
  ): Promise<Entitlement | null>;
  /** Ends a live one, and forgets its secret; false where it had ended. */
  end(id: string, state: EntitlementEnd, nowMs: number): Promise<boolean>;
}

/** Questions to the owner, their answers, and what answers made lasting. */
export interface ApprovalBook {
  /** Puts a question, or joins the same one. `client` names the client that asks. */
  ask(question: Ask, client?: string | null): Promise<AskResult>;
  /** Notes that a client is handed a question; false where it may not be. */
  notePrompt(id: string, nowMs: number): Promise<boolean>;
  /** Stores an answer, once. */
  decide(id: string, decision: Decision): Promise<DecisionResult>;
  /** An approval by id, whichever agent's, or null. */
  find(id: string): Promise<ApprovalRecord | null>;
  /** Unanswered and unexpired ones, oldest first. */
  pending(limit: number, nowMs: number): Promise<ApprovalRecord[]>;
  /** All others, newest first. */
  recent(limit: number, nowMs: number): Promise<ApprovalRecord[]>;
  /** Resolves with the approval once it is no longer pending or has run out, or as it stands when the signal ends the wait. */
  waitForAnswer(id: string, now: () => number, signal: AbortSignal): Promise<ApprovalRecord | null>;
  /** What an answer made lasting under this key, or null. */
  grant(key: string): Promise<string | null>;
  /** What clients' own prompts approved for an agent in the last 24 hours. */
  elicitedUsdMicros(agent: string, nowMs: number): Promise<UsdMicros>;
  /** What was captured by an origin before. */
  paidBefore(origin: string): Promise<PaidBefore>;
}

/** The factors that prove the owner, and the tries to guess one. */
export interface FactorBook {
  /** All factors, oldest first. */
  list(): Promise<StoredFactor[]>;
  /** Adds one. Throws `factor_needed` where there are others and `provedBy` is none of them as it was looked at. */
  add(factor: StoredFactor, provedBy: FactorUse | null, nowMs: number): Promise<void>;
  /**
   * Removes one; false where there is none by that id. `enough` is called inside the step with those that it leaves, and with how
   * many owners a loosening needs: what it throws leaves all as it was. Throws as {@link FactorBook.add} does.
   */
  remove(
    id: string,
    provedBy: FactorUse | null,
    enough: (left: readonly StoredFactor[], quorum: number) => void,
    nowMs: number,
  ): Promise<boolean>;
  /** Makes them those that the keystore remembers, after the ledger was lost. */
  replace(factors: readonly StoredFactor[], nowMs: number): Promise<void>;
  /** Stores a use of a factor. Throws `factor_needed` where it is no longer as it was looked at. */
  use(use: FactorUse, nowMs: number): Promise<void>;
  /** Counts a try at a place as wrong before it is made, where `allow` lets one be made; `allow` is called inside the step. */
  countTry<Verdict extends { readonly allowed: boolean }>(
    place: TryPlace,
    allow: (tries: WrongTries & { readonly nowMs: number }) => Verdict,
    nowMs: number,
  ): Promise<Verdict>;
  /** The wrong tries at a place since the last right one there; a try that is under way is among them. */
  wrongTries(place: TryPlace): Promise<WrongTries>;
}

/** The agents of a wallet and what each may do. */
export interface AgentBook {
  /** Every agent, removed ones too, in the order of their keys. */
  list(): Promise<AgentRecord[]>;
  /** An agent by its name, or null. */
  find(name: string): Promise<AgentRecord | null>;
  /**
   * Changes one agent. Throws `agent_unknown`, `agent_busy`, `agents_full` where its template allows no further one, and
   * `bad_input` for a name that is taken or an end that cannot be.
   */
  change(name: string, change: AgentChange, nowMs: number): Promise<AgentChanged>;
  /** Throws `agent_busy` and `bad_input` where the agent cannot be removed. */
  assertNothingOpen(name: string): Promise<void>;
  /**
   * The name of the active agent whose token this is, or null: unknown, replaced, or of an agent that is suspended,
   * removed or over. Compared in constant time.
   */
  ofToken(token: string, nowMs: number): Promise<string | null>;
  /** Why an agent that has this token may do nothing now; null for one that may, and for nobody's. Compared in constant time. */
  barOfToken(token: string, nowMs: number): Promise<'suspended' | 'expired' | null>;
  /** Why an agent may do nothing at this moment, by the later of this clock and the ledger's; null for one that may. */
  barOf(name: string, nowMs: number): Promise<AgentBar | null>;
}

/** The tree of budgets: amounts that a hold takes from beside the owner's caps. */
export interface BudgetBook {
  /** Opens a node, and takes its amount out of what the one above it has left. */
  open(request: NewBudget, nowMs: number): Promise<BudgetOpened>;
  /** Ends a node: from here on nothing is held or sent under it. False where it had ended, or there is none. */
  end(id: string, nowMs: number): Promise<boolean>;
  /** A node with what came of it, or null. */
  use(id: string, nowMs: number): Promise<BudgetUse | null>;
}

/** What clients of the admin API asked for, in the journal. */
export interface AdminBook {
  /** Writes down who asked for what, durable, before it is done: what follows may be refused. */
  note(act: AdminAct, nowMs: number): Promise<void>;
  /** The newest, newest first. */
  list(limit: number): Promise<readonly (AdminAct & { readonly atMs: number })[]>;
}

/** What owners do, with who did it, and how many of them it takes. */
export interface OwnersBook {
  /** How many owners a loosening needs; 1 where nothing else was set. */
  quorum(): Promise<number>;
  /**
   * Sets that, for who has proved it. `factorIds` are the factors that the owners were told apart by: `factor_needed` where
   * they are others by now.
   */
  setQuorum(
    owners: number,
    seen: { readonly by: readonly Approver[]; readonly factorIds: readonly string[] },
    nowMs: number,
  ): Promise<void>;
  /**
   * Takes an owner's word for an act, in one step with the use of their factor: `allowed`, once, where enough owners gave
   * theirs; else it waits for another one, and nothing may be done. Throws `factor_needed`, `approval_changed`, `bad_input`.
   */
  allow(proved: ProvedAct, nowMs: number): Promise<Allowed>;
  /** What waits for another owner, oldest first. */
  proposals(nowMs: number): Promise<readonly Proposal[]>;
  /** Ends a proposal: anybody may who has the keys. False where there is none by that id. */
  withdraw(id: string, by: Approver | null, nowMs: number): Promise<boolean>;
  /** What owners did, newest first, unproved. */
  entries(limit: number): Promise<readonly OwnersEntry[]>;
}

/** What the owner, or whoever acts for the owner, does to the wallet as a whole. */
export interface OwnerBook {
  /** Stops all signing and sending, in every process. Needs no keys. Returns false where it was frozen already. */
  freeze(nowMs: number): Promise<boolean>;
  /** The owner's alone. Returns false where it was not frozen. Throws `ledger_rebuilding`. */
  unfreeze(nowMs: number): Promise<boolean>;
  /** Records that the config moved on, so that payments judged under the old one are judged again. */
  noteConfigVersion(version: number, nowMs: number): Promise<void>;
  /** Whether there are rows of factors, unproved: also without keys. */
  hasFactorRows(): Promise<boolean>;
}

/** What keeps a ledger whole: its head, its audit, its copies, and its rebuilding from the chain. */
export interface JournalKeeper {
  readonly id: string;
  /** The journal's head as stored, unproved: also without keys. */
  head(): Promise<LedgerHead>;
  /** Where the journal stands now. */
  checkpoint(): Promise<Checkpoint>;
  /**
   * Where the journal stands now, once the disk has it: a keystore that remembered a head which a power cut takes back
   * would call the owner's own ledger an older copy. Null where that is entry `sinceSeq`, or one before it.
   */
  durableCheckpoint(sinceSeq?: number): Promise<Checkpoint | null>;
  /**
   * Throws `ledger_foreign`, `ledger_older` or `ledger_damaged` unless this ledger continues the checkpoint, every
   * entry since linked to the one before.
   */
  verifyCheckpoint(checkpoint: Checkpoint): Promise<void>;
  /** Re-derives every row and total from the journal and compares; reads all of it. */
  audit(): Promise<AuditReport>;
  /** Copies the ledger, whole and as of one moment, into a new file while it is in use. Throws `bad_input` where the name is taken. */
  backup(path: string): Promise<void>;
  /**
   * Sets ledger time back to the true one, which `nowMs` must be: all that was captured in the 30 days before counts in
   * every window from then on. Null where ledger time is not ahead.
   */
  rebase(nowMs: number): Promise<Rebased | null>;
  /** Freezes the wallet until a rebuilding ends; does nothing where one is under way. */
  beginRebuild(nowMs: number): Promise<void>;
  /** When the rebuilding under way began, or null. */
  rebuildingSinceMs(): Promise<number | null>;
  /** Throws `ledger_rebuilding` while a rebuilding is under way. */
  assertNotRebuilding(): Promise<void>;
  /** Counts what the chain shows and this ledger does not know, and ends the rebuilding. */
  finishRebuild(found: readonly ImportedPayment[], nowMs: number): Promise<Rebuilt>;
}

/** All of it: what a wallet opens once and closes once. */
export interface Ledger
  extends
    SessionBook,
    QuoteBook,
    PaymentControl,
    LeaseBook,
    PaymentReader,
    AttemptReader,
    ReportReader,
    ObservationBook,
    SellerBook,
    AnswerBook,
    OwnerBook,
    JournalKeeper {
  readonly withdrawals: WithdrawalControl;
  readonly approvals: ApprovalBook;
  readonly factors: FactorBook;
  readonly agents: AgentBook;
  readonly entitlements: EntitlementBook;
  readonly budgets: BudgetBook;
  readonly adminActs: AdminBook;
  readonly owners: OwnersBook;
  /** The config of all servers; null where the ledger is this folder's own, whose config.json is the only one. */
  readonly sharedConfig: SharedConfigBook | null;
  /**
   * A hash that says nothing of its text to whoever lacks the keys, and is another in every ledger. Hex. Made from the
   * keys alone: it reads nothing, and so it is the one method that answers at once.
   */
  keyedHash(text: string): string;
  close(): Promise<void>;
}
