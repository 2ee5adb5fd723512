import type { Withdrawal } from '../../ledger/attempts/withdrawal.js';
import { findAsset } from '../../money/asset.js';
import { formatUnits } from '../../money/decimal.js';
import { findNetwork, type Caip2 } from '../../money/network.js';
import { removeAgent } from '../../treasury/agentRemoval.js';
import { Engine } from '../../wallet/engine.js';
import { unlockAsAnyone, unlockAsOwner } from '../../owner/auth/ownerAuth.js';
import { agentFields } from './agents.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/output/show.js';
import { ownerOptions, untilInterrupted, walletOptions } from '../terminal/wallet.js';

/** Ends an agent for good, once its money is back at the first agent's address. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags } = call;
  const name = call.args[0] ?? '';
  const leavesMoney = flags.has('leaveMoney');
  const operation = {
    what: `Removing the agent ${name} and bringing back its money`,
    action: { kind: 'removeAgent' as const, name },
  };
  // To move money is the owner's; only to stop an agent is anyone's.
  const keys = await (leavesMoney
    ? unlockAsAnyone(ownerOptions(call))
    : unlockAsOwner(ownerOptions(call), operation));
  const engine = await Engine.openWith(walletOptions(call), keys);
  try {
    const removed = await untilInterrupted((signal) => removeAgent(engine, name, { leavesMoney }, signal));
    const { agent, changed, swept } = removed;
    const brought = swept.map(sweptFields);
    const message = `${agent.name} is removed: its token opens nothing, and nobody gets its name or its keys again.`;
    const fields = { message, ...agentFields(agent), changed, swept: brought };
    return printReport(io, flags.has('json'), fields, [
      ...brought.map(
        ({ amount, asset, label, to, tx }) =>
          `${amount} ${asset} on ${label} came back to ${to}: ${tx ?? ''}`,
      ),
      message,
    ]);
  } finally {
    await engine.close();
  }
}

function sweptFields({ network, asset, capturedAtomic, heldAtomic, payTo, tx }: Withdrawal) {
  const token = findAsset(network as Caip2, asset);
  const atomic = capturedAtomic ?? heldAtomic;
  return {
    network,
    label: findNetwork(network)?.label ?? network,
    asset: token?.symbol ?? asset,
    amount: formatUnits(atomic, token?.decimals ?? 0),
    amount_atomic: atomic.toString(),
    to: payTo,
    tx,
  };
}
