import { randomBytes } from 'node:crypto';
import { closeSync, fsyncSync, openSync, renameSync } from 'node:fs';
import {
  chmod,
  chown,
  link,
  lstat,
  open,
  readdir,
  readFile,
  rename,
  rm,
  type FileHandle,
} from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';

/** How the name of a file ends that is not yet in its place. */
const FRESH_SUFFIX = /\.[0-9a-f]{12}\.new$/;
const FRESH_BYTES = 6;
/** Writing takes milliseconds: an older file without its place was left by a process that was killed. */
const LEFT_OVER_MS = 60_000;

/** How a file is written. */
export interface FileWrite {
  readonly mode: number;
  /** Given to the file where this process may give it. */
  readonly owner?: { readonly uid: number; readonly gid: number };
  /** The caller holds a lock on this file: whatever stands unfinished beside it was left by a killed process. */
  readonly isSoleWriter?: boolean;
}

/** What a rename meets on Windows while a virus scanner or an indexer has the file open: it lets go in moments. */
const HELD_ERRNOS = ['EBUSY', 'EPERM', 'EACCES'] as const;
/** Together a second and a half: a scanner is quicker, and a person still waits. */
const HELD_PAUSES_MS: readonly number[] = [10, 40, 100, 250, 400, 700];

/** True for an error of the file system with one of these codes. */
export function hasErrno(error: unknown, ...codes: readonly string[]): boolean {
  return error instanceof Error && 'code' in error && codes.includes(String(error.code));
}

/**
 * Replaces a file as a whole, durably: a crash or a full disk leaves the old file or the new one, never a part.
 *
 * The bytes go to a new file beside it, which is written in full, synced, read back and only then put in place (T44).
 * Throws what the file system says, `ENOSPC` also where it took fewer bytes than it was given.
 */
export async function replaceFile(path: string, text: string, write: FileWrite): Promise<void> {
  await placeFile(path, text, write, (from, to) => renameUnheld(from, to));
}

/** {@link replaceFile} for a name that is free; answers false, and changes nothing, where it is taken. */
export async function createFile(path: string, text: string, write: FileWrite): Promise<boolean> {
  try {
    // A hard link is the one step of a file system that creates and never overwrites.
    await placeFile(path, text, write, link);
    return true;
  } catch (error) {
    if (hasErrno(error, 'EEXIST')) return false;
    throw error;
  }
}

/** What a rename is done by, and on which system. */
interface Renaming<Done> {
  readonly move?: (from: string, to: string) => Done;
  readonly platform?: NodeJS.Platform;
  readonly pausesMs?: readonly number[];
}

/**
 * Renames a file over another, and tries again for a moment where another program holds one of them, which on Windows alone
 * keeps a file from being replaced. Throws the last fault. Tests give what renames, and wait less.
 */
export async function renameUnheld(
  from: string,
  to: string,
  { move = rename, platform = process.platform, pausesMs = HELD_PAUSES_MS }: Renaming<Promise<void>> = {},
): Promise<void> {
  for (const waitMs of pausesMs) {
    try {
      await move(from, to);
      return;
    } catch (error) {
      if (!mayPass(error, platform)) throw error;
      await pause(waitMs);
    }
  }
  await move(from, to);
}

/**
 * {@link renameUnheld} for work that must not be interrupted, such as the inside of a transaction. The process stands still while it
 * waits.
 */
export function renameUnheldSync(
  from: string,
  to: string,
  { move = renameSync, platform = process.platform, pausesMs = HELD_PAUSES_MS }: Renaming<void> = {},
): void {
  for (const waitMs of pausesMs) {
    try {
      move(from, to);
      return;
    } catch (error) {
      if (!mayPass(error, platform)) throw error;
      standStill(waitMs);
    }
  }
  move(from, to);
}

/** Elsewhere than on Windows these say that it is not allowed, now or later; only EBUSY may pass, as on some shares. */
function mayPass(error: unknown, platform: NodeJS.Platform): boolean {
  return hasErrno(error, ...(platform === 'win32' ? HELD_ERRNOS : (['EBUSY'] as const)));
}

function standStill(ms: number): void {
  // Nobody else has this memory, so nobody ends the wait before its time.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(Int32Array.BYTES_PER_ELEMENT)), 0, 0, ms);
}

async function placeFile(
  path: string,
  text: string,
  { mode, owner, isSoleWriter = false }: FileWrite,
  place: (from: string, to: string) => Promise<void>,
): Promise<void> {
  await removeLeftOver(dirname(path), basename(path), isSoleWriter ? 0 : LEFT_OVER_MS);
  const fresh = join(dirname(path), `.${basename(path)}.${randomBytes(FRESH_BYTES).toString('hex')}.new`);
  const bytes = Buffer.from(text, 'utf8');
  try {
    const file = await open(fresh, 'wx', mode);
    try {
      await writeWhole(file, bytes, path);
      await file.sync();
    } finally {
      await file.close();
    }
    // A disk that does not give the bytes back has no copy to put in the old one's place.
    if (!(await readFile(fresh)).equals(bytes)) throw noRoom(path);
    // The mask of the process took bits away.
    await chmod(fresh, mode);
    if (owner !== undefined && process.geteuid?.() === 0) await chown(fresh, owner.uid, owner.gid);
    await place(fresh, path);
  } finally {
    await rm(fresh, { force: true });
  }
  syncFolder(dirname(path));
}

/** Writes every byte, or throws `ENOSPC`: one write may take fewer than it was given, and says so by its answer alone. */
async function writeWhole(file: FileHandle, bytes: Uint8Array, path: string): Promise<void> {
  for (let at = 0; at < bytes.length;) {
    const { bytesWritten } = await file.write(bytes, at, bytes.length - at);
    if (bytesWritten === 0) throw noRoom(path);
    at += bytesWritten;
  }
}

/** Makes a new name in a folder durable. Windows has no such call and needs none. */
export function syncFolder(folder: string): void {
  if (process.platform === 'win32') return;
  const descriptor = openSync(folder, 'r');
  try {
    fsyncSync(descriptor);
  } finally {
    closeSync(descriptor);
  }
}

/**
 * Removes what killed processes left of files whose names begin with `namePrefix`: parts, which may hold others'
 * secrets. A part that is younger than `olderThanMs` may be another process's own.
 */
export async function removeLeftOver(folder: string, namePrefix: string, olderThanMs: number): Promise<void> {
  for (const name of await readdir(folder)) {
    if (!name.startsWith(`.${namePrefix}`) || !FRESH_SUFFIX.test(name)) continue;
    const left = join(folder, name);
    const stats = await lstat(left).catch(() => null);
    if (stats !== null && Date.now() - stats.mtimeMs >= olderThanMs) await rm(left, { force: true });
  }
}

function noRoom(path: string): NodeJS.ErrnoException {
  return Object.assign(new Error(`ENOSPC: not every byte of ${path} was written`), { code: 'ENOSPC' });
}
