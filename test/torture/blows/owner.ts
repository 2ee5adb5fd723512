import { setTimeout as delay } from 'node:timers/promises';
import type { GroundName } from '../../support/world.js';
import { ignoreEnd } from '../crew.js';
import type { Purse } from '../purse.js';
import type { Blow } from './blow.js';

/** What a withdrawal takes, in micro-dollars, at most. */
const WITHDRAWN_MAX = 3_000_000;
/** Transactions of a stranger's that come at once. */
const DUST_MAX = 40;

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

/** Puts transactions of a stranger's on a purse on Solana, as anyone can: some look like the newest payment until they are read. */
export function dustOn(purses: readonly Purse[]): Blow {
  const onSolana = purses.filter(({ chain }) => chain === 'solana');
  return async ({ world: { sandbox } }, random) => {
    const { address } = random.pick(onSolana);
    const newest = sandbox.solana.blocks.landed.findLast(({ memo }) => memo !== null && memo !== 'dust');
    const memo = random.percent(50) ? (newest?.memo ?? null) : 'dust';
    await sandbox.solana.dust(address, 1 + random.below(DUST_MAX), memo);
    return 'dust on an account';
  };
}

/** Takes money out of one of the wallet's purses, beside whatever else goes on there. */
export function withdrawTo(owners: Readonly<Record<GroundName, string>>): Blow {
  return async ({ crew, accounts, world }, random) => {
    const chain = random.pick(Object.keys(owners) as GroundName[]);
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
