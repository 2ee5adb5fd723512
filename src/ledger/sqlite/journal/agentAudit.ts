import type { AgentRecord, AgentState } from '../../books/agent.js';
import { agentKey, agentSubject, agentText } from '../owner/agent.js';
import type { JournalEntry } from './entry.js';

type Report = (where: 'journal', id: string, says: string) => void;

const BEFORE: Readonly<Record<string, readonly (AgentState | undefined)[]>> = {
  add: [undefined],
  rotate: ['active', 'suspended'],
  suspend: ['active'],
  resume: ['suspended'],
  prolong: ['active', 'suspended'],
  remove: ['active', 'suspended'],
};

/** Re-derives the agents from the journal, entry by entry. */
export class AgentAudit {
  readonly #report: Report;
  readonly #agents = new Map<string, Omit<AgentRecord, 'name'>>();

  constructor(report: Report) {
    this.#report = report;
  }

  /** Learns from an entry; entries of other kinds teach nothing. */
  learn({ seq, kind, subject, data }: JournalEntry): void {
    if (kind !== 'agent') return;
    const { act, ...agent } = JSON.parse(data) as Omit<AgentRecord, 'name'> & { readonly act: string };
    const name = subject.slice(agentSubject('').length);
    const before = this.#agents.get(name);
    // The first agent is there without being added.
    const was = before?.state ?? (agent.index === 0 ? 'active' : undefined);
    const moved = before !== undefined && before.index !== agent.index;
    // What an agent was made for is fixed, and its end only moves on, by the owner's word.
    const { untilMs = null, template = null } = agent;
    const wasUntilMs = before?.untilMs ?? null;
    const refitted =
      act !== 'add' &&
      (template !== (before?.template ?? null) ||
        (act === 'prolong' ? wasUntilMs === null || (untilMs ?? 0) < wasUntilMs : untilMs !== wasUntilMs));
    if (BEFORE[act]?.includes(was) !== true || moved || refitted)
      this.#report(
        'journal',
        String(seq),
        `An agent went from ${was ?? 'nothing'} to ${agent.state} by ${act}.`,
      );
    this.#agents.set(name, agent);
  }

  /** Adds to `register` what its keys must say. */
  tell(register: Map<string, string>): void {
    for (const [name, agent] of this.#agents) register.set(agentKey(name), agentText(agent));
  }
}
