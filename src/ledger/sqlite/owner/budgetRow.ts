import { isRun, type BudgetNode } from '../../books/budget.js';
import type { UsdMicros } from '../../../money/unit.js';
import { changedBehind } from '../../fault.js';
import type { LedgerContext } from '../file/context.js';
import { statement } from '../file/database.js';
import type { JournalHead } from '../journal/journal.js';
import type { SqlRow, SqlValue } from '../payments/paymentColumns.js';
import { budgetScope } from '../payments/totals.js';

/** A deeper tree is a mistake: wallet, team, agent, run, and runs that a run starts. */
export const DEPTH_MAX = 8;

/** The register's key of an open node. */
export function budgetKey(id: string): string {
  return `budget ${id}`;
}

/** The register's text for it: the code of its newest row, so that no older one can be put back (T29). */
export function budgetText(code: Uint8Array): string {
  return Buffer.from(code).toString('base64');
}

/** The columns of a node's row, in the order of the table. */
export function budgetToSql(node: BudgetNode): SqlValue[] {
  return [
    node.id,
    node.parentId,
    node.kind,
    node.agent,
    node.name,
    node.amountUsdMicros,
    BigInt(node.createdMs),
    BigInt(node.expiresMs),
    node.endedMs === null ? null : BigInt(node.endedMs),
  ];
}

function budgetFromSql(row: SqlRow): BudgetNode {
  return {
    id: String(row['id']),
    parentId: row['parent_id'] as string | null,
    kind: row['kind'] as BudgetNode['kind'],
    agent: String(row['agent']),
    name: String(row['name']),
    amountUsdMicros: row['usd_micros'] as bigint,
    createdMs: Number(row['created_ms']),
    expiresMs: Number(row['expires_ms']),
    endedMs: row['ended_ms'] === null ? null : Number(row['ended_ms']),
  };
}

/** A node by its id, proved to be as it was last written, or null. Throws `ledger_damaged`. */
export function findBudget(context: LedgerContext, head: JournalHead, id: string): BudgetNode | null {
  const row = statement(context.db, 'SELECT * FROM budgets WHERE id = ?').get(id) as SqlRow | undefined;
  const known = context.register.get(head.register, budgetKey(id));
  if (row === undefined) {
    if (known !== null) throw changedBehind('The row of an open budget is gone.');
    return null;
  }
  context.auth.checkRow('budgets', row);
  const node = budgetFromSql(row);
  const expected = node.endedMs === null ? budgetText(row['mac'] as Uint8Array) : null;
  // T22: a row of before its end, put back, would let a program that is over go on spending.
  if (known !== expected) throw changedBehind(`The row of budget ${id} is not its newest.`);
  return node;
}

/** The ids from a run to the topmost one above it. Throws `ledger_damaged` where one is gone. */
export function pathOf(context: LedgerContext, head: JournalHead, id: string): string[] {
  const path: string[] = [];
  for (let next: string | null = id; next !== null;) {
    path.push(next);
    const node: BudgetNode | null = findBudget(context, head, next);
    if (node === null || path.length > DEPTH_MAX) throw changedBehind('A budget has lost the one above it.');
    next = parentRunOf(node);
  }
  return path;
}

/** The run above one, by id. */
export function parentRunOf({ parentId }: BudgetNode): string | null {
  return parentId !== null && isRun(parentId) ? parentId : null;
}

/**
 * What open runs have set aside in some budgets of the owner's, by name, and have not used: nobody else may. `runId` is
 * the run that asks: what it has set aside is its own.
 */
export function setAside(
  context: LedgerContext,
  head: JournalHead,
  names: readonly string[],
  { runId, timeMs }: { readonly runId: string | null; readonly timeMs: number },
): UsdMicros {
  const isKnown = runId !== null && findBudget(context, head, runId) !== null;
  const own = isKnown ? pathOf(context, head, runId).at(-1) : undefined;
  return names.reduce((sum, name) => sum + reservedBelow(context, head, name, timeMs, own), 0n);
}

/** What was held or captured under a run. */
export function usedOf(context: LedgerContext, head: JournalHead, id: string): UsdMicros {
  const { live, captured } = context.totals.whole(head.register, budgetScope(id));
  return live + captured;
}

/** What the open runs directly below one have not used yet. What they did use counts in the upper one already. */
export function reservedBelow(
  context: LedgerContext,
  head: JournalHead,
  id: string,
  timeMs: number,
  exceptId?: string,
): UsdMicros {
  const ids = statement(context.db, 'SELECT id FROM budgets WHERE parent_id = ? AND ended_ms IS NULL')
    .pluck()
    .all(id) as string[];
  return ids.reduce((sum, childId) => {
    if (childId === exceptId) return sum;
    const child = findBudget(context, head, childId);
    if (child === null || child.endedMs !== null || child.expiresMs <= timeMs) return sum;
    return sum + atLeastZero(child.amountUsdMicros - usedOf(context, head, childId));
  }, 0n);
}

export function atLeastZero(usdMicros: UsdMicros): UsdMicros {
  return usdMicros > 0n ? usdMicros : 0n;
}
