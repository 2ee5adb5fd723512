import type { ApprovalInbox } from '../../approvals/inbox.js';
import type { Config } from '../../config/settings.js';
import type { Ledger } from '../../ledger/ledger.js';
import type { makeTemplateAgent } from '../../owner/newAgent.js';
import type { ActBook } from '../../owner/ownerActs.js';
import type { BudgetState } from '../../owner/ownerBudgets.js';
import type { SettingsBook } from '../../owner/ownerSettings.js';
import type { Statement } from '../../treasury/statement/readStatement.js';
import type { Period } from '../../treasury/statement/account.js';

/** The owner's side of an open wallet, as the admin API has it: what the owner's page is made of, and nothing beside it. */
export interface AdminParts {
  readonly ledger: Ledger;
  readonly config: () => Promise<Config>;
  readonly settings: SettingsBook;
  readonly acts: ActBook;
  readonly inbox: ApprovalInbox;
  readonly budgets: () => Promise<readonly BudgetState[]>;
  readonly readStatement: (period: Period) => Promise<Statement>;
  /** Makes an agent of a template that allows it, see {@link makeTemplateAgent}. */
  readonly addAgent: (spec: {
    readonly name: string;
    readonly template: string;
    readonly forMs?: number | undefined;
  }) => ReturnType<typeof makeTemplateAgent>;
  /** Stops all agents at once. */
  readonly freeze: () => Promise<void>;
  /** Stops one agent. */
  readonly suspend: (agent: string) => Promise<void>;
  readonly now: () => number;
}
