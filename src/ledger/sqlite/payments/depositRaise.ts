import { assertInvariant } from '../../../errors/walletError.js';
import { isDeposit } from '../../../protocols/protocol.js';
import type { DepositRaise, RaiseResult } from '../../attempts/depositRaise.js';
import { raiseEntitlement } from '../calls/entitlement.js';
import type { LedgerContext } from '../file/context.js';
import { ledgerTimeMs } from '../journal/journal.js';
import { barOf } from '../owner/agent.js';
import { budgetStop } from '../owner/budget.js';
import { noteConfig } from './hold.js';
import { changePayment, existingPayment } from './paymentRow.js';
import { exceededLines } from './usage.js';
import { leftByWithdrawals } from './withdrawal.js';

/**
 * Holds so much more of an open deposit, under every line, in one step with what is kept of it: from then on the whole counts, until
 * a proof closes it. Nothing lowers it before, also where what was to be added never came there.
 *
 * A crash right after it leaves a deposit that counts for more than it holds.
 */
export function raiseDeposit(context: LedgerContext, raise: DepositRaise): RaiseResult {
  const { deposit, addedAtomic, addedUsdMicros, budgetId } = raise;
  assertInvariant(addedAtomic > 0n && addedUsdMicros > 0n, 'a deposit is raised by something');
  const checked = context.journal.checkedHead();
  const nowMs = ledgerTimeMs(checked, raise.nowMs);
  if (checked.frozen || context.isStopped()) return { kind: 'frozen' };
  if (checked.configVersion > raise.configVersion)
    return { kind: 'config_changed', configVersion: checked.configVersion };
  const before = existingPayment(context, checked, deposit.paymentId ?? '');
  assertInvariant(before.kind === 'payment' && isDeposit(before), 'what is raised is a deposit');
  const bar = barOf(context, checked, before.agent, raise.nowMs);
  if (bar !== null) return { kind: 'barred', bar };
  if (before.state !== 'unknown') return { kind: 'changed' };
  const head = noteConfig(context, checked, raise.configVersion, nowMs);
  if (budgetId !== null) {
    const ask = { id: budgetId, agent: before.agent, usdMicros: addedUsdMicros, timeMs: nowMs };
    const stop = budgetStop(context, head, { ...ask, nowMs: raise.nowMs });
    if (stop !== null) return { kind: 'budget', ...stop };
  }
  const adding = { usdMicros: addedUsdMicros, runId: budgetId, nowMs };
  const exceeded = exceededLines(context, head, raise.capLines, adding);
  if (exceeded.length > 0) return { kind: 'exceeded', exceeded };
  const left = leftByWithdrawals(context, head, before, raise.funds);
  if (left !== null && left < addedAtomic) return { kind: 'withdrawn', spendableAtomic: left };
  if (!raiseEntitlement(context, deposit, raise.facts, raise.nowMs)) return { kind: 'changed' };
  const patch = {
    state: 'unknown',
    heldAtomic: before.heldAtomic + addedAtomic,
    heldUsdMicros: before.heldUsdMicros + addedUsdMicros,
  } as const;
  changePayment(context, head, before, { kind: 'unknown', patch, nowMs });
  return { kind: 'raised' };
}
