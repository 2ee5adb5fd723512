import { readConfigUnauthenticated } from '../../config/configFile.js';
import { policyOf, writePolicy } from '../../config/policy.js';
import type { CommandCall } from '../command.js';

/** Prints the policy in force. Needs no keys. */
export async function run({ io, home }: CommandCall): Promise<number> {
  io.stdout.write(writePolicy(policyOf(readConfigUnauthenticated(home))));
  return Promise.resolve(0);
}
