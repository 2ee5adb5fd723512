import { DEFAULT_AGENT } from '../../money/agent.js';
import { addressOf, otherAgent } from './agentEnds.js';
import type { CommandCall } from '../command.js';
import { chosenOf, fieldsOf, moveMoney } from '../money/withdraw.js';

/** Brings what an agent has back to the first agent's address, before it is removed or after. */
export async function run(call: CommandCall): Promise<number> {
  const name = call.args[0] ?? '';
  const operation = {
    what: `Taking all that the agent ${name} has`,
    action: {
      kind: 'sweepAgent' as const,
      name,
      ...chosenOf(call),
      takesHeld: call.flags.has('includeHeld'),
    },
    details: fieldsOf(call, name),
    usdMicros: 'all' as const,
    isWithin: true,
  };
  return moveMoney(call, operation, async (engine, network) => ({
    from: await otherAgent(engine, name),
    to: await addressOf(engine.forAgent(DEFAULT_AGENT), network),
  }));
}
