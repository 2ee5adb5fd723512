import type { CapLine } from '../../money/cap.js';
import type { AtomicAmount, UsdMicros } from '../../money/unit.js';
import type { AgentBar } from '../books/agent.js';
import type { BudgetStop } from '../books/budget.js';
import type { Entitlement } from '../books/entitlement.js';
import type { ExceededLine } from './hold.js';
import type { FundsReading } from './withdrawal.js';

/** So much more of a deposit is to be held, before the transaction is signed that adds it. */
export interface DepositRaise {
  /** The deposit as it was seen: one that changed meanwhile is not raised. */
  readonly deposit: Pick<Entitlement, 'id' | 'revision' | 'paymentId'>;
  /** What is kept of it from then on: JSON that says what was added. */
  readonly facts: string;
  readonly addedAtomic: AtomicAmount;
  readonly addedUsdMicros: UsdMicros;
  readonly configVersion: number;
  readonly capLines: readonly CapLine[];
  /** The run that the call is made under; null for none. */
  readonly budgetId: string | null;
  /** What the address was last seen to have; null where it was not read. */
  readonly funds: FundsReading | null;
  /** The wall clock. */
  readonly nowMs: number;
}

/** What came of raising a deposit: only after `raised` anything is signed. */
export type RaiseResult =
  | { readonly kind: 'raised' }
  /** It changed meanwhile, ended, or is not open for certain. */
  | { readonly kind: 'changed' }
  | { readonly kind: 'frozen' }
  | { readonly kind: 'barred'; readonly bar: AgentBar }
  | { readonly kind: 'config_changed'; readonly configVersion: number }
  | { readonly kind: 'exceeded'; readonly exceeded: readonly ExceededLine[] }
  /** The owner is taking out what this would need. */
  | { readonly kind: 'withdrawn'; readonly spendableAtomic: AtomicAmount }
  | ({ readonly kind: 'budget' } & BudgetStop);
