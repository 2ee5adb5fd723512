import type { OwnerAction } from '../../errors/ownerAction.js';
import { isWalletError, WalletError } from '../../errors/walletError.js';
import type { AskPassphrase, KeystoreKind } from '../../keys/keystore.js';
import { commandLine } from '../line/commandLine.js';
import { showLine } from '../line/line.js';
import type { OwnerOptions } from '../../owner/auth/ownerAuth.js';
import { setUpWallet, type SecretSource, type SetUp } from '../../owner/setUp/setUp.js';
import type { CommandCall } from '../command.js';
import { isInteractive, readStdin, type CliIo } from '../terminal/io.js';
import { askedOnce, passphraseFromFlag, servedPassphrase, warnOn } from './passphrase.js';
import { askHidden, askLine, askYes } from '../terminal/input/prompt.js';
import { ownerAuth } from '../terminal/wallet.js';

/** A phrase of 24 words or a key, with room for blanks. */
const SECRET_BYTES_MAX = 4096;
/** Shortest passphrase taken from a keyboard, as NIST SP 800-63B has it. A file may hold what its owner likes. */
const TYPED_LENGTH_MIN = 8;

/** A wallet that was just made, and what opens it. */
export interface MadeWallet {
  readonly setUp: SetUp;
  readonly passphrase: AskPassphrase;
}

/**
 * Makes a wallet as flags and a person at the terminal say, or finishes one. `command` is what they ran, for
 * the sentence that names how to go on without a keychain.
 */
export async function makeWallet(call: CommandCall, command = 'init'): Promise<MadeWallet> {
  const named = keystoreFlag(call.flags.text('keystore')) ?? (await chooseKeystore(call));
  const passphrase = keystorePassphrase(call);
  const secret = await secretSource(call);
  const make = (keystore: KeystoreKind | undefined): Promise<SetUp> =>
    setUpWallet({
      home: call.home,
      keystore,
      testnet: call.flags.has('testnet'),
      rpcUrls: rpcFlags(call.flags.list('rpc')),
      secret,
      passphrase,
      auth: ownerAuth(call),
      now: call.io.now,
    });
  try {
    const setUp = await make(named).catch(async (error: unknown) => {
      if (await wantsFileInstead(call, error)) return make('file');
      throw error;
    });
    return { setUp, passphrase };
  } catch (error) {
    throw withFileCommand(error, call, command);
  }
}

/** Asks whether a file will do, where the computer turned out to have no keychain. */
async function wantsFileInstead({ io, flags }: CommandCall, error: unknown): Promise<boolean> {
  if (!isWalletError(error) || error.code !== 'keystore_unavailable') return false;
  if (flags.has('yes') || flags.text('keystore') !== undefined || !isInteractive(io)) return false;
  io.stderr.write('No keychain answers here.\n');
  return askYes(io, 'Keep the keys in a file instead, encrypted with a passphrase?');
}

/** Offers to add what proves the owner; whoever just made the wallet at this terminal is that. */
export async function offerFactor(
  call: CommandCall,
  passphrase: () => Promise<string | null>,
): Promise<void> {
  const { io, home, flags } = call;
  if (flags.has('yes') || flags.has('json') || !isInteractive(io)) return;
  const auth = { passphrase, atTerminal: true };
  const options = { home, now: io.now, passphrase, auth };
  io.stderr.write('\nAn owner passphrase lets you say yes to a payment that passes a limit.\n');
  for (;;) {
    const given = await askHidden(
      io,
      'Owner passphrase, not the one of the keystore (Enter: a passkey, or later): ',
    );
    if (given === null || given === '') return await offerPasskey(call, options);
    if ((await askHidden(io, 'The same again: ')) !== given) {
      io.stderr.write('The two differ; once more.\n');
      continue;
    }
    try {
      const { addPassphrase } = await import('../../owner/auth/ownerFactors.js');
      await addPassphrase(options, () => Promise.resolve(given), '');
      io.stderr.write('Added.\n');
      return;
    } catch (error) {
      if (!isWalletError(error) || error.code !== 'bad_input') throw error;
      io.stderr.write(`${error.shortMessage}\n`);
    }
  }
}

async function offerPasskey(call: CommandCall, options: OwnerOptions): Promise<void> {
  const { io } = call;
  try {
    if (await askYes(io, 'A passkey instead, made in your browser now?')) {
      const { enrolPasskey } = await import('../approvals/factorAdd.js');
      const { label } = await enrolPasskey(call, options, '');
      io.stderr.write(`Added ${label}.\n`);
      return;
    }
  } catch (error) {
    // The wallet is there: that the page was closed is no reason to fail what made it.
    if (!isWalletError(error) || error.code !== 'cancelled') throw error;
    io.stderr.write(`${error.shortMessage}\n`);
  }
  io.stderr.write(`Add one later: ${showLine(commandLine('factor add', ['passphrase']), io)}\n`);
}

