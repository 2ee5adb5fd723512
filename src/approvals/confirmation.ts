import { randomBytes } from 'node:crypto';
import { WalletError } from '../errors/walletError.js';
import { writeOutUnseen } from '../text/untrusted.js';
import { Challenges, type PasskeyPlace } from './challenge.js';
import type { FactorRecord, PasskeyFactor } from './factor.js';
import { challengePasskeys, verifyPasskey, type Signed } from './passkey.js';

/** Something only the owner does, as its page words it: all of it is shown, and all of it is signed (T35). */
export interface OwnerAct {
  /** One line, such as `Raise limits.per_day_usd from $5.00 to $20.00`. */
  readonly what: string;
  /** What else is to be known before a yes: a paragraph each, whose lines are kept. */
  readonly details: readonly string[];
}

/** What a person still reads before a yes; what is longer hides something. */
const ACT_CHARS_MAX = 8_000;
const DETAILS_MAX = 40;

/**
 * Makes an act as it is shown: whole, with what cannot be seen written out. Throws `bad_input` where a person would not read
 * it to its end: that is not shown, so nobody says yes to it.
 */
export function asShown({ what, details }: OwnerAct): OwnerAct {
  const shown = {
    what: writeOutUnseen(what),
    details: details.map((detail) => detail.split('\n').map(writeOutUnseen).join('\n')),
  };
  const chars = [shown.what, ...shown.details].reduce((sum, text) => sum + text.length, 0);
  if (shown.details.length <= DETAILS_MAX && chars <= ACT_CHARS_MAX) return shown;
  throw new WalletError(
    'bad_input',
    `This is too much to be read before a yes: ${shown.details.length} paragraphs of ${chars} characters in all, where at most ${DETAILS_MAX} of ${ACT_CHARS_MAX} are shown. Do it in smaller steps; nothing was done.`,
  );
}

/** What a confirmation needs of the wallet. */
export interface ConfirmationOptions {
  readonly factors: () => Promise<readonly FactorRecord[]>;
  readonly now: () => number;
}

/**
 * An owner command, waiting in a terminal for a passkey's yes in the browser: for owners who have no passphrase to
 * type there. The signature covers the words of the act, so it allows nothing else (T18).
 */
export class Confirmation {
  readonly act: OwnerAct;
  /**
   * The passkey that confirmed, with its new count of uses, to be stored in the step that does the act; null for no.
   */
  readonly done: Promise<PasskeyFactor | null>;
  readonly #options: ConfirmationOptions;
  readonly #challenges = new Challenges();
  readonly #purpose: string;
  readonly #end: (factor: PasskeyFactor | null) => void;
  #open = true;

  /** Throws `bad_input` for an act that cannot be shown whole. */
  constructor(wanted: OwnerAct, options: ConfirmationOptions) {
    const act = asShown(wanted);
    this.act = act;
    this.#options = options;
    const nonce = randomBytes(16).toString('hex');
    this.#purpose = JSON.stringify(['purser act 1', nonce, act.what, act.details]);
    const { promise, resolve } = Promise.withResolvers<PasskeyFactor | null>();
    this.done = promise;
    this.#end = (factor) => {
      this.#open = false;
      resolve(factor);
    };
  }

  /** Whether it still waits. */
  get isOpen(): boolean {
    return this.#open;
  }

  /** Asks for the signature. Throws `factor_needed` where there is no passkey, `not_found` once it was answered. */
  async begin(at: PasskeyPlace): ReturnType<typeof challengePasskeys> {
    this.#assertOpen();
    const { factors, now } = this.#options;
    const ceremony = { factors: await factors(), at, nowMs: now() };
    return challengePasskeys(this.#challenges, this.#purpose, ceremony);
  }

  /** Says yes. Throws `factor_wrong` where no passkey of the wallet signed it, `not_found` once it was answered. */
  async confirm(signed: Signed): Promise<void> {
    this.#assertOpen();
    const { factors, now } = this.#options;
    const known = { factors: await factors(), nowMs: now() };
    const factor = await verifyPasskey(this.#challenges, this.#purpose, signed, known);
    if (factor === null) throw new WalletError('factor_wrong', 'The passkey was not accepted.');
    this.#assertOpen();
    this.#end(factor);
  }

  /** Says no; anybody may. */
  refuse(): void {
    this.#end(null);
  }

  #assertOpen(): void {
    if (!this.#open) throw new WalletError('not_found', 'Nothing waits to be confirmed here.');
  }
}
