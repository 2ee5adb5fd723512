import type { SessionBook } from '../../ledger.js';
import type { LedgerAccess } from '../file/access.js';
import { newId } from '../../newId.js';
import type { SqlRow } from '../payments/paymentColumns.js';
import { SESSION_IDLE_MS, type Session } from '../../books/session.js';
import { type LedgerContext } from '../file/context.js';
import { statement } from '../file/database.js';
import { changedBehind } from '../../fault.js';
import { ledgerTimeMs, type JournalHead } from '../journal/journal.js';
import type { RegisterDigests } from '../journal/register.js';

/** Sessions of agents. */
export function sessionBook(access: LedgerAccess): SessionBook {
  const running: SessionBook['currentSession'] = (agent, nowMs) =>
    access.read((context, head) => currentSession(context, head, agent, nowMs));
  return {
    async touchSession(agent, nowMs) {
      const current = await running(agent, nowMs);
      if (current !== null && isFresh(current, nowMs)) return { ...current, begun: false };
      return access.write('session', (context) => touchSession(context, agent, nowMs));
    },
    currentSession: running,
  };
}

/** Activity is written at most this often: idleness is judged in minutes, and each write costs an fsync. */
const TOUCH_EVERY_MS = 60_000;

/** The register's key for the newest session of an agent. */
export function sessionKey(agent: string): string {
  return `session ${agent}`;
}

/** The agent of a key of {@link sessionKey}, or null for another key. */
export function sessionAgentOf(key: string): string | null {
  return key.startsWith(sessionKey('')) ? key.slice(sessionKey('').length) : null;
}

/** The register's text for it: which session, and the code of its newest row. */
export function sessionText(id: string, code: Uint8Array): string {
  return `${id} ${Buffer.from(code).toString('base64')}`;
}

/**
 * The agent's running session as stored, or null where it has gone idle; writes nothing.
 *
 * The activity written may be a minute old, so a session can end up to a minute late, and never early.
 */
export function currentSession(
  context: LedgerContext,
  head: JournalHead,
  agent: string,
  nowMs: number,
): Session | null {
  const session = newestSession(context, head.register, agent);
  if (session === null) return null;
  const idleMs = ledgerTimeMs(head, nowMs) - session.activeMs;
  return idleMs < SESSION_IDLE_MS + TOUCH_EVERY_MS ? session : null;
}

/** The agent's newest session as stored, idle or not; null where there was none. */
export function newestSession(
  context: LedgerContext,
  register: RegisterDigests,
  agent: string,
): Session | null {
  const known = context.register.get(register, sessionKey(agent));
  if (known === null) return null;
  const row = statement(context.db, 'SELECT * FROM sessions WHERE id = ?').get(known.split(' ')[0]) as
    SqlRow | undefined;
  if (row === undefined) throw changedBehind('The row of the running session is gone.');
  context.auth.checkRow('sessions', row);
  const session = {
    id: String(row['id']),
    agent: String(row['agent']),
    startedMs: Number(row['started_ms']),
    activeMs: Number(row['active_ms']),
  };
  // T29: an older row of ours, put back, would end the session early.
  if (known !== sessionText(session.id, row['mac'] as Uint8Array))
    throw changedBehind('The row of the running session is not its newest.');
  return session;
}

/** Writes a session that is its agent's newest. Returns the register's new digests. */
function writeSession(
  context: LedgerContext,
  register: RegisterDigests,
  { id, agent, startedMs, activeMs }: Session,
): RegisterDigests {
  const values = [id, agent, BigInt(startedMs), BigInt(activeMs)];
  const code = context.auth.codeOf('sessions', values);
  statement(context.db, 'INSERT OR REPLACE INTO sessions VALUES (?, ?, ?, ?, ?)').run(...values, code);
  return context.register.set(register, sessionKey(agent), sessionText(id, code));
}

/** An agent's newest session after ledger time was set back to a moment: it was active no later than that. */
export function rebaseSession(
  context: LedgerContext,
  register: RegisterDigests,
  agent: string,
  nowMs: number,
): RegisterDigests {
  const session = newestSession(context, register, agent);
  if (session === null || session.activeMs <= nowMs) return register;
  return writeSession(context, register, { ...session, activeMs: nowMs });
}

/** Whether the session's activity is fresh enough to leave unwritten. */
export function isFresh(session: Session, nowMs: number): boolean {
  return nowMs - session.activeMs < TOUCH_EVERY_MS;
}

/** Renews the agent's session or begins a new one, inside the caller's transaction. */
export function touchSession(
  context: LedgerContext,
  agent: string,
  nowMs: number,
): Session & { readonly begun: boolean } {
  const head = context.journal.checkedHead();
  const current = currentSession(context, head, agent, nowMs);
  const timeMs = ledgerTimeMs(head, nowMs);
  const session = current ?? { id: newId('ses'), agent, startedMs: timeMs, activeMs: timeMs };
  const touched = { ...session, activeMs: Math.max(session.activeMs, timeMs) };
  const register = writeSession(context, head.register, touched);
  if (current === null) {
    const entry = { kind: 'session', subject: touched.id, data: { agent }, timeMs } as const;
    context.journal.append(head, entry, { register });
  } else {
    context.journal.attest({ ...head, register });
  }
  return { ...touched, begun: current === null };
}
