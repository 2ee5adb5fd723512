import { WalletError } from '../../errors/walletError.js';
import { readBounded } from '../terminal/boundedFile.js';
import { isInteractive, type CliIo } from '../terminal/io.js';
import { askHidden } from '../terminal/prompt.js';

/** A passphrase is a line; a larger file is some other file. */
const FILE_BYTES_MAX = 4096;

/** Names the file that unlocks an encrypted keystore for servers and scripts. */
const PASSPHRASE_VARIABLE = 'PURSER_PASSPHRASE_FILE';

/** The passphrase a file holds: its text without the line end at its end. Throws the error that `fail` makes. */
async function readPassphraseFile(path: string, fail: (why: string) => WalletError): Promise<string> {
  const bytes = await readBounded(path, FILE_BYTES_MAX).catch((error: unknown) => {
    // T21: only the operating system's word for the fault, never anything of the file.
    throw fail((error as NodeJS.ErrnoException).code ?? 'it cannot be read');
  });
  if (bytes === null) throw fail('it is too large to be a line of text');
  const text = bytes.toString('utf8').replace(/\r?\n$/, '');
  if (text === '') throw fail('it is empty');
  return text;
}

/**
 * The passphrase from the file that `PURSER_PASSPHRASE_FILE` names; null where it names none. This is how a server
 * is unlocked. Throws `keystore_locked` where the file cannot be read.
 */
export async function passphraseFromEnvironment(env: CliIo['env']): Promise<string | null> {
  const path = env[PASSPHRASE_VARIABLE];
  if (path === undefined || path === '') return null;
  return readPassphraseFile(
    path,
    (why) =>
      new WalletError(
        'keystore_locked',
        `${PASSPHRASE_VARIABLE} names ${path}, which cannot be used: ${why}.`,
        {
          owner: { say: `Let ${PASSPHRASE_VARIABLE} name a readable file that holds the passphrase.` },
        },
      ),
  );
}

/** The passphrase from the file that the flag names. Throws `bad_input` where it cannot be read. */
export async function passphraseFromFlag(path: string): Promise<string> {
  return readSecretFile('--passphrase-file', path);
}

/** One line that must not be an argument, such as a token, from the file that a flag names. Throws `bad_input`. */
export async function readSecretFile(flag: string, path: string): Promise<string> {
  return readPassphraseFile(
    path,
    (why) => new WalletError('bad_input', `${flag} ${path} cannot be used: ${why}.`),
  );
}

/**
 * How a command unlocks an encrypted keystore: `--passphrase-file`, else `PURSER_PASSPHRASE_FILE`, else a question
 * on a terminal; null where none of them is there. Asked once, whoever asks.
 */
export function unlockPassphrase(io: CliIo, flag: string | undefined): () => Promise<string | null> {
  return once(async () => {
    if (flag !== undefined) return passphraseFromFlag(flag);
    return (await passphraseFromEnvironment(io.env)) ?? (await typed(io));
  });
}

/**
 * The passphrase from the owner's own hand: `--passphrase-file`, or typed. `PURSER_PASSPHRASE_FILE` is there for
 * servers, so agents can reach it, and it stands for no owner (design.md, "Two secrets").
 */
export function ownerPassphrase(io: CliIo, flag: string | undefined): () => Promise<string | null> {
  return once(() => (flag === undefined ? typed(io) : passphraseFromFlag(flag)));
}

/** The owner passphrase, which proves the owner: `--factor-file`, or typed; nothing else ever stands for it. */
export function factorPassphrase(io: CliIo, path: string | undefined): () => Promise<string | null> {
  return once(async () => (path === undefined ? typed(io, 'Owner passphrase: ') : factorFromFile(path)));
}

/** A new owner passphrase: from `--factor-file`, or typed twice. */
export async function newFactorPassphrase(io: CliIo, path: string | undefined): Promise<string | null> {
  if (path !== undefined) return factorFromFile(path);
  const first = await typed(io, 'New owner passphrase, another than the one of the keystore: ');
  if (first === null) return null;
  if ((await typed(io, 'The same again: ')) === first) return first;
  throw new WalletError('bad_input', 'The two differ; nothing was added.');
}

async function factorFromFile(path: string): Promise<string> {
  return readPassphraseFile(
    path,
    (why) => new WalletError('bad_input', `--factor-file ${path} cannot be used: ${why}.`),
  );
}

async function typed(io: CliIo, question = 'Passphrase: '): Promise<string | null> {
  return isInteractive(io) ? askHidden(io, question) : null;
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => (result ??= work());
}
