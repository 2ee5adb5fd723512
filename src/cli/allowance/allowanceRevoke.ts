import type { CommandCall } from '../command.js';
import { allow } from './allowanceSet.js';

/** Takes back what Permit2 may move of a token. */
export async function run(call: CommandCall): Promise<number> {
  return allow(call, 0n);
}
