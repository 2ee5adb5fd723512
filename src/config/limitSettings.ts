import {
  boundDirection,
  boundsDirection,
  categoryDirection,
  countedInDirection,
  fixedDirection,
  grantsDirection,
  lastDaysDirection,
  ownerOnlyByName,
  overridesDirection,
} from './direction.js';
import { CENT, PER_CALL, PER_DAY, PER_MONTH, PER_SESSION } from './defaults.js';
import { perName, single, type Setting } from './setting.js';
import { callCount, day, keyIndex, usd } from './value/amount.js';
import {
  agentName,
  budgetName,
  hosts,
  readAgentName,
  readBudgetName,
  readCategoryName,
  readHostName,
  readModelPattern,
} from './value/name.js';
import type { UsdMicros } from '../money/unit.js';

/** A ceiling starts at ten times its cap: room for an approval, none for a mistake of an order of magnitude. */
const CEILING_FACTOR = 10n;

/** A setting of one amount in dollars: the more, the looser. */
export function amount(key: string, usdMicros: UsdMicros, summary: string): Setting<UsdMicros> {
  return single({ key, kind: usd, initial: () => usdMicros, compare: boundDirection, summary });
}

function hostAmount(key: string, summary: string): Setting<ReadonlyMap<string, UsdMicros>> {
  return perName({ key, readName: readHostName, kind: usd, compare: boundsDirection, summary });
}

function categoryAmount(key: string, summary: string): Setting<ReadonlyMap<string, UsdMicros>> {
  return perName({ key, readName: readCategoryName, kind: usd, compare: boundsDirection, summary });
}

function budgetAmount(key: string, summary: string): Setting<ReadonlyMap<string, UsdMicros>> {
  return perName({ key, readName: readBudgetName, kind: usd, compare: boundsDirection, summary });
}

function agentAmount(key: string, summary: string): Setting<ReadonlyMap<string, UsdMicros>> {
  return perName({ key, readName: readAgentName, kind: usd, compare: boundsDirection, summary });
}

/** What moves to an agent by itself: none of it until the owner says so. */
function refillAmount(end: string, summary: string): Setting<ReadonlyMap<string, UsdMicros>> {
  const key = `agents.<agent>.refill.${end}`;
  return perName({ key, readName: readAgentName, kind: usd, compare: grantsDirection, summary });
}

/**
 * What may be spent: caps, ceilings, the same for one agent, and which hosts a category's limits count. Rows of
 * {@link SETTINGS}, whose comment says what a row is.
 */
