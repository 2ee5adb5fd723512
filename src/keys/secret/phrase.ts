import { pbkdf2 } from 'node:crypto';
import { promisify } from 'node:util';
import type { PrivateKeyAccount } from 'viem/accounts';
import { WalletError } from '../../errors/walletError.js';
import { holdSecret, type WalletSecret } from './secret.js';

const pbkdf2Async = promisify(pbkdf2);

/** 256 bits: a phrase of 24 words. */
const NEW_PHRASE_BITS = 256;

/** Phrase lengths BIP-39 defines. */
const WORD_COUNTS: readonly number[] = [12, 15, 18, 21, 24];

/** Longest text read as a phrase: 24 words of 8 letters leave ample room for blanks and line ends. */
const PHRASE_CHARS_MAX = 1024;

/** BIP-39, "From mnemonic to seed". */
const SEED_ROUNDS = 2048;
const SEED_BYTES = 64;

/** BIP-32 leaves half of the index space to hardened derivation. */
export const HARDENED_INDEX_END = 2 ** 31;

/** Makes a new 24-word English BIP-39 phrase from the system's randomness. */
export async function generatePhrase(): Promise<WalletSecret> {
  const { bip39, wordlist } = await loadBip39();
  return holdSecret({ kind: 'phrase', phrase: bip39.generateMnemonic(wordlist, NEW_PHRASE_BITS) });
}

/**
 * Reads a phrase that a person restores: 12 to 24 English words, in any case, with any blanks between them.
 *
 * Throws `bad_input` that names the place of a wrong word but never quotes one (T21).
 */
export async function parsePhrase(text: string): Promise<WalletSecret> {
  if (text.length > PHRASE_CHARS_MAX)
    throw new WalletError('bad_input', 'That is too long to be a recovery phrase.');
  const words = text
    .normalize('NFKD')
    .toLowerCase()
    .split(/\s+/u)
    .filter((word) => word !== '');
  if (!WORD_COUNTS.includes(words.length)) {
    throw new WalletError(
      'bad_input',
      `A recovery phrase has 12, 15, 18, 21 or 24 words; this one has ${words.length}.`,
    );
  }
  const { bip39, wordlist } = await loadBip39();
  const known = new Set(wordlist);
  const wrong = words.findIndex((word) => !known.has(word));
  if (wrong !== -1) {
    throw new WalletError(
      'bad_input',
      `Word ${wrong + 1} of the recovery phrase is not in the BIP-39 English list.`,
    );
  }
  const phrase = words.join(' ');
  if (!bip39.validateMnemonic(phrase, wordlist)) {
    throw new WalletError(
      'bad_input',
      'The recovery phrase fails its checksum: a word is wrong or out of order, though every word is in the list.',
    );
  }
  return holdSecret({ kind: 'phrase', phrase });
}

/**
 * The EVM account of one agent: `m/44'/60'/0'/0/agentIndex` of a phrase, or an imported key itself at index 0.
 *
 * Throws `bad_input` for an index that is not one, or that an imported key does not have.
 */
export async function deriveEvmAccount(secret: WalletSecret, agentIndex: number): Promise<PrivateKeyAccount> {
  if (!Number.isInteger(agentIndex) || agentIndex < 0 || agentIndex >= HARDENED_INDEX_END) {
    throw new WalletError('bad_input', 'An agent index is a whole number from 0.');
  }
  if (secret.kind === 'evm_key' && agentIndex !== 0) {
    throw new WalletError('bad_input', 'A wallet made of an imported key has one address, so one agent.', {
      owner: { say: 'Agents with addresses of their own need a wallet made of a phrase.' },
    });
  }
  // 70–90 ms to load: paid by the first address or signature, not by every start.
  const { HDKey, privateKeyToAccount } = await import('viem/accounts');
  if (secret.kind === 'evm_key') return privateKeyToAccount(secret.privateKey);
  const seed = await seedOf(secret.phrase);
  const parent = HDKey.fromMasterSeed(seed);
  seed.fill(0);
  const node = parent.derive(`m/44'/60'/0'/0/${agentIndex}`);
  if (node.privateKey === null) throw new WalletError('internal', 'No EVM key derives at this index.');
  const account = privateKeyToAccount(`0x${Buffer.from(node.privateKey).toString('hex')}`);
  parent.wipePrivateData();
  node.wipePrivateData();
  return account;
}

/** The 64 bytes that all keys of a phrase come from (BIP-39). The caller must wipe them. */
export function seedOf(phrase: string): Promise<Buffer> {
  // Native PBKDF2 takes under a millisecond and leaves the event loop free; the bundled one takes ten and does not.
  return pbkdf2Async(phrase, 'mnemonic', SEED_ROUNDS, SEED_BYTES, 'sha512');
}

async function loadBip39() {
  const [bip39, english] = await Promise.all([
    import('@scure/bip39'),
    import('@scure/bip39/wordlists/english'),
  ]);
  return { bip39, wordlist: english.wordlist };
}
