import { setImmediate as nextTurn } from 'node:timers/promises';
import { afterEach, expect, test, vi } from 'vitest';
import { Turns, type Turn } from './turns.js';

const never = new AbortController().signal;
afterEach(() => void vi.useRealTimers());

test('one agent’s burst delays another’s call by one of its own', async () => {
  const turns = new Turns();
  const begun: string[] = [];
  const enter = (agent: string): Promise<void> =>
    turns.next(agent, never).then((turn) => void begun.push(`${agent} ${turn}`));
  const all = Array.from({ length: 100 }, () => enter('greedy'));
  all.push(enter('modest'));
  await Promise.all(all);
  expect(begun.indexOf('modest now')).toBe(1);
  expect(begun).toHaveLength(101);
});

test('what has begun goes on before all that wait have begun', async () => {
  const turns = new Turns();
  let begun = 0;
  const all = Array.from({ length: 200 }, () => turns.next('a', never).then(() => void (begun += 1)));
  await nextTurn();
  await nextTurn();
  expect(begun).toBeGreaterThan(0);
  expect(begun).toBeLessThan(200);
  await Promise.all(all);
  expect(turns.waiting).toBe(0);
});

test('a full line is told at once, a late request when its time is over, and who leaves gives up the place', async () => {
  vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
  const turns = new Turns({ waitingPerAgentMax: 3, waitMaxMs: 20 });
  const leaving = new AbortController();
  const heard: Turn[] = [];
  const enter = (signal = never): Promise<void> =>
    turns.next('a', signal).then((turn) => void heard.push(turn));
  const all = [enter(leaving.signal), enter(), enter(), enter()];
  // The fourth heard it before any turn came.
  await Promise.resolve();
  await Promise.resolve();
  expect(heard).toEqual(['busy']);
  expect(turns.waiting).toBe(3);
  leaving.abort();
  expect(turns.waiting).toBe(2);
  // Their time passes before any turn comes.
  vi.advanceTimersByTime(20);
  await Promise.all(all);
  expect(heard).toEqual(['busy', 'gone', 'busy', 'busy']);
  expect(turns.waiting).toBe(0);
  expect(await turns.next('a', never)).toBe('now');
});
