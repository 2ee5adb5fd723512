import { WITHDRAWAL } from '../payments/paymentColumns.js';
import {
  type AgentChange,
  type AgentChanged,
  type AgentRecord,
  type AgentState,
  type AgentBar,
  assertTemplateRoom,
  standingOf,
  unknownAgent,
} from '../../books/agent.js';
import { assertInvariant, WalletError } from '../../../errors/walletError.js';
import { AGENT_NAME, DEFAULT_AGENT } from '../../../money/agent.js';
import { formatUsd } from '../../../money/decimal.js';
import type { LedgerContext } from '../file/context.js';
import { statement } from '../file/database.js';
import { ledgerTimeMs, type JournalHead } from '../journal/journal.js';
import { LIVE_STATES } from '../../attempts/attempt.js';
import { scopeKey } from '../payments/totals.js';

const LIVE = LIVE_STATES.map((state) => `'${state}'`).join(', ');

/** The register's key of an agent. */
export function agentKey(name: string): string {
  return `agent ${name}`;
}

/** What an agent's text is made of: entries of before there were ends and templates lack both. */
type AgentFields = Omit<AgentRecord, 'name' | 'untilMs' | 'template'> &
  Partial<Pick<AgentRecord, 'untilMs' | 'template'>>;

/** The register's text of an agent: each field in its place, so that one record has one text. */
export function agentText(fields: AgentFields): string {
  const { index, state, addedMs, tokenHash, tokenMs, untilMs = null, template = null } = fields;
  const later = untilMs === null && template === null ? [] : [untilMs, template];
  return JSON.stringify([index, state, addedMs, tokenHash, tokenMs, ...later]);
}

/** The journal's subject for an agent; a name alone could be taken for an id. */
export function agentSubject(name: string): string {
  return `agent ${name}`;
}

/** The default agent of a ledger that nobody wrote one into: it needs no adding. */
const IMPLICIT_DEFAULT: AgentRecord = {
  name: DEFAULT_AGENT,
  index: 0,
  state: 'active',
  addedMs: 0,
  tokenHash: null,
  tokenMs: null,
  untilMs: null,
  template: null,
};

/** An agent by its name, or null. */
export function findAgent(context: LedgerContext, head: JournalHead, name: string): AgentRecord | null {
  const text = context.register.get(head.register, agentKey(name));
  if (text !== null) return recordOf(name, text);
  return name === DEFAULT_AGENT ? IMPLICIT_DEFAULT : null;
}

/** Every agent that ever was, in the order of their keys. */
export function listAgents(context: LedgerContext, head: JournalHead): AgentRecord[] {
  const found = new Map([[DEFAULT_AGENT, IMPLICIT_DEFAULT]]);
  const prefix = agentKey('');
  for (const [key, text] of context.register.beginningWith(head.register, prefix)) {
    const name = key.slice(prefix.length);
    found.set(name, recordOf(name, text));
  }
  return [...found.values()].sort((a, b) => a.index - b.index);
}

function recordOf(name: string, text: string): AgentRecord {
  const [index, state, addedMs, tokenHash, tokenMs, untilMs = null, template = null] = JSON.parse(text) as [
    number,
    AgentState,
    number,
    string | null,
    number | null,
    number | null | undefined,
    string | null | undefined,
  ];
  return { name, index, state, addedMs, tokenHash, tokenMs, untilMs, template };
}

/**
 * Why an agent may not hold, sign or send at this moment, or null where it may. To be asked in the transaction that
 * does so: a suspension that came before is obeyed in every process, and so is the end of its time.
 */
export function barOf(
  context: LedgerContext,
  head: JournalHead,
  name: string,
  nowMs: number,
): AgentBar | null {
  const agent = findAgent(context, head, name);
  if (agent === null) return 'unknown';
  const standing = standingAt(head, agent, nowMs);
  return standing === 'active' ? null : standing;
}

/** Where an agent stands, by the later clock: neither one that was set back nor one that nobody checked prolongs its time (T30). */
export function standingAt(
  head: JournalHead,
  agent: Pick<AgentRecord, 'state' | 'untilMs'>,
  nowMs: number,
): AgentState | 'expired' {
  return standingOf(agent, laterMs(head, nowMs));
}

/** The later of the clock and ledger time. */
function laterMs(head: JournalHead, nowMs: number): number {
  return Math.max(ledgerTimeMs(head, nowMs), nowMs);
}

/**
 * Changes one agent inside the caller's transaction; from its commit on every process goes by it.
 *
 * Throws `bad_input` where the name or the index is taken, `agent_unknown` where there is no such agent or it was
 * removed, and `agent_busy` where one that is to be removed has payments still open, or the owner is taking its
 * money out.
 */
