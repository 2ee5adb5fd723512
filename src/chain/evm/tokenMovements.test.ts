import { afterAll, afterEach, beforeAll, expect, test } from 'vitest';
import type { Movements } from '../movement.js';
import { ChainWorld, PAYEE, USDC } from './chainWorld.fixture.js';

let world: ChainWorld;
beforeAll(async () => {
  world = await ChainWorld.start();
});
afterEach(() => world.heal());
afterAll(() => world.stop());

const told = (read: Movements | null) =>
  read?.movements.map(({ direction, amountAtomic, isProtocol }) => [direction, amountAtomic, isProtocol]);

test('reads what came and went, with the balance, and goes on where it was', async () => {
  const reader = world.reader();
  const payer = world.payer.address;
  await world.settle(await world.sign({ amountAtomic: 2_000n }));
  await world.chain.mine(4);
  const first = await reader.movements(USDC, payer, { sinceSec: 0 });
  expect(told(first)).toEqual([
    ['in', 10_000_000n, false],
    ['out', 2_000n, false],
  ]);
  expect(first).toMatchObject({ balanceAtomic: 9_998_000n, isWhole: true, hasMore: false, faults: [] });

  // Whoever pays by an authorization pays for something.
  const sold = await reader.movements(USDC, PAYEE, { sinceSec: 0 });
  expect(told(sold)).toEqual([['in', 2_000n, true]]);

  const { toBlock, toSec } = first!;
  const next = { afterBlock: toBlock, afterSec: toSec };
  expect(await reader.movements(USDC, payer, next)).toBeNull();
  await world.settle(await world.sign({ amountAtomic: 3_000n }));
  await world.chain.mine(4);
  const second = await reader.movements(USDC, payer, next);
  expect(told(second)).toEqual([['out', 3_000n, false]]);
  expect(second).toMatchObject({ fromBlock: toBlock + 1n, balanceAtomic: 9_995_000n });
});

test('one operator alone is said, and none is an error', async () => {
  const payer = world.payer.address;
  await world.two.setFault({ kind: 'down' });
  const alone = await world.reader().movements(USDC, payer, { sinceSec: 0 });
  expect(alone).toMatchObject({ isWhole: false, readBy: [new URL(world.one.url).origin] });
  expect(alone?.faults).toHaveLength(1);
  expect((await world.ownersReader().movements(USDC, payer, { sinceSec: 0 }))?.isWhole).toBe(true);
  await world.one.setFault({ kind: 'down' });
  await expect(world.reader().movements(USDC, payer, { sinceSec: 0 })).rejects.toMatchObject({
    code: 'rpc_unavailable',
  });
});
