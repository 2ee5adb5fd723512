import { describe, expect, test } from 'vitest';
import {
  findPassphraseFactor,
  makePassphraseFactor,
  PASSPHRASE_CHARS_MAX,
  readFactor,
  resemblesPassphrase,
  verifyPassphraseFactor,
  type PassphraseFactor,
} from './factor.js';
import { T0 } from './fixtures.js';

const PASSPHRASE = 'violet kayak on the Größe ledge';

describe('a passphrase', () => {
  test('is proved by itself alone, however its letters are composed', async () => {
    const factor = await makePassphraseFactor(PASSPHRASE, { nowMs: T0 });
    expect(factor).toMatchObject({ kind: 'passphrase', label: 'owner passphrase', createdMs: T0 });
    expect(JSON.stringify(factor)).not.toContain('violet');
    expect(await verifyPassphraseFactor(factor, PASSPHRASE.normalize('NFD'))).toBe(true);
    for (const wrong of [
      PASSPHRASE.toLowerCase(),
      `${PASSPHRASE} `,
      '',
      'x'.repeat(PASSPHRASE_CHARS_MAX + 1),
    ]) {
      expect(await verifyPassphraseFactor(factor, wrong)).toBe(false);
    }
    expect(readFactor(JSON.parse(JSON.stringify(factor)))).toEqual(factor);
  });

  test('has enough characters, counted as people see them, and not too many', async () => {
    for (const bad of [
      '',
      'elevenchars',
      '👍'.repeat(11),
      'e\u0301'.repeat(11),
      'x'.repeat(PASSPHRASE_CHARS_MAX + 1),
    ]) {
      await expect(makePassphraseFactor(bad, { nowMs: T0 })).rejects.toMatchObject({ code: 'bad_input' });
    }
    await expect(makePassphraseFactor('twelve chars', { nowMs: T0 })).resolves.toBeDefined();
  });

  test('is found among several factors', async () => {
    const one = await makePassphraseFactor('the first of them', { nowMs: T0 });
    const two = await makePassphraseFactor('and then the other', { nowMs: T0 });
    expect(await findPassphraseFactor([one, two], 'and then the other')).toBe(two);
    expect(await findPassphraseFactor([one, two], 'neither of the two')).toBeNull();
    expect(await findPassphraseFactor([], 'the first of them')).toBeNull();
  });

  test('has a label that is one clean line', async () => {
    const { label } = await makePassphraseFactor(PASSPHRASE, {
      nowMs: T0,
      label: 'mine\u202e\n\u001b[31m too ',
    });
    expect(label).toBe('mine [31m too');
  });
});

describe('likeness to the unlock passphrase', () => {
  test.each([
    ['unlock me now!', true],
    ['Unlock Me Now!', true],
    ['unlockmenow!\n', true],
    ['ｕnlock me now!', true],
    ['unlock me later', false],
    ['', false],
  ])('%j', (passphrase, alike) => {
    expect(resemblesPassphrase(passphrase, 'unlock me now!')).toBe(alike);
  });
});

describe('a stored factor', () => {
  const stored: PassphraseFactor = {
    id: `fac_${'0'.repeat(20)}`,
    kind: 'passphrase',
    label: 'mine',
    createdMs: T0,
    data: { n: 2 ** 17, r: 8, p: 1, salt: '00'.repeat(32), key: '11'.repeat(32) },
  };

  test('reads as it was written', () => {
    expect(readFactor(structuredClone(stored))).toEqual(stored);
  });

  test.each<[string, unknown]>([
    ['a weak cost', { ...stored, data: { ...stored.data, n: 2 } }],
    ['a cost that eats the machine', { ...stored, data: { ...stored.data, n: 2 ** 24 } }],
    ['a cost that is no power of two', { ...stored, data: { ...stored.data, n: 100_000 } }],
    ['another block size', { ...stored, data: { ...stored.data, r: 1 } }],
    ['too much work side by side', { ...stored, data: { ...stored.data, p: 64 } }],
    ['no salt', { ...stored, data: { ...stored.data, salt: '' } }],
    ['a short key', { ...stored, data: { ...stored.data, key: '11' } }],
    ['another kind', { ...stored, kind: 'passkey' }],
    ['a field more', { ...stored, isOwner: true }],
    ['nothing', null],
    ['text', JSON.stringify(stored)],
  ])('is refused with %s', (_, json) => {
    expect(() => readFactor(json)).toThrow(expect.objectContaining({ code: 'factor_unreadable' }));
  });
});
