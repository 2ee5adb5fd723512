import { beforeEach, describe, expect, test } from 'vitest';
import { Enrolment } from './enrolment.js';
import type { PasskeyFactor } from './factor.js';
import { SoftwareAuthenticator, T0 } from './fixtures.js';

const PORT = 4402;

let saved: PasskeyFactor[];
let enrolment: Enrolment;

beforeEach(() => {
  saved = [];
  enrolment = new Enrolment({
    factors: async () => saved,
    save: async (factor) => void saved.push(factor),
    label: 'phone',
    now: () => T0,
  });
});

describe('adding a passkey', () => {
  test('takes the code of the terminal, in any letter case, and ends with one', async () => {
    const code = enrolment.code.toLowerCase().replace('-', ' ');
    const { challengeId, options } = await enrolment.begin(code, PORT);
    const response = new SoftwareAuthenticator(PORT).register(options);
    const factor = await enrolment.finish(code, { challengeId, response });
    expect(saved).toEqual([factor]);
    expect(await enrolment.done).toEqual(factor);
    await expect(enrolment.begin(code, PORT)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('ends after five wrong codes, and then the right one is wrong', async () => {
    for (let i = 0; i < 5; i += 1) {
      await expect(enrolment.begin('BBBB-BBBB', PORT)).rejects.toMatchObject({ code: 'factor_wrong' });
    }
    await expect(enrolment.begin(enrolment.code, PORT)).rejects.toMatchObject({ code: 'not_found' });
    expect(await enrolment.done).toBeNull();
    expect(saved).toEqual([]);
  });

  test('needs the code again to finish', async () => {
    const { challengeId, options } = await enrolment.begin(enrolment.code, PORT);
    const response = new SoftwareAuthenticator(PORT).register(options);
    await expect(enrolment.finish('', { challengeId, response })).rejects.toMatchObject({
      code: 'factor_wrong',
    });
    expect(saved).toEqual([]);
  });

  test('stays open where storing failed, and ends when it is closed', async () => {
    const failing = new Enrolment({
      factors: async () => [],
      save: async () => Promise.reject(new Error('disk')),
      label: '',
      now: () => T0,
    });
    const { challengeId, options } = await failing.begin(failing.code, PORT);
    const response = new SoftwareAuthenticator(PORT).register(options);
    await expect(failing.finish(failing.code, { challengeId, response })).rejects.toThrow('disk');
    await failing.begin(failing.code, PORT);
    failing.close();
    expect(await failing.done).toBeNull();
  });
});
