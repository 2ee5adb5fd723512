import { randomUUID } from 'node:crypto';
import { rmSync } from 'node:fs';
import { WalletError } from '../../errors/walletError.js';
import type { MacFunction } from '../ledgerStore.js';
import { DATABASE_FILE_ENDS } from '../sqlite/file/database.js';
import { migrationBackupPath } from '../sqlite/file/migration.js';
import { SCHEMA_VERSION } from '../sqlite/file/schema.js';
import { SqliteLedger } from '../sqlite/sqliteLedger.js';
import { renew } from './arrival.js';
import { fillCopy, makeWhole } from './copy.js';
import type { PostgresPlace } from './place.js';
import { checkHead } from './head.js';
import { Primary } from './primary.js';
import { Session } from './session.js';
import { withSnapshot } from './snapshot.js';

/** A ledger of years takes minutes to be written anew. */
const RENEW_MS_MAX = 3_600_000;

/**
 * Brings a ledger in PostgreSQL to the schema that this program knows: the steps are those of a file, made on a copy while
 * nobody can write. `draftPath` names files of this folder that go with it. Throws `keystore_locked` without keys.
 */
export async function migrateStore(
  place: PostgresPlace,
  draftPath: string,
  mac: MacFunction | null,
): Promise<void> {
  if (mac === null)
    throw new WalletError(
      'keystore_locked',
      'The ledger is of an older Purser; it can be brought up to date only with the keys.',
    );
  const primary = new Primary(place);
  const patient = { waitMaxMs: RENEW_MS_MAX, idleMaxMs: RENEW_MS_MAX };
  const [writer, reader] = [await Session.open(place, patient), await Session.open(place, patient)];
  const draft = `${draftPath}.${randomUUID()}.new`;
  try {
    const head = await primary.lock(writer);
    checkHead(head, SCHEMA_VERSION, null);
    // Another server may have been first.
    if (head.schemaVersion === SCHEMA_VERSION) return;
    await withSnapshot(reader, primary, place, (snapshot) => fillCopy(draft, snapshot));
    makeWhole(draft);
    await SqliteLedger.open(draft, { mac }).close();
    await renew(place, writer, head, draft);
  } finally {
    writer.close();
    reader.close();
    const backups = Array.from({ length: SCHEMA_VERSION - 1 }, (_, i) => migrationBackupPath(draft, i + 1));
    for (const path of [...DATABASE_FILE_ENDS.map((end) => draft + end), ...backups])
      rmSync(path, { force: true });
  }
}
