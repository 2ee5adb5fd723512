import { isWalletError, WalletError } from '../../../errors/walletError.js';
import { diskFull, readOnly, toWalletError, unusable } from '../../fault.js';

/** Turns a fault of SQLite, of the disk or of our own code into our error, in words; our own errors pass unchanged. */
export function toLedgerError(error: unknown): WalletError {
  if (isWalletError(error)) return error;
  const code = String((error as { code?: unknown } | null)?.code ?? '');
  // The log's shared memory is a file too: where it cannot grow, the disk is full.
  if (/^SQLITE_FULL|^SQLITE_IOERR_SHMSIZE/.test(code)) return diskFull(error);
  if (/^SQLITE_(BUSY|LOCKED|PROTOCOL)/.test(code))
    return new WalletError('ledger_busy', 'The ledger is locked by another process.', { cause: error });
  if (/^SQLITE_(CORRUPT|NOTADB)/.test(code)) {
    return new WalletError('ledger_damaged', 'The ledger file is damaged; nothing is signed with it.', {
      cause: error,
      owner: {
        say: 'The ledger file is damaged. Look at it before anything else is paid.',
        action: { kind: 'audit' },
      },
    });
  }
  if (code === 'SQLITE_READONLY_DBMOVED') return removedWhileOpen({ cause: error });
  if (/^SQLITE_READONLY/.test(code)) return readOnly(code, error);
  if (/^SQLITE_(CANTOPEN|IOERR|PERM|AUTH|NOLFS|TOOBIG)/.test(code)) return unusable(code, error);
  return toWalletError(error);
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
