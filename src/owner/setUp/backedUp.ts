import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { replaceFile } from '../../platform/durableFile.js';

/** Its being there says that the owner proved to have the recovery phrase; a check-up reminds until then. */
const BACKED_UP_FILE = 'backed-up';

/** Whether the owner proved to have the phrase of the wallet in this folder. */
export function isBackedUp(home: string): boolean {
  return existsSync(join(home, BACKED_UP_FILE));
}

/** Notes that the owner has the phrase. Throws what the file system says. */
export async function markBackedUp(home: string, nowMs: number): Promise<void> {
  await replaceFile(join(home, BACKED_UP_FILE), `${new Date(nowMs).toISOString()}\n`, { mode: 0o600 });
}
