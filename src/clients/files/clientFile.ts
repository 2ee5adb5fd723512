import {
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  realpathSync,
  rmSync,
  statSync,
  type Stats,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { replaceFile, type FileWrite } from '../../platform/durableFile.js';
import { SERVER_NAME } from '../client.js';
import { refuse } from './format.js';

/** Claude Code keeps histories in its file; a larger one is something else. */
const FILE_BYTES_MAX = 32 * 1024 * 1024;
/** Other servers' secrets may stand in such a file one day. */
const NEW_FILE_MODE = 0o600;
const NEW_FOLDER_MODE = 0o700;

/** A client's file as it is on disk. */
export interface ClientFile {
  /** The path a person knows. */
  readonly path: string;
  /** What a link there leads to, else the same. */
  readonly target: string;
  /** Null where there is no file. */
  readonly text: string | null;
  readonly stats: Stats | null;
}

/** Names the copy of a file from before one of our entries came into it: each entry has its own. */
export function backupOf(path: string, name = SERVER_NAME): string {
  return name === SERVER_NAME ? `${path}.purser-backup` : `${path}.purser-${name}-backup`;
}

/** More copies beside one file are not looked at: each is of one of our entries. */
const BACKUPS_MAX = 50;

/** The paths of all copies of ours beside a file. */
function backupsOf(target: string): string[] {
  const beginning = `${basename(target)}.purser-`;
  return readdirSync(dirname(target))
    .filter((name) => name.startsWith(beginning) && name.endsWith('backup'))
    .slice(0, BACKUPS_MAX)
    .map((name) => join(dirname(target), name));
}

/** Reads a client's file, through a link if it is one. Throws `client_config` if it must not be changed. */
export function readClientFile(path: string): ClientFile {
  try {
    if (lstat(path) === null) return { path, target: path, text: null, stats: null };
    const target = realpathSync(path);
    const stats = statSync(target);
    if (!stats.isFile()) throw refuse('it is not a file');
    if (stats.size > FILE_BYTES_MAX) throw refuse('it is too large for a configuration');
    if (!isOurs(stats)) throw refuse('it belongs to another user');
    const bytes = readFileSync(target);
    const text = bytes.toString('utf8');
    if (!Buffer.from(text, 'utf8').equals(bytes)) throw refuse('it is not UTF-8 text');
    return { path, target, text, stats };
  } catch (error) {
    throw faultOf(error, path);
  }
}

/** Keeps a copy of a client's file beside it, in the place of an older one; answers its path, null without a file. */
export async function keepCopy(file: ClientFile, name?: string): Promise<string | null> {
  const { path, target, text, stats } = file;
  if (text === null) return null;
  try {
    checkWritable(file);
    const copy = backupOf(target, name);
    await replaceFile(copy, text, rightsLike(target, stats));
    return copy;
  } catch (error) {
    throw faultOf(error, path);
  }
}

/**
 * Writes a client's file as a whole: a crash leaves the old one or the new one. Owner and mode stay, and a link
 * stays a link.
 *
 * Throws `client_config` where it cannot be written, or changed since it was read; then nothing is changed.
 */
export async function writeClientFile(file: ClientFile, text: string): Promise<void> {
  const { path, target, stats } = file;
  try {
    checkWritable(file);
    makeFolder(dirname(target));
    const now = readClientFile(path);
    // A client that runs writes it too.
    if (now.text !== file.text || now.target !== target) throw refuse('it changed meanwhile; try again');
    await replaceFile(target, text, rightsLike(target, stats));
  } catch (error) {
    throw faultOf(error, path);
  }
}

/** Makes a folder and those above it, by our own steps: Node's never end under /proc. */
function makeFolder(folder: string): void {
  const missing: string[] = [];
  for (let at = folder; !existsSync(at); at = dirname(at)) missing.unshift(at);
  for (const at of missing) mkdirSync(at, { mode: NEW_FOLDER_MODE });
}

/** Who made a file read-only wants no program to change it; a rename would not even notice. */
function checkWritable({ stats }: ClientFile): void {
  if (stats !== null && (stats.mode & 0o200) === 0) throw refuse('it is read-only');
}

/** Takes a client's file away, which we had made. */
export function removeClientFile({ target, path }: ClientFile): void {
  try {
    rmSync(target);
  } catch (error) {
    throw faultOf(error, path);
  }
}

/** The text from before one of our entries came: undefined where no copy was kept that can be read. */
export function readBackup({ target }: ClientFile, name?: string): string | undefined {
  return textOf(backupOf(target, name));
}

/** The texts from before each of our entries came. */
export function readBackups({ target }: ClientFile): string[] {
  return backupsOf(target).flatMap((path) => textOf(path) ?? []);
}

function textOf(path: string): string | undefined {
  try {
    return readClientFile(path).text ?? undefined;
  } catch {
    return undefined;
  }
}

/** Takes the copies away, once they have done their work. */
export function removeBackups({ target }: ClientFile): void {
  for (const path of backupsOf(target)) rmSync(path, { force: true });
}

function lstat(path: string): Stats | null {
  return lstatSync(path, { throwIfNoEntry: false }) ?? null;
}

function isOurs({ uid }: Stats): boolean {
  // Root changes a user's file as that user would: the file stays theirs.
  return process.geteuid === undefined || process.geteuid() === 0 || uid === process.geteuid();
}

/** Owner and mode are those of the file that is replaced, or of its folder. */
function rightsLike(target: string, like: Stats | null): FileWrite {
  const { uid, gid } = like ?? statSync(dirname(target));
  return { mode: like === null ? NEW_FILE_MODE : like.mode & 0o7777, owner: { uid, gid } };
}

/** An error of the file system as one of ours. */
function faultOf(error: unknown, path: string): unknown {
  const { code } = error as NodeJS.ErrnoException;
  if (code === 'client_config') return error;
  if (code === 'ENOENT' && lstat(path)?.isSymbolicLink() === true)
    return refuse('it is a link to nothing', error);
  return code === undefined ? error : refuse(`it cannot be read or written (${code})`, error);
}
