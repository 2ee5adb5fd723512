import { isWalletError, WalletError } from '../../errors/walletError.js';
import { diskFull } from '../fault.js';
import { toLedgerError } from '../sqlite/file/fault.js';

/** What PostgreSQL calls a step that is to be made again from its beginning: a conflict of two, or a deadlock. */
const AGAIN = /^40(001|P01)$/;
/** A session that the server ended, or a server that is starting or stopping. */
const SESSION_ENDED = /^(08...|57P0[1-5]|25P0[34])$/;

/** A server that lets nobody write, or not this user, or no more sessions: anything but a full disk. */
const REFUSED = /^(25006|28...|42501|53[0234]00)$/;
/** What `pg` says of a session by itself, where the system gave no code. */
const LOST_BY_CLIENT =
  /^(Connection terminated|Query read timeout|timeout expired|Client (was closed|has encountered))/;

/** Whether the same step may be made again: it was undone whole. */
export function isToRepeat(error: unknown): boolean {
  return AGAIN.test(codeOf(error));
}

/** Whether an error is PostgreSQL's own answer to a statement, on a session that lives on. */
export function isAnswer(error: unknown): boolean {
  const code = codeOf(error);
  return /^[0-9A-DF-Z][0-9A-Z]{4}$/.test(code) && !SESSION_ENDED.test(code);
}

/** Whether the session is gone, so that nobody knows what became of what was asked last. */
export function isSessionLost(error: unknown): boolean {
  const code = codeOf(error);
  if (SESSION_ENDED.test(code) || /^E[A-Z][A-Z0-9_]+$/.test(code)) return true;
  return code === '' && error instanceof Error && LOST_BY_CLIENT.test(error.message);
}

/** Turns a fault of PostgreSQL, of the way to it or of our own code into our error; our own errors pass unchanged. */
export function toStoreError(error: unknown): WalletError {
  if (isWalletError(error)) return error;
  const code = codeOf(error);
  if (isSessionLost(error) || REFUSED.test(code)) return unreachable(error);
  if (code === '53100') return diskFull(error);
  if (code === '55P03' || AGAIN.test(code))
    return new WalletError('ledger_busy', 'The ledger stayed locked by another server.', { cause: error });
  if (/^(3F000|42P01|3D000)$/.test(code)) return missing(error);
  return toLedgerError(error);
}

/** The error for a database that cannot be asked: nothing is signed without it. */
export function unreachable(cause: unknown): WalletError {
  const said = cause instanceof Error ? cause.message : String(cause);
  return new WalletError(
    'ledger_unreachable',
    `The ledger’s database cannot be asked (${said}); nothing is signed.`,
    {
      cause,
      owner: { say: 'The PostgreSQL database that holds the ledger does not serve. Look at it.' },
    },
  );
}

/** The error for a database that has no ledger of this wallet. */
export function missing(cause?: unknown): WalletError {
  return new WalletError('ledger_missing', 'The database has no ledger of this wallet.', {
    cause,
    owner: {
      say: 'Put the ledger back from a backup, or have it rebuilt from the chain.',
      action: { kind: 'rebuildLedger' },
    },
  });
}

function codeOf(error: unknown): string {
  return String((error as { code?: unknown } | null)?.code ?? '');
}
