import { SESSION_IDLE_MS } from '../../books/session.js';
import { expect, test } from 'vitest';
import { newLedger, T0 } from '../fixtures.js';

const MINUTE_MS = 60_000;

test('one agent has one session, over all its processes and restarts', async () => {
  using world = newLedger();
  const first = await world.ledger.touchSession('default', T0);
  expect(first).toMatchObject({ agent: 'default', begun: true, startedMs: T0 });
  expect(await world.open().touchSession('default', T0 + MINUTE_MS)).toMatchObject({
    id: first.id,
    begun: false,
  });
  expect((await world.ledger.touchSession('other', T0)).id).not.toBe(first.id);
  expect((await world.ledger.audit()).findings).toEqual([]);
});

test('two processes that begin at once begin the same one', async () => {
  using world = newLedger();
  const [one, two] = await Promise.all([
    world.ledger.touchSession('default', T0),
    world.open().touchSession('default', T0),
  ]);
  expect(one.id).toBe(two.id);
  expect([one.begun, two.begun].sort()).toEqual([false, true]);
});

test('it ends after 30 idle minutes, up to a minute late and never early', async () => {
  using world = newLedger();
  const { id } = await world.ledger.touchSession('default', T0);
  // Within a minute activity is not written down, so the last seen may be a minute old.
  expect(await world.ledger.touchSession('default', T0 + MINUTE_MS - 1)).toMatchObject({ id, activeMs: T0 });
  const lastActiveMs = T0 + MINUTE_MS - 1;
  expect((await world.ledger.currentSession('default', lastActiveMs + SESSION_IDLE_MS))?.id).toBe(id);
  expect(await world.ledger.currentSession('default', lastActiveMs + SESSION_IDLE_MS + MINUTE_MS)).toBeNull();
  const next = await world.ledger.touchSession('default', lastActiveMs + SESSION_IDLE_MS + MINUTE_MS);
  expect(next).toMatchObject({ begun: true });
  expect(next.id).not.toBe(id);
  expect((await world.ledger.audit()).findings).toEqual([]);
});

test('activity keeps it going', async () => {
  using world = newLedger();
  const { id } = await world.ledger.touchSession('default', T0);
  for (let minutes = 20; minutes <= 200; minutes += 20)
    expect((await world.ledger.touchSession('default', T0 + minutes * MINUTE_MS)).id).toBe(id);
});

test('a clock set back neither ends it nor begins another', async () => {
  using world = newLedger();
  const { id } = await world.ledger.touchSession('default', T0);
  expect(await world.ledger.touchSession('default', T0 - 86_400_000)).toMatchObject({ id, begun: false });
  await world.ledger.freeze(T0 + 20 * MINUTE_MS);
  expect(await world.ledger.touchSession('default', T0)).toMatchObject({ id, begun: false });
});
