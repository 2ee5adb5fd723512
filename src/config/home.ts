import { chmodSync, existsSync, mkdirSync, readdirSync, statSync, type Stats } from 'node:fs';
import { homedir } from 'node:os';
import path from 'node:path';
import { WalletError } from '../errors/walletError.js';
import { rightsHint } from '../platform/fileSystem.js';

/** What a home holds. Everything in it is 0600, folders 0700. */
export const CONFIG_FILE = 'config.json';
/** The config as it last left our hands, to show an edit against. */
export const ACCEPTED_FILE = 'config.accepted.json';
/** Held while the config changes. */
export const CONFIG_LOCK = 'config.lock';
/** Its being there stops the wallet. */
export const FREEZE_FILE = 'frozen';
export const CATALOG_FILE = 'catalog.db';
export const ANSWERS_FOLDER = 'responses';
/** Beside the home, not in it, and named after it: where agents are pointed at answers that are no text. */
const SHOWN_SUFFIX = '-answers';
/** Bodies of calls that are not over. */
export const SPOOL_FOLDER = 'bodies';

const FOLDER_MODE = 0o700;
const ABSOLUTE = { say: 'Set PURSER_HOME to an absolute path, or to one that begins with ~/.' } as const;
/** Permission bits of anybody but the owner. */
const OTHERS = 0o077;

/**
 * The folder of the wallet, as an absolute path: `$PURSER_HOME`, or the platform's config folder.
 *
 * An MCP client starts servers in a folder of its own choice and without a shell, so a leading `~/` of
 * `$PURSER_HOME` is the user's folder here too. Nothing is read from disk but the user's folder where
 * the environment does not say it.
 *
 * Throws `home_unusable` for a `$PURSER_HOME` that is relative, or that a shell was meant to expand.
 */
export function resolveHome(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
): string {
  const { join, resolve, isAbsolute } = platform === 'win32' ? path.win32 : path.posix;
  const userFolder = userFolderOf(env, platform);
  const named = env['PURSER_HOME'];
  if (named) {
    judgeNamed(named);
    if (/^~(?=$|[/\\])/.test(named)) return join(userFolder, named.slice(1));
    if (isAbsolute(named)) return resolve(named);
    throw new WalletError(
      'home_unusable',
      'PURSER_HOME is a relative path, which means another folder wherever a client starts the server.',
      { owner: ABSOLUTE },
    );
  }
  switch (platform) {
    case 'win32':
      return join(env['APPDATA'] || join(userFolder, 'AppData', 'Roaming'), 'Purser');
    case 'darwin':
      return join(userFolder, 'Library', 'Application Support', 'Purser');
    default: {
      const xdg = env['XDG_CONFIG_HOME'];
      // The XDG specification has a relative path ignored.
      return join(xdg && isAbsolute(xdg) ? xdg : join(userFolder, '.config'), 'purser');
    }
  }
}

/** The folder beside a home from which agents read answers: whoever may read it reads nothing of the wallet's (T22). */
export function shownAnswersFolder(home: string): string {
  return `${path.resolve(home)}${SHOWN_SUFFIX}`;
}

/** The user's own folder; nothing is read from disk but where the environment does not say it. */
export function userFolderOf(
  env: Readonly<Record<string, string | undefined>>,
  platform: NodeJS.Platform,
): string {
  return (platform === 'win32' ? env['USERPROFILE'] : env['HOME']) || homedir();
}

/**
 * Refuses a PURSER_HOME that only a shell would have read as it was meant: a client passes `$HOME/x`, `%APPDATA%\\x` and
 * quotes on as they stand, and a wallet would be made in a folder of that name. Throws `home_unusable`.
 */
