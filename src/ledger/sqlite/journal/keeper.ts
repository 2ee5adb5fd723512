import type { JournalKeeper, OwnerBook } from '../../ledger.js';
import { WalletError } from '../../../errors/walletError.js';
import type { CommitPoint } from '../../commitPoint.js';
import type { LedgerAccess } from '../file/access.js';
import { copyDatabase, statement, type Sqlite } from '../file/database.js';
import { noteConfig } from '../payments/hold.js';
import { auditLedger } from './audit.js';
import { ledgerTimeMs, type Journal } from './journal.js';
import { rebase } from './rebase.js';
import { assertNotRebuilding, beginRebuild, finishRebuild, rebuildingSinceMs } from './rebuild.js';

/** What keeps an open ledger, beside its books. What reads and what writes may be two connections. */
export interface KeptLedger {
  readonly id: string;
  /** Whether the wallet is stopped by what stands outside the ledger. */
  readonly isStopped: () => boolean;
  readonly read: { readonly db: Sqlite; readonly journal: Journal };
  /** Its `write` needs no keys. */
  readonly write: {
    readonly journal: Journal;
    write<T>(point: CommitPoint, operation: () => T): Promise<T>;
  };
  /** Resolves once all that was committed so far is durable. */
  waitForDisk(): Promise<void>;
}

/** What the owner does to the wallet as a whole. */
export function ownerBook(access: LedgerAccess, { journal, write }: KeptLedger['write']): OwnerBook {
  return {
    freeze: (nowMs) =>
      write('frozen', () => {
        // Also while a rebuilding freezes it: that ends by itself.
        if (journal.isFrozenByOwner()) return false;
        journal.appendFreeze(nowMs);
        return true;
      }),
    unfreeze: (nowMs) =>
      access.write('frozen', (context) => {
        const head = context.journal.checkedHead();
        if (!head.frozen) return false;
        assertNotRebuilding(context);
        const timeMs = ledgerTimeMs(head, nowMs);
        const entry = { kind: 'unfreeze', subject: 'wallet', data: {}, timeMs } as const;
        context.journal.append(head, entry, { frozen: false });
        return true;
      }),
    noteConfigVersion: (version, nowMs) =>
      access.write('config', (context) => {
        const head = context.journal.checkedHead();
        noteConfig(context, head, version, ledgerTimeMs(head, nowMs));
      }),
    hasFactorRows: () =>
      access.look((db) => statement(db, 'SELECT 1 FROM factors LIMIT 1').get() !== undefined),
  };
}

/** What keeps the ledger whole. */
export function journalKeeper(access: LedgerAccess, kept: KeptLedger): JournalKeeper {
  const { id, isStopped, waitForDisk } = kept;
  const { db, journal } = kept.read;
  const checkpoint: JournalKeeper['checkpoint'] = () =>
    access.read((_context, head) => ({
      ledgerId: id,
      seq: head.seq,
      headHash: head.hash,
      ...(journal.isFrozenByOwner() ? { isFrozen: true } : {}),
    }));
  return {
    id,
    head: () =>
      access.look(() => {
        const head = journal.readHead();
        return head.frozen || !isStopped() ? head : { ...head, frozen: true };
      }),
    checkpoint,
    async durableCheckpoint(sinceSeq = 0) {
      const now = await checkpoint();
      if (now.seq <= sinceSeq) return null;
      await waitForDisk();
      return now;
    },
    async verifyCheckpoint(known) {
      if (known.ledgerId !== id) {
        throw new WalletError('ledger_foreign', 'This ledger is not the one the keystore remembers.', {
          owner: {
            say: 'The ledger is not the one this wallet last wrote; signing has stopped.',
            action: { kind: 'rebuildLedger' },
          },
        });
      }
      await access.read(() => journal.verifySince(known.seq, known.headHash));
    },
    audit: () => access.look(() => auditLedger(access.context())),
    // Blocks this process while it copies.
    backup: async (to) => copyDatabase(db, to),
    rebase: (nowMs) => access.write('owner', (context) => rebase(context, nowMs)),
    beginRebuild: (nowMs) => access.write('frozen', (context) => beginRebuild(context, nowMs)),
    rebuildingSinceMs: () => access.read((context) => rebuildingSinceMs(context)),
    assertNotRebuilding: () => access.read((context) => assertNotRebuilding(context)),
    finishRebuild: (found, nowMs) =>
      access.write('frozen', (context) => finishRebuild(context, found, nowMs)),
  };
}
