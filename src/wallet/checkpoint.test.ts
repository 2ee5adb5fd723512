import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { WalletError } from '../errors/walletError.js';
import type { LedgerAnchor } from '../keys/keystore.js';
import { CheckpointKeeper } from './checkpoint.js';

/** A keystore whose writes end when the test says so, and a ledger that grows by hand. */
function parts(keystore: 'file' | 'keychain') {
  const written: number[] = [];
  const waiting: { end: (fault?: Error) => void }[] = [];
  const state = { seq: 5, slow: false, fault: null as Error | null };
  const keys = {
    keystore,
    writeAnchor: async (next: LedgerAnchor) => {
      if (state.fault !== null) throw state.fault;
      if (state.slow)
        await new Promise<void>((resolve, reject) =>
          waiting.push({ end: (fault) => (fault === undefined ? resolve() : reject(fault)) }),
        );
      written.push(next.seq);
    },
  };
  const ledger = {
    durableCheckpoint: async (sinceSeq = 0) =>
      state.seq > sinceSeq ? { ledgerId: 'led', seq: state.seq, headHash: `h${state.seq}` } : null,
    verifyCheckpoint: () => Promise.resolve(),
  };
  return { keeper: new CheckpointKeeper(keys, ledger, 5), state, written, waiting };
}

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

describe('the renewal of the checkpoint', () => {
  test('comes behind the payment that asks for it, and writes nothing where nothing was committed', async () => {
    const { keeper, state, written } = parts('file');
    keeper.request();
    await vi.advanceTimersByTimeAsync(1_000);
    expect(written).toEqual([]);
    state.seq = 9;
    keeper.request();
    expect(written).toEqual([]);
    await vi.advanceTimersByTimeAsync(60);
    expect(written).toEqual([9]);
  });

  test.each([
    ['file', 20, 21],
    ['keychain', 5, 6],
  ] as const)('of a busy wallet is written at a bounded rate: %s', async (kind, least, most) => {
    const { keeper, state, written } = parts(kind);
    for (let i = 0; i < 1_000; i += 1) {
      state.seq += 4;
      keeper.request();
      await vi.advanceTimersByTimeAsync(10);
    }
    expect(written.length).toBeGreaterThanOrEqual(least - 2);
    expect(written.length).toBeLessThanOrEqual(most);
    await keeper.close();
    expect(written.at(-1)).toBe(state.seq);
  });

  test('is one at a time, and what was committed during one is in the next', async () => {
    const { keeper, state, written, waiting } = parts('file');
    state.slow = true;
    state.seq = 9;
    keeper.request();
    await vi.advanceTimersByTimeAsync(60);
    state.seq = 12;
    keeper.request();
    await vi.advanceTimersByTimeAsync(5_000);
    expect(waiting).toHaveLength(1);
    waiting[0]?.end();
    await vi.advanceTimersByTimeAsync(600);
    expect(waiting).toHaveLength(2);
    waiting[1]?.end();
    await vi.advanceTimersByTimeAsync(0);
    expect(written).toEqual([9, 12]);
  });

  test('is waited for at close, and covers what was committed up to then', async () => {
    const { keeper, state, written, waiting } = parts('keychain');
    state.slow = true;
    state.seq = 9;
    keeper.request();
    await vi.advanceTimersByTimeAsync(60);
    state.seq = 11;
    let closed = false;
    const closing = keeper.close().then(() => (closed = true));
    await vi.advanceTimersByTimeAsync(10_000);
    expect(closed).toBe(false);
    waiting[0]?.end();
    await vi.advanceTimersByTimeAsync(0);
    waiting[1]?.end();
    await closing;
    expect(written).toEqual([9, 11]);
    keeper.request();
    expect(vi.getTimerCount()).toBe(0);
  });

  test('that fails is tried again by itself, ever less often, and never ends the process or a call', async () => {
    const { keeper, state, written } = parts('keychain');
    state.seq = 9;
    state.fault = new WalletError('keychain_locked', 'locked');
    keeper.request();
    await vi.advanceTimersByTimeAsync(60);
    for (let minute = 0; minute < 200; minute += 1) {
      keeper.request();
      expect(vi.getTimerCount()).toBe(1);
      await vi.advanceTimersByTimeAsync(60_000);
    }
    state.fault = null;
    await vi.advanceTimersByTimeAsync(3_600_000);
    expect(written).toEqual([9]);
  });
});
