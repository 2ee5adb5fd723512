import { randomBytes } from 'node:crypto';
import { WalletError } from '../errors/walletError.js';
import { Challenges } from './challenge.js';
import type { FactorRecord, PasskeyFactor } from './factor.js';
import { challengePasskeys, verifyPasskey, type Signed } from './passkey.js';

/** Something only the owner does, as its page words it: all of it is signed. */
export interface OwnerAct {
  /** One line, such as `Raise limits.per_day_usd from $5.00 to $20.00`. */
  readonly what: string;
  /** What else is to be known before a yes; a line each. */
  readonly details: readonly string[];
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

  constructor(act: OwnerAct, options: ConfirmationOptions) {
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
  async begin(port: number): ReturnType<typeof challengePasskeys> {
    this.#assertOpen();
    const { factors, now } = this.#options;
    const ceremony = { factors: await factors(), port, nowMs: now() };
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
