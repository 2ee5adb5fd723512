import { accessSync, constants, existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Client, PlaceRow, Platform } from './client.js';
import { expand, pathsOf, type Machine } from './machine.js';

/** Where a client keeps its servers on this machine. */
export interface ClientPlace {
  /** Absolute path of the file; it may not exist. */
  readonly file: string;
  /** Whether the client was ever here. */
  readonly there: boolean;
}

/** The platform whose row counts: every Unix is taken for Linux. */
export function platformOf({ platform }: Pick<Machine, 'platform'>): Platform {
  return platform === 'darwin' || platform === 'win32' ? platform : 'linux';
}

/** The paths a client's row comes to on a machine; stars stand still. */
export function rowsOf(client: Client, machine: Machine): readonly PlaceRow[] {
  const { join: joined } = pathsOf(machine);
  return client.places[platformOf(machine)].map(({ folder, files, sign }) => {
    const at = expand(folder, machine);
    const paths = files.map((file) => joined(at, file));
    return { folder: at, files: paths, ...(sign === undefined ? {} : { sign: expand(sign, machine) }) };
  });
}

/**
 * Where a client is on this machine: every place whose folder is there. Where none is, the first, as one to make
 * for a person who names the client.
 */
export function findPlaces(client: Client, machine: Machine): readonly ClientPlace[] {
  const rows = rowsOf(client, machine);
  const there = rows
    .filter(({ sign }) => sign === undefined || existsSync(sign))
    .flatMap((row) => matching(row.folder).map((folder) => fileIn(row, folder)));
  if (there.length > 0) return there.map((file) => ({ file, there: true }));
  const [first] = rows;
  const file = first === undefined ? undefined : fileIn(first, first.folder);
  return file === undefined ? [] : [{ file, there: findProgram(client.program, machine) !== null }];
}

/**
 * The file of an administrator that takes a client's servers out of its user's hands; null where none is there. Tests say
 * which files are.
 */
export function managedFileOf(
  client: Client,
  machine: Machine,
  isThere: (path: string) => boolean = existsSync,
): string | null {
  const file = client.managedFile?.[platformOf(machine)];
  if (file === undefined) return null;
  const path = expand(file, machine);
  return isThere(path) ? path : null;
}

/** The file of a row in a folder that its pattern found: the first name that is there. */
function fileIn({ folder, files }: PlaceRow, found: string): string {
  const paths = files.map((file) => found + file.slice(folder.length));
  return paths.find((file) => existsSync(file)) ?? paths[0] ?? found;
}

/** The folders a path with a star in it stands for; none where it is not there. */
function matching(pattern: string): string[] {
  const star = pattern.indexOf('*');
  if (star === -1) return isFolder(pattern) ? [pattern] : [];
  const parent = dirname(pattern.slice(0, star + 1));
  const name = basename(pattern.slice(0, star));
  const rest = pattern.slice(star + 1);
  try {
    return readdirSync(parent)
      .filter((entry) => entry.startsWith(name))
      .map((entry) => join(parent, entry) + rest)
      .filter(isFolder);
  } catch {
    return [];
  }
}

/** A folder behind one that this user may not enter is no client's of theirs: it must not end a look at the others (T44). */
function isFolder(path: string): boolean {
  try {
    return statSync(path).isDirectory();
  } catch {
    return false;
  }
}

/**
 * The absolute path of a client's own program, as far as it can be run without a shell: on Windows, scripts cannot.
 * Null where there is none on PATH.
 */
export function findProgram(name: string | undefined, machine: Machine): string | null {
  if (name === undefined) return null;
  const paths = pathsOf(machine);
  const file = machine.platform === 'win32' ? `${name}.exe` : name;
  const folders = (machine.env['PATH'] ?? machine.env['Path'] ?? '').split(paths.delimiter);
  for (const folder of folders.filter((one) => paths.isAbsolute(one))) {
    const path = paths.join(folder, file);
    try {
      accessSync(path, constants.X_OK);
      if (statSync(path).isFile()) return path;
    } catch {
      // The next folder.
    }
  }
  return null;
}
