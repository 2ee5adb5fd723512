import { createMppBuyer } from '../sandbox/mppBuyer.ts';
import { startMppShop } from '../sandbox/mppShop.ts';
import type { Sandbox, TempoWorld } from '../sandbox/world.ts';
import { createTestWallet } from '../test/support/testWallet.js';
import { sampleOf, timed, type Sample } from './percentile.js';

const WARM_UP = 10;
const ROUNDS = 80;
const PRICE_USD = '0.001';
const DOLLARS_50 = 50_000_000n;

/** A whole paid call of MPP on Tempo, by who made it. */
export interface MppCalls {
  readonly bare: Sample;
  readonly wallet: Sample;
}

/**
 * The same charge on Tempo by the published mppx client and by the wallet, in turn, from a shop on the published server that
 * pays the fees. Every call has a URL of its own: the wallet would answer a repeated one from its ledger.
 */
export async function benchMppCalls(
  sandbox: Sandbox,
  tempoWorld: TempoWorld,
  limits: readonly (readonly [string, string])[],
): Promise<MppCalls> {
  const { chain } = tempoWorld;
  const shop = await startMppShop({ ...sandbox, tempo: chain });
  const test = await createTestWallet(sandbox, DOLLARS_50, { chain: 'tempo', tempo: tempoWorld });
  for (const [key, value] of limits) await test.set(key, value);
  await test.set('net.allow_private', JSON.stringify([shop.hostPort]));
  const wallet = test.open();
  const buyer = await createMppBuyer(chain, DOLLARS_50);
  const durations = { bare: [] as number[], wallet: [] as number[] };
  for (let i = 0; i < WARM_UP + ROUNDS; i++) {
    const url = (who: string): string => `${shop.url}/tempo?usd=${PRICE_USD}&${who}=${i}`;
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
