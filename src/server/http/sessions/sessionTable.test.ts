import { EventEmitter } from 'node:events';
import type { ServerResponse } from 'node:http';
import { expect, test } from 'vitest';
import { SessionTable } from './sessionTable.js';

test('the sessions of an agent that has ended go, with the streams in them, and no other ones', async () => {
  const over = new Set<string>();
  let isLocked = false;
  const table = new SessionTable<string>(async (agent) => {
    if (isLocked) throw new Error('locked');
    return Promise.resolve(over.has(agent));
  });
  const closed: string[] = [];
  const add = (id: string, agent: string): void =>
    table.add(id, agent, id, async () => {
      closed.push(id);
      return Promise.resolve();
    });
  add('a-1', 'ann');
  add('a-2', 'ann');
  add('b-1', 'ben');
  const stream = new EventEmitter() as unknown as ServerResponse;
  expect(table.use('a-1', 'ann', stream)).toBe('a-1');
  await table.sweep();
  expect(closed).toEqual([]);
  over.add('ann');
  isLocked = true;
  await table.sweep();
  expect(closed).toEqual([]);
  isLocked = false;
  await table.sweep();
  expect(closed).toEqual(['a-1', 'a-2']);
  expect(table.use('a-1', 'ann', stream)).toBeUndefined();
  expect(table.use('b-1', 'ben', stream)).toBe('b-1');
  await table.close();
  expect(closed).toEqual(['a-1', 'a-2', 'b-1']);
});
