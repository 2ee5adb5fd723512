import { describe, expect, test } from 'vitest';
import { T0 } from './fixtures.js';
import { judgeTries } from './tries.js';

describe('wrong tries', () => {
  test('cost nothing at first', () => {
    for (const wrong of [0, 1, 2]) {
      expect(judgeTries({ wrong, lastWrongMs: T0, nowMs: T0 })).toEqual({ allowed: true });
    }
  });

  test('then cost twice as long each, an hour at most', () => {
    const waits = [3, 4, 5, 12, 13, 14, 5000].map((wrong) =>
      judgeTries({ wrong, lastWrongMs: T0, nowMs: T0 }),
    );
    expect(waits).toEqual(
      [5, 10, 20, 2560, 3600, 3600, 3600].map((retryAfterSec) => ({ allowed: false, retryAfterSec })),
    );
  });

  test('are free again when the time is over, not a millisecond before', () => {
    const tries = { wrong: 4, lastWrongMs: T0 };
    expect(judgeTries({ ...tries, nowMs: T0 + 9_999 })).toEqual({ allowed: false, retryAfterSec: 1 });
    expect(judgeTries({ ...tries, nowMs: T0 + 10_000 })).toEqual({ allowed: true });
  });

  test('do not get free by a clock set back, nor wait for ever', () => {
    const verdict = judgeTries({ wrong: 3, lastWrongMs: T0, nowMs: T0 - 86_400_000 });
    expect(verdict).toEqual({ allowed: false, retryAfterSec: 5 });
  });
});
