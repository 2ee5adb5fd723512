import { inspect } from 'node:util';
import { describe, expect, it } from 'vitest';
import { decodeSecret, encodeSecret, holdSecret, parseEvmKey, WalletKeys } from './secret.js';

const PHRASE = `${'canary '.repeat(11)}canary`;
const KEY = `0x${'c0'.repeat(32)}` as const;
const HOLDERS = [
  ['a phrase', holdSecret({ kind: 'phrase', phrase: PHRASE }), 'canary'],
  ['an EVM key', holdSecret({ kind: 'evm_key', privateKey: KEY }), 'c0c0'],
] as const;

describe('a held secret', () => {
  it.each(HOLDERS)('shows nothing of %s, however it is printed', (_name, secret, canary) => {
    const prints = [
      inspect(secret),
      inspect({ deep: [secret] }, { depth: null, showHidden: true }),
      JSON.stringify({ secret }),
      String(secret),
      `${secret}`,
      JSON.stringify({ ...secret }),
      inspect(new Error('about', { cause: secret })),
      Object.values(secret).join(),
    ];
    expect(prints.join('\n')).not.toContain(canary);
    expect(inspect(secret)).toBe('[redacted]');
    expect(JSON.stringify(secret)).toBe('"[redacted]"');
    expect(String(secret)).toBe('[redacted]');
  });

  it.each(HOLDERS)('keeps %s through its stored text', (_name, secret) => {
    const text = encodeSecret(secret);
    expect(encodeSecret(decodeSecret(text))).toBe(text);
    expect(text).toContain(secret.kind === 'phrase' ? PHRASE : KEY);
  });
});

describe('a stored text', () => {
  it.each([
    ['nothing', ''],
    ['no JSON', 'canary'],
    ['null', 'null'],
    ['a newer version', '{"version":2,"kind":"phrase","phrase":"canary"}'],
    ['another kind', '{"version":1,"kind":"canary"}'],
    ['eleven words', `{"version":1,"kind":"phrase","phrase":"${'canary '.repeat(10)}canary"}`],
    ['a short key', '{"version":1,"kind":"evm_key","privateKey":"0xc0c0"}'],
  ])('of %s is unreadable, and not quoted', (_name, text) => {
    let caught: unknown;
    try {
      decodeSecret(text);
    } catch (error) {
      caught = error;
    }
    expect(caught).toMatchObject({ code: 'keystore_unreadable' });
    expect(inspect(caught)).not.toMatch(/canary|c0c0/);
  });
});

describe('an EVM key', () => {
  it.each([KEY, KEY.slice(2), ` ${KEY.toUpperCase().replace('0X', '0x')}\n`])('is taken as %j', (text) => {
    expect(parseEvmKey(text)).toMatchObject({ kind: 'evm_key', privateKey: KEY });
  });

  it.each([
    ['empty', ''],
    ['short', KEY.slice(0, -2)],
    ['long', `${KEY}00`],
    ['not hex', KEY.replace('c', 'g')],
    ['zero', '00'.repeat(32)],
    ['the order of the curve', 'fffffffffffffffffffffffffffffffebaaedce6af48a03bbfd25e8cd0364141'],
  ])('is refused when %s, and not quoted', (_name, text) => {
    let caught: unknown;
    try {
      parseEvmKey(text);
    } catch (error) {
      caught = error;
    }
    expect(caught).toMatchObject({ code: 'bad_input' });
    expect(inspect(caught)).not.toContain('c0c0');
  });
});

describe('wallet keys', () => {
  const keys = new WalletKeys(holdSecret({ kind: 'evm_key', privateKey: KEY }));

  it('are the same for the same secret and others for another', () => {
    const same = new WalletKeys(holdSecret({ kind: 'evm_key', privateKey: KEY }));
    const other = new WalletKeys(holdSecret({ kind: 'phrase', phrase: PHRASE }));
    expect(keys.walletId).toMatch(/^[0-9a-f]{32}$/);
    expect(same.walletId).toBe(keys.walletId);
    expect(same.mac('config', 'x')).toEqual(keys.mac('config', 'x'));
    expect(other.walletId).not.toBe(keys.walletId);
    expect(other.mac('config', 'x')).not.toEqual(keys.mac('config', 'x'));
  });

  it('never change: a config and a ledger on disk depend on them', () => {
    expect(keys.walletId).toBe('7f772c6dfa489c3e188e3ce6161f7eba');
    expect(Buffer.from(keys.mac('config', 'x')).toString('hex')).toBe(
      '904f2beeaa1af33c87c0515a4526788f27bc86f97b72d3a309c3b126824e7a70',
    );
  });

  it('differ by purpose, and take text as its UTF-8 bytes', () => {
    const macs = (['config', 'ledger', 'elicitation', 'anchor'] as const).map((purpose) =>
      Buffer.from(keys.mac(purpose, 'é')).toString('hex'),
    );
    expect(new Set(macs).size).toBe(4);
    expect(macs.every((mac) => mac.length === 64)).toBe(true);
    expect(keys.mac('ledger', new TextEncoder().encode('é'))).toEqual(keys.mac('ledger', 'é'));
  });

  it('open what they sealed for a place, there alone and unchanged (T38)', () => {
    const same = new WalletKeys(holdSecret({ kind: 'evm_key', privateKey: KEY }));
    const other = new WalletKeys(holdSecret({ kind: 'phrase', phrase: PHRASE }));
    const sealed = keys.seal('https://api.example.com', 'tok_é');
    expect(same.open('https://api.example.com', sealed)).toBe('tok_é');
    expect(keys.seal('https://api.example.com', 'tok_é')).not.toEqual(sealed);
    expect(Buffer.from(sealed).includes('tok_')).toBe(false);
    expect(keys.open('https://api.example.org', sealed)).toBeNull();
    expect(other.open('https://api.example.com', sealed)).toBeNull();
    for (let i = 0; i < sealed.length; i++) {
      const changed = Uint8Array.from(sealed, (byte, at) => (at === i ? byte ^ 1 : byte));
      expect(keys.open('https://api.example.com', changed), `byte ${i}`).toBeNull();
      expect(keys.open('https://api.example.com', sealed.subarray(0, i)), `cut at ${i}`).toBeNull();
    }
    // A ledger on disk depends on this one too.
    const kept = Buffer.from(
      '0195e12792e5344f2262087e0299a90d2a80885c95feb402cca58c970b30eae99a2f791b4a',
      'hex',
    );
    expect(keys.open('https://api.example.com', kept)).toBe('tok_kept');
  });

  it('print nothing', () => {
    expect(inspect(keys, { showHidden: true })).toBe('[redacted]');
    expect(JSON.stringify(keys)).toBe('"[redacted]"');
    expect(String(keys)).toBe('[redacted]');
  });
});
