import { isCleared, type Answer, type FreeAnswer } from '../../attempts/answer.js';
import type { Ledger } from '../../ledger.js';
import { describe, expect, test } from 'vitest';
import { captured, editBehind, newLedger, T0 } from '../fixtures.js';

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

const MIB = 1024 * 1024;
const freeAnswer = (storedId: string, storedMs: number, agent = 'default', bytes = 4): FreeAnswer => {
  const { paymentId: _payment, body: _body, ...rest } = answer('', { storedMs, agent, bytes });
  return { ...rest, storedId };
};

test('one that cost nothing is found by its file, by its agent alone', async () => {
  using world = newLedger();
  const { ledger } = world;
  for (const agent of ['default', 'default-2', 'def'])
    await ledger.saveFreeAnswer(freeAnswer('res_0', T0, agent));
  for (const agent of ['default', 'default-2', 'def'])
    expect(await ledger.findAnswer(agent, { storedId: 'res_0' })).toMatchObject({ agent, bytes: 4 });
  expect(await ledger.findAnswer('other', { storedId: 'res_0' })).toBeNull();
  expect((await ledger.audit()).findings).toEqual([]);
});

describe('beyond the bound of all files', () => {
  /** Large files of one agent, oldest first; the ids of the files that each cleared. */
  async function store(ledger: Ledger, agent: string, names: readonly string[], mib = 60): Promise<string[]> {
    const cleared: string[] = [];
    for (const [i, name] of names.entries())
      cleared.push(...(await ledger.saveFreeAnswer(freeAnswer(name, T0 + i, agent, mib * MIB))));
    return cleared;
  }

  test('the agent that keeps most gives way, and no other loses anything (one agent clears no other’s)', async () => {
    using world = newLedger();
    const { ledger } = world;
    const { id } = await captured(ledger);
    const paid = { body: null, storedId: 'paid', bytes: 60 * MIB, storedMs: T0 - 1_000_000 };
    await ledger.saveAnswer(answer(id, paid));
    await store(ledger, 'quiet', ['quiet_1', 'quiet_2']);
    // 180 MiB are kept of 512, all of them older than what comes now.
    const names = Array.from({ length: 20 }, (_, i) => `greedy_${i}`);
    expect(await store(ledger, 'greedy', names)).toEqual(names.slice(0, 15));
    for (const storedId of ['quiet_1', 'quiet_2'])
      expect(await ledger.findAnswer('quiet', { storedId })).not.toBeNull();
    expect(await ledger.findAnswer('default', { paymentId: id })).toMatchObject({ storedId: 'paid' });
    expect(await ledger.findAnswer('greedy', { storedId: 'greedy_14' })).toBeNull();
    expect(await ledger.findAnswer('greedy', { storedId: 'greedy_19' })).not.toBeNull();
    expect((await ledger.audit()).findings).toEqual([]);
  });

  test('free answers go before paid ones; a paid one that goes is still known as bought', async () => {
    using world = newLedger();
    const { ledger } = world;
    const bought: string[] = [];
    for (let i = 0; i < 9; i++) {
      const { id } = await captured(ledger);
      bought.push(id);
      if (i === 8) await store(ledger, 'default', ['free_1'], 1);
      const parts = { body: null, storedId: `paid_${i}`, bytes: 60 * MIB, storedMs: T0 + i };
      const cleared = await ledger.saveAnswer(answer(id, parts));
      // 541 MiB: the free one goes although it is the newest but one, then the oldest that was paid for.
      expect(cleared).toEqual(i < 8 ? [] : ['free_1', 'paid_0']);
    }
    const oldest = await ledger.findAnswer('default', { paymentId: bought[0] ?? '' });
    expect(oldest).toMatchObject({ status: 200, bytes: 60 * MIB, body: null, storedId: null, headers: [] });
    expect(oldest === null ? null : isCleared(oldest)).toBe(true);
    expect(await ledger.findAnswer('default', { storedId: 'paid_0' })).toBeNull();
    expect(await ledger.findAnswer('default', { storedId: 'paid_1' })).not.toBeNull();
    expect((await ledger.audit()).findings).toEqual([]);
  });

  test('a file that is named twice counts once, and goes with both', async () => {
    using world = newLedger();
    const { ledger } = world;
    const twice = [await captured(ledger), await captured(ledger)];
    for (const { id } of twice)
      await ledger.saveAnswer(answer(id, { body: null, storedId: 'same', bytes: 60 * MIB, storedMs: T0 }));
    const names = Array.from({ length: 7 }, (_, i) => `free_${i}`);
    expect(await store(ledger, 'other', names, 64)).toEqual([]);
    expect(await ledger.unnamedFiles(['same', 'gone'])).toEqual(['gone']);
    expect(await store(ledger, 'default', ['more'], 60)).toEqual(['free_0']);
  });

  test('the newest stays, whatever its size', async () => {
    using world = newLedger();
    expect(await store(world.ledger, 'default', ['one', 'two'], 600)).toEqual(['one']);
    expect(await world.ledger.findAnswer('default', { storedId: 'two' })).not.toBeNull();
  });

  test('tiny ones are bounded by their number', async () => {
    using world = newLedger();
    const { ledger } = world;
    const quiet = await ledger.saveFreeAnswer(freeAnswer('quiet', T0 - 1, 'quiet'));
    expect(quiet).toEqual([]);
    const names = Array.from({ length: 5_010 }, (_, i) => `tiny_${i}`);
    const cleared = (
      await Promise.all(names.map((name, i) => ledger.saveFreeAnswer(freeAnswer(name, T0 + i))))
    ).flat();
    expect(cleared).toEqual(names.slice(0, 11));
    expect(await ledger.findAnswer('quiet', { storedId: 'quiet' })).not.toBeNull();
  });
});

