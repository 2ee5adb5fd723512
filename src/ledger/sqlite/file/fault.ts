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
  if (/^SQLITE_IOERR_SHM(?:MAP|OPEN|LOCK)/.test(code)) return noSharedMemory(code, error);
  if (/^SQLITE_(CANTOPEN|IOERR|PERM|AUTH|NOLFS|TOOBIG)/.test(code)) return unusable(code, error);
  if (isNativeFault(code, error)) return noNativePart(error);
  return toWalletError(error);
}

/** What Node says of a native part that is not there, or was made for another machine. */
function isNativeFault(code: string, error: unknown): boolean {
  const said = error instanceof Error ? error.message : '';
  if (code === 'ERR_DLOPEN_FAILED' || said.startsWith('Could not locate the bindings file')) return true;
  return code === 'MODULE_NOT_FOUND' && /better[-_]sqlite3.*|\.node'/.test(said);
}

function noNativePart(cause: unknown): WalletError {
  return new WalletError(
    'internal',
    `The native part of the ledger's database (better-sqlite3) is missing or made for another machine than this one (${process.platform}-${process.arch}).`,
    {
      cause,
      owner: {
        say: 'Install Purser again on this very machine, with optional packages: a folder copied from another one, or --omit=optional, leaves that part out.',
      },
    },
  );
}

function noSharedMemory(code: string, cause: unknown): WalletError {
  return new WalletError(
    'home_unusable',
    `The file system of the wallet's folder shares no memory between programs (${code}); nothing is signed.`,
    {
      cause,
      owner: {
        say: 'Network shares and folders of Windows under WSL are such. Let PURSER_HOME name a folder on a local disk of this system.',
      },
    },
  );
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
