import type { Config } from '../../config/settings.js';
import { categoryOf } from '../../policy/category.js';
import type { AgentAmounts, AgentLimits, LineRequest } from '../../policy/limits.js';

/** What an agent may spend by its own limits, and what even an approval does not lift. */
export function agentBounds(
  { agents }: Pick<Config, 'agents'>,
  agent: string,
): { readonly limits: AgentLimits; readonly ceilings: AgentAmounts } {
  return {
    limits: {
      perCallUsdMicros: agents.perCallUsdMicros.get(agent),
      perSessionUsdMicros: agents.perSessionUsdMicros.get(agent),
      perDayUsdMicros: agents.perDayUsdMicros.get(agent),
      perMonthUsdMicros: agents.perMonthUsdMicros.get(agent),
      callsPerMinute: agents.callsPerMinute.get(agent),
    },
    ceilings: {
      perCallUsdMicros: agents.ceilingPerCallUsdMicros.get(agent),
      perSessionUsdMicros: agents.ceilingPerSessionUsdMicros.get(agent),
      perDayUsdMicros: agents.ceilingPerDayUsdMicros.get(agent),
      perMonthUsdMicros: agents.ceilingPerMonthUsdMicros.get(agent),
    },
  };
}

/** Who asks and where, with all that the owner's config says of both. */
export function lineRequest(
  config: Config,
  asking: Pick<LineRequest, 'agent' | 'sessionId' | 'hostPort'>,
): LineRequest {
  const { limits, ceilings } = agentBounds(config, asking.agent);
  return {
    ...asking,
    category: categoryOf(config.categories.hosts, asking.hostPort),
    perAgent: limits,
    perAgentCeilings: ceilings,
  };
}
