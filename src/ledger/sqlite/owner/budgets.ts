import type { BudgetOpened, BudgetUse, NewBudget } from '../../books/budget.js';
import type { BudgetBook } from '../../ledger.js';
import type { LedgerAccess } from '../file/access.js';
import { budgetUse, endBudget, openBudget } from './budget.js';

/** The tree of budgets; each method one atomic step. */
export class Budgets implements BudgetBook {
  readonly #access: LedgerAccess;

  constructor(access: LedgerAccess) {
    this.#access = access;
  }

  /** Opens a node; see {@link openBudget}. */
  open(request: NewBudget, nowMs: number): Promise<BudgetOpened> {
    return this.#access.write('owner', (context) => openBudget(context, request, nowMs));
  }

  /** Ends a node; false where it had ended, or there is none. */
  end(id: string, nowMs: number): Promise<boolean> {
    return this.#access.write('owner', (context) => endBudget(context, id, nowMs));
  }

  /** A node with what came of it, or null. */
  use(id: string, nowMs: number): Promise<BudgetUse | null> {
    return this.#access.read((context, head) => budgetUse(context, head, id, nowMs));
  }
}
