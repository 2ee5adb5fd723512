import { beforeEach, describe, expect, test } from 'vitest';
import { Challenges } from './challenge.js';
import { Confirmation, type OwnerAct } from './confirmation.js';
import type { PasskeyFactor } from './factor.js';
import { SoftwareAuthenticator, T0 } from './fixtures.js';
import { beginPasskey, makePasskeyFactor } from './passkey.js';

const PORT = 4402;
const ACT: OwnerAct = { what: 'Raise limits.per_day_usd from $5.00 to $20.00', details: [] };

let device: SoftwareAuthenticator;
let factor: PasskeyFactor;

function confirmation(act = ACT): Confirmation {
  return new Confirmation(act, { factors: async () => [factor], now: () => T0 });
}

beforeEach(async () => {
  device = new SoftwareAuthenticator(PORT);
  const challenges = new Challenges();
  const { challengeId, options } = await beginPasskey(challenges, { factors: [], at: PORT, nowMs: T0 });
  const response = device.register(options);
  factor = await makePasskeyFactor(challenges, { challengeId, response }, { nowMs: T0 });
});

describe('an act that waits for a passkey', () => {
  test('is confirmed by its own signature, once', async () => {
    const act = confirmation();
    const { challengeId, options } = await act.begin(PORT);
    const signed = { challengeId, response: device.sign(options) };
    await act.confirm(signed);
    expect(await act.done).toEqual({ ...factor, data: { ...factor.data, counter: device.counter } });
    await expect(act.confirm(signed)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('is not confirmed by a signature for another act, even one with the same words', async () => {
    const act = confirmation();
    const { challengeId } = await act.begin(PORT);
    const other = await confirmation().begin(PORT);
    const response = device.sign(other.options);
    await expect(act.confirm({ challengeId, response })).rejects.toMatchObject({ code: 'factor_wrong' });
    expect(act.isOpen).toBe(true);
  });

  test('shows all that is signed: what is not seen is written out, and what would be cut is refused', () => {
    const details = ['limits.x\n  to  9\u202e99\u200b', 'a\u00a0b\tc'];
    const { act } = confirmation({ what: 'Set x\u0007 to 1', details });
    expect(act.what).toBe('Set x\\u{7} to 1');
    expect(act.details).toEqual(['limits.x\n  to  9\\u{202e}99\\u{200b}', 'a\\u{a0}b\\u{9}c']);
    for (const [what, many] of [
      ['x'.repeat(8_001), []],
      ['x', ['y'.repeat(8_000)]],
      ['x', Array.from({ length: 41 }, () => 'y')],
      ['x', Array.from({ length: 1_000 }, () => 'y')],
    ] as const)
      expect(() => confirmation({ what, details: [...many] })).toThrow(
        expect.objectContaining({
          code: 'bad_input',
          shortMessage: expect.stringContaining('smaller steps') as string,
        }) as Error,
      );
  });

  test('is over once it was refused', async () => {
    const act = confirmation();
    act.refuse();
    expect(await act.done).toBeNull();
    await expect(act.begin(PORT)).rejects.toMatchObject({ code: 'not_found' });
  });
});
