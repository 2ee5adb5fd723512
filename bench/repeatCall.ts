import { createBuyer } from '../sandbox/buyer.ts';
import type { Sandbox } from '../sandbox/world.ts';
import { list } from '../test/support/listed.js';
import type { TestWallet } from '../test/support/testWallet.js';
import type { ChainName } from '../test/support/world.js';
import { startLink } from './link.js';
import { sampleOf, timed, type Sample } from './percentile.js';

/** Five differing calls prove the price; a few more fill the caches. */
const WARM_UP = 10;
const ROUNDS = 60;
const PRICE_USD = '0.001';
const PRICE_MICROS = 1_000n;
/** What a link to another continent costs each way. */
export const LINK_MS = 50;

/** Whole calls of one endpoint over a slow link, by who made them. */
export interface RepeatCalls {
  readonly bare: Sample;
  /** The price asked each time, `pay_ahead off`. */
  readonly asked: Sample;
  readonly ahead: Sample;
}

/**
 * Calls of one endpoint, each with a query of its own, over a link that is late each way: by the bare client, by a wallet
 * that asks the price each time, and by one that pays ahead, since a catalogue lists the price as fixed. In turn.
 */
export async function benchRepeatCalls(
  sandbox: Sandbox,
  test: TestWallet,
  chain: ChainName,
): Promise<RepeatCalls> {
  const link = await startLink(new URL(sandbox.shop.url), LINK_MS);
  const { hostPort } = sandbox.facilitator;
  await test.set('net.allow_private', JSON.stringify([sandbox.shop.hostPort, link.hostPort, hostPort]));
  const buyer = await createBuyer(sandbox, '10', chain);
  const wallet = test.open();
  const endpoint = `${link.url}/v2/price/${PRICE_USD}`;
  await list(wallet, 'bench:', { url: endpoint, minUsdMicros: PRICE_MICROS, maxUsdMicros: PRICE_MICROS });
  const durations = { bare: [] as number[], asked: [] as number[], ahead: [] as number[] };
  const pay = async (url: string): Promise<void> => {
    const { signal } = new AbortController();
    const { code, message } = await wallet.pay({ url, max_usd: PRICE_USD }, { signal });
    if (code !== 'paid') throw new Error(`A call of the bench was not paid: ${code} ${message}`);
  };
  const seen = (): number => sandbox.shop.requests.entries.length;
  for (let i = 0; i < WARM_UP + ROUNDS; i++) {
    const url = (who: string): string =>
      `${endpoint}?${chain === 'solana' ? 'chain=solana&' : ''}${who}=${i}`;
    const bare = await timed(async () => {
      const response = await buyer.pay(url('bare'));
      if (!response.ok) throw new Error(`The bare client was answered ${response.status}.`);
      await response.text();
    });
    await test.set('pay_ahead', 'off');
    const asked = await timed(() => pay(url('asked')));
    await test.set('pay_ahead', 'fixed');
    const before = seen();
    const ahead = await timed(() => pay(url('ahead')));
    if (i < WARM_UP) continue;
    if (seen() !== before + 1) throw new Error('A call was to be paid ahead, and was not.');
    durations.bare.push(bare);
    durations.asked.push(asked);
    durations.ahead.push(ahead);
  }
  await link.close();
  return {
    bare: sampleOf(durations.bare),
    asked: sampleOf(durations.asked),
    ahead: sampleOf(durations.ahead),
  };
}
