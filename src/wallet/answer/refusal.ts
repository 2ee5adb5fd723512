import { type AgentBar, unknownAgent } from '../../ledger/books/agent.js';
import type { BudgetStop } from '../../ledger/books/budget.js';
import { formatUsd } from '../../money/decimal.js';
import type { UsdMicros } from '../../money/unit.js';
import { WalletError } from '../../errors/walletError.js';
import { CODES } from '../../errors/codes.js';
import { toWalletError } from '../../ledger/fault.js';
import type { Stop } from '../../policy/verdict.js';
import { outcome, type Outcome, type OutcomeParts } from './outcome.js';

/** Codes whose outcome is a refusal: the wallet or its owner said no. Every other error is a failure. */
const REFUSAL_EXIT = 3;

/** An error as the outcome of a call. Its text is ours; a cause is never shown. */
export function failureOutcome(error: unknown, parts: Partial<OutcomeParts> = {}): Outcome {
  const known = toWalletError(error);
  const refused = CODES[known.code].exit === REFUSAL_EXIT;
  const unknown = CODES[known.code].exit === 5;
  return outcome({
    status: refused ? 'refused' : unknown ? 'unknown' : 'failed',
    code: known.code,
    message: known.shortMessage,
    money: known.money,
    retry: known.retry,
    retry_after_s: known.retryAfterSec ?? null,
    tell_owner: known.owner ?? null,
    ...parts,
  });
}

/** A stop as the outcome of a call: nothing was signed. */
export function stopOutcome(stop: Stop, parts: Partial<OutcomeParts> = {}): Outcome {
  return outcome({
    // A fault of a network that stands in the way of every offer is no refusal.
    status: CODES[stop.code].exit === REFUSAL_EXIT ? 'refused' : 'failed',
    code: stop.code,
    message: stop.message,
    retry: CODES[stop.code].retry,
    retry_after_s: stop.retryAfterSec ?? null,
    tell_owner: stop.owner ?? null,
    ...parts,
  });
}

/** What a stop leaves as it was, for whoever asks where the money is. */
const SENT_BEFORE = 'What was sent before is not undone: the chain settles it, or it comes free by itself.';

/** The error of an agent that may not act: nothing is shown to it, signed or sent for it. */
export function barredError(agent: string, bar: AgentBar): WalletError {
  if (bar === 'unknown') return unknownAgent(agent);
  if (bar === 'removed')
    return new WalletError(
      'agent_unknown',
      `The owner removed the agent ${agent} for good: nothing is shown to it, signed or sent for it any more; do not retry. ${SENT_BEFORE}`,
      {
        owner: {
          say: `The agent ${agent} was removed: add another one and let its client name that.`,
          action: { kind: 'addAgent' },
        },
      },
    );
  if (bar === 'expired')
    return new WalletError(
      'agent_expired',
      `The time of the agent ${agent} is over: nothing is shown to it, signed or sent for it until its owner prolongs it; do not retry. ${SENT_BEFORE}`,
      {
        owner: {
          say: `The time of the agent ${agent} is over.`,
          action: { kind: 'prolongAgent', name: agent },
        },
      },
    );
  return new WalletError(
    'agent_suspended',
    `The owner suspended the agent ${agent}: nothing is shown to it, signed or sent for it until they resume it; do not retry. ${SENT_BEFORE}`,
    { owner: { say: `The agent ${agent} is suspended.`, action: { kind: 'resumeAgent', name: agent } } },
  );
}

/** The error of a frozen wallet. */
export function frozenError(): WalletError {
  return new WalletError(
    'frozen',
    `The wallet is frozen: nothing is signed or sent until its owner lifts that; do not retry. ${SENT_BEFORE}`,
    { owner: { say: 'The wallet is frozen.', action: { kind: 'unfreeze' } } },
  );
}

/** The error of a call under a budget, such as a run's, that has no room for it, or is over. */
export function budgetError({ problem, node, leftUsdMicros }: BudgetStop, usdMicros: UsdMicros): WalletError {
  const name = node === null ? 'run' : `run of $${formatUsd(node.amountUsdMicros)}`;
  if (problem === 'spent')
    return new WalletError(
      'budget_spent',
      `The price of $${formatUsd(usdMicros)} does not fit the ${name}: $${formatUsd(leftUsdMicros)} of it is left, and no approval raises it; do not retry.`,
      {
        retry: 'never',
        owner: { say: `A program has spent its ${name}: start it again with a larger budget.` },
      },
    );
  const why = problem === 'expired' ? 'Its time is over' : 'It has ended';
  return new WalletError('budget_over', `Nothing is paid any more for this ${name}. ${why}; do not retry.`);
}
