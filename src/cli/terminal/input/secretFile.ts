import type { Stats } from 'node:fs';
import type { WalletError } from '../../../errors/walletError.js';
import { readBounded } from './boundedFile.js';

/** A secret is one line; a larger file is some other file. */
const FILE_BYTES_MAX = 4096;
/** Permission bits of the group and of everybody else. */
const GROUP_AND_OTHERS = 0o077;
const OTHERS = 0o007;

/** Takes a line for the person who runs the program. */
export type Warn = (line: string) => void;

/** A secret as a file holds it. */
export interface SecretFile {
  /** The file's text without the line end at its end. */
  readonly text: string;
  /** Whether another user of this machine may read the file. Always false on Windows, where modes say nothing. */
  readonly isExposed: boolean;
}

/** Reads a secret of one line from a file or a pipe. Throws the error that `fail` makes. */
export async function readSecretLine(path: string, fail: (why: string) => WalletError): Promise<SecretFile> {
  const { bytes, stats } = await readBounded(path, FILE_BYTES_MAX).catch((error: unknown) => {
    // T21: only the operating system's word for the fault, never anything of the file.
    throw fail((error as NodeJS.ErrnoException).code ?? 'it cannot be read');
  });
  if (bytes === null) throw fail('it is too large to be a line of text');
  const text = decode(bytes).replace(/\r?\n$/, '');
  if (text === '') throw fail('it is empty');
  return { text, isExposed: isExposed(stats) };
}

/** The text of a file by its byte order mark, which Windows' editors and shells write: UTF-16 or UTF-8, else UTF-8. */
function decode(bytes: Buffer): string {
  if (bytes[0] === 0xff && bytes[1] === 0xfe) return bytes.subarray(2).toString('utf16le');
  if (bytes[0] === 0xfe && bytes[1] === 0xff && bytes.length % 2 === 0) {
    return Buffer.from(bytes.subarray(2)).swap16().toString('utf16le');
  }
  return bytes.toString('utf8').replace(/^\uFEFF/, '');
}

/** What of a file's state tells who may read it. */
export type FileAccess = Pick<Stats, 'uid' | 'mode' | 'isFile'>;

/**
 * Whether another user may read a file, by the rule that ssh has for its keys: the group's bits count only where the
 * file is ours. On one of root's they may be the mask of an access list, as with systemd's credentials.
 */
export function isExposed(file: FileAccess, ownUid = process.geteuid?.()): boolean {
  if (ownUid === undefined || !file.isFile()) return false;
  if (file.uid === ownUid) return (file.mode & GROUP_AND_OTHERS) !== 0;
  const isForeign = file.uid !== 0 && ownUid !== 0;
  return isForeign || (file.mode & OTHERS) !== 0;
}

const warned = new Set<string>();

/** Says once a process that a file with a secret is open to others: containers hand secrets out like that. */
export function warnIfExposed(path: string, { isExposed: exposed }: SecretFile, warn: Warn): void {
  if (!exposed || warned.has(path)) return;
  warned.add(path);
  warn(`Other users of this machine may read the secret in ${path}; run: chmod 600 ${path}`);
}