function judgeNamed(named: string): void {
  if (!/^["']|["']$|^\$|\$\{|%\w+%/.test(named)) return;
  throw new WalletError(
    'home_unusable',
    'PURSER_HOME has quotes or a variable in it, which only a shell would replace.',
    { owner: ABSOLUTE },
  );
}

/** What `--home FOLDER` means for PURSER_HOME: a person's shell has a folder that a relative path counts from. */
export function homeGiven(folder: string, platform: NodeJS.Platform): string {
  const { resolve } = platform === 'win32' ? path.win32 : path.posix;
  return /^[~"'$%]/.test(folder) ? folder : resolve(folder);
}

/**
 * Makes the home, 0700, or closes an empty folder that stands in its place; anything else there is only checked.
 *
 * Throws what {@link checkHome} throws, and `home_unusable` where the folder cannot be made.
 */
export function ensureHome(home: string): void {
  try {
    const isNew = makeFolder(home);
    // A folder with other things in it is somebody's choice: closing it could lock others out of their files.
    if (isNew || (isOurs(statSync(home)) && readdirSync(home).length === 0)) chmodSync(home, FOLDER_MODE);
  } catch (error) {
    throw unusable(home, error);
  }
  checkHome(home);
}

/**
 * Makes a folder and those above it. False where it is there. Node's own way never ends where a file system takes no
 * folders and says that they are missing, as /proc does.
 */
function makeFolder(folder: string): boolean {
  try {
    mkdirSync(folder, { mode: FOLDER_MODE });
    return true;
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return false;
    const above = path.dirname(folder);
    if (codeOf(error) !== 'ENOENT' || existsSync(above)) throw error;
    makeFolder(above);
    return makeFolder(folder);
  }
}

/**
 * Refuses a home that other users own or can enter (T22): `home_unsafe`, with the command that mends it.
 *
 * Throws `not_set_up` where there is none and `home_unusable` where it is no folder or cannot be read. On Windows
 * modes say nothing, and the profile's own access list is left to do its work.
 */
export function checkHome(home: string): void {
  const stats = statOf(home);
  if (!stats.isDirectory()) throw unusable(home, new Error('not a folder'));
  checkOwned(home, stats, '700');
}

/** Refuses a folder or file of another user's, or one that others can read or write: `home_unsafe`. */
export function checkOwned(file: string, stats: Stats, modeWanted: '600' | '700'): void {
  if (process.platform === 'win32') return;
  if (!isOurs(stats)) {
    const mend = `sudo chown -R "$(id -un)" ${quoted(file)}`;
    throw unsafe(`${file} belongs to another user; run: ${mend}`);
  }
  if ((stats.mode & OTHERS) !== 0) {
    throw unsafe(
      `${file} can be used by other users of this machine; run: chmod ${modeWanted} ${quoted(file)}${rightsHint(file)}`,
    );
  }
}

function isOurs(stats: Stats): boolean {
  return process.geteuid === undefined || stats.uid === process.geteuid();
}

function statOf(home: string): Stats {
  try {
    return statSync(home);
  } catch (error) {
    if (codeOf(error) === 'ENOENT') throw notSetUp(home);
    throw unusable(home, error);
  }
}

/** The error of a home where `purser init` was never run. */
export function notSetUp(home: string): WalletError {
  return new WalletError('not_set_up', `There is no wallet in ${home} yet.`, {
    owner: { say: 'The wallet has to be set up first.', action: { kind: 'setUp' } },
  });
}

/** The error of a home, or a file in it, that the operating system does not let us use. */
export function unusable(file: string, cause: unknown): WalletError {
  const why = codeOf(cause) ?? (cause instanceof Error ? cause.message : String(cause));
  return new WalletError('home_unusable', `${file} cannot be used (${why}).`, {
    cause,
    owner: { say: `Make ${file} usable, or set PURSER_HOME to another folder.` },
  });
}

function unsafe(message: string): WalletError {
  return new WalletError('home_unsafe', message, { owner: { say: message } });
}

/** The operating system's word for an error, such as `ENOENT`. */
export function codeOf(error: unknown): string | undefined {
  if (!(error instanceof Error) || !('code' in error)) return undefined;
  return typeof error.code === 'string' ? error.code : undefined;
}

function quoted(file: string): string {
  return /^[\w./-]+$/.test(file) ? file : `'${file.replaceAll("'", `'\\''`)}'`;
}
