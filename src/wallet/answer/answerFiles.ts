import { existsSync } from 'node:fs';
import { link, lstat, mkdir, readdir, rm, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { ANSWERS_FOLDER, checkOwned, codeOf, shownAnswersFolder } from '../../config/home.js';
import { WalletError } from '../../errors/walletError.js';
import type { Delivery, Payment } from '../../ledger/attempts/payment.js';
import { sweepSpool } from '../body/spool.js';
import type { Engine } from '../engine.js';
import type { ReadAnswer } from './answerBody.js';

/** An answer that is still being written has a name of its own. */
export const PART_PREFIX = '.part-';
/** The folder is listed so long after a start, and then once a day: behind the calls, never on their path. */
const FIRST_SWEEP_MS = 60_000;
const SWEEP_EVERY_MS = 24 * 3_600_000;
/** What no answer names for so long was left by a process that died, or by a ledger that was made anew. */
const UNNAMED_MS = 24 * 3_600_000;

/** The path of a stored answer; throws `not_found` for an id that is not a hash. */
export function storedPath(home: string, storedId: string): string {
  if (!isStoredId(storedId)) throw new WalletError('not_found', 'No stored answer by that id.');
  return join(home, ANSWERS_FOLDER, storedId);
}

function isStoredId(text: string): boolean {
  return /^[0-9a-f]{64}$/.test(text);
}

/** Endings by which programs know what a file is. */
const ENDINGS: Readonly<Record<string, string>> = {
  'application/pdf': '.pdf',
  'application/zip': '.zip',
  'audio/mpeg': '.mp3',
  'audio/wav': '.wav',
  'image/gif': '.gif',
  'image/jpeg': '.jpg',
  'image/png': '.png',
  'image/webp': '.webp',
  'video/mp4': '.mp4',
};

/**
 * Where an agent reads a stored answer that is no text: a second name of its file, in a folder outside the home, so that an
 * agent may be let read that folder and nothing of the wallet's. The file's own path where no such folder can be had.
 */
export async function shownPath(home: string, storedId: string, type: string): Promise<string> {
  const own = storedPath(home, storedId);
  const folder = shownAnswersFolder(home);
  const shown = join(folder, `${storedId}${ENDINGS[type.split(';')[0]?.trim().toLowerCase() ?? ''] ?? ''}`);
  try {
    await mkdir(folder, { mode: 0o700 }).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error;
    });
    // Others could have made it, or a link of that name, where the home stands in a folder of all.
    const stats = await lstat(folder);
    if (!stats.isDirectory()) return own;
    checkOwned(folder, stats, '700');
    await link(own, shown).catch((error: unknown) => {
      if (codeOf(error) !== 'EEXIST') throw error;
    });
    return shown;
  } catch {
    return own;
  }
}

/** Removes the second names of answers of which nothing else is left. */
async function removeShown(home: string): Promise<void> {
  const folder = shownAnswersFolder(home);
  for (const name of await readdir(folder).catch(() => [])) {
    const storedId = name.slice(0, 64);
    if (isStoredId(storedId) && !existsSync(storedPath(home, storedId)))
      await rm(join(folder, name), { force: true });
  }
}

/**
 * Keeps what a payment brought as its answer, with what it came to, and removes the files of those that gave way to it.
 */
export async function keepAnswer(
  engine: Pick<Engine, 'home' | 'ledger' | 'now'>,
  { id, agent }: Pick<Payment, 'id' | 'agent'>,
  { failure: _failure, ...kept }: ReadAnswer,
  delivery: Delivery,
): Promise<void> {
  const answer = { ...kept, paymentId: id, agent, storedMs: engine.now() };
  await removeFiles(engine.home, await engine.ledger.saveAnswer(answer, delivery));
}

/** Removes the files of answers that were cleared to make room. What cannot be removed is tried again by the sweep. */
export async function removeFiles(home: string, storedIds: readonly string[]): Promise<void> {
  if (storedIds.length === 0) return;
  await Promise.allSettled(storedIds.map((storedId) => rm(storedPath(home, storedId), { force: true })));
  await removeShown(home).catch(() => undefined);
}

/** Removes files that no answer in the ledger names, once they are a day old. */
export async function sweepFiles({
  home,
  ledger,
  now,
}: Pick<Engine, 'home' | 'ledger' | 'now'>): Promise<void> {
  const folder = join(home, ANSWERS_FOLDER);
  const names = await readdir(folder).catch(() => []);
  const unnamed = await ledger.unnamedFiles(names.filter(isStoredId));
  for (const name of [...unnamed, ...names.filter((one) => one.startsWith(PART_PREFIX))]) {
    const path = join(folder, name);
    const stats = await stat(path).catch(() => null);
    if (stats !== null && now() - stats.mtimeMs > UNNAMED_MS) await rm(path, { force: true });
  }
  await removeShown(home);
}

/** Sweeps behind the calls until the wallet closes; never keeps the process alive. */
export function sweepInBackground(engine: Engine): void {
  const schedule = (afterMs: number): void => {
    const timer = setTimeout(() => {
      // A folder that cannot be read is met, and told, by the next answer that is stored.
      Promise.all([sweepFiles(engine), sweepSpool(engine.home, Date.now())])
        .catch(() => undefined)
        .finally(() => {
          if (!engine.closing.aborted) schedule(SWEEP_EVERY_MS);
        });
    }, afterMs);
    timer.unref();
    engine.closing.addEventListener('abort', () => clearTimeout(timer), { once: true });
  };
  schedule(FIRST_SWEEP_MS);
}
