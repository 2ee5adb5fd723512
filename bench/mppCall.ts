import { createMppBuyer, type MppMethod } from '../sandbox/mppBuyer.ts';
import { startMppShop, type MppShop } from '../sandbox/mppShop.ts';
import type { Sandbox, TempoWorld } from '../sandbox/world.ts';
import { createTestWallet } from '../test/support/testWallet.js';
import type { GroundName } from '../test/support/world.js';
import { sampleOf, timed, type Sample } from './percentile.js';

const WARM_UP = 10;
const ROUNDS = 80;
export const PRICE_USD = '0.001';
const DOLLARS_50 = 50_000_000n;

/** Where the money of each method is. */
export const MPP_GROUNDS: Readonly<Record<MppMethod, GroundName>> = {
  evm: 'base',
  solana: 'solana',
  tempo: 'tempo',
};

/** A whole paid call of MPP, by who made it. */
export interface MppCalls {
  readonly bare: Sample;
  readonly wallet: Sample;
}

/**
 * Where a charge is bought. Every call has a URL of its own, for the wallet would answer a repeated one from its ledger, and a reference
 * of the seller's: without one the published client signs the same transaction on Solana twice in one block.
 */
export function mppUrl({ url }: Pick<MppShop, 'url'>, method: MppMethod, name: string): string {
  return `${url}/${method}?usd=${PRICE_USD}&reference=${name}`;
}

/**
 * The same charge by the published mppx client and by the wallet, in turn, from a shop on the published server that pays the
 * network's fees.
 */
export async function benchMppCalls(
  sandbox: Sandbox,
  tempoWorld: TempoWorld,
  limits: readonly (readonly [string, string])[],
  method: MppMethod,
): Promise<MppCalls> {
  const { chain } = tempoWorld;
  const ground = MPP_GROUNDS[method];
  const shop = await startMppShop({ ...sandbox, tempo: chain });
  const test = await createTestWallet(sandbox, DOLLARS_50, { chain: ground, tempo: tempoWorld });
  for (const [key, value] of limits) await test.set(key, value);
  await test.set('net.allow_private', JSON.stringify([shop.hostPort]));
  const wallet = test.open();
  const fund = async (address: string, atomic: bigint): Promise<void> => {
    if (ground === 'solana') await sandbox.solana.fund(address, atomic);
    else await (ground === 'tempo' ? chain : sandbox.chain).fund(address as `0x${string}`, atomic);
  };
  const world = { fund, client: chain.client, solanaUrl: sandbox.solana.url };
  const buyer = await createMppBuyer(world, DOLLARS_50, method);
  const durations = { bare: [] as number[], wallet: [] as number[] };
  for (let i = 0; i < WARM_UP + ROUNDS; i++) {
    // A real chain makes blocks by itself; against an old one a transaction seems to live for too long.
    if (ground === 'tempo') await chain.mine();
    const url = (who: string): string => mppUrl(shop, method, `${who}${i}`);
    const bare = await timed(async () => {
      const response = await buyer.pay(url('bare'));
      if (!response.ok) throw new Error(`The bare client was answered ${response.status}.`);
      await response.text();
    });
    const own = await timed(async () => {
      const { signal } = new AbortController();
      const { code, message } = await wallet.pay({ url: url('wallet'), max_usd: PRICE_USD }, { signal });
      if (code !== 'paid') throw new Error(`A call of the bench was not paid: ${code} ${message}`);
    });
    if (i < WARM_UP) continue;
    durations.bare.push(bare);
    durations.wallet.push(own);
  }
  await test.remove();
  await shop.close();
  return { bare: sampleOf(durations.bare), wallet: sampleOf(durations.wallet) };
}
