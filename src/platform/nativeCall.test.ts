import { describe, expect, it } from 'vitest';
import { callWithin } from './nativeCall.js';

const LONG_MS = 60_000;
const tooLate = (): Error => new Error('too late');

/** A native call that ends when the test says so. */
function openCall(): { run: () => Promise<string>; end: () => void; started: () => boolean } {
  const { promise, resolve } = Promise.withResolvers<string>();
  let isStarted = false;
  return {
    run: async () => {
      isStarted = true;
      return await promise;
    },
    end: () => resolve('ended'),
    started: () => isStarted,
  };
}

describe('native calls', () => {
  it('give what they give, and fail as they fail, without holding up the next', async () => {
    await expect(callWithin(LONG_MS, async () => 7, tooLate)).resolves.toBe(7);
    await expect(callWithin(LONG_MS, async () => Promise.reject(new Error('no')), tooLate)).rejects.toThrow(
      'no',
    );
    await expect(callWithin(LONG_MS, async () => 8, tooLate)).resolves.toBe(8);
  });

  it('run one at a time, also behind one that was given up', async () => {
    const exitListeners = process.listenerCount('exit');
    const first = openCall();
    await expect(callWithin(1, first.run, tooLate)).rejects.toThrow('too late');
    expect(process.listenerCount('exit')).toBe(exitListeners + 1);

    const second = openCall();
    await expect(callWithin(1, second.run, tooLate)).rejects.toThrow('too late');
    const third = callWithin(LONG_MS, async () => 9, tooLate);
    first.end();
    await expect(third).resolves.toBe(9);
    // Nobody waited for the second any more, so it was never begun.
    expect(second.started()).toBe(false);
    expect(process.listenerCount('exit')).toBe(exitListeners);
  });
});
