import { beforeEach, describe, expect, test } from 'vitest';
import { answerPurpose, CHALLENGE_LIFE_MS, Challenges } from './challenge.js';
import type { Answer } from './inbox.js';
import { FACTORS_MAX, readFactor, type PasskeyFactor } from './factor.js';
import { SoftwareAuthenticator, T0 } from './fixtures.js';
import { beginPasskey, challengePasskeys, makePasskeyFactor, verifyPasskey } from './passkey.js';

const PORT = 4402;
const DIGEST = 'd'.repeat(64);
const ONCE = answerPurpose(DIGEST, { kind: 'once' });

let challenges: Challenges;
let device: SoftwareAuthenticator;
let factor: PasskeyFactor;

async function register(): Promise<PasskeyFactor> {
  const { challengeId, options } = await beginPasskey(challenges, { factors: [], at: PORT, nowMs: T0 });
  const response = device.register(options);
  return makePasskeyFactor(challenges, { challengeId, response }, { nowMs: T0, label: 'laptop' });
}

async function ask(purpose = ONCE): ReturnType<typeof challengePasskeys> {
  return challengePasskeys(challenges, purpose, { factors: [factor], at: PORT, nowMs: T0 });
}

beforeEach(async () => {
  challenges = new Challenges();
  device = new SoftwareAuthenticator(PORT);
  factor = await register();
});

describe('a new passkey', () => {
  test('is kept as plain JSON that reads back', () => {
    expect(readFactor(JSON.parse(JSON.stringify(factor)))).toEqual(factor);
    expect(factor).toMatchObject({ kind: 'passkey', label: 'laptop', data: { transports: ['internal'] } });
  });

  test('must have verified its user, at our page', async () => {
    for (const wrong of [
      { verified: false },
      { origin: 'http://localhost:4403' },
      { origin: `http://127.0.0.1:${PORT}` },
      { rpId: 'example.com' },
      { crossOrigin: true },
    ]) {
      Object.assign(device, new SoftwareAuthenticator(PORT), wrong);
      await expect(register(), JSON.stringify(wrong)).rejects.toMatchObject({ code: 'factor_wrong' });
    }
  });

  test('is made of one challenge once, and of no other', async () => {
    const begun = await beginPasskey(challenges, { factors: [], at: PORT, nowMs: T0 });
    const signed = { challengeId: begun.challengeId, response: device.register(begun.options) };
    await makePasskeyFactor(challenges, signed, { nowMs: T0 });
    await expect(makePasskeyFactor(challenges, signed, { nowMs: T0 })).rejects.toMatchObject({
      code: 'factor_wrong',
    });
    const { challengeId, options } = await ask();
    const response = device.register(options);
    await expect(
      makePasskeyFactor(challenges, { challengeId, response }, { nowMs: T0 }),
    ).rejects.toMatchObject({
      code: 'factor_wrong',
    });
  });

  test('is not begun past the most factors', async () => {
    const factors = Array.from({ length: FACTORS_MAX }, () => factor);
    await expect(beginPasskey(challenges, { factors, at: PORT, nowMs: T0 })).rejects.toMatchObject({
      code: 'bad_input',
    });
  });
});

describe('a signature', () => {
  test('proves the answer it was asked for, and brings the new count of uses', async () => {
    const { challengeId, options } = await ask();
    expect(options).toMatchObject({ rpId: 'localhost', userVerification: 'required' });
    const proof = { challengeId, response: device.sign(options) };
    const proved = await verifyPasskey(challenges, ONCE, proof, { factors: [factor], nowMs: T0 });
    expect(proved).toEqual({ ...factor, data: { ...factor.data, counter: device.counter } });
  });

  test.each<[string, string, Answer]>([
    ['another answer', DIGEST, { kind: 'payee' }],
    ['another question', 'e'.repeat(64), { kind: 'once' }],
    ['a raise', DIGEST, { kind: 'session', usdMicros: 5n }],
  ])('proves nothing of %s', async (_, digest, answer) => {
    const { challengeId, options } = await ask();
    const proof = { challengeId, response: device.sign(options) };
    const purpose = answerPurpose(digest, answer);
    expect(await verifyPasskey(challenges, purpose, proof, { factors: [factor], nowMs: T0 })).toBeNull();
  });

  test('of one raise is none of a higher one', async () => {
    const asked = answerPurpose(DIGEST, { kind: 'session', usdMicros: 5_000_000n });
    const raised = answerPurpose(DIGEST, { kind: 'session', usdMicros: 50_000_000n });
    const known = { factors: [factor], nowMs: T0 };
    for (const [purpose, proves] of [
      [raised, false],
      [asked, true],
    ] as const) {
      const { challengeId, options } = await ask(asked);
      const proof = { challengeId, response: device.sign(options) };
      expect((await verifyPasskey(challenges, purpose, proof, known)) !== null).toBe(proves);
    }
  });

  test('counts once, and only while its challenge lives', async () => {
    const { challengeId, options } = await ask();
    const proof = { challengeId, response: device.sign(options) };
    const known = { factors: [factor], nowMs: T0 };
    expect(await verifyPasskey(challenges, ONCE, proof, known)).not.toBeNull();
    expect(await verifyPasskey(challenges, ONCE, proof, known)).toBeNull();

    const late = await ask();
    const lateProof = { challengeId: late.challengeId, response: device.sign(late.options) };
    const lateKnown = { factors: [factor], nowMs: T0 + CHALLENGE_LIFE_MS };
    expect(await verifyPasskey(challenges, ONCE, lateProof, lateKnown)).toBeNull();
  });

  test('must come from this passkey, at this page, with its user verified, and count on', async () => {
    for (const wrong of [
      { verified: false },
      { origin: 'http://localhost:4403' },
      { rpId: '127.0.0.1' },
      { crossOrigin: true },
      { counter: -1 },
    ]) {
      const { challengeId, options } = await ask();
      const before = { ...device };
      Object.assign(device, wrong);
      const proof = { challengeId, response: device.sign(options) };
      const known = { factors: [factor], nowMs: T0 };
      expect(await verifyPasskey(challenges, ONCE, proof, known), JSON.stringify(wrong)).toBeNull();
      Object.assign(device, before);
    }
    const other = new SoftwareAuthenticator(PORT);
    Object.assign(other, { id: device.id });
    const { challengeId, options } = await ask();
    const proof = { challengeId, response: other.sign(options) };
    expect(await verifyPasskey(challenges, ONCE, proof, { factors: [factor], nowMs: T0 })).toBeNull();
  });

  test.each([null, 'x', {}, { id: 1 }, { id: 'a', rawId: 'a', type: 'public-key', response: {} }])(
    'is not anything else: %j',
    async (response) => {
      const { challengeId } = await ask();
      const known = { factors: [factor], nowMs: T0 };
      expect(await verifyPasskey(challenges, ONCE, { challengeId, response }, known)).toBeNull();
    },
  );

  test('is not asked of a wallet without passkeys', async () => {
    await expect(
      challengePasskeys(challenges, ONCE, { factors: [], at: PORT, nowMs: T0 }),
    ).rejects.toMatchObject({ code: 'factor_needed' });
  });
});

test('open challenges are few, however many are asked for', () => {
  const first = challenges.issue(ONCE, PORT, T0);
  for (let i = 0; i < 100; i += 1) challenges.issue(ONCE, PORT, T0);
  expect(challenges.take(first.id, ONCE, T0)).toBeNull();
  const last = challenges.issue(ONCE, PORT, T0);
  expect(challenges.take(last.id, ONCE, T0)?.bytes).toEqual(last.bytes);
});
