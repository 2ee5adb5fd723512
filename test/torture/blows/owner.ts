import { setTimeout as delay } from 'node:timers/promises';
import { CHAINS, type ChainName } from '../../support/world.js';
import { ignoreEnd } from '../crew.js';
import type { Blow } from './blow.js';

/** What a withdrawal takes, in micro-dollars, at most. */
const WITHDRAWN_MAX = 3_000_000;

export const freezeAll: Blow = async ({ crew }, random) => {
  const by = await crew.pick(random);
  await by.ask({ do: 'freeze' }).catch(() => null);
  await delay(200 + random.below(600));
  // Whoever froze may be dead by now; anybody else's hand thaws.
  for (;;) {
    const other = await crew.pick(random);
    const done = await other.ask({ do: 'unfreeze' }).catch(() => null);
    if (done !== null) return 'wallet frozen';
    await delay(20);
  }
};

/** Takes money out of one of the wallet's purses, beside whatever else goes on there. */
export function withdrawTo(owners: Readonly<Record<ChainName, string>>): Blow {
  return async ({ crew, accounts, world }, random) => {
    const chain = random.pick(CHAINS);
    const order = {
      do: 'withdraw',
      to: owners[chain],
      usdMicros: String(1 + random.below(WITHDRAWN_MAX)),
      agent: random.pick(accounts),
      network: world.on(chain).ground.caip2,
    } as const;
    const one = await crew.pick(random);
    const asked = one.ask(order).catch(ignoreEnd);
    const said = await Promise.race([asked, delay(2_000, 'still under way')]);
    return `withdrawal on ${chain}: ${String(said ?? 'process ended')}`;
  };
}
