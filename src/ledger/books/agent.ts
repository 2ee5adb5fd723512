import { WalletError } from '../../errors/walletError.js';
import { AGENT_NAME } from '../../money/agent.js';

/** Whether an agent may act. A removed one stays known, so that neither its name nor its keys serve another. */
export type AgentState = 'active' | 'suspended' | 'removed';

/** An agent as the ledger keeps it. */
export interface AgentRecord {
  readonly name: string;
  /** Which of the wallet's keys it pays with, `m/44'/60'/0'/0/index`; no two agents ever have the same. */
  readonly index: number;
  readonly state: AgentState;
  readonly addedMs: number;
  /** SHA-256 of its token in hex, null where it has none; the token itself is nowhere. */
  readonly tokenHash: string | null;
  readonly tokenMs: number | null;
  /** From when on it may do nothing more; null for an agent without an end. */
  readonly untilMs: number | null;
  /** The owner's template that it was made from; null for none. */
  readonly template: string | null;
}

/** Why an agent may not act now; `expired`: its time is over. */
export type AgentBar = 'suspended' | 'expired' | 'removed' | 'unknown';

/** Where an agent stands at a moment: its state, or that its time is over while it would be active. */
export function standingOf(
  { state, untilMs }: Pick<AgentRecord, 'state' | 'untilMs'>,
  nowMs: number,
): AgentState | 'expired' {
  return state === 'active' && untilMs !== null && untilMs <= nowMs ? 'expired' : state;
}

/** A new agent of a template. */
export interface FromTemplate {
  readonly name: string;
  /**
   * The most agents of it that may be there at once, or be made in a day, this one included: what the owner allows a client of the
   * admin API. Null where the owner makes it.
   */
  readonly agentsMax: number | null;
}

/** A change of an agent, by what it is called in the journal. */
export type AgentChange =
  | {
      readonly act: 'add';
      readonly index: number;
      readonly tokenHash: string;
      readonly untilMs?: number | null;
      readonly template?: FromTemplate | null;
    }
  | { readonly act: 'prolong'; readonly untilMs: number }
  | { readonly act: 'rotate'; readonly tokenHash: string }
  | { readonly act: 'suspend' | 'resume' | 'remove' };

/** What became of a change: the record as it is now. */
export interface AgentChanged {
  readonly agent: AgentRecord;
  /** False where it was so already; nothing was written then. */
  readonly changed: boolean;
}

/** The error of an agent that is not there. */
export function unknownAgent(name: string): WalletError {
  // T27: a name from the environment must not steer the terminal that shows it.
  const shown = AGENT_NAME.test(name) ? name : 'that';
  return new WalletError('agent_unknown', `This wallet has no agent by the name ${shown}; do not retry.`, {
    owner: {
      say: `There is no agent by the name ${shown}: add it, or name another.`,
      action: { kind: 'listAgents' },
    },
  });
}

const DAY_MS = 24 * 3_600_000;

/**
 * Throws `agents_full` where the owner allows no further agent of a template. Those of the last day count though they are over:
 * whoever makes short ones one after the other gets no more of them.
 */
export function assertTemplateRoom(
  agents: readonly AgentRecord[],
  { name, agentsMax }: FromTemplate,
  nowMs: number,
): void {
  if (agentsMax === null) return;
  const counted = agents.filter((agent) => {
    const standing = standingOf(agent, nowMs);
    const isThere = standing === 'active' || standing === 'suspended';
    return agent.template === name && (isThere || agent.addedMs > nowMs - DAY_MS);
  });
  if (counted.length < agentsMax) return;
  throw new WalletError(
    'agents_full',
    `The template ${name} allows ${agentsMax} ${agentsMax === 1 ? 'agent' : 'agents'} at once, and as many in a day.`,
    {
      owner: {
        say: `The template ${name} has no room for a further agent: make it yourself, or allow more.`,
        action: { kind: 'addAgent' },
      },
    },
  );
}
