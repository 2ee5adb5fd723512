import { randomUUID } from 'node:crypto';
import { existsSync, rmSync } from 'node:fs';
import { isWalletError } from '../../errors/walletError.js';
import { THIS_HOLDER } from '../attempts/lease.js';
import type { AuditReport } from '../books/audit.js';
import type { Ledger } from '../ledger.js';
import type { LedgerOptions, MacFunction } from '../ledgerStore.js';
import { atOnce, booksOver, contextOf, identify, withoutKeys } from '../sqlite/books.js';
import type { LedgerAccess } from '../sqlite/file/access.js';
import type { LedgerContext } from '../sqlite/file/context.js';
import { DATABASE_FILE_ENDS, copyDatabase } from '../sqlite/file/database.js';
import { schemaGuard } from '../sqlite/file/migration.js';
import { SCHEMA_VERSION } from '../sqlite/file/schema.js';
import { Journal } from '../sqlite/journal/journal.js';
import { Waiting } from '../sqlite/payments/waiting.js';
import { SqliteLedger } from '../sqlite/sqliteLedger.js';
import { Copy, fillCopy, makeCopy, makeWhole } from './copy.js';
import { toStoreError } from './fault.js';
import { Freshness } from './freshness.js';
import { migrateStore } from './migrateStore.js';
import type { PostgresPlace } from './place.js';
import { checkHead } from './head.js';
import { Primary } from './primary.js';
import { Session } from './session.js';
import { SharedConfigs } from './sharedConfigs.js';
import { withSnapshot } from './snapshot.js';
import { PostgresWriter } from './writer.js';

/** How long an operation waits for the database and for other servers, unless it is said. */
const WAIT_MS_MAX = 10_000;

/** The sessions of an open ledger: each is opened anew once it was lost. */
class Sessions {
  readonly #open: () => Promise<Session>;
  #session: Promise<Session> | null = null;

  constructor(open: () => Promise<Session>, first: Session | null = null) {
    this.#open = open;
    if (first !== null) this.#session = Promise.resolve(first);
  }

  async get(): Promise<Session> {
    const known = await this.#session?.catch(() => null);
    if (known?.isOpen === true) return known;
    // Others may have asked meanwhile: one new session serves them all.
    this.#session = this.#open();
    return this.#session;
  }

