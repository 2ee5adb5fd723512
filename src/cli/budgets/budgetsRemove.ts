import { removeBudget } from '../../owner/ownerBudgets.js';
import type { CommandCall } from '../command.js';
import { printChanges } from '../config/configSet.js';
import { ownerOptions } from '../terminal/wallet.js';

/** Removes a budget. */
export async function run(call: CommandCall): Promise<number> {
  return printChanges(call, await removeBudget(ownerOptions(call), call.args[0] ?? ''));
}
