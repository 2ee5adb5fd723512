import { suspendAgent } from '../../owner/ownerAgents.js';
import { agentFields } from './agents.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/output/show.js';
import { ownerOptions } from '../terminal/wallet.js';

/** Stops an agent in every process. */
export async function run(call: CommandCall): Promise<number> {
  const { agent, changed } = await suspendAgent(ownerOptions(call), call.args[0] ?? '');
  const message = changed
    ? `${agent.name} is suspended: nothing is signed or sent for it, in any process, until you resume it.`
    : `${agent.name} is suspended already.`;
  return printReport(call.io, call.flags.has('json'), { message, ...agentFields(agent), changed }, [message]);
}
