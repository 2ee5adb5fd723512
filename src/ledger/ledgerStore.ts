import type { CommitObserver } from './commitPoint.js';
import type { Ledger } from './ledger.js';

/** Makes an authentication code with a key that only the keystore has. */
export type MacFunction = (data: string) => Uint8Array;

/** Seals texts by the keys of the wallet: each opens for the place alone that it was sealed for. */
export interface Sealing {
  seal(place: string, text: string): Uint8Array;
  /** Null where it is another place's, was changed, or is of other keys. */
  unseal(place: string, sealed: Uint8Array): string | null;
}

/** How a ledger is opened. */
export interface LedgerOptions {
  /** Null while the keys are locked: then it reads, and freezes, and does nothing else. */
  readonly mac: MacFunction | null;
  /** For what is kept with the ledger and must not be read there; without it no config is shared. */
  readonly sealing?: Sealing;
  readonly observer?: CommitObserver;
  /** How long a write waits for other processes before it fails as `ledger_busy`; 10 s unless said. */
  readonly lockWaitMaxMs?: number;
  /** Whether the wallet is stopped by what stands outside the ledger; it is asked wherever a freeze is looked for. */
  readonly isStopped?: () => boolean;
  /** Whose its leases are; this process's unless said: tests are two processes at once. */
  readonly holder?: string;
  /** How far its time may go on; with the wall clock unless said. */
  readonly clock?: LedgerClock;
}

/** How far an open ledger lets its time go on. */
export interface LedgerClock {
  /** The latest that ledger time may go on to now, where the newest entry is of `newestMs`. ms since 1970. */
  latestMs(newestMs: number): number;
}

/** What a new ledger begins with. */
export interface NewLedger {
  readonly mac: MacFunction;
  readonly nowMs: number;
  readonly configVersion: number;
}

/** Where one wallet's ledger is kept: it is made, opened, moved out of the way and put back here, and nowhere else. */
export interface LedgerStore {
  exists(): Promise<boolean>;
  /**
   * Makes the ledger: a crash leaves either none or a whole one. One that is there already stays. Throws `disk_full`,
   * `home_unusable`.
   */
  create(begin: NewLedger): Promise<void>;
  /** Opens the ledger, brought to the newest schema. Throws the `ledger_*` codes and `home_unusable`. */
  open(options: LedgerOptions): Promise<Ledger>;
  /** Where a ledger that was replaced is kept: one such place is enough, an older one is let go. */
  readonly keptAs: string;
  /** Moves the ledger to {@link keptAs}, where there is one: nothing of it is deleted. */
  setAside(): Promise<void>;
  /**
   * Puts a backup in the ledger's place, once it is proved to be a sound ledger of these keys; the one it replaces is set
   * aside. Throws `not_found`, `ledger_foreign` and `ledger_damaged`: the ledger is then as it was.
   */
  restore(path: string, mac: MacFunction): Promise<void>;
}
