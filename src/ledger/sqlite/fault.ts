import { WalletError, isWalletError } from '../../errors/walletError.js';

/** What the owner is told wherever a row, the journal or its head is not as Purser wrote it (T22). */
export const CHANGED_BEHIND = {
  say: 'The ledger was changed behind Purser’s back; signing has stopped. See what differs.',
  action: { kind: 'audit' },
} as const;

/** What the owner is told wherever the ledger is an older copy of itself (T29). */
export const OLDER_COPY = {
  say: 'The ledger (purser.db) was put back to an older copy; signing has stopped. Have what was paid since counted from the chain.',
  action: { kind: 'rebuildLedger' },
} as const;

/** The error for a ledger that something else wrote to. */
export function changedBehind(what: string): WalletError {
  return new WalletError('ledger_damaged', what, { owner: CHANGED_BEHIND });
}

/** Turns a fault of SQLite, of the disk or of our own code into our error, in words; our own errors pass unchanged. */
export function toLedgerError(error: unknown): WalletError {
  if (isWalletError(error)) return error;
  const code = String((error as { code?: unknown } | null)?.code ?? '');
  const details = { cause: error };
  // The log's shared memory is a file too: where it cannot grow, the disk is full.
  if (/^SQLITE_FULL|^SQLITE_IOERR_SHMSIZE|^ENOSPC|^EDQUOT/.test(code)) {
    return new WalletError(
      'disk_full',
      'The disk is full: the ledger cannot be written, so nothing is signed.',
      { ...details, owner: { say: 'The disk that holds the wallet is full. Make room on it.' } },
    );
  }
  if (/^SQLITE_(BUSY|LOCKED|PROTOCOL)/.test(code)) {
    return new WalletError('ledger_busy', 'The ledger is locked by another process.', details);
  }
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) {
    return new WalletError('ledger_damaged', 'The ledger file is damaged; nothing is signed with it.', {
      ...details,
      owner: {
        say: 'The ledger file is damaged. Look at it before anything else is paid.',
        action: { kind: 'audit' },
      },
    });
  }
  if (code === 'SQLITE_READONLY_DBMOVED') return removedWhileOpen(details);
  if (/^SQLITE_READONLY|^EROFS|^EACCES|^EPERM/.test(code)) {
    return new WalletError(
      'home_unusable',
      `The ledger’s folder or file is read-only to this user (${code}); nothing is signed.`,
      { ...details, owner: { say: 'Purser cannot write its ledger. Look at the rights of its folder.' } },
    );
  }
  if (/^SQLITE_(CANTOPEN|IOERR|PERM|AUTH|NOLFS|TOOBIG)|^E[A-Z0-9]+$/.test(code)) {
    return new WalletError(
      'home_unusable',
      `The ledger cannot be read or written (${code}); nothing is signed.`,
      details,
    );
  }
  // Whoever sends money says itself what a fault leaves of it: everywhere else it came before anything was sent.
  return new WalletError('internal', 'Purser met a fault of its own.', details);
}

/** The error for a ledger whose files went away or were exchanged while open. */
export function removedWhileOpen(details: { readonly cause?: unknown } = {}): WalletError {
  return new WalletError('ledger_missing', 'The ledger’s files were removed or replaced while in use.', {
    ...details,
    owner: {
      say: 'The ledger was removed or replaced while Purser ran; signing has stopped.',
      action: { kind: 'rebuildLedger' },
    },
  });
}
