import { inspect } from 'node:util';
import { getBase58Codec } from '@solana/kit';
import { describe, expect, it } from 'vitest';
import { holdSecret } from '../secret/secret.js';
import { deriveEd25519, deriveSolanaAccount } from './solanaKey.js';

/** The phrase that every wallet's test vectors use. */
const PHRASE = holdSecret({ kind: 'phrase', phrase: `${'abandon '.repeat(11)}about` });

describe('deriveEd25519', () => {
  // SLIP-0010, "Test vector 1 for ed25519".
  const seed = Buffer.from('000102030405060708090a0b0c0d0e0f', 'hex');

  it.each([
    [[], '2b4be7f19ee27bbf30c667b642d5f4aa69fd169872f8fc3059c08ebae2eb19e7'],
    [[0], '68e0fe46dfb67e368c75379acec591dad19df3cde26e63b93a8e704f1dade7a3'],
    [[0, 1, 2, 2, 1_000_000_000], '8f94d394a8e8fd6b1bc2f3f49f5c47e385281d5c17e65324b0f62483e37e8793'],
  ])('gives the key of the published vector at %j', (path, key) => {
    expect(deriveEd25519(seed, path).toString('hex')).toBe(key);
  });
});

describe('deriveSolanaAccount', () => {
  it("has the address that other wallets show at m/44'/501'/0'/0'", async () => {
    const account = await deriveSolanaAccount(PHRASE, 0);
    expect(account.address).toBe('HAgk14JpMQLgt6rVgv7cBQFJWFto5Dqxi472uT3DKpqk');
    expect((await deriveSolanaAccount(PHRASE, 1)).address).not.toBe(account.address);
  });

  it('shows nothing of the key however it is printed (T21)', async () => {
    const account = await deriveSolanaAccount(PHRASE, 0);
    for (const text of [inspect(account), JSON.stringify(account), String(account)]) {
      expect(text).toMatch(/redacted/);
      expect(text).not.toContain('HAgk');
    }
    expect(getBase58Codec().encode(account.address)).toHaveLength(32);
  });

  it.each([-1, 0.5, 2 ** 31, Number.NaN])('refuses the index %d', async (index) => {
    await expect(deriveSolanaAccount(PHRASE, index)).rejects.toMatchObject({ code: 'bad_input' });
  });

  it('has nothing for an imported EVM key', async () => {
    const imported = holdSecret({ kind: 'evm_key', privateKey: `0x${'44'.repeat(32)}` });
    await expect(deriveSolanaAccount(imported, 0)).rejects.toMatchObject({ code: 'bad_input' });
  });
});
