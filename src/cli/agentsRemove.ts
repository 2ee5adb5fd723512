import { removeAgent } from '../wallet/ownerAgents.js';
import { agentFields } from './agents.js';
import type { CommandCall } from './command.js';
import { printReport } from './show.js';
import { ownerOptions } from './wallet.js';

/** Ends an agent for good. */
export async function run(call: CommandCall): Promise<number> {
  const { agent, changed } = await removeAgent(
    ownerOptions(call),
    call.args[0] ?? '',
    call.flags.has('leaveMoney'),
  );
  const message = `${agent.name} is removed: its token opens nothing, and nobody gets its name or its keys again.`;
  return printReport(call.io, call.flags.has('json'), { message, ...agentFields(agent), changed }, [message]);
}
