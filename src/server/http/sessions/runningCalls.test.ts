import { expect, test } from 'vitest';
import { RunningCalls } from './runningCalls.js';

test('an agent has a hundred calls at once; the next is turned away unbegun, another agent’s is not', async () => {
  const calls = new RunningCalls();
  let end = (): void => undefined;
  const ended = new Promise<void>((resolve) => (end = resolve));
  const all = Array.from({ length: 100 }, () => calls.run('a', () => ended));
  let begun = false;
  const one = calls.run('a', async () => void (begun = true));
  await expect(one).rejects.toMatchObject({ code: 'server_busy', money: 'none', retry: 'after_delay' });
  expect(begun).toBe(false);
  expect(await calls.run('b', async () => 'served')).toBe('served');
  expect(calls.count).toBe(100);
  end();
  await Promise.all([...all, calls.idle()]);
  expect(await calls.run('a', async () => 'served')).toBe('served');
  await expect(calls.run('a', () => Promise.reject(new Error('its own')))).rejects.toThrow('its own');
  expect(calls.count).toBe(0);
});
