import { readdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { ANSWERS_FOLDER } from '../../src/config/home.js';
import { Engine } from '../../src/wallet/engine.js';
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

test('an agent that keeps more than its share clears its own answers and no paid one of another, on the disk too', async () => {
  const mine = await world.wallet();
  const wallet = mine.open();
  const large = (bytes: number) => callOf(world.url('/v2/large', { bytes: String(bytes) }));
  const input = large(300_000);
  const paid = await wallet.pay(input, anyCall());
  const engine = await Engine.open({ ...mine.options, agent: 'greedy' });
  try {
    const [storedId, newer] = ['a'.repeat(64), 'b'.repeat(64)];
    const free = { agent: 'greedy', status: 200, headers: [], truncated: false, storedMs: Date.now() };
    for (const id of [storedId, newer]) {
      writeFileSync(join(mine.home, ANSWERS_FOLDER, id), 'x');
      await engine.ledger.saveFreeAnswer({ ...free, storedId: id, bytes: 268_200_000 });
    }
    // The next one of the other agent passes the bound, by little.
    await wallet.pay(large(300_001), anyCall());
    const left = readdirSync(join(mine.home, ANSWERS_FOLDER));
    expect(left).not.toContain(storedId);
    expect(left).toContain(newer);
    expect(await engine.ledger.findAnswer('greedy', { storedId })).toBeNull();
    const again = await wallet.pay(input, anyCall());
    expect(again).toMatchObject({ replayed: true, response: { path: paid.response?.path, bytes: 300_000 } });
  } finally {
    await engine.close();
  }
});

test('an answer within the ledger that was cleared is told of as gone, and not bought again', async () => {
  const mine = await world.wallet();
  const wallet = mine.open();
  const input = callOf(world.url('/v2/json'));
  const paid = await wallet.pay(input, anyCall());
  expect(paid).toMatchObject({ code: 'paid', response: { status: 200 } });
  const id = paid.payment?.id ?? '';
  const engine = await Engine.open(mine.options);
  try {
    const stored = await engine.ledger.findAnswer('default', { paymentId: id });
    if (stored === null) throw new Error('The answer is not stored');
    await engine.ledger.saveAnswer({ ...stored, headers: [], body: null });
  } finally {
    await engine.close();
  }
  const replayed = await wallet.pay(input, anyCall());
  expect(replayed).toMatchObject({ status: 'ok', replayed: true, spent_usd: '0.00', response: null });
  expect(replayed.message).toContain('is gone');
  expect(await wallet.response({ id })).toMatchObject({ status: 'failed', code: 'not_found' });
  const told = await wallet.ledger({ payment_id: id }, anyCall());
  expect(told.message).toContain('cleared to make room');
});
