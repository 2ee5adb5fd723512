import { startMppShop } from '../../../sandbox/mppShop.ts';
import { startPermit2Shop } from '../../../sandbox/permit2/shop.ts';
import { createRandom } from '../../support/random.js';
import type { TestWorld } from '../../support/world.js';
import type { Witness } from '../exposure.js';
import { startFront, type Front } from './front.js';
import { startLightningSide, type LightningSide } from './lightning.js';

/** Sellers of all that is not `exact` of x402, each behind the same fronts. */
export interface Sellers {
  readonly fronts: readonly Front[];
  readonly lightning: LightningSide;
  /** What is bought in the end, at a front that nobody was paid at yet. */
  readonly afterwards: readonly string[];
  close(): Promise<void>;
}

/** Opens them: the published servers of MPP and of Permit2, and a shop of L402 and of MPP by Lightning. */
export async function openSellers(
  world: TestWorld,
  witness: Witness,
  { seed, origins }: { readonly seed: number; readonly origins: number },
): Promise<Sellers> {
  const { sandbox, tempo, now } = world;
  const random = createRandom(seed + 1);
  // By turns: an even seed reaches the node by LND, an odd one over Nostr.
  const way = seed % 2 === 0 ? 'lnd' : 'nwc';
  const lightning = await startLightningSide(way, { witness, random, now });
  const mpp = await startMppShop({ ...sandbox, ...(tempo === undefined ? {} : { tempo: tempo.chain }), now });
  const permit2 = await startPermit2Shop(sandbox);
  const urls = { lightning: lightning.shop.url, mpp: mpp.url, permit2: permit2.url };
  const fronts: Front[] = [];
  for (let i = 0; i < origins; i++) fronts.push(await startFront(urls, witness, now));
  const last = await startFront(urls, witness, now);
  return {
    ...{ fronts: [...fronts, last], lightning },
    // Not on Tempo: a local chain gives each block a second of its own, and is ahead of the world's clock in the end.
    afterwards: [`${last.url}/lightning/l402/10/afterwards/?id=afterwards`],
    async close() {
      await Promise.all([...fronts, last, mpp, permit2, lightning].map((one) => one.close()));
    },
  };
}
