import type { UsdMicros } from '../../../money/unit.js';
import type { CapLine } from '../../../money/cap.js';
import { assertInvariant } from '../../../errors/walletError.js';
import type { CountedLine, ExceededLine } from '../../attempts/hold.js';
import type { ApprovalRecord } from '../../books/approval.js';
import type { LedgerContext } from '../file/context.js';
import type { JournalHead } from '../journal/journal.js';
import { setAside } from '../owner/budgetRow.js';
import { openCommitments, reservedIn } from './reserve.js';
import { scopeKey } from './totals.js';

/** When usage is reckoned, and for whom. */
export interface Reckoning {
  /** Ledger time. */
  readonly nowMs: number;
  /** The run that asks, by id: what it has set aside in the owner's budgets is its own to use. */
  readonly runId?: string | null;
  /** Whether what is asked for is held already; then it takes no room that a run has set aside. */
  readonly isHeld?: boolean;
}

/**
 * What counts against each line, in the lines' order: all payments against a ceiling, and against a cap all but those
 * that were approved past it. A cap and its ceiling share one reckoning. Promises to pay count by their rate.
 */
export function usageOf(
  context: LedgerContext,
  head: JournalHead,
  lines: readonly CountedLine[],
  { nowMs, runId = null, isHeld = false }: Reckoning,
): UsdMicros[] {
  const { totals } = context;
  const { register } = head;
  const countedIn = (line: CountedLine): bigint => {
    const spent = totals.spentIn(register, line, nowMs);
    if (line.scope.kind !== 'budget' || isHeld) return spent;
    return spent + setAside(context, head, line.scope.below, { runId, timeMs: nowMs });
  };
  const commitments = openCommitments(context, head);
  const known = new Map<string, bigint>();
  return lines.map((line) => {
    const key = `${scopeKey(line.scope)} ${line.windowSec}`;
    const spent = known.get(key) ?? countedIn(line);
    known.set(key, spent);
    const used = line.kind === 'ceiling' ? spent : spent - totals.approvedPast(register, line, nowMs);
    assertInvariant(used >= 0n, 'what was approved past a cap is part of what was spent in its scope');
    return used + reservedIn(commitments, line, nowMs);
  });
}

/** The lines that `usdMicros` more would pass; what it comes to in each may depend on the line. */
export function exceededLines(
  context: LedgerContext,
  head: JournalHead,
  lines: readonly CapLine[],
  { usdMicros, ...reckoning }: Reckoning & { readonly usdMicros: UsdMicros | ((line: CapLine) => UsdMicros) },
): ExceededLine[] {
  const added = (line: CapLine): UsdMicros => (typeof usdMicros === 'bigint' ? usdMicros : usdMicros(line));
  const usage = usageOf(context, head, lines, reckoning);
  return lines
    .map((line, i) => ({ line, usedUsdMicros: usage[i] ?? 0n }))
    .filter(({ line, usedUsdMicros }) => usedUsdMicros + added(line) > line.usdMicrosMax);
}

/**
 * The lines that bound a payment: all, or, where it was approved, the ceilings, which no approval passes. A yes in the
 * client's own prompt does not pass the agent's own caps either (T34).
 */
export function boundingLines(
  lines: readonly CapLine[],
  approval: Pick<ApprovalRecord, 'answeredHow'> | null,
): readonly CapLine[] {
  if (approval === null) return lines;
  const byPrompt = approval.answeredHow === 'elicitation';
  return lines.filter(({ kind, isAgentsOwn }) => kind === 'ceiling' || (byPrompt && isAgentsOwn === true));
}

/** The owner's budgets that lines bound, by name: those that a hold under them counts in. */
export function budgetsBounding(lines: readonly CapLine[]): string[] {
  const names = lines.flatMap(({ scope }) => (scope.kind === 'budget' ? [scope.budget] : []));
  return [...new Set(names)];
}
