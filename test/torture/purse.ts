import { findNetwork, type Caip2 } from '../../src/money/network.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import type { Ground, TestWorld } from '../support/world.js';
import { PLACES, type Moved, type Place, type Witness } from './exposure.js';
import type { LightningSide } from './sellers/lightning.js';

/** What an agent has in a place: where, and how much it was given there. All agents share the owner's one Lightning node. */
export interface Purse {
  readonly agent: string;
  readonly chain: Place;
  readonly ground: Pick<Ground, 'caip2' | 'label' | 'balanceOf' | 'payments'>;
  readonly address: string;
  readonly fundedAtomic: bigint;
}

/** A regtest of Lightning, by CAIP-2. */
export const LIGHTNING = 'bip122:0f9188f13cb7b2c71f2a335e3a4fc328';

/** Where money is, by what a torture asks of each place. */
export function groundsOf(world: TestWorld, lightning: LightningSide): Record<Place, Purse['ground']> {
  return {
    base: world.on('base').ground,
    solana: world.on('solana').ground,
    tempo: world.on('tempo').ground,
    lightning: {
      ...{ caip2: LIGHTNING, label: 'Lightning' },
      balanceOf: () => Promise.resolve(lightning.node.balanceMsat),
      payments: () => Promise.resolve(lightning.payments()),
    },
  };
}

/** The purses of agents that were given so much on each chain, and the node that they share. */
export async function openPurses(
  grounds: Record<Place, Purse['ground']>,
  wallet: Wallet,
  agents: readonly string[],
  { fundedAtomic, lightning }: { readonly fundedAtomic: bigint; readonly lightning: LightningSide },
): Promise<readonly Purse[]> {
  const purses: Purse[] = [];
  for (const agent of agents) {
    const engine = await wallet.forAgent(agent).engine();
    for (const chain of PLACES) {
      const ground = grounds[chain];
      const network = findNetwork(ground.caip2 as Caip2);
      if (network === undefined) throw new RangeError(`No network ${ground.caip2}`);
      const isShared = chain === 'lightning';
      if (isShared && agent !== agents[0]) continue;
      const address = await engine.addressOn(network);
      const funded = isShared ? lightning.fundedMsat : fundedAtomic;
      purses.push({ agent, chain, ground, address, fundedAtomic: funded });
    }
  }
  return purses;
}

/** What moved, by the nonce of each payment, and how many did in each place, by its label. */
export async function readChains(purses: readonly Purse[], world: TestWorld, witness: Witness) {
  const settled = new Map<string, Moved>();
  const settledOn = new Map<string, number>();
  const { client } = world.sandbox.chain;
  const secOf = async (hash: string): Promise<number> => {
    const { blockNumber } = await client.getTransactionReceipt({ hash: hash as `0x${string}` });
    return Number((await client.getBlock({ blockNumber })).timestamp);
  };
  for (const { ground, address } of purses) {
    const shown = await ground.payments(address);
    settledOn.set(ground.label, (settledOn.get(ground.label) ?? 0) + shown.length);
    for (const { nonce, amountAtomic, transaction } of shown) {
      const isCeiling = witness.arrivals.get(nonce)?.isCeiling === true;
      // Every unit that is paid in here is a micro-dollar: a satoshi is set to a thousandth of a dollar.
      settled.set(nonce, { usdMicros: amountAtomic, sec: isCeiling ? await secOf(transaction) : null });
    }
  }
  return { settled, settledOn };
}
