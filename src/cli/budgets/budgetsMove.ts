import { WalletError } from '../../errors/walletError.js';
import { moveIntoBudget } from '../../owner/ownerBudgets.js';
import type { CommandCall } from '../command.js';
import { printChanges } from '../config/configSet.js';
import { ownerOptions } from '../terminal/wallet.js';

/** Moves a budget, or an agent, into a budget or out of it. */
export async function run(call: CommandCall): Promise<number> {
  const { args, flags } = call;
  const [budget, agent, to] = [args[0], flags.text('agent'), flags.text('to')];
  if (to === undefined || (budget === undefined) === (agent === undefined))
    throw new WalletError('bad_input', 'Name a budget, or --agent, and where it goes: --to.');
  const moved = agent === undefined ? { budget: budget ?? '' } : { agent };
  return printChanges(call, await moveIntoBudget(ownerOptions(call), moved, to));
}