export function changeAgent(
  context: LedgerContext,
  name: string,
  change: AgentChange,
  nowMs: number,
): AgentChanged {
  assertInvariant(AGENT_NAME.test(name), 'an agent has a name that fits');
  const head = context.journal.checkedHead();
  const timeMs = ledgerTimeMs(head, nowMs);
  const before = findAgent(context, head, name);
  const agent =
    change.act === 'add'
      ? newAgent(context, head, name, change, nowMs)
      : changedAgent(context, head, requireAgent(name, before), change, nowMs);
  if (before !== null && agentText(before) === agentText(agent)) return { agent, changed: false };
  const { name: _name, ...data } = agent;
  const register = context.register.set(head.register, agentKey(name), agentText(agent));
  context.journal.append(
    head,
    { kind: 'agent', subject: agentSubject(name), data: { act: change.act, ...data }, timeMs },
    { register },
  );
  return { agent, changed: true };
}

function requireAgent(name: string, agent: AgentRecord | null): AgentRecord {
  if (agent !== null && agent.state !== 'removed') return agent;
  throw unknownAgent(name);
}

function newAgent(
  context: LedgerContext,
  head: JournalHead,
  name: string,
  { index, tokenHash, untilMs = null, template = null }: Extract<AgentChange, { act: 'add' }>,
  nowMs: number,
): AgentRecord {
  const others = listAgents(context, head);
  for (const other of others) {
    if (other.name === name) throw nameTaken(name, other.state);
    assertInvariant(other.index !== index, 'no two agents have the same keys');
  }
  const latestMs = laterMs(head, nowMs);
  if (untilMs !== null && untilMs <= latestMs)
    throw new WalletError('bad_input', 'The agent’s end has passed already.');
  if (template !== null) assertTemplateRoom(others, template, latestMs);
  const of = template?.name ?? null;
  // By the clock that a day of its template is counted by: one that was set back makes no agent older than it is (T30).
  const madeMs = { addedMs: latestMs, tokenMs: latestMs };
  return { name, index, state: 'active', ...madeMs, tokenHash, untilMs, template: of };
}

function changedAgent(
  context: LedgerContext,
  head: JournalHead,
  agent: AgentRecord,
  change: Exclude<AgentChange, { act: 'add' }>,
  nowMs: number,
): AgentRecord {
  switch (change.act) {
    case 'rotate':
      return { ...agent, tokenHash: change.tokenHash, tokenMs: nowMs };
    case 'prolong':
      return { ...agent, untilMs: prolonged(agent, change.untilMs) };
    case 'suspend':
      return { ...agent, state: 'suspended' };
    case 'resume':
      return { ...agent, state: 'active' };
    case 'remove':
      assertNothingOpen(context, head, agent.name);
      assertNoWithdrawal(context, agent.name);
      return { ...agent, state: 'removed', tokenHash: null, tokenMs: null };
  }
}

/** A later end, for an agent that has one. What ends sooner is stopped by a suspension, which needs no owner. */
function prolonged({ name, untilMs: before }: AgentRecord, untilMs: number): number {
  if (before === null) throw new WalletError('bad_input', `The agent ${name} has no end.`);
  if (untilMs >= before) return untilMs;
  throw new WalletError('bad_input', `The agent ${name} ends later than that; suspend it to stop it sooner.`);
}

/**
 * Throws `agent_busy` while the end of a payment of the agent's is open, and `bad_input` for the default agent, which
 * is never removed.
 */
export function assertNothingOpen(context: LedgerContext, head: JournalHead, name: string): void {
  if (name === DEFAULT_AGENT)
    throw new WalletError('bad_input', 'The default agent is the wallet’s own; suspend it instead.');
  const live = context.totals.live(head.register, scopeKey({ kind: 'agent', agent: name }));
  if (live > 0n) throw busy(name, `payments of $${formatUsd(live)} still open`);
}

/** Throws `agent_busy` while what the owner takes out of the agent's money is on its way. */
function assertNoWithdrawal({ db }: LedgerContext, name: string): void {
  const open = statement(
    db,
    // The plus signs leave the planner the few rows still open.
    `SELECT 1 FROM payments WHERE state IN (${LIVE}) AND +agent = ? AND +protocol = ? LIMIT 1`,
  ).get(name, WITHDRAWAL);
  if (open !== undefined) throw busy(name, 'money on its way to you');
}

function busy(name: string, has: string): WalletError {
  return new WalletError(
    'agent_busy',
    `The agent ${name} has ${has}; it is removed once the chain has told what became of that.`,
    { owner: { say: `What ${name} paid is still open.`, action: { kind: 'reconcile' } } },
  );
}

function nameTaken(name: string, state: AgentState): WalletError {
  return new WalletError(
    'bad_input',
    state === 'removed'
      ? `An agent ${name} was there and was removed: its payments keep its name, so choose another.`
      : `There is an agent ${name} already.`,
  );
}
