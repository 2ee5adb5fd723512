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
}

/** Why an agent may not act now. */
export type AgentBar = 'suspended' | 'removed' | 'unknown';

/** A change of an agent, by what it is called in the journal. */
export type AgentChange =
  | { readonly act: 'add'; readonly index: number; readonly tokenHash: string }
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
