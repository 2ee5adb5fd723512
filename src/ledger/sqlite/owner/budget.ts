import type { BudgetNode, BudgetOpened, BudgetStop, BudgetUse, NewBudget } from '../../books/budget.js';
import { assertInvariant } from '../../../errors/walletError.js';
import type { UsdMicros } from '../../../money/unit.js';
import { changedBehind } from '../../fault.js';
import { newId } from '../../newId.js';
import type { LedgerContext } from '../file/context.js';
import { statement } from '../file/database.js';
import { ledgerTimeMs, type JournalHead } from '../journal/journal.js';
import type { SqlRow, SqlValue } from '../payments/paymentColumns.js';
import { budgetScope } from '../payments/totals.js';

/** A deeper tree is a mistake: wallet, team, agent, run, and runs that a run starts. */
const DEPTH_MAX = 8;

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

/** Opens a node below another one, or below the wallet, and takes its amount out of what that one has left. */
export function openBudget(context: LedgerContext, request: NewBudget, nowMs: number): BudgetOpened {
  assertInvariant(request.amountUsdMicros > 0n, 'a budget has an amount');
  const head = context.journal.checkedHead();
  const timeMs = ledgerTimeMs(head, nowMs);
  if (request.parentId !== null) {
    const over = budgetStop(context, head, {
      ...{ id: request.parentId, agent: request.agent, usdMicros: request.amountUsdMicros },
      ...{ timeMs, nowMs },
    });
    if (over !== null) return { kind: 'budget', ...over };
    const path = pathOf(context, head, request.parentId);
    assertInvariant(path.length < DEPTH_MAX, 'the tree of budgets has a few levels');
  }
  const node: BudgetNode = { ...request, id: newId('run'), createdMs: timeMs, endedMs: null };
  putBudget(context, head, node, 'open', timeMs);
  return { kind: 'open', node };
}

/** Ends a node: nothing new is held or sent under it, and what it did not use is the upper one's again. False where it had ended. */
export function endBudget(context: LedgerContext, id: string, nowMs: number): boolean {
  const head = context.journal.checkedHead();
  const node = findBudget(context, head, id);
  if (node === null || node.endedMs !== null) return false;
  const timeMs = ledgerTimeMs(head, nowMs);
  putBudget(context, head, { ...node, endedMs: timeMs }, 'end', timeMs);
  return true;
}

function putBudget(
  context: LedgerContext,
  head: JournalHead,
  node: BudgetNode,
  act: 'open' | 'end',
  timeMs: number,
): void {
  const values = budgetToSql(node);
  const code = context.auth.codeOf('budgets', values);
  statement(context.db, 'INSERT OR REPLACE INTO budgets VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)').run(
    ...values,
    code,
  );
  const text = node.endedMs === null ? budgetText(code) : null;
  const register = context.register.set(head.register, budgetKey(node.id), text);
  const entry = { kind: 'budget', subject: node.id, data: journalDataOf(node, act), timeMs } as const;
  context.journal.append(head, entry, { register });
}

/** What the journal says of a change of a node: all of it, integers of money as text. */
function journalDataOf({ amountUsdMicros, id: _id, ...node }: BudgetNode, act: 'open' | 'end'): object {
  return { act, ...node, usdMicros: amountUsdMicros.toString() };
}

/** The ids from a node to the topmost one above it. Throws `ledger_damaged` where one is gone. */
export function pathOf(context: LedgerContext, head: JournalHead, id: string): string[] {
  const path: string[] = [];
  for (let next: string | null = id; next !== null;) {
    path.push(next);
    const node: BudgetNode | null = findBudget(context, head, next);
    if (node === null || path.length > DEPTH_MAX) throw changedBehind('A budget has lost the one above it.');
    next = node.parentId;
  }
  return path;
}

/** What is asked of a node: whether so much more fits, for a hold of an agent's; nothing more for what is held already. */
interface BudgetAsk {
  readonly id: string;
  readonly agent: string;
  readonly usdMicros: UsdMicros;
  /** Ledger time. */
  readonly timeMs: number;
  /** The wall clock. */
  readonly nowMs: number;
}

/**
 * Why `usdMicros` more may not be held under a node, or null where they may: to be asked in the step that holds them, and
 * with nothing more in the step that sends. Every node on the path has to be open, and to have room: the first one beside
 * what the open nodes below it have for themselves, and each one above in all, for the amount of the node below was taken
 * out of it when that was opened.
 */
export function budgetStop(
  context: LedgerContext,
  head: JournalHead,
  { id, agent, usdMicros, timeMs, nowMs }: BudgetAsk,
): BudgetStop | null {
  const first = findBudget(context, head, id);
  if (first?.agent !== agent) return { problem: 'unknown', node: null, leftUsdMicros: 0n };
  for (let node: BudgetNode | null = first; node !== null;) {
    if (node.endedMs !== null) return { problem: 'ended', node, leftUsdMicros: 0n };
    // By either clock: neither one that was set back nor one that nobody checked keeps a program alive (T30, T42).
    if (node.expiresMs <= Math.max(timeMs, nowMs)) return { problem: 'expired', node, leftUsdMicros: 0n };
    const usedUsdMicros = usedOf(context, head, node.id);
    const reserved = node === first ? reservedBelow(context, head, node.id, timeMs) : 0n;
    const leftUsdMicros = atLeastZero(node.amountUsdMicros - usedUsdMicros - reserved);
    if (usdMicros > leftUsdMicros) return { problem: 'spent', node, leftUsdMicros };
    node = node.parentId === null ? null : findBudget(context, head, node.parentId);
  }
  return null;
}

/** A node with what came of it; null where there is none. */
export function budgetUse(
  context: LedgerContext,
  head: JournalHead,
  id: string,
  nowMs: number,
): BudgetUse | null {
  const node = findBudget(context, head, id);
  if (node === null) return null;
  const timeMs = ledgerTimeMs(head, nowMs);
  const { live, captured } = context.totals.whole(head.register, budgetScope(id));
  const isOver = node.endedMs !== null || node.expiresMs <= Math.max(timeMs, nowMs);
  const left = node.amountUsdMicros - live - captured - reservedBelow(context, head, id, timeMs);
  return {
    node,
    capturedUsdMicros: captured,
    liveUsdMicros: live,
    leftUsdMicros: isOver ? 0n : atLeastZero(left),
  };
}

function usedOf(context: LedgerContext, head: JournalHead, id: string): UsdMicros {
  const { live, captured } = context.totals.whole(head.register, budgetScope(id));
  return live + captured;
}

/** What the open nodes directly below one have not used yet. What they did use counts in the upper one already. */
function reservedBelow(context: LedgerContext, head: JournalHead, id: string, timeMs: number): UsdMicros {
  const ids = statement(context.db, 'SELECT id FROM budgets WHERE parent_id = ? AND ended_ms IS NULL')
    .pluck()
    .all(id) as string[];
  return ids.reduce((sum, childId) => {
    const child = findBudget(context, head, childId);
    if (child === null || child.endedMs !== null || child.expiresMs <= timeMs) return sum;
    return sum + atLeastZero(child.amountUsdMicros - usedOf(context, head, childId));
  }, 0n);
}

function atLeastZero(usdMicros: UsdMicros): UsdMicros {
  return usdMicros > 0n ? usdMicros : 0n;
}