test('answers within the ledger are bounded too: the oldest lose what was answered, and are still known', async () => {
  using world = newLedger();
  const { ledger } = world;
  const store = async (over: Partial<Answer>): Promise<string> => {
    const { id } = await captured(ledger);
    await ledger.saveAnswer(answer(id, { bytes: 15 * MIB, ...over }));
    return id;
  };
  const ids: string[] = [];
  for (let i = 0; i < 6; i++) ids.push(await store({ storedMs: T0 + i }));
  const quiet = await store({ storedMs: T0 - 1, agent: 'quiet' });
  // Another process begins with a look; one that runs on looks again after some.
  const other = world.open();
  const last = await captured(other);
  await other.saveAnswer(answer(last.id, { storedMs: T0 + 9, bytes: 1 }));
  const cleared = await Promise.all(
    ids.map(async (id) => {
      const found = await ledger.findAnswer('default', { paymentId: id });
      return found === null || isCleared(found);
    }),
  );
  expect(cleared).toEqual([true, true, true, false, false, false]);
  expect((await ledger.findAnswer('quiet', { paymentId: quiet }))?.body).toHaveLength(4);
  expect((await ledger.audit()).findings).toEqual([]);
});

test('a row that was changed behind is not given a code by clearing it, and loses nobody what was just bought', async () => {
  using world = newLedger();
  const { ledger } = world;
  const { id } = await captured(ledger);
  await ledger.saveAnswer(answer(id, { body: null, storedId: 'old', bytes: 500 * MIB, storedMs: T0 }));
  await ledger.close();
  editBehind(world.path, `UPDATE answers SET status = 404`);
  const again = world.open();
  const next = await captured(again);
  const large = { body: null, storedId: 'new', bytes: 60 * MIB, storedMs: T0 + 1 };
  expect(await again.saveAnswer(answer(next.id, large))).toEqual(['old']);
  expect(await again.findAnswer('default', { paymentId: id })).toBeNull();
  expect(await again.findAnswer('default', { paymentId: next.id })).toMatchObject({ storedId: 'new' });
});
