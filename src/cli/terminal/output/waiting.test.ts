import { afterEach, beforeEach, expect, test, vi } from 'vitest';
import { fakeIo } from '../io.fixture.js';
import { askLine } from '../input/prompt.js';
import { showWaiting } from './waiting.js';

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test('a line comes up after half a second, and goes before the next output', () => {
  const io = fakeIo({ terminal: true });
  const waiting = showWaiting(io, 'purser balance');
  vi.advanceTimersByTime(499);
  expect(io.err()).toBe('');
  vi.advanceTimersByTime(1600);
  expect(io.err()).toContain('| purser balance');
  expect(io.err()).toContain('purser balance, 2 s');
  waiting.io.stdout.write('5.00\n');
  expect(io.err()).toMatch(/\r\u001b\[K$/);
  // What was waited for is over: the seconds are those of the next silence.
  vi.advanceTimersByTime(1600);
  expect(io.err().split('purser balance').at(-1)).toBe(', 1 s');
  waiting.end();
  const before = io.err();
  vi.advanceTimersByTime(5000);
  expect(io.err()).toBe(before);
});

test('none while a question waits, and none beside half a line', async () => {
  const io = fakeIo({ terminal: true });
  const waiting = showWaiting(io, 'purser init');
  const asked = askLine(waiting.io, 'Name: ');
  vi.advanceTimersByTime(3000);
  expect(io.err()).toBe('Name: ');
  io.typed.write('x\r');
  expect(await asked).toBe('x');
  waiting.io.stderr.write('half');
  vi.advanceTimersByTime(3000);
  expect(io.err()).toBe('Name: x\nhalf');
  waiting.end();
});

test('none where no terminal shows it', () => {
  const io = fakeIo();
  expect(showWaiting(io, 'purser balance').io).toBe(io);
  const plain = fakeIo({ terminal: true, env: { NO_COLOR: '1' } });
  expect(showWaiting(plain, 'purser balance').io).toBe(plain);
});
