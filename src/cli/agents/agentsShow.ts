import { provedConfig } from '../../owner/ownerConfig.js';
import { balancesOf, findAgentLine } from '../../owner/ownerAgents.js';
import { unlockAsAnyone } from '../../owner/auth/ownerAuth.js';
import { agentFields, moneyFields } from './agents.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/output/show.js';
import { ownerOptions } from '../terminal/wallet.js';

/** Shows one agent: state, address, money on chain, limits of its own. */
export async function run(call: CommandCall): Promise<number> {
  const { io, args, flags, home } = call;
  const options = ownerOptions(call);
  const agent = await findAgentLine(options, args[0] ?? '');
  const keys = await unlockAsAnyone(options);
  const config = provedConfig(home, keys);
  const money = await balancesOf(config, keys, agent.index);
  const { listKeys } = await import('../../config/change.js');
  const prefix = `agents.${agent.name}.`;
  const limits = listKeys(config).filter(({ key }) => key.startsWith(prefix) && key !== `${prefix}index`);
  const message = `${agent.name} is ${agent.state}.`;
  const fields = {
    message,
    ...agentFields(agent),
    balances: money.map(moneyFields),
    limits: Object.fromEntries(limits.map(({ key, value }) => [key, value])),
  };
  return printReport(io, flags.has('json'), fields, [
    message,
    `Address  ${agent.address}`,
    ...(agent.untilMs === null ? [] : [`Until    ${new Date(agent.untilMs).toISOString()}`]),
    ...(agent.template === null ? [] : [`Template ${agent.template}`]),
    ...money.map(
      ({ label, symbol, address, onChain }) => `${label}  ${onChain ?? 'unknown'} ${symbol} at ${address}`,
    ),
    ...limits.map(({ key, value }) => `${key}  ${value}`),
  ]);
}
