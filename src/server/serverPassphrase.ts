import { stat } from 'node:fs/promises';
import { passphraseFromEnvironment } from '../cli/setUp/passphrase.js';

/** Permission bits of anybody but the owner. */
const OTHERS = 0o077;

const warned = new Set<string>();

/**
 * The unlock passphrase of an encrypted keystore, from the file that `PURSER_PASSPHRASE_FILE` names; null where it
 * names none. Throws `keystore_locked` where the file cannot be used.
 *
 * A file that others can read is said so once and used all the same: containers hand secrets out as 0444, in folders
 * that are closed.
 */
export async function readServerPassphrase(
  env: Readonly<Record<string, string | undefined>>,
  warn: (line: string) => void,
): Promise<string | null> {
  const passphrase = await passphraseFromEnvironment(env);
  const path = env['PURSER_PASSPHRASE_FILE'];
  if (passphrase !== null && path !== undefined && !warned.has(path) && (await isShared(path))) {
    warned.add(path);
    warn(`Other users of this machine may read the passphrase in ${path}; run: chmod 600 ${path}`);
  }
  return passphrase;
}

async function isShared(path: string): Promise<boolean> {
  if (process.platform === 'win32') return false;
  const stats = await stat(path).catch(() => null);
  return stats !== null && (stats.mode & OTHERS) !== 0;
}
