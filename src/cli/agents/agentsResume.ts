import { resumeAgent } from '../../owner/ownerAgents.js';
import { agentFields } from './agents.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/output/show.js';
import { ownerOptions } from '../terminal/wallet.js';

/** Lets an agent act again. */
export async function run(call: CommandCall): Promise<number> {
  const { agent, changed } = await resumeAgent(ownerOptions(call), call.args[0] ?? '');
  const message = changed ? `${agent.name} may act again.` : `${agent.name} is not suspended.`;
  return printReport(call.io, call.flags.has('json'), { message, ...agentFields(agent), changed }, [message]);
}
