import type { BudgetAction } from '../../errors/ownerAction.js';
import { setBudget } from '../../owner/ownerBudgets.js';
import type { CommandCall } from '../command.js';
import { printChanges } from '../config/configSet.js';
import { ownerOptions } from '../terminal/wallet.js';

/** Makes a budget. */
export async function run(call: CommandCall): Promise<number> {
  return printChanges(call, await setBudget(ownerOptions(call), budgetAction(call, 'addBudget')));
}

/** What the flags of a command say of a budget. */
export function budgetAction({ args, flags }: CommandCall, kind: BudgetAction['kind']): BudgetAction {
  return {
    kind,
    name: args[0] ?? '',
    perDayUsd: flags.text('perDay'),
    perMonthUsd: flags.text('perMonth'),
    totalUsd: flags.text('total'),
    until: flags.text('until'),
    parent: flags.text('in'),
  };
}
