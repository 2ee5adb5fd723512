import { createHash, hash, randomBytes } from 'node:crypto';
import { mkdirSync } from 'node:fs';
import { open, readdir, rm, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { codeOf, notSetUp, SPOOL_FOLDER } from '../../config/home.js';
import { WalletError } from '../../errors/walletError.js';
import { REQUEST_BODY_BYTES_MAX } from '../../net/send.js';
import { renameUnheld } from '../../platform/durableFile.js';
import { MEMORY_BYTES_MAX, memoryBody, type CallBody } from './callBody.js';

/** Whose body it is. */
export interface SpoolPlace {
  readonly home: string;
  readonly agent: string;
}

/** What one agent may have in the spool: four of the largest bodies. What is there has a call that is not over. */
const AGENT_BYTES_MAX = 4 * REQUEST_BODY_BYTES_MAX;
/** A body is kept so long after it was last used: the life of a quote, of a question to the owner, and of a call. */
const KEPT_MS = 20 * 60_000;
const PIECE_BYTES = 64 * 1024;
const PART_SUFFIX = '.part';
/** SHA-256 of a name is enough of it to tell agents apart, and says nothing to who lists the folder. */
const TAG_LENGTH = 16;

/** Bytes being written at this moment, by agent: calls in parallel share {@link AGENT_BYTES_MAX}. */
const beingWritten = new Map<string, number>();

/**
 * Takes the bytes of a body as they come: a small one into memory, a larger one into a file of the wallet's own, 0600.
 * So a call sends the same bytes without a payment and with it, whatever becomes of where they came from.
 *
 * Throws `bad_input` for a body of over 64 MiB, also where the agent has too much in the spool, `home_unusable`
 * where it cannot be written, and what `pieces` throws.
 */
export async function spoolBody(place: SpoolPlace, pieces: AsyncIterable<Uint8Array>): Promise<CallBody> {
  const iterator = pieces[Symbol.asyncIterator]();
  const first: Uint8Array[] = [];
  let length = 0;
  try {
    for (;;) {
      const { value, done } = await iterator.next();
      if (done === true) return memoryBody(Buffer.concat(first));
      // A copy: whoever reads a file may use the same memory again.
      first.push(Uint8Array.from(value));
      length += value.length;
      if (length > MEMORY_BYTES_MAX) return await writeSpool(place, first, iterator);
    }
  } finally {
    await iterator.return?.();
  }
}

/**
 * The body of this agent's that was spooled under a hash, checked against it; null where it is no longer kept. It is
 * then kept anew.
 */
export async function findSpooled(place: SpoolPlace, sha256: string): Promise<CallBody | null> {
  if (!/^[0-9a-f]{64}$/.test(sha256)) return null;
  const path = join(place.home, SPOOL_FOLDER, `${tagOf(place.agent)}-${sha256}`);
  const found = createHash('sha256');
  let length = 0;
  try {
    for await (const piece of readFile(path)) {
      found.update(piece);
      length += piece.length;
    }
    if (found.digest('hex') !== sha256) return null;
    const now = new Date();
    await utimes(path, now, now);
  } catch {
    return null;
  }
  return spooledBody(path, sha256, length);
}

/** Removes what has been in the spool for longer than any call needs it. `nowMs` is the clock of the file system. */
export async function sweepSpool(home: string, nowMs: number): Promise<void> {
  const folder = join(home, SPOOL_FOLDER);
  const names = await readdir(folder).catch(() => []);
  await Promise.all(names.map((name) => removeOld(join(folder, name), nowMs)));
}

async function writeSpool(
  { home, agent }: SpoolPlace,
  first: readonly Uint8Array[],
  rest: AsyncIterator<Uint8Array>,
): Promise<CallBody> {
  const folder = join(home, SPOOL_FOLDER);
  const tag = tagOf(agent);
  const path = join(folder, `${tag}-${randomBytes(8).toString('hex')}${PART_SUFFIX}`);
  const found = createHash('sha256');
  const share = new Share(tag);
  try {
    makeFolder(folder, home);
    const kept = await makeRoom(folder, tag);
    const file = await open(path, 'wx', 0o600);
    const take = async (piece: Uint8Array): Promise<void> => {
      share.take(piece.length, kept);
      found.update(piece);
      // Not `write`, which a full disk lets take a part and says so by its answer alone.
      await file.writeFile(piece);
    };
    try {
      for (const piece of first) await take(piece);
      for (;;) {
        const { value, done } = await rest.next();
        if (done === true) break;
        await take(value);
      }
    } finally {
      await file.close();
    }
    // Once more: others may have been kept meanwhile.
    if ((await makeRoom(folder, tag)) + share.length > AGENT_BYTES_MAX) throw noRoom();
    const sha256 = found.digest('hex');
    const named = join(folder, `${tag}-${sha256}`);
    await renameUnheld(path, named);
    return spooledBody(named, sha256, share.length);
  } catch (error) {
    await rm(path, { force: true }).catch(() => undefined);
    throw error instanceof WalletError || !isOfFiles(error) ? error : unwritable(error);
  } finally {
    share.giveBack();
  }
}

/** Makes the folder of the spool in a wallet's home; it makes no home. */
function makeFolder(folder: string, home: string): void {
  try {
    mkdirSync(folder, { mode: 0o700 });
  } catch (error) {
    if (codeOf(error) === 'EEXIST') return;
    throw codeOf(error) === 'ENOENT' ? notSetUp(home) : error;
  }
}

/** What one body being written takes of its agent's room. */
class Share {
  length = 0;
  #taken = 0;
  readonly #tag: string;

  constructor(tag: string) {
    this.#tag = tag;
  }

  /** Throws `bad_input` where the body, or the room beside the `kept` bytes, is full. */
  take(bytes: number, kept: number): void {
    this.length += bytes;
    if (this.length > REQUEST_BODY_BYTES_MAX) throw tooLarge();
    const all = (beingWritten.get(this.#tag) ?? 0) + bytes;
    if (kept + all > AGENT_BYTES_MAX) {
      // At once, so that of many bodies in parallel not all fail.
      this.giveBack();
      throw noRoom();
    }
    this.#taken += bytes;
    beingWritten.set(this.#tag, all);
  }

  giveBack(): void {
    const left = (beingWritten.get(this.#tag) ?? 0) - this.#taken;
    this.#taken = 0;
    if (left > 0) beingWritten.set(this.#tag, left);
    else beingWritten.delete(this.#tag);
  }
}

function spooledBody(path: string, sha256: string, length: number): CallBody {
  return { length, sha256, bytes: null, read: () => readFile(path) };
}

async function* readFile(path: string): AsyncGenerator<Uint8Array, void> {
  const file = await open(path, 'r');
  try {
    for (;;) {
      // A piece may still be on its way while the next one is read.
      const { bytesRead, buffer } = await file.read(Buffer.allocUnsafe(PIECE_BYTES), 0, PIECE_BYTES);
      if (bytesRead === 0) return;
      yield buffer.subarray(0, bytesRead);
    }
  } finally {
    await file.close();
  }
}

/** Removes what this agent no longer needs; how many bytes are left of it, written in full. */
async function makeRoom(folder: string, tag: string): Promise<number> {
  const names = (await readdir(folder)).filter((name) => name.startsWith(`${tag}-`));
  const nowMs = Date.now();
  const sizes = names.map(async (name) => {
    const path = join(folder, name);
    if (await removeOld(path, nowMs)) return 0;
    // What is being written is counted as it grows.
    return name.endsWith(PART_SUFFIX) ? 0 : ((await stat(path).catch(() => null))?.size ?? 0);
  });
  return (await Promise.all(sizes)).reduce((sum, size) => sum + size, 0);
}

/** Whether a file was too old to be kept, and is gone. */
async function removeOld(path: string, nowMs: number): Promise<boolean> {
  const stats = await stat(path).catch(() => null);
  if (stats === null || nowMs - stats.mtimeMs <= KEPT_MS) return false;
  await rm(path, { force: true }).catch(() => undefined);
  return true;
}

function tagOf(agent: string): string {
  return hash('sha256', agent).slice(0, TAG_LENGTH);
}

function isOfFiles(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error;
}

/** The error of a body that is larger than any call may send. */
export function tooLarge(): WalletError {
  return new WalletError('bad_input', `A body has at most ${REQUEST_BODY_BYTES_MAX / 1024 / 1024} MiB.`);
}

function noRoom(): WalletError {
  return new WalletError(
    'bad_input',
    `Bodies of ${AGENT_BYTES_MAX / 1024 / 1024} MiB wait for calls of this agent already; nothing was sent.`,
    { retry: 'after_delay', retryAfterSec: KEPT_MS / 1000 },
  );
}

function unwritable(cause: unknown): WalletError {
  return new WalletError('home_unusable', 'The body is too large for memory and cannot be stored.', {
    cause,
  });
}
