import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ANSWERS_FOLDER } from '../../src/config/home.js';
import { anyCall } from '../support/testWallet.js';
import { callOf, startTestWorld, type TestWorld } from '../support/world.js';

let world: TestWorld;
beforeAll(async () => {
  world = await startTestWorld();
});
afterAll(() => world.stop());

test('a replay says that its answer is gone, and names no file that is not there', async () => {
  const mine = await world.wallet();
  const wallet = mine.open();
  const input = callOf(world.url('/v2/large', { bytes: '300000' }));
  expect(await wallet.pay(input, anyCall())).toMatchObject({ code: 'paid', response: { bytes: 300_000 } });
  rmSync(join(mine.home, ANSWERS_FOLDER), { recursive: true });
  const replayed = await wallet.pay(input, anyCall());
  expect(replayed).toMatchObject({ status: 'ok', replayed: true, spent_usd: '0.00', response: null });
  expect(replayed.message).toContain('is gone');
});
