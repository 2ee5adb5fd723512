import { WalletError } from '../../errors/walletError.js';
import { DEFAULT_AGENT } from '../../money/agent.js';
import { findNetwork } from '../../money/network.js';
import type { Engine } from '../../wallet/engine.js';

/** A wallet's other agent as the owner names it. Throws `bad_input`, `agent_unknown`. */
export async function otherAgent(engine: Engine, name: string): Promise<Engine> {
  if (name === DEFAULT_AGENT)
    throw new WalletError(
      'bad_input',
      `${DEFAULT_AGENT} is the agent that the money comes from and goes to.`,
    );
  const other = engine.forAgent(name);
  // Throws where there is no such agent; one that was removed keeps its address, and may be emptied.
  await other.agentIndex();
  return other;
}

/** An agent's address on the network that was named, or on the first one that is enabled. */
export async function addressOf(engine: Engine, caip2: string | undefined): Promise<string> {
  const network = findNetwork(caip2 ?? (await engine.config()).networks.enabled[0] ?? '');
  if (network !== undefined) return engine.addressOn(network);
  throw new WalletError('unsupported_network', 'Name a network this wallet knows, such as eip155:8453.');
}
