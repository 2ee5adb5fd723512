import type { CapLine } from '../../money/cap.js';
import type { UsdMicros } from '../../money/unit.js';
import type { ExceededLine } from '../attempts/hold.js';

/**
 * A run: a node of the tree of budgets that the ledger keeps, with an amount for its whole life. The nodes above all runs
 * are the owner's budgets, which the config has, and the ledger knows by name alone. What is held or captured under a node
 * counts in it and in every node above; the whole amount of an open run is taken out of what the ones above it have left,
 * and what it did not use goes back there when it ends or its time is over.
 */
export interface BudgetNode {
  readonly id: string;
  /** The run above it, by id, or the owner's budget it was taken out of, by name; null for one that stands below the wallet itself. */
  readonly parentId: string | null;
  readonly kind: 'run';
  /** Whose payments may name it. */
  readonly agent: string;
  /** What people call it, such as the program's name. */
  readonly name: string;
  readonly amountUsdMicros: UsdMicros;
  /** Ledger time. */
  readonly createdMs: number;
  /** From when on nothing new is held, signed or sent under it. */
  readonly expiresMs: number;
  /** Ledger time; null while it is open. */
  readonly endedMs: number | null;
}

/** What a run is opened with. */
export interface NewBudget extends Pick<
  BudgetNode,
  'parentId' | 'kind' | 'agent' | 'name' | 'amountUsdMicros' | 'expiresMs'
> {
  /** The lines of the owner's budgets that it is taken out of: its amount has to fit each. */
  readonly capLines?: readonly CapLine[];
}

/** Why nothing may be held under a node, or sent: it is not this agent's, it ended, its time is over, or too little is left. */
export type BudgetProblem = 'unknown' | 'ended' | 'expired' | 'spent';

/** Why a hold was not opened, or a payment not sent, under a node. `node` is the one that is in the way. */
export interface BudgetStop {
  readonly problem: BudgetProblem;
  readonly node: BudgetNode | null;
  /** What the node has left; zero where that does not matter any more. */
  readonly leftUsdMicros: UsdMicros;
}

/** The answer to opening a run: the run above it may be in the way, or a budget of the owner's. */
export type BudgetOpened =
  | { readonly kind: 'open'; readonly node: BudgetNode }
  | ({ readonly kind: 'budget' } & BudgetStop)
  | { readonly kind: 'exceeded'; readonly exceeded: readonly ExceededLine[] };

/** A node and what came of it by now. */
export interface BudgetUse {
  readonly node: BudgetNode;
  /** What moved under it, nodes below included. */
  readonly capturedUsdMicros: UsdMicros;
  /** What still may move. */
  readonly liveUsdMicros: UsdMicros;
  /** What can still be held under it, but for what open nodes below have for themselves; zero once it is over. */
  readonly leftUsdMicros: UsdMicros;
}

/** The nodes that a payment counts in by its row: runs by id from the one it was made under, then the owner's budgets by name. */
export function budgetsOf({ budgetPath }: { readonly budgetPath: string | null }): readonly string[] {
  return budgetPath === null ? [] : budgetPath.split(' ');
}

const RUN_PREFIX = 'run';

/** Whether a node is a run. No budget of the owner's has an underscore in its name. */
export function isRun(id: string): boolean {
  return id.startsWith(`${RUN_PREFIX}_`);
}

/** The runs among {@link budgetsOf}. */
export function runsOf(payment: { readonly budgetPath: string | null }): readonly string[] {
  return budgetsOf(payment).filter(isRun);
}
