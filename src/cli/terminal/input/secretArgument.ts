import { WalletError } from '../../../errors/walletError.js';

/** The shortest phrase BIP-39 defines. */
const PHRASE_WORDS_MIN = 12;
const WORD = /^[a-z]{3,8}$/;
const KEY = /^(?:--?[a-z-]+=)?(?:0x)?[0-9a-fA-F]{64}$/;

/** Commands whose arguments may be prose or hashes of other things. */
const FREE_TEXT: readonly string[] = ['quote', 'pay', 'response', 'ledger'];

/**
 * Refuses to go on where an argument looks like a recovery phrase or a private key (T21): arguments are kept in the
 * shell's history and shown to every process of the machine. What was given is never repeated.
 */
export function refuseSecretArguments(argv: readonly string[]): void {
  if (FREE_TEXT.includes(argv[0] ?? '')) return;
  const words = argv.flatMap((argument) => argument.trim().split(/\s+/));
  let run = 0;
  for (const word of words) {
    run = WORD.test(word) ? run + 1 : 0;
    if (run >= PHRASE_WORDS_MIN || KEY.test(word)) {
      throw new WalletError(
        'bad_input',
        'An argument looks like a recovery phrase or a private key. Nothing was done with it, but shells keep arguments and other programs see them: give secrets on standard input, and treat this one as known to others.',
      );
    }
  }
}
