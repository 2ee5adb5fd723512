import { describe, expect, test } from 'vitest';
import { TOLD_KINDS } from '../../config/value/choice.js';
import { NOTICE_KINDS, type Notice } from '../../ledger/books/notice.js';
import type { Channel } from './channel.js';
import { nextTryMs, planSends } from './schedule.js';

/** A Monday at nine in the evening. */
const T0 = Date.UTC(2026, 5, 1, 21);
const MINUTE_MS = 60_000;
const minuteOfDay = (ms: number): number => Math.floor(ms / MINUTE_MS) % 1_440;

function notice(over: Partial<Notice> = {}): Notice {
  return {
    ...{
      seq: 1,
      kind: 'lost',
      occasion: 'x',
      agent: 'default',
      host: 'a.example',
      usdMicros: 1n,
      subject: null,
    },
    ...{ facts: {}, atMs: T0, seenMs: null },
    ...over,
  };
}

function channel(over: Partial<Channel> = {}): Channel {
  return {
    ...{ name: 'phone', kind: 'ntfy', url: 'https://ntfy.example/t', to: null, from: null, user: null },
    ...{ tells: null, escalateMinutes: null, digestMinutes: null },
    ...over,
  };
}

const plan = (told: Notice, one: Partial<Channel> = {}, quietHours = 'none') =>
  planSends(told, [channel(one)], quietHours, minuteOfDay)[0];

test('the settings name the kinds of notices that there are', () => {
  expect([...TOLD_KINDS]).toEqual([...NOTICE_KINDS]);
});

test('a notice goes out at once, by the channels that tell its kind', () => {
  expect(plan(notice())).toEqual({ channel: 'phone', dueMs: T0, isBundled: false, isEscalation: false });
  expect(plan(notice(), { tells: ['approval'] })).toBeUndefined();
  expect(plan(notice({ kind: 'approval' }), { tells: ['approval'] })?.dueMs).toBe(T0);
});

describe('quiet hours', () => {
  test.each([
    ['21:00-07:00', 0, 10 * 60],
    ['22:00-07:00', 0, 0],
    ['22:00-07:00', 90, 9 * 60 - 30],
    ['20:00-21:00', 0, 0],
    ['20:00-22:00', 0, 60],
    ['21:00-21:00', 0, 0],
  ])('%s, %i minutes from nine: %i minutes more', (hours, after, wait) => {
    const atMs = T0 + after * MINUTE_MS;
    expect((plan(notice({ atMs }), {}, hours)?.dueMs ?? 0) - atMs).toBe(wait * MINUTE_MS);
  });

  test('hold questions too, bundle what came meanwhile, and stop neither an alarm nor a program', () => {
    const hours = '21:00-07:00';
    expect(plan(notice({ kind: 'approval' }), {}, hours)).toMatchObject({ isBundled: true });
    expect(plan(notice({ kind: 'factor' }), {}, hours)).toMatchObject({ dueMs: T0, isBundled: false });
    expect(plan(notice(), { kind: 'webhook' }, hours)).toMatchObject({ dueMs: T0, isBundled: false });
  });
});

test('a digest collects what is not urgent', () => {
  const at = (minutes: number) => notice({ atMs: T0 + minutes * MINUTE_MS });
  const due = [1, 59, 60, 61].map((minutes) => plan(at(minutes), { digestMinutes: 60 })?.dueMs);
  expect(due.map((ms) => ((ms ?? 0) - T0) / MINUTE_MS)).toEqual([60, 60, 60, 120]);
  expect(plan(notice({ kind: 'approval', atMs: T0 + 1 }), { digestMinutes: 60 })).toMatchObject({
    ...{ dueMs: T0 + 1, isBundled: false },
  });
});

test('a second channel comes after its time, and at once where somebody guesses at the passphrase', () => {
  expect(plan(notice({ kind: 'factor' }), { escalateMinutes: 3 })).toMatchObject({
    ...{ dueMs: T0, isEscalation: false },
  });
  expect(plan(notice({ kind: 'approval' }), { escalateMinutes: 3 })).toMatchObject({
    ...{ dueMs: T0 + 3 * MINUTE_MS, isEscalation: true },
  });
});

test('what failed is tried ever later, and given up after a day', () => {
  const waits = [0, 1, 2, 3, 20].map((tries) => ((nextTryMs(tries, T0, T0) ?? 0) - T0) / 1_000);
  expect(waits).toEqual([5, 10, 20, 40, 900]);
  expect(nextTryMs(3, T0, T0 + 24 * 60 * MINUTE_MS)).toBeNull();
});
