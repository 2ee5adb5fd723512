import { join } from 'node:path';
import type { MovementBook } from './books/movement.js';
import type { NoticeBook } from './books/notice.js';
import type { LedgerStore } from './ledgerStore.js';
import { openMovementFile } from './sqlite/movements/movementFile.js';
import { openNoticeFile } from './sqlite/notices/noticeFile.js';
import { SqliteStore } from './sqlite/sqliteStore.js';

/** What chains showed of the wallet's addresses stands beside the ledger: it is read again where it is lost. */
const MOVEMENTS_FILE = 'movements.db';

/** What the owner was told, and what is on its way to them, stands beside the ledger too: no limit goes by it. */
const NOTICES_FILE = 'notices.db';

/** The store of the wallet in this folder: the one place that chooses what stands behind the ledger's interfaces. */
export function ledgerStoreIn(home: string): LedgerStore {
  return new SqliteStore(home);
}

/** Opens what chains showed of the wallet in this folder. Throws `home_unusable`, `disk_full`. */
export function openMovements(home: string): MovementBook {
  return openMovementFile(join(home, MOVEMENTS_FILE));
}

/** Opens what the owner of the wallet in this folder was told. Throws `home_unusable`, `disk_full`. */
export function openNotices(home: string, nowMs: number): NoticeBook {
  return openNoticeFile(join(home, NOTICES_FILE), nowMs);
}