/** Reads `--rpc eip155:8453=https://…`. */
function rpcFlags(given: readonly string[]): Record<string, string> {
  return Object.fromEntries(
    given.map((text) => {
      const [, caip2, url] = /^([\w:]+)=(.+)$/.exec(text) ?? [];
      if (caip2 !== undefined && url !== undefined) return [caip2, url];
      throw new WalletError(
        'bad_input',
        '--rpc is NETWORK=URL, such as eip155:8453=https://rpc.example.com.',
      );
    }),
  );
}

function keystoreFlag(text: string | undefined): KeystoreKind | undefined {
  if (text === undefined || text === 'file' || text === 'keychain') return text;
  throw new WalletError('bad_input', '--keystore is keychain or file.');
}

/** Asks where the keys go, unless there is nobody to ask or a keystore to go on with. */
async function chooseKeystore({ io, home, flags }: CommandCall): Promise<KeystoreKind | undefined> {
  if (flags.has('yes') || !isInteractive(io)) return undefined;
  const { findKeystoreKind } = await import('../../keys/keystore.js');
  if ((await findKeystoreKind(home)) !== undefined) return undefined;
  io.stderr.write(
    `A wallet will be made in ${home}. Its keys can be kept in\n` +
      '  1  the keychain of this computer\n' +
      '  2  a file, encrypted with a passphrase\n',
  );
  const answer = await askLine(io, 'Choose 1 or 2 [1]: ');
  if (answer === null) throw new WalletError('cancelled', 'Cancelled; nothing was made.');
  const choice = answer.trim();
  if (choice === '' || choice === '1') return 'keychain';
  if (choice === '2') return 'file';
  throw new WalletError('bad_input', 'The choice is 1 or 2; nothing was made.');
}

/** T21: a phrase or key comes by stdin, or typed unseen; never by an argument or the environment. */
async function secretSource({ io, flags }: CommandCall): Promise<SecretSource> {
  const [restores, imports] = [flags.has('restoreStdin'), flags.has('importKeyStdin')];
  if (restores && imports) {
    throw new WalletError('bad_input', 'Give --restore-stdin or --import-key-stdin, not both.');
  }
  if (restores) return { kind: 'restore', phrase: await readSecret(io, 'Recovery phrase (not shown): ') };
  if (imports) return { kind: 'import', evmKey: await readSecret(io, 'Private key (not shown): ') };
  return { kind: 'new' };
}

async function readSecret(io: CliIo, question: string): Promise<string> {
  const text = isInteractive(io) ? await askHidden(io, question) : await readStdin(io, SECRET_BYTES_MAX);
  if (text === null || text.trim() === '') {
    throw new WalletError('bad_input', 'Standard input holds no phrase or key; nothing was made.');
  }
  return text;
}

/** The passphrase of the keystore: from a file, or typed, twice for a new one. */
function keystorePassphrase({ io, home, flags }: CommandCall): AskPassphrase {
  const file = flags.text('passphraseFile');
  return askedOnce(async (attempt) => {
    const question = 'Unlock passphrase (it opens the keystore): ';
    if (attempt > 0) {
      if (file !== undefined || flags.has('yes') || !isInteractive(io)) return null;
      return askHidden(io, `That does not open the keystore. ${question}`);
    }
    if (file !== undefined) return passphraseFromFlag(io, file);
    const named = await servedPassphrase(io.env, home, warnOn(io));
    if (named !== null || flags.has('yes') || !isInteractive(io)) return named;
    const { findKeystoreKind } = await import('../../keys/keystore.js');
    return (await findKeystoreKind(home)) === undefined ? typeTwice(io) : askHidden(io, question);
  });
}

async function typeTwice(io: CliIo): Promise<string> {
  for (;;) {
    const first = await askHidden(io, 'Passphrase for the keystore (nobody can recover it): ');
    if (first === null) throw new WalletError('cancelled', 'Cancelled; nothing was made.');
    if (Array.from(first).length < TYPED_LENGTH_MIN) {
      io.stderr.write(`At least ${TYPED_LENGTH_MIN} characters, please.\n`);
      continue;
    }
    if ((await askHidden(io, 'The same again: ')) === first) return first;
    io.stderr.write('The two differ; once more.\n');
  }
}

/** Where something is missing, names the very command that does without it. */
function withFileCommand(error: unknown, { args, flags }: CommandCall, name: string): unknown {
  if (!isWalletError(error)) return error;
  const given = { keystore: 'file', unattended: true, testnet: flags.has('testnet') } as const;
  const from = flags.has('restoreStdin') ? 'phrase' : flags.has('importKeyStdin') ? 'key' : null;
  const action: OwnerAction =
    name === 'install'
      ? { kind: 'installClient', ...given, clients: args.filter((word) => word !== undefined) }
      : { kind: 'setUp', ...given, ...(from === null ? {} : { from }) };
  const mended = (say: string): WalletError =>
    new WalletError(error.code, error.shortMessage, {
      cause: error,
      owner: { say, action, gives: 'unlockPassphrase' },
    });
  if (error.code === 'keystore_unavailable') {
    return mended('Keep the wallet in an encrypted file instead; FILE holds a passphrase of yours.');
  }
  if (error.code === 'keystore_locked' && flags.text('passphraseFile') === undefined) {
    return mended('Name a file that holds a passphrase of yours.');
  }
  return error;
}