export const LIMIT_SETTINGS = {
  limits: {
    perCallUsdMicros: amount(
      'limits.per_call_usd',
      PER_CALL,
      'The most one call may cost without asking you.',
    ),
    perSessionUsdMicros: amount(
      'limits.per_session_usd',
      PER_SESSION,
      'The most an agent may spend in one session without asking you. A session ends after 30 idle minutes.',
    ),
    perDayUsdMicros: amount(
      'limits.per_day_usd',
      PER_DAY,
      'The most the wallet may spend in any 24 hours without asking you.',
    ),
    perMonthUsdMicros: amount(
      'limits.per_month_usd',
      PER_MONTH,
      'The most the wallet may spend in any 30 days without asking you.',
    ),
    callsPerMinute: single({
      key: 'limits.calls_per_minute',
      kind: callCount,
      initial: () => 30,
      compare: boundDirection,
      summary: 'Payments that may start in any 60 seconds.',
    }),
    depositUsdMicros: amount(
      'limits.deposit_usd',
      0n,
      'The most an agent may deposit with one seller, what it adds later included, for calls that are paid out of it, such as a session of MPP. A deposit counts whole against every limit until it is closed. Above it you are asked, where you have an owner passphrase or a passkey to answer with; else there is none.',
    ),
    commitmentUsdMicros: amount(
      'limits.commitment_usd',
      0n,
      'The most that a subscription may take in any 30 days for an agent to make it without asking you. It counts by that rate against every limit until it has ended. 0: you are asked about each.',
    ),
    askFloorUsdMicros: amount(
      'limits.ask_floor_usd',
      5n * CENT,
      'Up to this price, a price that has risen is not asked about.',
    ),
    hostPerDayUsdMicros: hostAmount(
      'limits.hosts.<host>.per_day_usd',
      'The most the wallet may spend at this host (or host:port) in any 24 hours without asking you. Set to none to remove this limit.',
    ),
    modelPerCallUsdMicros: perName({
      key: 'limits.models.<pattern>.per_call_usd',
      readName: readModelPattern,
      kind: usd,
      compare: boundsDirection,
      summary:
        'The most one call may cost without asking you whose body names a model like this, such as gpt-* or claude-opus-4.5. Set to none to remove this limit.',
    }),
    categoryPerSessionUsdMicros: categoryAmount(
      'limits.categories.<category>.per_session_usd',
      'The most an agent may spend in this category in one session without asking you. Set to none to remove this limit.',
    ),
    categoryPerDayUsdMicros: categoryAmount(
      'limits.categories.<category>.per_day_usd',
      'The most the wallet may spend in this category in any 24 hours without asking you. Set to none to remove this limit.',
    ),
    categoryPerMonthUsdMicros: categoryAmount(
      'limits.categories.<category>.per_month_usd',
      'The most the wallet may spend in this category in any 30 days without asking you. Set to none to remove this limit.',
    ),
  },
  ceilings: {
    perCallUsdMicros: amount(
      'ceilings.per_call_usd',
      CEILING_FACTOR * PER_CALL,
      'The most one call may cost, even with your approval.',
    ),
    perSessionUsdMicros: amount(
      'ceilings.per_session_usd',
      CEILING_FACTOR * PER_SESSION,
      'The most an agent may spend in one session, even with your approval.',
    ),
    perDayUsdMicros: amount(
      'ceilings.per_day_usd',
      CEILING_FACTOR * PER_DAY,
      'The most the wallet may spend in any 24 hours, even with your approval.',
    ),
    perMonthUsdMicros: amount(
      'ceilings.per_month_usd',
      CEILING_FACTOR * PER_MONTH,
      'The most the wallet may spend in any 30 days, even with your approval.',
    ),
    hostPerDayUsdMicros: hostAmount(
      'ceilings.hosts.<host>.per_day_usd',
      'The most the wallet may spend at this host (or host:port) in any 24 hours, even with your approval. Set to none to remove this limit.',
    ),
    categoryPerSessionUsdMicros: categoryAmount(
      'ceilings.categories.<category>.per_session_usd',
      'The most an agent may spend in this category in one session, even with your approval. Set to none to remove this limit.',
    ),
    categoryPerDayUsdMicros: categoryAmount(
      'ceilings.categories.<category>.per_day_usd',
      'The most the wallet may spend in this category in any 24 hours, even with your approval. Set to none to remove this limit.',
    ),
    categoryPerMonthUsdMicros: categoryAmount(
      'ceilings.categories.<category>.per_month_usd',
      'The most the wallet may spend in this category in any 30 days, even with your approval. Set to none to remove this limit.',
    ),
  },
  agents: {
    index: perName({
      key: 'agents.<agent>.index',
      readName: readAgentName,
      kind: keyIndex,
      compare: fixedDirection,
      fixed: 'An agent is given its keys when it is added, and they are never changed.',
      summary: "Index of the agent's keys. Given when the agent is added; never reused.",
    }),
    perCallUsdMicros: agentAmount(
      'agents.<agent>.limits.per_call_usd',
      'The most one call of this agent may cost without asking you. none: limits.per_call_usd applies.',
    ),
    perSessionUsdMicros: agentAmount(
      'agents.<agent>.limits.per_session_usd',
      'The most this agent may spend in one session without asking you. none: limits.per_session_usd applies.',
    ),
    perDayUsdMicros: agentAmount(
      'agents.<agent>.limits.per_day_usd',
      'The most this agent may spend in any 24 hours without asking you. none: limits.per_day_usd applies.',
    ),
    perMonthUsdMicros: agentAmount(
      'agents.<agent>.limits.per_month_usd',
      'The most this agent may spend in any 30 days without asking you. none: limits.per_month_usd applies.',
    ),
    callsPerMinute: perName({
      key: 'agents.<agent>.limits.calls_per_minute',
      readName: readAgentName,
      kind: callCount,
      compare: boundsDirection,
      summary:
        'Payments of this agent that may start in any 60 seconds. none: limits.calls_per_minute applies.',
    }),
    ceilingPerCallUsdMicros: agentAmount(
      'agents.<agent>.ceilings.per_call_usd',
      'The most one call of this agent may cost, even with your approval. none: ceilings.per_call_usd applies.',
    ),
    ceilingPerSessionUsdMicros: agentAmount(
      'agents.<agent>.ceilings.per_session_usd',
      'The most this agent may spend in one session, even with your approval. none: ceilings.per_session_usd applies.',
    ),
    ceilingPerDayUsdMicros: agentAmount(
      'agents.<agent>.ceilings.per_day_usd',
      'The most this agent may spend in any 24 hours, even with your approval. none: ceilings.per_day_usd applies.',
    ),
    ceilingPerMonthUsdMicros: agentAmount(
      'agents.<agent>.ceilings.per_month_usd',
      'The most this agent may spend in any 30 days, even with your approval. none: ceilings.per_month_usd applies.',
    ),
    budgets: perName({
      key: 'agents.<agent>.budget',
      readName: readAgentName,
      kind: budgetName,
      compare: countedInDirection,
      summary:
        'The budget that what this agent spends counts in, beside its own limits. none: no budget, only the limits.',
    }),
    refillBelowUsdMicros: refillAmount(
      'below_usd',
      'The wallet tops this agent up once it has less than this, on all networks together. None of the three refill amounts may be missing. none: never.',
    ),
    refillToUsdMicros: refillAmount('to_usd', 'What a refill brings this agent up to.'),
    refillPerDayUsdMicros: refillAmount(
      'per_day_usd',
      'The most that refills may bring this agent in any 24 hours.',
    ),
    refillFrom: perName({
      key: 'agents.<agent>.refill.from',
      readName: readAgentName,
      kind: agentName,
      compare: ownerOnlyByName,
      summary: 'The agent whose money refills are taken from. none: the first agent, default.',
    }),
    elicitationMaxUsdMicros: perName({
      key: 'agents.<agent>.elicitation_max_usd',
      readName: readAgentName,
      kind: usd,
      compare: overridesDirection,
      summary:
        'The most that answers in this agent’s own client may approve in any 24 hours, served over HTTP too, where none counts without it; none leaves it to approvals.elicitation_max_usd.',
    }),
  },
  budgets: {
    perDayUsdMicros: budgetAmount(
      'budgets.<budget>.per_day_usd',
      'The most that the agents and budgets in this budget may spend together in any 24 hours, even with your approval. none removes this amount.',
    ),
    perMonthUsdMicros: budgetAmount(
      'budgets.<budget>.per_month_usd',
      'The most that the agents and budgets in this budget may spend together in any 30 days, even with your approval. none removes this amount.',
    ),
    totalUsdMicros: budgetAmount(
      'budgets.<budget>.total_usd',
      'The most that the agents and budgets in this budget may ever spend together, even with your approval. none removes this amount.',
    ),
    untilDays: perName({
      key: 'budgets.<budget>.until',
      readName: readBudgetName,
      kind: day,
      compare: lastDaysDirection,
      summary:
        'The last day, in UTC, on which anything in this budget may be spent, such as 2027-03-31. none: it has no end.',
    }),
    parents: perName({
      key: 'budgets.<budget>.parent',
      readName: readBudgetName,
      kind: budgetName,
      compare: countedInDirection,
      summary:
        'The budget that this one is part of: what is spent in it counts there too. none: the wallet itself.',
    }),
  },
  categories: {
    hosts: perName({
      key: 'categories.<category>.hosts',
      readName: readCategoryName,
      kind: hosts,
      compare: categoryDirection,
      summary:
        'Hosts in a category of yours, as a JSON list of host or host:port. A host:port entry wins over its host. none removes the category.',
    }),
  },
} as const;
