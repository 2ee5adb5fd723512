import { WalletError } from '../../errors/walletError.js';
import { DEFAULT_AGENT } from '../../money/agent.js';
import { formatUsd } from '../../money/decimal.js';
import { addressOf, otherAgent } from './agentEnds.js';
import type { CommandCall } from '../command.js';
import { chosenOf, fieldsOf, moveMoney, usdOf } from '../money/withdraw.js';

/** Sends an agent money from the first agent's address; a removed agent gets none. */
export async function run(call: CommandCall): Promise<number> {
  const name = call.args[0] ?? '';
  const usd = call.flags.text('usd');
  if (usd === undefined) throw new WalletError('bad_input', 'Say how much with --usd N.');
  const usdMicros = usdOf(usd);
  const operation = {
    what: `Sending the agent ${name} $${formatUsd(usdMicros)}`,
    action: { kind: 'fundAgent' as const, name, usd, ...chosenOf(call) },
    details: fieldsOf(call, DEFAULT_AGENT),
    usdMicros,
    isWithin: true,
  };
  return moveMoney(call, operation, async (engine, network) => {
    const agent = await otherAgent(engine, name);
    if ((await engine.ledger.agents.find(name))?.state === 'removed')
      throw new WalletError('bad_input', `The agent ${name} was removed; nothing is sent to it.`);
    return { from: engine.forAgent(DEFAULT_AGENT), to: await addressOf(agent, network) };
  });
}
