import { isWalletError, WalletError } from '../errors/walletError.js';

/** What the owner is told wherever a row, the journal or its head is not as Purser wrote it (T22). */
export const CHANGED_BEHIND = {
  say: 'The ledger was changed behind Purser’s back; signing has stopped. See what differs.',
  action: { kind: 'audit' },
} as const;

/** What the owner is told wherever the ledger is an older copy of itself (T29). */
export const OLDER_COPY = {
  say: 'The ledger was put back to an older copy; signing has stopped. Have what was paid since counted from the chain.',
  action: { kind: 'rebuildLedger' },
} as const;

/** The error for a ledger that something else wrote to. */
export function changedBehind(what: string): WalletError {
  return new WalletError('ledger_damaged', what, { owner: CHANGED_BEHIND });
}

/** The error for a disk without room, whatever says so. */
export function diskFull(cause: unknown): WalletError {
  return new WalletError(
    'disk_full',
    'The disk is full: the ledger cannot be written, so nothing is signed.',
    { cause, owner: { say: 'The disk that holds the wallet is full. Make room on it.' } },
  );
}

/** The error for a ledger that this user may only read; `code` is the system's own. */
export function readOnly(code: string, cause: unknown): WalletError {
  return new WalletError(
    'home_unusable',
    `The ledger’s folder or file is read-only to this user (${code}); nothing is signed.`,
    { cause, owner: { say: 'Purser cannot write its ledger. Look at the rights of its folder.' } },
  );
}

/** The error for a ledger that cannot be reached at all; `code` is the system's own. */
export function unusable(code: string, cause: unknown): WalletError {
  return new WalletError(
    'home_unusable',
    `The ledger cannot be read or written (${code}); nothing is signed.`,
    { cause },
  );
}

/** Turns a fault of the disk or of our own code into our error, in words; our own errors pass unchanged. */
export function toWalletError(error: unknown): WalletError {
  if (isWalletError(error)) return error;
  const code = String((error as { code?: unknown } | null)?.code ?? '');
  if (/^ENOSPC|^EDQUOT/.test(code)) return diskFull(error);
  if (/^EROFS|^EACCES|^EPERM/.test(code)) return readOnly(code, error);
  if (/^E[A-Z0-9]+$/.test(code)) return unusable(code, error);
  // Whoever sends money says itself what a fault leaves of it: everywhere else it came before anything was sent.
  return new WalletError('internal', 'Purser met a fault of its own.', { cause: error });
}
