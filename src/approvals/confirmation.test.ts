import { beforeEach, describe, expect, test } from 'vitest';
import { Challenges } from './challenge.js';
import { Confirmation } from './confirmation.js';
import type { PasskeyFactor } from './factor.js';
import { SoftwareAuthenticator, T0 } from './fixtures.js';
import { beginPasskey, makePasskeyFactor } from './passkey.js';

const PORT = 4402;
const ACT = { what: 'Raise limits.per_day_usd from $5.00 to $20.00', details: [] };

let device: SoftwareAuthenticator;
let factor: PasskeyFactor;

function confirmation(act = ACT): Confirmation {
  return new Confirmation(act, { factors: async () => [factor], now: () => T0 });
}

beforeEach(async () => {
  device = new SoftwareAuthenticator(PORT);
  const challenges = new Challenges();
  const { challengeId, options } = await beginPasskey(challenges, { factors: [], port: PORT, nowMs: T0 });
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

  test('is over once it was refused', async () => {
    const act = confirmation();
    act.refuse();
    expect(await act.done).toBeNull();
    await expect(act.begin(PORT)).rejects.toMatchObject({ code: 'not_found' });
  });
});
