import type { UsdMicros } from '../money/unit.js';
import type { OwnerAction } from '../errors/ownerAction.js';
import { formatUsd } from '../money/decimal.js';
import { BUDGET_DEPTH_MAX, budgetChain } from '../money/budget.js';
import { DEFAULT_AGENT } from '../money/agent.js';
import { findNetwork } from '../money/network.js';
import { SETTINGS, type Config } from './settings.js';

/** Two values that cannot stand beside each other. */
export interface Conflict {
  readonly message: string;
  /** What makes room for the change, where something does. */
  readonly action?: OwnerAction;
}

interface CapPair {
  readonly capKey: string;
  readonly cap: bigint;
  readonly ceilingKey: string;
  readonly ceiling: bigint;
}

/**
 * The first pair of values in a config that contradict each other, or undefined: a cap above its ceiling, or
 * networks of the other kind of money. `changedKey`, where a change made it, decides which other key is to be
 * changed first.
 */
export function findConflict(config: Config, changedKey?: string): Conflict | undefined {
  const pair = capPairs(config).find(({ cap, ceiling }) => cap > ceiling);
  if (pair !== undefined) {
    const [cap, ceiling] = [formatUsd(pair.cap), formatUsd(pair.ceiling)];
    const [key, value] = changedKey === pair.ceilingKey ? [pair.capKey, ceiling] : [pair.ceilingKey, cap];
    const mend = changedKey === pair.ceilingKey ? 'lower the cap first' : 'raise the ceiling first';
    return {
      message: `${pair.capKey} of $${cap} is above its ceiling, ${pair.ceilingKey} of $${ceiling}; ${mend}.`,
      action: { kind: 'setSetting', key, value },
    };
  }
  const message =
    agentConflict(config, changedKey) ??
    categoryConflict(config) ??
    budgetConflict(config) ??
    refillConflict(config) ??
    channelConflict(config);
  if (message !== undefined) return { message };
  return networkConflict(config);
}

function networkConflict(config: Config): Conflict | undefined {
  const stray = config.networks.enabled.find((caip2) => findNetwork(caip2)?.testnet !== config.testnet);
  if (stray === undefined) return undefined;
  const label = `${findNetwork(stray)?.label ?? ''} (${stray})`;
  const message = config.testnet
    ? `networks.enabled has ${label}, which is real money, and this wallet is for test networks alone.`
    : `networks.enabled has ${label}, a test network, and this wallet is for real money alone.`;
  return { message };
}

function capPairs({ limits, ceilings, agents }: Config): CapPair[] {
  const fields = ['perCallUsdMicros', 'perSessionUsdMicros', 'perDayUsdMicros', 'perMonthUsdMicros'] as const;
  const wallet = fields.map((field) => ({
    capKey: SETTINGS.limits[field].key,
    cap: limits[field],
    ceilingKey: SETTINGS.ceilings[field].key,
    ceiling: ceilings[field],
  }));
  const hosts = [...limits.hostPerDayUsdMicros].flatMap(([host, cap]) => {
    const ceiling = ceilings.hostPerDayUsdMicros.get(host);
    if (ceiling === undefined) return [];
    return [
      {
        capKey: SETTINGS.limits.hostPerDayUsdMicros.pathOf(host).join('.'),
        cap,
        ceilingKey: SETTINGS.ceilings.hostPerDayUsdMicros.pathOf(host).join('.'),
        ceiling,
      },
    ];
  });
  const pairsOf = ([caps, capSetting]: NamedAmounts, [bounds, boundSetting]: NamedAmounts): CapPair[] =>
    [...caps].flatMap(([name, cap]) => {
      const ceiling = bounds.get(name);
      if (ceiling === undefined) return [];
      const [capKey, ceilingKey] = [capSetting.pathOf(name).join('.'), boundSetting.pathOf(name).join('.')];
      return [{ capKey, cap, ceilingKey, ceiling }];
    });
  const categories = CATEGORY_FIELDS.flatMap((field) =>
    pairsOf([limits[field], SETTINGS.limits[field]], [ceilings[field], SETTINGS.ceilings[field]]),
  );
  const ofAgents = AGENT_FIELDS.flatMap(({ cap, ceiling }) =>
    pairsOf([agents[cap], SETTINGS.agents[cap]], [agents[ceiling], SETTINGS.agents[ceiling]]),
  );
  return [...wallet, ...hosts, ...categories, ...ofAgents];
}

type NamedAmounts = readonly [
  ReadonlyMap<string, UsdMicros>,
  { readonly pathOf: (name: string) => readonly string[] },
];

const CATEGORY_FIELDS = [
  'categoryPerSessionUsdMicros',
  'categoryPerDayUsdMicros',
  'categoryPerMonthUsdMicros',
] as const;

const AGENT_FIELDS = [
  { wallet: 'perCallUsdMicros', cap: 'perCallUsdMicros', ceiling: 'ceilingPerCallUsdMicros' },
  { wallet: 'perSessionUsdMicros', cap: 'perSessionUsdMicros', ceiling: 'ceilingPerSessionUsdMicros' },
  { wallet: 'perDayUsdMicros', cap: 'perDayUsdMicros', ceiling: 'ceilingPerDayUsdMicros' },
  { wallet: 'perMonthUsdMicros', cap: 'perMonthUsdMicros', ceiling: 'ceilingPerMonthUsdMicros' },
] as const;

