import { constants, existsSync, type BigIntStats } from 'node:fs';
import { lstat, open, readlink, realpath, type FileHandle } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import nodePath from 'node:path';
import { CONFIG_FILE, userFolderOf } from '../../config/home.js';
import { WalletError } from '../../errors/walletError.js';
import { REQUEST_BODY_BYTES_MAX } from '../../net/send.js';
import { tooLarge } from './spool.js';

/** What decides which files may be sent. */
export interface FileRules {
  /** The wallet's own folder. */
  readonly home: string;
  /** `files.send_from` of the config. */
  readonly sendFrom: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
}

/** A file that may be sent, open: what is read is this file, whatever its path names later. */
export interface BodyFile {
  /** The last part of its path. */
  readonly name: string;
  /** Its whole path, symbolic links resolved. */
  readonly path: string;
  readonly length: number;
  /**
   * Its bytes from the first one on. Throws `bad_input` where the file does not end where it ended when it was opened, or
   * was written to meanwhile.
   */
  read(): AsyncGenerator<Uint8Array, void>;
  close(): Promise<void>;
}

const PATH_LENGTH_MAX = 4096;
const PIECE_BYTES = 64 * 1024;
/** Files that are no files: a process's memory and environment are in the first. */
const KERNEL_FOLDERS = ['/proc', '/sys', '/dev'];

/**
 * Opens a file that an agent names, to send it (T45). It lies in one of the owner's folders for it, symbolic links
 * resolved; nothing on its way there is hidden, and none of it is a wallet's. It is a plain file with one name, of at most
 * 64 MiB. What is refused for where it is was not looked at.
 *
 * Throws `bad_input`, or `file_not_allowed` with the owner's setting.
 */
export async function openBodyFile(text: string, rules: FileRules): Promise<BodyFile> {
  const path = absolutePath(text, rules);
  const roots = await rootsOf(rules);
  judgePlace(path, roots, rules);
  const real = await realpath(path).catch((error: unknown) => {
    throw unreadable(error);
  });
  judgePlace(real, roots, rules);
  await judgeWallet(real, rules);
  const seen = await lstat(real, { bigint: true }).catch((error: unknown) => {
    throw unreadable(error);
  });
  // Before it is opened: a pipe would wait for its writer, and some devices act on being opened.
  judgeKind(seen);
  const handle = await open(
    real,
    constants.O_RDONLY | (constants.O_NOFOLLOW ?? 0) | (constants.O_NONBLOCK ?? 0),
  ).catch((error: unknown) => {
    throw unreadable(error);
  });
  try {
    const stats = await handle.stat({ bigint: true });
    judgeKind(stats);
    // A folder on the way may have been changed for a link between the look and the opening.
    if (!isSame(stats, seen) || !(await isAt(handle, real, stats))) throw changed();
    return new OpenFile(real, handle, stats);
  } catch (error) {
    await handle.close();
    throw error;
  }
}

class OpenFile implements BodyFile {
  readonly name: string;
  readonly path: string;
  readonly length: number;
  readonly #handle: FileHandle;
  readonly #stats: BigIntStats;

  constructor(path: string, handle: FileHandle, stats: BigIntStats) {
    this.name = nodePath.basename(path);
    this.path = path;
    this.length = Number(stats.size);
    this.#handle = handle;
    this.#stats = stats;
  }

