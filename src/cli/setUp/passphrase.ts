import { existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { isWalletError, WalletError } from '../../errors/walletError.js';
import type { AskPassphrase } from '../../keys/keystore.js';
import { createFile, replaceFile } from '../../platform/durableFile.js';
import type { KeptUnlock } from '../../owner/setUp/unlockChange.js';
import { isMadeUnlockPassphrase } from '../../owner/setUp/unlockSecret.js';
import { isInteractive, type CliIo } from '../terminal/io.js';
import { askHidden } from '../terminal/input/prompt.js';
import { printLines } from '../terminal/output/show.js';
import { readSecretLine, warnIfExposed, type Warn } from '../terminal/input/secretFile.js';

/** Names the file that unlocks an encrypted keystore for servers and scripts. */
export const PASSPHRASE_VARIABLE = 'PURSER_PASSPHRASE_FILE';
/** Where the unlock passphrase is kept in the wallet's folder, where its owner lets it be. */
const KEPT_FILE = 'passphrase';

/** Beside it while the passphrase is changed: until then nobody knows which of the two opens the keystore. */
const NEXT_FILE = 'passphrase.next';

/** The path of the unlock passphrase that is kept beside the wallet; nothing says that it is there. */
export function keptPassphraseFile(home: string): string {
  return join(home, KEPT_FILE);
}

/**
 * Keeps the unlock passphrase for clients, which start the wallet where nobody types. Replaces one that was kept before.
 * Throws what the file system says.
 */
export async function keepPassphrase(home: string, passphrase: string): Promise<string> {
  const path = keptPassphraseFile(home);
  await replaceFile(path, `${passphrase}\n`, { mode: 0o600 });
  return path;
}

/**
 * {@link keepPassphrase} for a wallet that is being made: one that is kept already stays, since another process may be making the
 * same wallet with it. Answers what is kept. Throws `keystore_locked` where that cannot be read, and what the file system says.
 */
export async function keepFirstPassphrase(home: string, passphrase: string): Promise<string> {
  const path = keptPassphraseFile(home);
  if (await createFile(path, `${passphrase}\n`, { mode: 0o600 })) return passphrase;
  const kept = await readSecretLine(
    path,
    (why) =>
      new WalletError(
        'keystore_locked',
        `${path} should hold an unlock passphrase and cannot be used: ${why}.`,
        {
          owner: { say: `Take ${path} away; nothing was made with it.` },
        },
      ),
  );
  return kept.text;
}

/**
 * The passphrase from the file that `PURSER_PASSPHRASE_FILE` names, else from the one that is kept beside the wallet; null
 * where there is neither. The second attempt gives the one that a change of it left beside that, where it was killed in between.
 * This is how a server is unlocked. A file that others can read is warned of and used all the same: containers hand secrets out as
 * 0444. Throws `keystore_locked` where the file that is named cannot be read.
 */
export async function servedPassphrase(
  env: CliIo['env'],
  home: string,
  warn: Warn,
  attempt = 0,
): Promise<string | null> {
  if (attempt > 0) return attempt === 1 ? readKeptPassphrase(home, warn, join(home, NEXT_FILE)) : null;
  const named = await passphraseFromEnvironment(env, warn);
  if (named !== null) return named;
  return readKeptPassphrase(home, warn);
}

/**
 * What goes with a change of the unlock passphrase; see `changeUnlock`. One that is kept beside the wallet is kept anew, where it opens
 * it: no owner who gives theirs by hand finds it written down.
 */
export async function keptUnlock(
  home: string,
  warn: Warn,
): Promise<KeptUnlock & { readonly isKept: boolean }> {
  const isKept = await opensKept(home, warn);
  const path = join(home, NEXT_FILE);
  return {
    isKept,
    prepare: async (next) => {
      if (isKept) await replaceFile(path, `${next}\n`, { mode: 0o600 });
    },
    settle: async (next) => {
      if (!isKept) return;
      await keepPassphrase(home, next);
      rmSync(path, { force: true });
    },
  };
}

async function opensKept(home: string, warn: Warn): Promise<boolean> {
  if (!existsSync(keptPassphraseFile(home))) return false;
  const { unlockAsAnyone } = await import('../../owner/auth/ownerAuth.js');
  try {
    await unlockAsAnyone({ home, passphrase: (attempt) => servedPassphrase({}, home, warn, attempt) });
    return true;
  } catch (error) {
    if (isWalletError(error) && ['wrong_passphrase', 'keystore_locked'].includes(error.code)) return false;
    throw error;
  }
}

async function readKeptPassphrase(
  home: string,
  warn: Warn,
  path = keptPassphraseFile(home),
): Promise<string | null> {
  const kept = await readSecretLine(path, () => new WalletError('keystore_locked', '')).catch(() => null);
  if (kept === null) return null;
  warnIfExposed(path, kept, warn);
  return kept.text;
}

/** The passphrase from the file that `PURSER_PASSPHRASE_FILE` names; null where it names none. Throws `keystore_locked`. */
export async function passphraseFromEnvironment(env: CliIo['env'], warn: Warn): Promise<string | null> {
  const path = env[PASSPHRASE_VARIABLE];
  if (path === undefined || path === '') return null;
  const secret = await readSecretLine(
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
  warnIfExposed(path, secret, warn);
  return secret.text;
}

/** The passphrase from the file that the flag names. Throws `bad_input` where it cannot be read. */
export async function passphraseFromFlag(io: CliIo, path: string): Promise<string> {
  return readSecretFile(io, '--passphrase-file', path);
}

/**
 * One line that must not be an argument, such as a token, from the file that a flag names; warns where others can read
 * it. Throws `bad_input` where it cannot be read.
 */
export async function readSecretFile(io: CliIo, flag: string, path: string): Promise<string> {
  const secret = await readSecretLine(path, (why) => unusable(flag, path, why));
  warnIfExposed(path, secret, warnOn(io));
  return secret.text;
}

/** Warnings of a command go where its questions go. */
export function warnOn(io: CliIo): Warn {
  return (line) => printLines(io.stderr, [line]);
}

function unusable(flag: string, path: string, why: string): WalletError {
  return new WalletError('bad_input', `${flag} ${path} cannot be used: ${why}.`);
}

/**
 * How a command unlocks an encrypted keystore: `--passphrase-file`, else what clients use, else a question on a terminal;
 * null where none of them is there. Asked once, whoever asks. What did not open it is asked for again on a terminal.
 */
export function unlockPassphrase(io: CliIo, home: string, flag: string | undefined): AskPassphrase {
  const quiet = quietPassphrase(io, home, flag);
  return askedOnce(async (attempt) =>
    attempt > 0
      ? ((await quiet(attempt)) ?? (await typedAgain(io, flag)))
      : ((await quiet()) ?? (flag === undefined ? await typed(io) : null)),
  );
}

/** {@link unlockPassphrase} without the question: for a look that needs no keys. */
export function quietPassphrase(io: CliIo, home: string, flag: string | undefined): AskPassphrase {
  return askedOnce(async (attempt) => {
    if (flag === undefined) return servedPassphrase(io.env, home, warnOn(io), attempt);
    return attempt > 0 ? null : passphraseFromFlag(io, flag);
  });
}

/**
 * The passphrase from the owner's own hand: `--passphrase-file`, or typed. `PURSER_PASSPHRASE_FILE` is there for
 * servers, so agents can reach it, and it stands for no owner (docs/design.md, "Two secrets"). Where the kept one was made
 * here, nobody can type it: then a terminal is all that tells the owner, as with a keychain.
 */
export function ownerPassphrase(io: CliIo, home: string, flag: string | undefined): AskPassphrase {
  return askedOnce(async (attempt) => {
    if (attempt > 0) return typedAgain(io, flag);
    if (flag !== undefined) return passphraseFromFlag(io, flag);
    if (!isInteractive(io)) return null;
    const kept = await readKeptPassphrase(home, warnOn(io));
    return kept !== null && isMadeUnlockPassphrase(kept) ? kept : typed(io);
  });
}

/** Asks again after one that did not open the keystore; null where a file that the owner named gave it. */
async function typedAgain(io: CliIo, flag: string | undefined): Promise<string | null> {
  if (flag !== undefined || !isInteractive(io)) return null;
  return typed(io, 'That does not open the keystore. Unlock passphrase, once more (Enter ends): ');
}

/** The owner passphrase, which proves the owner: `--factor-file`, or typed; nothing else ever stands for it. */
export function factorPassphrase(io: CliIo, path: string | undefined): () => Promise<string | null> {
  return once(async () =>
    path === undefined ? typed(io, 'Owner passphrase (your factor): ') : factorFromFile(path),
  );
}

/** A new owner passphrase: from `--factor-file`, or typed twice. */
export async function newFactorPassphrase(io: CliIo, path: string | undefined): Promise<string | null> {
  if (path !== undefined) return factorFromFile(path);
  const first = await typed(io, 'New owner passphrase, another than the one of the keystore: ');
  if (first === null) return null;
  if ((await typed(io, 'The same again: ')) === first) return first;
  throw new WalletError('bad_input', 'The two differ; nothing was added.');
}

/** T21: the factor alone raises limits, so a file that other users can read is no place for it. */
async function factorFromFile(path: string): Promise<string> {
  const secret = await readSecretLine(path, (why) => unusable('--factor-file', path, why));
  if (!secret.isExposed) return secret.text;
  throw unusable('--factor-file', path, `other users of this machine may read it; run: chmod 600 ${path}`);
}

async function typed(
  io: CliIo,
  question = 'Unlock passphrase (it opens the keystore): ',
): Promise<string | null> {
  return isInteractive(io) ? askHidden(io, question) : null;
}

/** Each attempt is asked for once, and its answer is what whoever asks later gets too. */
export function askedOnce(ask: (attempt: number) => Promise<string | null>): AskPassphrase {
  let last: { readonly attempt: number; readonly answer: Promise<string | null> } | undefined;
  return (attempt = 0) => {
    if (last === undefined || attempt > last.attempt) last = { attempt, answer: ask(attempt) };
    return last.answer;
  };
}

function once<T>(work: () => Promise<T>): () => Promise<T> {
  let result: Promise<T> | undefined;
  return () => (result ??= work());
}
