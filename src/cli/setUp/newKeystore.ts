import { ensureHome } from '../../config/home.js';
import type { OwnerAction } from '../../errors/ownerAction.js';
import { isWalletError, WalletError } from '../../errors/walletError.js';
import { findKeystoreKind, type AskPassphrase, type KeystoreKind } from '../../keys/keystore.js';
import { hasKeychain, makeUnlockPassphrase } from '../../owner/setUp/unlockSecret.js';
import type { CommandCall } from '../command.js';
import { isInteractive, type CliIo } from '../terminal/io.js';
import { askHidden, askLine, askUnlessNo, askYes } from '../terminal/input/prompt.js';
import { printLines } from '../terminal/output/show.js';
import {
  askedOnce,
  keepFirstPassphrase,
  keptPassphraseFile,
  passphraseFromFlag,
  servedPassphrase,
  warnOn,
} from './passphrase.js';

/** Shortest passphrase taken from a keyboard, as NIST SP 800-63B has it. A file may hold what its owner likes. */
export const TYPED_LENGTH_MIN = 8;

function keystoreFlag(text: string | undefined): KeystoreKind | undefined {
  if (text === undefined || text === 'file' || text === 'keychain') return text;
  throw new WalletError('bad_input', '--keystore is keychain or file.');
}

/**
 * Asks where the keys go, unless there is nobody to ask or a keystore to go on with. Where no keychain answers it is a file: said,
 * and asked for where somebody is there.
 */
export async function chooseKeystore({ io, home, flags }: CommandCall): Promise<KeystoreKind | undefined> {
  const named = keystoreFlag(flags.text('keystore'));
  if (named !== undefined) return named;
  if ((await findKeystoreKind(home)) !== undefined) return undefined;
  const asks = !flags.has('yes') && isInteractive(io);
  if (!(await hasKeychain(home))) {
    if (!asks) {
      io.stderr.write('No keychain answers here: the keys go into an encrypted file.\n');
      return 'file';
    }
    printLines(io.stderr, [`A wallet will be made in ${home}. No keychain answers on this computer.`]);
    if (await askUnlessNo(io, 'Keep its keys in a file instead, encrypted?')) return 'file';
    throw new WalletError(
      'cancelled',
      'Cancelled; nothing was made. A keychain answers inside a desktop session.',
    );
  }
  if (!asks) return undefined;
  printLines(io.stderr, [
    `A wallet will be made in ${home}. Its keys can be kept in`,
    '  1  the keychain of this computer',
    '  2  a file, encrypted with a passphrase',
  ]);
  const answer = await askLine(io, 'Choose 1 or 2 [1]: ');
  if (answer === null) throw new WalletError('cancelled', 'Cancelled; nothing was made.');
  const choice = answer.trim();
  if (choice === '' || choice === '1') return 'keychain';
  if (choice === '2') return 'file';
  throw new WalletError('bad_input', 'The choice is 1 or 2; nothing was made.');
}

/** Asks whether a file will do, where a keychain turned out to be locked or not to be there. */
export async function wantsFileInstead({ io, home, flags }: CommandCall, error: unknown): Promise<boolean> {
  if (!isWalletError(error) || !['keystore_unavailable', 'keychain_locked'].includes(error.code))
    return false;
  if (flags.has('yes') || flags.text('keystore') !== undefined || !isInteractive(io)) return false;
  // A wallet that is begun keeps its keystore.
  if ((await findKeystoreKind(home)) !== undefined) return false;
  printLines(io.stderr, [error.shortMessage]);
  return askYes(io, 'Keep the keys in a file instead, encrypted?');
}

/** The passphrase of the keystore: from a file, typed (twice for a new one), or made and kept. */
export function newPassphrase({ io, home, flags }: CommandCall): AskPassphrase {
  const file = flags.text('passphraseFile');
  const asks = !flags.has('yes') && isInteractive(io);
  return askedOnce(async (attempt) => {
    const question = 'Unlock passphrase (it opens the keystore): ';
    if (attempt > 0) {
      if (file !== undefined || !asks) return null;
      return askHidden(io, `That does not open the keystore. ${question}`);
    }
    if (file !== undefined) return passphraseFromFlag(io, file);
    const named = await servedPassphrase(io.env, home, warnOn(io));
    if (named !== null) return named;
    if ((await findKeystoreKind(home)) !== undefined) return asks ? askHidden(io, question) : null;
    return (asks ? await typeTwice(io, home) : null) ?? (await makeAndKeep(io, home));
  });
}

/** A passphrase that nobody types, kept before there is a keystore that it opens. */
async function makeAndKeep(io: CliIo, home: string): Promise<string> {
  ensureHome(home);
  const kept = await keepFirstPassphrase(home, makeUnlockPassphrase());
  printLines(io.stderr, [
    `What unlocks the keys is kept in ${keptPassphraseFile(home)}, which only you can read. Whoever copies that whole folder has the keys.`,
  ]);
  return kept;
}

/** A new passphrase from a person; null for one that is to be made. */
async function typeTwice(io: CliIo, home: string): Promise<string | null> {
  printLines(io.stderr, [
    `The file is encrypted with an unlock passphrase. Enter makes one and keeps it in ${keptPassphraseFile(home)} for your MCP clients; or choose your own, which nobody can recover.`,
  ]);
  for (;;) {
    const first = await askHidden(io, 'Passphrase for the keystore (Enter: made for you): ');
    if (first === null) throw new WalletError('cancelled', 'Cancelled; nothing was made.');
    if (first === '') return null;
    if (Array.from(first).length < TYPED_LENGTH_MIN) {
      io.stderr.write(`At least ${TYPED_LENGTH_MIN} characters, please.\n`);
      continue;
    }
    if ((await askHidden(io, 'The same again: ')) === first) return first;
    io.stderr.write('The two differ; once more.\n');
  }
}

/** Where something is missing, names the very command that does without it. */
export async function withFileCommand(
  error: unknown,
  { args, flags, home }: CommandCall,
  name: string,
): Promise<unknown> {
  if (!isWalletError(error)) return error;
  const given = { keystore: 'file', unattended: true, testnet: flags.has('testnet') } as const;
  const from = flags.has('restoreStdin') ? 'phrase' : flags.has('importKeyStdin') ? 'key' : null;
  const action: OwnerAction =
    name === 'install'
      ? { kind: 'installClient', ...given, clients: args.filter((word) => word !== undefined) }
      : { kind: 'setUp', ...given, ...(from === null ? {} : { from }) };
  const mended = (say: string, gives?: 'unlockPassphrase'): WalletError =>
    new WalletError(error.code, error.shortMessage, {
      cause: error,
      owner: { say, action, ...(gives === undefined ? {} : { gives }) },
    });
  const isBegun = (await findKeystoreKind(home)) !== undefined;
  if (error.code === 'keystore_unavailable') return mended('Keep the wallet in an encrypted file instead.');
  if (error.code === 'keychain_locked' && !isBegun)
    return mended(`${error.owner?.say ?? ''} Or keep the wallet in an encrypted file.`);
  if (error.code === 'keystore_locked' && flags.text('passphraseFile') === undefined) {
    return mended('Name a file that holds a passphrase of yours.', 'unlockPassphrase');
  }
  return error;
}