  async *read(): AsyncGenerator<Uint8Array, void> {
    let at = 0;
    for (;;) {
      const piece = Buffer.allocUnsafe(PIECE_BYTES);
      const { bytesRead } = await this.#handle.read(piece, 0, PIECE_BYTES, at);
      at += bytesRead;
      // One that grows as fast as it is read would never end.
      if (at > this.length) throw changed();
      if (bytesRead === 0) break;
      yield piece.subarray(0, bytesRead);
    }
    const after = await this.#handle.stat({ bigint: true });
    if (at !== this.length || after.mtimeNs !== this.#stats.mtimeNs || after.size !== this.#stats.size)
      throw changed();
  }

  close(): Promise<void> {
    return this.#handle.close();
  }
}

/** The path as the file system takes it. */
function absolutePath(text: string, { env, platform }: FileRules): string {
  const { join, isAbsolute, resolve } = pathsOf(platform);
  const path = /^~[/\\]/.test(text) ? join(userFolderOf(env, platform), text.slice(2)) : text;
  const isOdd =
    path.includes('\0') ||
    path.length > PATH_LENGTH_MAX ||
    !isAbsolute(path) ||
    // Of Windows: a share would be sent the user's name and a hash of their password; a device or a stream is no file.
    (platform === 'win32' && !/^[A-Za-z]:[\\/][^:*?"<>|]*$/.test(path));
  if (isOdd)
    throw new WalletError(
      'bad_input',
      'A file to send is named by its absolute path, such as /home/me/picture.png, or one that begins with ~/.',
    );
  return resolve(path);
}

/** A folder of the owner's for files to send, links resolved, and whether they named it themselves. */
interface Root {
  readonly paths: readonly string[];
  readonly named: boolean;
  readonly isTemp: boolean;
}

async function rootsOf({ sendFrom, env, platform }: FileRules): Promise<Root[]> {
  const { resolve } = pathsOf(platform);
  const places: Readonly<Record<string, () => string>> = {
    home: () => userFolderOf(env, platform),
    temp: () => tmpdir(),
    working: () => process.cwd(),
  };
  const roots = sendFrom.map(async (entry): Promise<Root[]> => {
    const known = places[entry];
    const path = resolve(known?.() ?? entry);
    // A client that starts the server at the top of the file system has given it no folder to work in.
    if (known !== undefined && path === pathsOf(platform).parse(path).root) return [];
    const real = await realpath(path).catch(() => path);
    return [{ paths: [...new Set([path, real])], named: known === undefined, isTemp: entry === 'temp' }];
  });
  return (await Promise.all(roots)).flat();
}

/** Throws where no folder of the owner's is above a path, or something hidden is on the way. */
function judgePlace(path: string, roots: readonly Root[], rules: FileRules): void {
  const { platform } = rules;
  const isKernels =
    platform !== 'win32' && KERNEL_FOLDERS.some((folder) => stepsBelow(folder, path, platform));
  const above = roots.flatMap(({ paths, named }) =>
    paths.flatMap((root) => {
      const below = stepsBelow(root, path, platform);
      return below === null
        ? []
        : [{ below, whole: stepsBelow(pathsOf(platform).parse(root).root, path, platform) ?? [], named }];
    }),
  );
  if (isKernels || above.length === 0)
    throw notAllowed('is in none of the folders for it', pathsOf(platform).dirname(path));
  // What the owner named they meant, a hidden folder too; below it, and in all of the other ones, what is hidden is not.
  const isOpen = above.some(
    ({ below, whole, named }) => !(named ? below : whole).some((step) => step.startsWith('.')),
  );
  if (!isOpen || isPrograms(path, roots, rules)) throw notAllowed('is hidden, or in a hidden folder');
}

/** Whether a path is in the folder where programs keep their own: passwords, keys, sessions of browsers. */
function isPrograms(path: string, roots: readonly Root[], { env, platform }: FileRules): boolean {
  const name = { win32: 'AppData', darwin: 'Library' }[platform as string];
  if (name === undefined) return false;
  const programs = pathsOf(platform).join(userFolderOf(env, platform), name);
  const isIn = (folder: string, one: string): boolean => stepsBelow(folder, one, platform) !== null;
  if (!isIn(programs, path)) return false;
  // What the owner named in there they meant, and on Windows the temporary files are there.
  const isOpen = roots.some(
    ({ paths, named, isTemp }) =>
      (named || isTemp) && paths.some((root) => isIn(programs, root) && isIn(root, path)),
  );
  return !isOpen;
}

/** Throws for a file of this wallet or of another one, and for a passphrase that was put elsewhere. */
async function judgeWallet(real: string, { home, env, platform }: FileRules): Promise<void> {
  const [own, ...secrets] = await Promise.all(
    [home, ...SECRET_FILES.flatMap((name) => env[name] ?? [])].map((path) =>
      realpath(path).catch(() => path),
    ),
  );
  const isOurs = own !== undefined && stepsBelow(own, real, platform) !== null;
  if (isOurs || secrets.includes(real)) throw notAllowed('is the wallet’s own');
  const { dirname, join } = nodePath;
  for (let folder = dirname(real); folder !== dirname(folder); folder = dirname(folder)) {
    if (WALLET_FILES.every((name) => existsSync(join(folder, name)))) throw notAllowed('is a wallet’s');
  }
}

/** Variables that name a file with a passphrase in it. */
const SECRET_FILES = ['PURSER_PASSPHRASE_FILE'];

/** What every wallet's folder holds. */
const WALLET_FILES = [CONFIG_FILE, 'keystore.json'];

/** The names from a folder down to a path; null where it is not below. */
function stepsBelow(folder: string, path: string, platform: NodeJS.Platform): string[] | null {
  const { relative, isAbsolute, sep } = pathsOf(platform);
  const way = relative(folder, path);
  if (way === '' || way === '..' || way.startsWith(`..${sep}`) || isAbsolute(way)) return null;
  return way.split(sep);
}

function pathsOf(platform: NodeJS.Platform): nodePath.PlatformPath {
  return platform === 'win32' ? nodePath.win32 : nodePath.posix;
}

/** Throws for what is no plain file of one name: another name may be in a place that is not allowed. */
function judgeKind(stats: BigIntStats): void {
  if (!stats.isFile())
    throw new WalletError('bad_input', 'A file to send must be a plain file, no folder, pipe or device.');
  if (stats.nlink > 1n)
    throw new WalletError(
      'bad_input',
      'The file has a second name (a hard link); copy it, and send the copy.',
    );
  if (stats.size > BigInt(REQUEST_BODY_BYTES_MAX)) throw tooLarge();
}

function isSame(one: BigIntStats, other: BigIntStats): boolean {
  return one.dev === other.dev && one.ino === other.ino;
}

/** Whether what is open is what stands at a path, all of it free of links. */
async function isAt(handle: FileHandle, real: string, stats: BigIntStats): Promise<boolean> {
  // Linux says itself what an open file's path is; elsewhere the path is gone down once more.
  const open = await readlink(`/proc/self/fd/${handle.fd}`).catch(() => null);
  if (open !== null) return open === real;
  if ((await realpath(real).catch(() => null)) !== real) return false;
  const again = await lstat(real, { bigint: true }).catch(() => null);
  return again !== null && isSame(again, stats);
}

function unreadable(error: unknown): WalletError {
  const { code } = error as NodeJS.ErrnoException;
  return new WalletError('bad_input', `The file to send cannot be read (${code ?? 'unknown'}).`, {
    cause: error,
  });
}

function changed(): WalletError {
  return new WalletError('bad_input', 'The file to send changed while it was read; nothing was sent.', {
    retry: 'same_call',
  });
}

function notAllowed(why: string, folder?: string): WalletError {
  return new WalletError(
    'file_not_allowed',
    `The file ${why}, so the owner’s settings do not let it be sent (files.send_from).`,
    folder === undefined
      ? {}
      : {
          owner: {
            say: `The agent wants to send a file from ${folder}, which is in no folder of files.send_from.`,
            action: { kind: 'addToSetting', key: 'files.send_from', entry: folder },
          },
        },
  );
}
