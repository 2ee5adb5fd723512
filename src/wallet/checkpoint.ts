import type { KeystoreKind, UnlockedWallet } from '../keys/keystore.js';
import type { Ledger } from '../ledger/ledger.js';
import { isWalletError } from '../errors/walletError.js';

/** A renewal begins this long after it was asked for: the commits of the payment before it have then left the disk alone. */
const BEGIN_AFTER_MS = 50;
/**
 * The least time from the end of one renewal to the beginning of the next. A file costs two small writes; a keychain may
 * rewrite and sync all that it holds, or be asked over a bus.
 */
const SPACING_MS: Readonly<Record<KeystoreKind, number>> = { file: 500, keychain: 2_000 };
/** After a fault: a keychain that locked itself may put a dialog on the screen at each try. It doubles up to the second. */
const FAULT_WAIT_MS = { first: 60_000, longest: 3_600_000 } as const;

/** What a renewal needs of the keys and of the ledger. */
type Keys = Pick<UnlockedWallet, 'keystore' | 'writeAnchor'>;
type Anchored = Pick<Ledger, 'durableCheckpoint' | 'verifyCheckpoint'>;

/**
 * Has the keystore remember where the ledger stands, unless it knows that already: gives the number of the journal entry.
 * Throws the codes of the keystore, and those of {@link Ledger.verifyCheckpoint} where the ledger is not the one that the
 * keystore remembers.
 */
export async function writeCheckpoint(
  keys: Pick<Keys, 'writeAnchor'>,
  ledger: Anchored,
  sinceSeq = 0,
): Promise<number> {
  const checkpoint = await ledger.durableCheckpoint(sinceSeq);
  if (checkpoint === null) return sinceSeq;
  await keys.writeAnchor(checkpoint, { continues: (kept) => ledger.verifyCheckpoint(kept) });
  return checkpoint.seq;
}

/** Whether the ledger continues what the keystore remembers; false also where that cannot be read. */
export async function isContinued(
  ledger: Pick<Ledger, 'verifyCheckpoint'>,
  keys: Pick<UnlockedWallet, 'readAnchor'>,
): Promise<boolean> {
  try {
    const anchor = await keys.readAnchor();
    if (anchor === null) return false;
    await ledger.verifyCheckpoint(anchor);
    return true;
  } catch (error) {
    if (isWalletError(error)) return false;
    throw error;
  }
}

/**
 * {@link writeCheckpoint} after the owner tightened something: a copy from before is an older one from then on. Never
 * throws: what was tightened holds, and a keychain locked meanwhile costs only a later checkpoint.
 */
export async function rememberLedger(keys: Pick<Keys, 'writeAnchor'>, ledger: Anchored): Promise<void> {
  await writeCheckpoint(keys, ledger).catch(() => undefined);
}

/**
 * Renews the keystore's checkpoint of the ledger behind the calls of one process, so that an older copy of the ledger
 * opens nothing (T29). One renewal runs at a time, and one covers all that was committed before it began.
 *
 * What a kill -9 or a power cut leaves: the ledger has every payment, and the keystore remembers a head that is at most
 * as old as {@link SPACING_MS}, {@link BEGIN_AFTER_MS} and one write. A copy of the ledger is refused unless it was taken
 * after that head, so only what was committed in this last moment could be forgotten by putting a copy back. Where the
 * keystore cannot be written, the head it remembers grows older until it can.
 */
export class CheckpointKeeper {
  readonly #keys: Keys;
  readonly #ledger: Anchored;
  #renewedSeq: number;
  #running: Promise<void> | undefined;
  #timer: NodeJS.Timeout | undefined;
  #earliestMs = 0;
  #faultWaitMs = 0;
  #closed = false;

  /** `seq` is the journal entry that the keystore remembers now. */
  constructor(keys: Keys, ledger: Anchored, seq: number) {
    this.#keys = keys;
    this.#ledger = ledger;
    this.#renewedSeq = seq;
  }

  /** Asks for a renewal soon; costs its caller nothing, never throws and never keeps the process alive. */
  request(): void {
    if (this.#timer !== undefined || this.#closed) return;
    const waitMs = Math.max(BEGIN_AFTER_MS, this.#earliestMs - performance.now());
    this.#timer = setTimeout(() => {
      this.#timer = undefined;
      void this.renew();
    }, waitMs);
    this.#timer.unref();
  }

  /** Renews now; resolves when the keystore has the head as it stands now, or could not be written. Never rejects. */
  async renew(): Promise<void> {
    clearTimeout(this.#timer);
    this.#timer = undefined;
    // One that runs already may have read the head before the latest commit.
    while (this.#running !== undefined) await this.#running;
    this.#running = this.#renewOnce().finally(() => (this.#running = undefined));
    await this.#running;
  }

  /** The last renewal, before the ledger is closed. Never rejects. */
  async close(): Promise<void> {
    this.#closed = true;
    await this.renew();
  }

  async #renewOnce(): Promise<void> {
    try {
      this.#renewedSeq = await writeCheckpoint(this.#keys, this.#ledger, this.#renewedSeq);
      this.#faultWaitMs = 0;
      this.#earliestMs = performance.now() + SPACING_MS[this.#keys.keystore];
    } catch {
      // A keychain that locked itself meanwhile costs only a later checkpoint: the older one still holds.
      this.#faultWaitMs = Math.min(2 * this.#faultWaitMs || FAULT_WAIT_MS.first, FAULT_WAIT_MS.longest);
      this.#earliestMs = performance.now() + this.#faultWaitMs;
      this.request();
    }
  }
}
