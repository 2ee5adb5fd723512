import fc from 'fast-check';
import { expect, test } from 'vitest';
import { privateKeyToAccount } from 'viem/accounts';
import { recoverAddress } from 'viem/utils';
import { isOwnSignature } from './ownSignature.js';

const ORDER = 0xfffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141n;
const OWN = privateKeyToAccount(`0x${'11'.repeat(32)}`);
const OTHER = privateKeyToAccount(`0x${'22'.repeat(32)}`);

const hex = (value: bigint): string => value.toString(16).padStart(64, '0');
const digests = fc.bigInt({ min: 1n, max: ORDER - 1n }).map((value): `0x${string}` => `0x${hex(value)}`);

test('says what recovery says, of our own signature and of any spoilt one', async () => {
  await fc.assert(
    fc.asyncProperty(
      digests,
      fc.constantFrom(OWN, OTHER),
      fc.option(fc.record({ at: fc.nat(129), digit: fc.nat(15) }), { freq: 2, nil: null }),
      async (digest, signer, spoilt) => {
        let signature = await signer.sign({ hash: digest });
        if (spoilt !== null) {
          const digits = signature.slice(2).split('');
          digits[spoilt.at] = spoilt.digit.toString(16);
          signature = `0x${digits.join('')}`;
        }
        const recovered = await recoverAddress({ hash: digest, signature }).catch(() => null);
        expect(isOwnSignature(OWN, digest, signature)).toBe(recovered === OWN.address);
      },
    ),
    { numRuns: 60, examples: [[`0x${hex(5n)}`, OWN, null]] },
  );
});

test('an account whose key is not its address has no signature of its own', async () => {
  const digest = `0x${hex(7n)}` as const;
  const signature = await OTHER.sign({ hash: digest });
  expect(isOwnSignature(OTHER, digest, signature)).toBe(true);
  expect(isOwnSignature({ address: OWN.address, publicKey: OTHER.publicKey }, digest, signature)).toBe(false);
});

test('the malleable twin, another v and another length are none', async () => {
  const digest = `0x${hex(9n)}` as const;
  const signature = await OWN.sign({ hash: digest });
  const [r, s, v] = [signature.slice(2, 66), signature.slice(66, 130), signature.slice(130)];
  const twin = `0x${r}${hex(ORDER - BigInt(`0x${s}`))}${v === '1b' ? '1c' : '1b'}` as const;
  expect(await recoverAddress({ hash: digest, signature: twin })).toBe(OWN.address);
  for (const bad of [twin, `0x${r}${s}`, `0x${r}${s}00`, `0x${r}${s}${v}00`, `0x${r}${hex(0n)}${v}`] as const)
    expect(isOwnSignature(OWN, digest, bad)).toBe(false);
});
