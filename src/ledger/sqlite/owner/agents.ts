import type { AgentBar, AgentChange, AgentChanged, AgentRecord, AgentState } from '../../books/agent.js';
import { timingSafeEqual } from 'node:crypto';
import type { AgentBook } from '../../ledger.js';
import { hashToken, nameInToken } from '../../../money/agent.js';
import { assertNothingOpen, barOf, changeAgent, findAgent, listAgents, standingAt } from './agent.js';
import type { LedgerAccess } from '../file/access.js';

/** What the token of an agent that is not there is compared with: no text has this hash. */
const NO_HASH = '0'.repeat(64);

/** The agents of a wallet and what each may do; each method one atomic step. */
export class Agents implements AgentBook {
  readonly #access: LedgerAccess;

  constructor(access: LedgerAccess) {
    this.#access = access;
  }

  /** Every agent, removed ones too, in the order of their keys. */
  list(): Promise<AgentRecord[]> {
    return this.#access.read((context, head) => listAgents(context, head));
  }

  /** An agent by its name, or null. */
  find(name: string): Promise<AgentRecord | null> {
    return this.#access.read((context, head) => findAgent(context, head, name));
  }

  /** Changes one agent; see {@link changeAgent} for what it throws. */
  change(name: string, change: AgentChange, nowMs: number): Promise<AgentChanged> {
    return this.#access.write('owner', (context) => changeAgent(context, name, change, nowMs));
  }

  /** Throws `agent_busy` and `bad_input` as {@link assertNothingOpen} does. */
  assertNothingOpen(name: string): Promise<void> {
    return this.#access.read((context, head) => assertNothingOpen(context, head, name));
  }

  /**
   * The name of the active agent whose token this is, or null: unknown, replaced, or of an agent that is suspended,
   * removed or over. Compared in constant time.
   */
  async ofToken(token: string, nowMs: number): Promise<string | null> {
    const holder = await this.#holderOf(token, nowMs);
    return holder?.standing === 'active' ? holder.name : null;
  }

  /** Why an agent that has this token may do nothing now; null for one that may, and for nobody's. Compared in constant time. */
  async barOfToken(token: string, nowMs: number): Promise<'suspended' | 'expired' | null> {
    const standing = (await this.#holderOf(token, nowMs))?.standing;
    return standing === 'suspended' || standing === 'expired' ? standing : null;
  }

  /** Why an agent may do nothing at this moment, by the later of this clock and the ledger's; null for one that may. */
  async barOf(name: string, nowMs: number): Promise<AgentBar | null> {
    return this.#access.read((context, head) => barOf(context, head, name, nowMs));
  }

  async #holderOf(
    token: string,
    nowMs: number,
  ): Promise<{ readonly name: string; readonly standing: AgentState | 'expired' } | null> {
    const name = nameInToken(token);
    const found = await this.#access.read((context, head) => {
      const agent = name === null ? null : findAgent(context, head, name);
      return agent === null ? null : { agent, standing: standingAt(head, agent, nowMs) };
    });
    const expected = Buffer.from(found?.agent.tokenHash ?? NO_HASH, 'hex');
    const isSame = timingSafeEqual(Buffer.from(hashToken(token), 'hex'), expected);
    return isSame && found !== null ? { name: found.agent.name, standing: found.standing } : null;
  }
}
