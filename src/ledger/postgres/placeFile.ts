import { readFileSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { WalletError } from '../../errors/walletError.js';
import { hasErrno, replaceFile } from '../../platform/durableFile.js';
import { placeUrl, readPostgresUrl, type PostgresPlace } from './place.js';

/** Beside the config: it is read before there are keys. It holds no secret. */
const PLACE_FILE = 'ledger.json';

/** Where the ledger of a folder stands in PostgreSQL, or null where it is a file of the folder. Throws `home_unusable`. */
export function readPlaceFile(home: string): PostgresPlace | null {
  try {
    const said: unknown = JSON.parse(readFileSync(join(home, PLACE_FILE), 'utf8'));
    const { url, password_file: passwordFile = null } = said as Record<string, unknown>;
    if (typeof url !== 'string' || (passwordFile !== null && typeof passwordFile !== 'string'))
      throw new TypeError('no address');
    return readPostgresUrl(url, passwordFile);
  } catch (cause) {
    if (hasErrno(cause, 'ENOENT')) return null;
    throw new WalletError(
      'home_unusable',
      `${PLACE_FILE} does not say where the ledger is; nothing is signed.`,
      {
        cause,
        owner: {
          say: `${PLACE_FILE} in the wallet’s folder names the database of the ledger. Put it back as it was.`,
        },
      },
    );
  }
}

/** Has the folder's ledger stand there from now on. */
export async function writePlaceFile(home: string, place: PostgresPlace): Promise<void> {
  const said = { url: placeUrl(place), password_file: place.passwordFile };
  await replaceFile(join(home, PLACE_FILE), `${JSON.stringify(said, null, 2)}\n`, { mode: 0o600 });
}

/** Has the folder's ledger be a file of it from now on. */
export function removePlaceFile(home: string): void {
  rmSync(join(home, PLACE_FILE), { force: true });
}
