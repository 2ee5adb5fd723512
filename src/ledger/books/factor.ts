/** A factor as the ledger keeps it: `record` is JSON that approvals reads. */
export interface StoredFactor {
  readonly id: string;
  readonly record: string;
  readonly addedMs: number;
}

/** A factor that proved the owner. `record` is what it is to be stored as from now on: a passkey counts its uses. */
export interface FactorUse {
  readonly id: string;
  /** What was stored when it was looked at. */
  readonly before: string;
  readonly record: string;
  /** Where a passphrase was right, so that its wrong tries there are forgotten; null for a passkey. */
  readonly clearsTries: TryPlace | null;
}

/**
 * Where a passphrase is tried. Each has a count of its own: who gets at the page and guesses must not lock the owner out
 * of their terminal.
 */
export type TryPlace = 'page' | 'terminal';

/** Wrong tries of a passphrase at one place since the last right one there, over all processes. */
export interface WrongTries {
  readonly wrong: number;
  /** 0 where there was none. */
  readonly lastWrongMs: number;
}