  async close(): Promise<void> {
    (await this.#session?.catch(() => null))?.close();
  }
}

/**
 * Opens the ledger of one wallet in PostgreSQL, which many servers share. `copyPath` is this folder's working copy, made
 * where there is none. Throws as {@link Ledger} says, and `ledger_foreign` where other keys wrote it.
 */
export async function openPostgresLedger(
  place: PostgresPlace,
  copyPath: string,
  options: LedgerOptions,
): Promise<Ledger> {
  const primary = new Primary(place);
  const session = await Session.open(place, { waitMaxMs: options.lockWaitMaxMs ?? WAIT_MS_MAX });
  try {
    const { schemaVersion } = await primary.readHead(session);
    if (schemaVersion < SCHEMA_VERSION) await migrateStore(place, copyPath, options.mac);
    const copy = await openCopy(place, primary, session, copyPath);
    try {
      await copy.exclusively(async () => {
        // Before the head: another process of this folder may bring the copy past a head that was read earlier.
        const here = copy.place();
        const head = await primary.readHead(session);
        checkHead(head, SCHEMA_VERSION, here);
        await copy.catchUp(primary, session, head);
      });
      return ledgerOn(place, primary, copy, session, options);
    } catch (error) {
      copy.close();
      throw error;
    }
  } catch (error) {
    session.close();
    throw toStoreError(error);
  }
}

/** The working copy; one that is not readable, or too far behind, is made anew. */
async function openCopy(
  place: PostgresPlace,
  primary: Primary,
  session: Session,
  path: string,
): Promise<Copy> {
  const head = await primary.readHead(session);
  checkHead(head, SCHEMA_VERSION, null);
  if (existsSync(path)) {
    try {
      const copy = Copy.open(path);
      if (await isUsable(copy, primary, session)) return copy;
      copy.close();
    } catch (error) {
      if (!isWalletError(error) || error.code !== 'ledger_damaged') throw error;
    }
    for (const end of DATABASE_FILE_ENDS) rmSync(path + end, { force: true });
  }
  await withSnapshot(session, primary, place, (snapshot) => makeCopy(path, snapshot));
  return Copy.open(path);
}

/**
 * Whether a copy can be brought on by the changes that are still listed. One of another arrival, as after the owner had the
 * ledger rebuilt or restored, is no use; one that is ahead of the database is, as proof that commits were lost.
 */
async function isUsable(copy: Copy, primary: Primary, session: Session): Promise<boolean> {
  const head = await primary.readHead(session);
  const { arrival, position, epoch } = copy.place();
  if (arrival !== head.arrival && epoch <= head.epoch) return false;
  if (position >= head.position || position === 0) return true;
  return (await primary.linkAt(session, position)) !== null;
}

function ledgerOn(
  place: PostgresPlace,
  primary: Primary,
  copy: Copy,
  session: Session,
  options: LedgerOptions,
): Ledger {
  const { mac, isStopped = () => false, holder = THIS_HOLDER, clock, observer } = options;
  const waitMaxMs = options.lockWaitMaxMs ?? WAIT_MS_MAX;
  const { id, auth } = identify(copy.reader, mac);
  const sides = [copy.reader, copy.writer].map((db) => {
    const journal = new Journal(db, auth, clock);
    const context = auth === null ? null : contextOf(db, auth, { journal, isStopped, holder });
    atOnce(db, () => {
      schemaGuard(db, auth, SCHEMA_VERSION)();
      if (auth !== null) journal.remember(journal.checkedHead());
    });
    return {
      db,
      journal,
      register: context?.register ?? null,
      unlocked: (): LedgerContext => context ?? withoutKeys(),
    };
  });
  const [read, write] = sides as [(typeof sides)[0], (typeof sides)[0]];
  const waiting = new Waiting();
  const readers = new Sessions(() =>
    Session.open(place, { waitMaxMs, onNotice: () => void freshness.refresh() }),
  );
  const writers = new Sessions(() => Session.open(place, { waitMaxMs }), session);
  const freshness = new Freshness({ copy, primary, session: () => readers.get(), waiting });
  const writer = new PostgresWriter({
    ...{ copy, primary, observer, waitMaxMs, journal: write.journal, schemaVersion: SCHEMA_VERSION },
    register: write.register,
    session: () => writers.get(),
    guard: schemaGuard(write.db, auth, SCHEMA_VERSION),
    afterCommit: () => {
      waiting.wake();
      void readers.get().then(
        (session) => primary.tellOthers(session),
        () => undefined,
      );
    },
  });
  const access: LedgerAccess = {
    context: read.unlocked,
    read: async (operation) => {
      const open = read.unlocked();
      await freshness.reached();
      return atOnce(read.db, () => operation(open, read.journal.headForReading(copy.applied)));
    },
    look: async (operation) => {
      await freshness.reached();
      return atOnce(read.db, () => operation(read.db));
    },
    write: (point, operation) => {
      const open = write.unlocked();
      return writer.write(point, () => operation(open));
    },
  };
  const books = booksOver(access, waiting, {
    ...{ id, isStopped, read },
    write: { journal: write.journal, write: (point, operation) => writer.write(point, operation) },
    // What was committed is as durable as the database promises.
    waitForDisk: async () => undefined,
    close: async () => {
      await writer.close();
      await Promise.all([readers.close(), writers.close()]);
      copy.close();
    },
  });
  return {
    ...books,
    sharedConfig:
      options.sealing === undefined
        ? null
        : new SharedConfigs({ place, access, sealing: options.sealing, session: () => readers.get() }),
    audit: () => auditOf(place, primary, `${copy.reader.name}.audit`, { mac, waitMaxMs }),
    backup: async (path) => {
      await freshness.reached();
      copyDatabase(copy.reader, path);
      makeWhole(path);
    },
  };
}

/**
 * Audits the rows of the database themselves, in a file of their own: not the copy, which may be right where they are not.
 * In a session of its own: whoever read in that one meanwhile would see the ledger as it was when the audit began.
 */
async function auditOf(
  place: PostgresPlace,
  primary: Primary,
  path: string,
  { mac, waitMaxMs }: { readonly mac: MacFunction | null; readonly waitMaxMs: number },
): Promise<AuditReport> {
  if (mac === null) return withoutKeys();
  const file = `${path}.${randomUUID()}.new`;
  const session = await Session.open(place, { waitMaxMs });
  try {
    await withSnapshot(session, primary, place, (snapshot) => fillCopy(file, snapshot));
    const ledger = SqliteLedger.open(file, { mac });
    try {
      return await ledger.audit();
    } finally {
      await ledger.close();
    }
  } catch (error) {
    throw toStoreError(error);
  } finally {
    session.close();
    for (const end of DATABASE_FILE_ENDS) rmSync(file + end, { force: true });
  }
}
