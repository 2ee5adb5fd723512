import { setBudget } from '../../owner/ownerBudgets.js';
import type { CommandCall } from '../command.js';
import { printChanges } from '../config/configSet.js';
import { ownerOptions } from '../terminal/wallet.js';
import { budgetAction } from './budgetsAdd.js';

/** Changes a budget. */
export async function run(call: CommandCall): Promise<number> {
  return printChanges(call, await setBudget(ownerOptions(call), budgetAction(call, 'setBudget')));
}
