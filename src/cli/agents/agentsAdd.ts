import { addAgent } from '../../owner/ownerAgents.js';
import { lifeOf, runWithToken } from './agents.js';
import type { CommandCall } from '../command.js';
import { ownerOptions } from '../terminal/wallet.js';

/** Adds an agent and shows its token once. */
export async function run(call: CommandCall): Promise<number> {
  const terms = { template: call.flags.text('template'), forMs: lifeOf(call) };
  return runWithToken(
    call,
    (deliver) => addAgent(ownerOptions(call), call.args[0] ?? '', deliver, terms),
    ({ name }) => `Added the agent ${name}; send it money at its own address.`,
  );
}
