import { findNetwork, type Caip2 } from '../../src/money/network.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { CHAINS, type ChainName, type Ground, type TestWorld } from '../support/world.js';

/** What an agent has on a chain: where, and how much it was given there. */
export interface Purse {
  readonly agent: string;
  readonly chain: ChainName;
  readonly ground: Ground;
  readonly address: string;
  readonly fundedAtomic: bigint;
}

/** The purses of agents that were given so much on each chain. */
export async function openPurses(
  world: TestWorld,
  wallet: Wallet,
  agents: readonly string[],
  fundedAtomic: bigint,
): Promise<readonly Purse[]> {
  const purses: Purse[] = [];
  for (const agent of agents) {
    const engine = await wallet.forAgent(agent).engine();
    for (const chain of CHAINS) {
      const { ground } = world.on(chain);
      const network = findNetwork(ground.caip2 as Caip2);
      if (network === undefined) throw new RangeError(`No network ${ground.caip2}`);
      purses.push({ agent, chain, ground, address: await engine.addressOn(network), fundedAtomic });
    }
  }
  return purses;
}

/** The nonces of all that settled, and how many did on each chain, by its label. */
export async function readChains(purses: readonly Purse[]) {
  const settled = new Set<string>();
  const settledOn = new Map<string, number>();
  for (const { ground, address } of purses) {
    const shown = await ground.payments(address);
    settledOn.set(ground.label, (settledOn.get(ground.label) ?? 0) + shown.length);
    for (const { nonce } of shown) settled.add(nonce);
  }
  return { settled, settledOn };
}
