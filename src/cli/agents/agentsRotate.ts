import { rotateToken } from '../../owner/ownerAgents.js';
import { runWithToken } from './agents.js';
import type { CommandCall } from '../command.js';
import { ownerOptions } from '../terminal/wallet.js';

/** Gives an agent a new token and shows it once. */
export async function run(call: CommandCall): Promise<number> {
  return runWithToken(
    call,
    (deliver) => rotateToken(ownerOptions(call), call.args[0] ?? '', deliver),
    ({ name }) => `${name} has a new token; the old one opens nothing any more.`,
  );
}