/**
 * Two agents with the same keys; or an agent's own amount that would be set above the wallet's. One that the wallet's
 * was lowered past is no conflict: both hold, and tightening the wallet must not wait for fifty agents.
 */
function agentConflict({ agents, limits, ceilings }: Config, changedKey?: string): string | undefined {
  const owners = new Map<number, string>([[0, DEFAULT_AGENT]]);
  for (const [name, index] of agents.index) {
    const other = owners.get(index);
    if (other !== undefined && other !== name)
      return `The agents ${other} and ${name} cannot have the same keys.`;
    owners.set(index, name);
  }
  for (const field of AGENT_FIELDS) {
    const sections = [
      { own: field.cap, setting: SETTINGS.limits[field.wallet], wallet: limits[field.wallet] },
      { own: field.ceiling, setting: SETTINGS.ceilings[field.wallet], wallet: ceilings[field.wallet] },
    ];
    for (const { own, setting, wallet } of sections)
      for (const [name, amount] of agents[own]) {
        const key = SETTINGS.agents[own].pathOf(name).join('.');
        if (key === changedKey && amount > wallet)
          return `An agent's own limits are narrower than the wallet's: ${setting.key} is $${formatUsd(wallet)}.`;
      }
  }
  return undefined;
}

/**
 * A budget that is named and has no amount, or that is part of itself: a payment in it would count in nothing. A tree of
 * more than a few levels is a mistake.
 */
function budgetConflict({ budgets, agents, templates }: Config): string | undefined {
  const bounded = new Set(
    [budgets.perDayUsdMicros, budgets.perMonthUsdMicros, budgets.totalUsdMicros].flatMap((amounts) => [
      ...amounts.keys(),
    ]),
  );
  const named = [
    ...[...budgets.untilDays.keys()].map((name) => ({ name, by: `budgets.${name}.until` })),
    ...[...budgets.parents].flatMap(([name, parent]) => [
      { name, by: `budgets.${name}.parent` },
      { name: parent, by: `budgets.${name}.parent` },
    ]),
    ...[...agents.budgets].map(([agent, name]) => ({ name, by: `agents.${agent}.budget` })),
    ...[...templates.terms].flatMap(([template, { settings }]) =>
      settings.flatMap(([end, name]) =>
        end === 'budget' ? [{ name, by: `templates.${template}.terms` }] : [],
      ),
    ),
  ];
  const unknown = named.find(({ name }) => !bounded.has(name));
  if (unknown !== undefined)
    return `The budget ${unknown.name} has no amount, and ${unknown.by} is about it.`;
  for (const name of bounded) {
    const chain = budgetChain(budgets.parents, name);
    if (chain === null)
      return `The budget ${name} would be part of itself, or stand more than ${BUDGET_DEPTH_MAX} levels deep.`;
  }
  return undefined;
}

/** A refill that would bring less than what calls for it; or one that is taken from an agent which is refilled itself. */
function refillConflict({ agents }: Config): string | undefined {
  const { refillBelowUsdMicros: below, refillToUsdMicros: to, refillPerDayUsdMicros, refillFrom } = agents;
  for (const [name, belowUsdMicros] of below) {
    const toUsdMicros = to.get(name);
    if (toUsdMicros !== undefined && toUsdMicros < belowUsdMicros)
      return `agents.${name}.refill.to_usd of $${formatUsd(toUsdMicros)} is less than its below_usd of $${formatUsd(belowUsdMicros)}.`;
  }
  const refilled = new Set([below, to, refillPerDayUsdMicros, refillFrom].flatMap((one) => [...one.keys()]));
  for (const name of refilled) {
    const from = refillFrom.get(name) ?? DEFAULT_AGENT;
    if (from !== DEFAULT_AGENT && !agents.index.has(from))
      return `There is no agent ${from}, and agents.${name}.refill.from is about it.`;
    // Money would go in a circle.
    if (refilled.has(from)) return `The agent ${from} is refilled itself, so none is refilled from it.`;
  }
  return undefined;
}

/** What is said of a channel that is none. */
function channelConflict({ notices }: Config): string | undefined {
  const { kinds, urls, tos, froms, users, tells, escalateMinutes, digestMinutes } = notices;
  const named = [urls, tos, froms, users, tells, escalateMinutes, digestMinutes].flatMap((one) => [
    ...one.keys(),
  ]);
  const unknown = named.find((name) => !kinds.has(name));
  return unknown === undefined ? undefined : `The channel ${unknown} has no kind.`;
}

/** A host has one category, or its payments would count in neither caps for sure. */
function categoryConflict({ categories }: Config): string | undefined {
  const known = new Map<string, string>();
  for (const [category, hosts] of categories.hosts)
    for (const host of hosts) {
      const other = known.get(host);
      if (other !== undefined)
        return `${host} is in the categories ${other} and ${category}; a host has one.`;
      known.set(host, category);
    }
  return undefined;
}
