import { toStoreError } from './fault.js';
import { placeName, type PostgresPlace } from './place.js';
import { Session } from './session.js';

/** What a database says of how safe a commit is. */
export interface DatabaseLook {
  readonly name: string;
  /** The standbys that each commit waits for, as the database's own setting names them; empty where there are none. */
  readonly standbyNames: string;
}

const WAIT_MS_MAX = 10_000;

/** Looks at the database of a ledger. Throws `ledger_unreachable`. */
export async function lookAtDatabase(place: PostgresPlace): Promise<DatabaseLook> {
  const session = await Session.open(place, { waitMaxMs: WAIT_MS_MAX });
  try {
    const [row] = await session.run<{ names: string }>(
      `SELECT current_setting('synchronous_standby_names') AS names`,
    );
    return { name: placeName(place), standbyNames: row?.names ?? '' };
  } catch (error) {
    throw toStoreError(error);
  } finally {
    session.close();
  }
}
