import { afterAll, beforeAll, expect, test } from 'vitest';
import { rehearse } from '../../src/wallet/rehearsal.js';
import { anyCall, type TestWallet } from '../support/testWallet.js';
import { callOf, startTestWorld, type TestWorld } from '../support/world.js';

let world: TestWorld;
let mine: TestWallet;

beforeAll(async () => {
  world = await startTestWorld('base');
  mine = await world.wallet();
});

afterAll(async () => {
  await mine.remove();
  await world.stop();
});

test('a rehearsal goes to the end of a payment, and nothing is written, paid or sent to a seller', async () => {
  const wallet = mine.open();
  const engine = await wallet.engine();
  const before = await engine.ledger.checkpoint();
  const asked = world.sandbox.shop.requests.entries.length;
  expect(await rehearse(engine), 'it came to the end').toBe(true);
  // Once more: nothing of the first one stands in the way.
  expect(await rehearse(engine)).toBe(true);
  expect(await engine.ledger.checkpoint()).toEqual(before);
  expect(await engine.ledger.openAttempts(10)).toEqual([]);
  expect(world.sandbox.shop.requests.entries).toHaveLength(asked);
  expect(await wallet.pay(callOf(world.url('/v2/json')), anyCall())).toMatchObject({ code: 'paid' });
});

test('a rehearsal ends early where no payment may be made, and says so', async () => {
  await mine.set('limits.per_call_usd', '0');
  const engine = await mine.open().engine();
  expect(await rehearse(engine)).toBe(false);
});
