import { WalletError } from '../../errors/walletError.js';
import { prolongAgent } from '../../owner/ownerAgents.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/output/show.js';
import { ownerOptions } from '../terminal/wallet.js';
import { agentFields, lifeOf } from './agents.js';

/** Gives an agent a later end. */
export async function run(call: CommandCall): Promise<number> {
  const { io, args, flags } = call;
  const moreMs = lifeOf(call);
  if (moreMs === undefined) throw new WalletError('bad_input', 'Say for how long more, such as --for 7d.');
  const agent = await prolongAgent(ownerOptions(call), args[0] ?? '', moreMs);
  const message = `${agent.name} may act until ${new Date(agent.untilMs ?? 0).toISOString()}.`;
  return printReport(io, flags.has('json'), { message, ...agentFields(agent) }, [message]);
}
