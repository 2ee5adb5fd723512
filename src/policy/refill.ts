import { DEFAULT_AGENT } from '../money/agent.js';
import type { UsdMicros } from '../money/unit.js';

/** What the owner says of refills, each amount by the name of the agent that is refilled. */
export interface RefillSettings {
  readonly refillBelowUsdMicros: ReadonlyMap<string, UsdMicros>;
  readonly refillToUsdMicros: ReadonlyMap<string, UsdMicros>;
  readonly refillPerDayUsdMicros: ReadonlyMap<string, UsdMicros>;
  readonly refillFrom: ReadonlyMap<string, string>;
}

/** How one agent is topped up. */
export interface RefillRule {
  readonly agent: string;
  /** The agent whose money it is taken from. */
  readonly from: string;
  readonly belowUsdMicros: UsdMicros;
  readonly toUsdMicros: UsdMicros;
  readonly perDayUsdMicros: UsdMicros;
}

/** The rule for one agent, or null where any of its amounts is missing. */
export function refillRule(settings: RefillSettings, agent: string): RefillRule | null {
  const belowUsdMicros = settings.refillBelowUsdMicros.get(agent);
  const toUsdMicros = settings.refillToUsdMicros.get(agent);
  const perDayUsdMicros = settings.refillPerDayUsdMicros.get(agent);
  if (belowUsdMicros === undefined || toUsdMicros === undefined || perDayUsdMicros === undefined) return null;
  const from = settings.refillFrom.get(agent) ?? DEFAULT_AGENT;
  return { agent, from, belowUsdMicros, toUsdMicros, perDayUsdMicros };
}

/** Every agent that is refilled, by name. */
export function refilledAgents(settings: RefillSettings): string[] {
  return [...settings.refillBelowUsdMicros.keys()].filter((agent) => refillRule(settings, agent) !== null);
}

/** What there is, in micro-dollars. */
export interface RefillFunds {
  /** What the agent has left, on all networks together. */
  readonly leftUsdMicros: UsdMicros;
  /** What refills brought it in the last 24 hours, those on their way included. */
  readonly refilledUsdMicros: UsdMicros;
  /** What is free where the money is taken from. */
  readonly freeUsdMicros: UsdMicros;
}

/** What is to be done for an agent. */
export type RefillVerdict =
  | { readonly kind: 'enough' }
  | { readonly kind: 'refill'; readonly usdMicros: UsdMicros }
  | { readonly kind: 'not'; readonly why: 'day_used' | 'source_empty' };

/**
 * How much an agent is sent: what brings it up to its amount, or as much of that as the day and the source leave. Where
 * that would leave it below its line nothing is sent, for the next look would send a little more, and so on.
 */
export function refillVerdict(rule: RefillRule, funds: RefillFunds): RefillVerdict {
  const { leftUsdMicros, refilledUsdMicros, freeUsdMicros } = funds;
  if (leftUsdMicros >= rule.belowUsdMicros) return { kind: 'enough' };
  const least = rule.belowUsdMicros - leftUsdMicros;
  const ofDay = rule.perDayUsdMicros - refilledUsdMicros;
  if (ofDay < least) return { kind: 'not', why: 'day_used' };
  if (freeUsdMicros < least) return { kind: 'not', why: 'source_empty' };
  const wanted = rule.toUsdMicros - leftUsdMicros;
  const most = [wanted, ofDay, freeUsdMicros].reduce((a, b) => (b < a ? b : a));
  return { kind: 'refill', usdMicros: most };
}
