import { describe, expect, it } from 'vitest';
import { mnemonicToAccount } from 'viem/accounts';
import { deriveEvmAccount, generatePhrase, parsePhrase } from './phrase.js';
import { parseEvmKey, type WalletSecret } from './secret.js';

const TWELVE = `${'abandon '.repeat(11)}about`;
const TWENTY_FOUR = `${'abandon '.repeat(23)}art`;

function phraseOf(secret: WalletSecret): string {
  if (secret.kind !== 'phrase') throw new Error('not a phrase');
  return secret.phrase;
}

describe('a new phrase', () => {
  it('has 24 words, passes its own check and is another each time', async () => {
    const [one, two] = [phraseOf(await generatePhrase()), phraseOf(await generatePhrase())];
    expect(one.split(' ')).toHaveLength(24);
    expect(phraseOf(await parsePhrase(one))).toBe(one);
    expect(one).not.toBe(two);
  });
});

describe('a restored phrase', () => {
  it.each([TWELVE, TWENTY_FOUR])('is taken: %s', async (phrase) => {
    expect(phraseOf(await parsePhrase(phrase))).toBe(phrase);
  });

  it('may come with capitals and any blanks', async () => {
    const typed = `\n  ${TWELVE.replaceAll(' ', ' \t\u00a0\r\n').toUpperCase()}  \n`;
    expect(phraseOf(await parsePhrase(typed))).toBe(TWELVE);
  });

  it.each([
    ['no words', '', /has 12, 15, 18, 21 or 24 words; this one has 0/],
    ['eleven words', 'abandon '.repeat(11), /this one has 11/],
    ['twenty-five words', `${TWENTY_FOUR} abandon`, /this one has 25/],
    ['an unknown word', TWELVE.replace('about', 'purser'), /^Word 12 /],
    ['a false checksum', `${'abandon '.repeat(11)}zoo`, /fails its checksum/],
    ['a book', 'abandon '.repeat(1000), /too long/],
  ])('is refused with %s', async (_name, text, message) => {
    const refused = parsePhrase(text);
    await expect(refused).rejects.toMatchObject({ code: 'bad_input' });
    await expect(refused).rejects.toThrow(message);
  });

  it('is never quoted in its refusal', async () => {
    const error: unknown = await parsePhrase(TWELVE.replace('about', 'canaryword')).catch(
      (caught: unknown) => caught,
    );
    expect(String(error)).not.toContain('canaryword');
    expect(String(error)).not.toContain('abandon');
  });
});

describe('EVM accounts', () => {
  it.each([0, 1, 7, 2 ** 31 - 1])("are those of m/44'/60'/0'/0/%i", async (addressIndex) => {
    const expected = mnemonicToAccount(TWENTY_FOUR, { addressIndex }).address;
    expect((await deriveEvmAccount(await parsePhrase(TWENTY_FOUR), addressIndex)).address).toBe(expected);
  });

  it('match the address that every wallet shows for the best known phrase', async () => {
    const account = await deriveEvmAccount(await parsePhrase(TWELVE), 0);
    expect(account.address).toBe('0x9858EfFD232B4033E47d90003D41EC34EcaEda94');
  });

  it.each([-1, 0.5, 2 ** 31, Number.NaN])('have no index %d', async (index) => {
    const secret = await parsePhrase(TWELVE);
    await expect(deriveEvmAccount(secret, index)).rejects.toMatchObject({ code: 'bad_input' });
  });

  it('of an imported key are one', async () => {
    const secret = parseEvmKey(`0x${'11'.repeat(32)}`);
    expect((await deriveEvmAccount(secret, 0)).address).toBe('0x19E7E376E7C213B7E7e7e46cc70A5dD086DAff2A');
    await expect(deriveEvmAccount(secret, 1)).rejects.toMatchObject({ code: 'bad_input' });
  });
});
