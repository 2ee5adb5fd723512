import type { UsdMicros } from '../../money/unit.js';

/** What a node of the tree of budgets is for: a run is one program's, from its start to its end. */
export type BudgetKind = 'team' | 'agent' | 'run';

/**
 * A node of the tree of budgets: an amount, for its whole life. What is held or captured under a node counts in it and in
 * every node above; the whole amount of an open node is taken out of what the one above it has left, and what it did not
 * use goes back there when it ends or its time is over.
 */
export interface BudgetNode {
  readonly id: string;
  /** The node above it; null for one that stands below the wallet itself. */
  readonly parentId: string | null;
  readonly kind: BudgetKind;
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

/** What a node is opened with. */
export type NewBudget = Pick<
  BudgetNode,
  'parentId' | 'kind' | 'agent' | 'name' | 'amountUsdMicros' | 'expiresMs'
>;

/** Why nothing may be held under a node, or sent: it is not this agent's, it ended, its time is over, or too little is left. */
export type BudgetProblem = 'unknown' | 'ended' | 'expired' | 'spent';

/** Why a hold was not opened, or a payment not sent, under a node. `node` is the one that is in the way. */
export interface BudgetStop {
  readonly problem: BudgetProblem;
  readonly node: BudgetNode | null;
  /** What the node has left; zero where that does not matter any more. */
  readonly leftUsdMicros: UsdMicros;
}

/** The answer to opening a node: it may be in the way of the node above. */
export type BudgetOpened =
  { readonly kind: 'open'; readonly node: BudgetNode } | ({ readonly kind: 'budget' } & BudgetStop);

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

/** The nodes that a payment counts in by its row, from the one it was made under to the topmost. */
export function budgetsOf({ budgetPath }: { readonly budgetPath: string | null }): readonly string[] {
  return budgetPath === null ? [] : budgetPath.split(' ');
}
