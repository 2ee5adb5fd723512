import { describe, expect, test } from 'vitest';
import { ledgerTimeMs } from '../../ledger/sqlite/journal/journal.js';
import { ClockWatch } from './clockWatch.js';

const T = 1_700_000_000_000;
const HOUR_MS = 3_600_000;

/** A clock that is right at T by two operators, and can be set. */
function watched() {
  const clock = { trueMs: T, aheadMs: 0 };
  const watch = new ClockWatch(
    () => clock.trueMs + clock.aheadMs,
    () => clock.trueMs,
  );
  const hear = (): void => {
    for (const operator of ['https://a.example', 'https://b.example'])
      watch.noteOperator({ operator, kind: 'date', ms: clock.trueMs, tookMs: 10 }, false);
  };
  hear();
  /** Ledger time for whoever brings this reading of the clock, over a newest entry of T. */
  const ledgerMs = (readMs: number): number =>
    ledgerTimeMs({ timeMs: T, latestMs: watch.latestMs(T) }, readMs);
  return { clock, watch, hear, ledgerMs };
}

describe('ledger time', () => {
  test('goes on with a clock that is right', () => {
    const { clock, hear, ledgerMs } = watched();
    clock.trueMs += HOUR_MS;
    hear();
    expect(ledgerMs(clock.trueMs)).toBe(T + HOUR_MS);
  });

  test('does not go on to what a clock said before it was set right, whatever it was', () => {
    const { clock, watch, ledgerMs } = watched();
    clock.aheadMs = 48 * HOUR_MS;
    const readMs = clock.trueMs + clock.aheadMs;
    // The write waits for the disk, or for another process, and the clock is set right meanwhile.
    clock.aheadMs = 0;
    clock.trueMs += 1_000;
    expect(watch.verdict().kind).toBe('right');
    expect(ledgerMs(readMs)).toBe(T + 1_000);
  });

  test('goes no faster than the monotonic clock where the clock jumped and nobody was heard since', () => {
    const { clock, watch, ledgerMs } = watched();
    expect(ledgerMs(T)).toBe(T);
    clock.aheadMs = 48 * HOUR_MS;
    clock.trueMs += 5_000;
    expect(watch.verdict().kind).toBe('unchecked');
    expect(ledgerMs(clock.trueMs + clock.aheadMs)).toBe(T + 5_000);
  });

  test('begins again where its owner set it back', () => {
    const { clock, watch } = watched();
    clock.aheadMs = 48 * HOUR_MS;
    const fresh = new ClockWatch(
      () => clock.trueMs + clock.aheadMs,
      () => clock.trueMs,
    );
    expect(fresh.latestMs(T + 48 * HOUR_MS)).toBe(T + 48 * HOUR_MS);
    clock.trueMs += 5_000;
    expect(fresh.latestMs(T + 5_000)).toBe(T + 5_000);
    expect(watch.verdict().kind).toBe('unchecked');
  });
});
