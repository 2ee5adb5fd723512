import { expect, test } from 'vitest';
import { Challenges } from '../../approvals/challenge.js';
import { SoftwareAuthenticator } from '../../approvals/fixtures.js';
import { beginPasskey, makePasskeyFactor } from '../../approvals/passkey.js';
import { newLedger, T0 } from '../../ledger/sqlite/fixtures.js';
import { openEntry } from './ownerEntry.js';
import { storedFactor } from './ownerFactor.js';

const AT = { origin: 'https://wallet.example', rpId: 'wallet.example' };

test('an owner comes in though strangers ask for a thousand challenges meanwhile, and once by each (T20)', async () => {
  using world = newLedger();
  const { ledger } = world;
  const device = Object.assign(new SoftwareAuthenticator(0), AT);
  const challenges = new Challenges();
  const { challengeId, options } = await beginPasskey(challenges, { factors: [], at: AT, nowMs: T0 });
  const response = device.register(options);
  const factor = await makePasskeyFactor(challenges, { challengeId, response }, { nowMs: T0 });
  await ledger.factors.add(storedFactor(factor), null, T0);

  const entry = openEntry(ledger, AT, () => T0);
  const asked = await entry.begin();
  for (let i = 0; i < 1_000; i++) await entry.begin();
  const signed = { challengeId: asked.challengeId, response: device.sign(asked.options) };
  await entry.finish(signed);
  await expect(entry.finish(signed)).rejects.toMatchObject({ code: 'factor_wrong' });
});
