import {
  isRun,
  type BudgetNode,
  type BudgetOpened,
  type BudgetStop,
  type BudgetUse,
  type NewBudget,
} from '../../books/budget.js';
import { assertInvariant } from '../../../errors/walletError.js';
import type { UsdMicros } from '../../../money/unit.js';
import { newId } from '../../newId.js';
import type { LedgerContext } from '../file/context.js';
import { statement } from '../file/database.js';
import { ledgerTimeMs, type JournalHead } from '../journal/journal.js';
import { budgetScope } from '../payments/totals.js';
import { findAgent } from './agent.js';
import { exceededLines } from '../payments/usage.js';
import {
  atLeastZero,
  budgetKey,
  budgetText,
  budgetToSql,
  DEPTH_MAX,
  findBudget,
  parentRunOf,
  pathOf,
  reservedBelow,
  usedOf,
} from './budgetRow.js';

/** Opens a run below another one, below a budget of the owner's or below the wallet, and takes its amount out of what those have left. */
export function openBudget(
  context: LedgerContext,
  { capLines = [], ...request }: NewBudget,
  nowMs: number,
): BudgetOpened {
  assertInvariant(request.amountUsdMicros > 0n, 'a budget has an amount');
  const head = context.journal.checkedHead();
  const timeMs = ledgerTimeMs(head, nowMs);
  if (request.parentId !== null && isRun(request.parentId)) {
    const over = budgetStop(context, head, {
      ...{ id: request.parentId, agent: request.agent, usdMicros: request.amountUsdMicros },
      ...{ timeMs, nowMs },
    });
    if (over !== null) return { kind: 'budget', ...over };
    const path = pathOf(context, head, request.parentId);
    assertInvariant(path.length < DEPTH_MAX, 'the tree of budgets has a few levels');
  }
  const exceeded = exceededLines(context, head, capLines, {
    usdMicros: request.amountUsdMicros,
    runId: request.parentId !== null && isRun(request.parentId) ? request.parentId : null,
    nowMs: timeMs,
  });
  if (exceeded.length > 0) return { kind: 'exceeded', exceeded };
  // A run ends with its agent: what it set aside is then the upper ones' again.
  const untilMs = findAgent(context, head, request.agent)?.untilMs ?? Infinity;
  const expiresMs = Math.min(request.expiresMs, untilMs);
  const node: BudgetNode = { ...request, expiresMs, id: newId('run'), createdMs: timeMs, endedMs: null };
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
    const parentId = parentRunOf(node);
    node = parentId === null ? null : findBudget(context, head, parentId);
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
