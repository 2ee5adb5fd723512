import { describe, expect, it } from 'vitest';
import { refuseSecretArguments } from './secretArgument.js';

const PHRASE = 'legal winner thank year wave sausage worth useful legal winner thank yellow';
const KEY = '4c0883a69102937d6231471b5dbb6204fe5129617082792ae468d01a3f362318';

describe('refuseSecretArguments', () => {
  it.each([
    ['a phrase in one argument', ['init', '--restore', PHRASE]],
    ['a phrase word by word', ['init', '--restore-stdin', ...PHRASE.split(' ')]],
    ['a key', ['init', '--import-key-stdin', KEY]],
    ['a key with 0x', ['init', `0x${KEY}`]],
    ['a key behind =', ['init', `--import-key=0x${KEY}`]],
    ['a phrase given to another command', ['backup', PHRASE]],
  ])('refuses %s, and repeats nothing of it (T21)', (_what, argv) => {
    let message = '';
    try {
      refuseSecretArguments(argv);
    } catch (error) {
      message = (error as Error).message;
    }
    expect(message).toContain('looks like a recovery phrase or a private key');
    for (const word of [...PHRASE.split(' '), KEY]) expect(message.split(/\W+/)).not.toContain(word);
  });

  it.each([
    [
      'flags',
      ['init', '--keystore', 'file', '--passphrase-file', '/home/me/some-file', '--yes', '--testnet'],
    ],
    ['prose for a paid API', ['pay', 'https://x.example', '-d', PHRASE, '--max-usd', '0.01']],
    ['the hash of a stored answer', ['response', KEY]],
    ['a list of hosts', ['config', 'set', 'hosts.allow', '["api.example.com","b.example.com"]']],
  ])('lets %s pass', (_what, argv) => {
    expect(() => refuseSecretArguments(argv)).not.toThrow();
  });
});
