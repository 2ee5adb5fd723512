import type { Answer } from '../../answer.js';
import { expect, test } from 'vitest';
import { captured, newLedger, T0 } from '../fixtures.js';

function answer(paymentId: string, over: Partial<Answer> = {}): Answer {
  return {
    paymentId,
    agent: 'default',
    status: 200,
    headers: [
      ['content-type', 'application/json'],
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ],
    body: new Uint8Array([0, 1, 254, 255]),
    storedId: null,
    bytes: 4,
    truncated: false,
    storedMs: T0,
    ...over,
  };
}

test('an answer comes back byte for byte, to the agent that paid alone', async () => {
  using world = newLedger();
  const { id } = await captured(world.ledger);
  await world.ledger.saveAnswer(answer(id));
  const found = await world.open().findAnswer('default', { paymentId: id });
  expect({ ...found, body: Uint8Array.from(found?.body ?? []) }).toEqual(answer(id));
  expect(await world.ledger.findAnswer('other', { paymentId: id })).toBeNull();
  expect(await world.ledger.findAnswer('default', { paymentId: 'pay_none' })).toBeNull();
  expect((await world.ledger.audit()).findings).toEqual([]);
});

test('a large one is found by its file too, and a later one takes its place', async () => {
  using world = newLedger();
  const { id } = await captured(world.ledger);
  await world.ledger.saveAnswer(
    answer(id, { body: null, storedId: 'res_1', bytes: 9_000_000, truncated: true }),
  );
  expect(await world.ledger.findAnswer('default', { storedId: 'res_1' })).toMatchObject({
    paymentId: id,
    body: null,
    bytes: 9_000_000,
    truncated: true,
  });
  expect(await world.ledger.findAnswer('other', { storedId: 'res_1' })).toBeNull();
  await world.ledger.saveAnswer(answer(id, { status: 500 }));
  expect(await world.ledger.findAnswer('default', { storedId: 'res_1' })).toBeNull();
  expect((await world.ledger.findAnswer('default', { paymentId: id }))?.status).toBe(500);
});

test('one that cost nothing is found by its file, by its agent alone, and the oldest of that agent go', async () => {
  using world = newLedger();
  const { ledger } = world;
  const free = (storedId: string, storedMs: number, agent = 'default') => {
    const { paymentId: _payment, body: _body, ...rest } = answer('', { storedMs, agent });
    return ledger.saveFreeAnswer({ ...rest, storedId });
  };
  // Older than all, of agents whose names begin alike.
  for (const agent of ['default-2', 'def']) await free('res_0', T0 - 1, agent);
  for (let i = 0; i < 500; i++) await free(`res_${i}`, T0 + i);
  await free('res_0', T0 + 500);
  const has = async (storedId: string): Promise<boolean> =>
    (await ledger.findAnswer('default', { storedId })) !== null;
  expect([await has('res_0'), await has('res_1')]).toEqual([true, true]);
  await free('res_500', T0 + 501);
  expect([await has('res_0'), await has('res_1'), await has('res_2')]).toEqual([true, false, true]);
  expect(await ledger.findAnswer('other', { storedId: 'res_0' })).toBeNull();
  for (const agent of ['default-2', 'def'])
    expect(await ledger.findAnswer(agent, { storedId: 'res_0' })).toMatchObject({ storedMs: T0 - 1 });
  expect((await ledger.audit()).findings).toEqual([]);
});
