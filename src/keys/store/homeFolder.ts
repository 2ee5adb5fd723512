import { constants } from 'node:fs';
import { chmod, lstat, mkdir, open, readdir } from 'node:fs/promises';
import { join } from 'node:path';
import { WalletError } from '../../errors/walletError.js';
import { rightsHint } from '../../platform/fileSystem.js';
import { createFile, hasErrno, removeLeftOver, replaceFile } from '../../platform/durableFile.js';

/** Group and others: none of them may touch a wallet's folder or files. */
const OTHERS = 0o077;

/** Our files are a few hundred bytes; a larger one is not ours. */
const FILE_BYTES_MAX = 16 * 1024;

/** Windows has neither; its profile folders carry access lists of their own. */
const NOFOLLOW = constants.O_NOFOLLOW ?? 0;
const NONBLOCK = constants.O_NONBLOCK ?? 0;
const ownUid = process.geteuid?.();

/** What the keystore's files in the folder, and none of anyone else's, begin with. */
const FILE_PREFIX = 'keystore';

/** How a write treats a file that exists. */
type WriteMode = 'create' | 'replace';

/**
 * Checks that only we can use the wallet's folder.
 *
 * Throws `home_unsafe` for a link, a folder of another user, or one that others may enter; `home_unusable` where it
 * cannot be looked at.
 */
async function checkHome(home: string): Promise<void> {
  const stat = await lstat(home).catch((error: unknown) => {
    throw unusableHome(home, error);
  });
  if (stat.isSymbolicLink())
    throw unsafeHome(home, 'is a symbolic link', 'Let PURSER_HOME name the folder itself.');
  if (!stat.isDirectory()) throw unusableHome(home, undefined);
  if (ownUid !== undefined && stat.uid !== ownUid) {
    throw unsafeHome(
      home,
      'belongs to another user',
      `Let PURSER_HOME name a folder of your own, or run: chown -R ${ownUid} ${home}`,
    );
  }
  if (ownUid !== undefined && (stat.mode & OTHERS) !== 0) {
    throw unsafeHome(home, 'is open to other users', `Run: chmod 700 ${home}${rightsHint(home)}`);
  }
}

/**
 * Makes the wallet's folder, or closes an empty one that is ours to other users.
 *
 * A folder with something in it is never changed: it may be more than the wallet's.
 */
export async function prepareHome(home: string): Promise<void> {
  try {
    await mkdir(home, { recursive: true, mode: 0o700 });
    const stat = await lstat(home);
    const isOurs = stat.isDirectory() && stat.uid === ownUid;
    if (isOurs && (stat.mode & OTHERS) !== 0 && (await readdir(home)).length === 0) await chmod(home, 0o700);
  } catch (error) {
    throw unusableHome(home, error);
  }
  await checkHome(home);
}

/**
 * Reads a small file of the wallet's folder as text; null where there is none.
 *
 * Never follows a link and never waits on a pipe. Throws `keystore_unreadable` for anything but a plain file of
 * ours that others cannot read, and what {@link checkHome} throws where the file lies in an unsafe folder.
 */
export async function readHomeFile(home: string, name: string): Promise<string | null> {
  const path = join(home, name);
  const file = await open(path, constants.O_RDONLY | NOFOLLOW | NONBLOCK).catch((error: unknown) => {
    if (hasErrno(error, 'ENOENT')) return null;
    if (hasErrno(error, 'ENOTDIR')) throw unusableHome(home, error);
    if (hasErrno(error, 'ELOOP')) throw unreadable(path, 'is a symbolic link', 'Put the file itself there.');
    throw unreadable(path, 'cannot be opened', `Look at the rights of ${path}`, error);
  });
  if (file === null) return null;
  try {
    await checkHome(home);
    const stat = await file.stat();
    if (!stat.isFile()) throw unreadable(path, 'is not a plain file', 'Put the file itself there.');
    if (ownUid !== undefined && stat.uid !== ownUid) {
      throw unreadable(path, 'belongs to another user', `Run: chown ${ownUid} ${path}`);
    }
    if (ownUid !== undefined && (stat.mode & OTHERS) !== 0) {
      throw unreadable(path, 'is open to other users', `Run: chmod 600 ${path}${rightsHint(path)}`);
    }
    if (stat.size > FILE_BYTES_MAX) throw unreadable(path, 'is far too large', 'Restore it from a backup.');
    return await file.readFile('utf8');
  } finally {
    await file.close();
  }
}

/**
 * Writes a small file of the wallet's folder, whole or not at all, and durably, with mode 0600.
 *
 * `create` never replaces a file and answers `exists` instead. The caller holds the keystore's lock. Throws `disk_full` and `home_unusable`.
 */
export async function writeHomeFile(
  home: string,
  name: string,
  text: string,
  mode: WriteMode,
): Promise<'written' | 'exists'> {
  const path = join(home, name);
  try {
    await removeLeftOver(home, FILE_PREFIX, 0);
    const write = { mode: 0o600, isSoleWriter: true };
    if (mode === 'create') return (await createFile(path, text, write)) ? 'written' : 'exists';
    await replaceFile(path, text, write);
    return 'written';
  } catch (error) {
    if (hasErrno(error, 'ENOSPC', 'EDQUOT')) {
      throw new WalletError('disk_full', `The disk has no room for ${path}.`, { cause: error });
    }
    throw unusableHome(home, error);
  }
}

function unsafeHome(home: string, why: string, mend: string): WalletError {
  return new WalletError('home_unsafe', `The wallet's folder ${home} ${why}.`, {
    owner: { say: mend },
  });
}

function unusableHome(home: string, cause: unknown): WalletError {
  return new WalletError('home_unusable', `The wallet's folder ${home} cannot be used.`, {
    cause,
    owner: { say: `Make ${home} a folder that you can read and write, or let PURSER_HOME name another.` },
  });
}

function unreadable(path: string, why: string, mend: string, cause?: unknown): WalletError {
  return new WalletError('keystore_unreadable', `${path} ${why}.`, { cause, owner: { say: mend } });
}
