import type { OwnerStep } from '../errors/ownerAction.js';
import { WalletError } from '../errors/walletError.js';
import { Challenges, type PasskeyPlace } from './challenge.js';
import { CODE_TRIES_MAX, isSameCode, makeCode } from './code.js';
import type { FactorName, FactorRecord, PasskeyFactor } from './factor.js';
import { beginPasskey, makePasskeyFactor, type Signed } from './passkey.js';

const AGAIN: OwnerStep = {
  say: 'Begin again in a terminal.',
  action: { kind: 'addFactor', factor: 'passkey' },
};

/** What adding a passkey needs of the wallet. The owner was told from an agent before it is made. */
export interface EnrolmentOptions extends FactorName {
  readonly factors: () => Promise<readonly FactorRecord[]>;
  /** Stores the new factor. */
  readonly save: (factor: PasskeyFactor) => Promise<void>;
  readonly now: () => number;
}

/**
 * One passkey being added, by a command in the owner's terminal and a page in their browser.
 *
 * The page alone adds nothing: it asks for a code that only the terminal shows, since an agent can fetch the page and
 * has software that answers as a passkey would (T20). Ends with the first passkey, or after five wrong codes.
 */
export class Enrolment {
  /** To be shown in the terminal, and nowhere else: `BCDF-2345`. */
  readonly code: string;
  /** The passkey as it was stored; null where the enrolment ended without one. */
  readonly done: Promise<PasskeyFactor | null>;
  readonly #options: EnrolmentOptions;
  readonly #challenges = new Challenges();
  readonly #end: (factor: PasskeyFactor | null) => void;
  #triesLeft = CODE_TRIES_MAX;
  #open = true;

  constructor(options: EnrolmentOptions) {
    this.code = makeCode();
    this.#options = options;
    const { promise, resolve } = Promise.withResolvers<PasskeyFactor | null>();
    this.done = promise;
    this.#end = (factor) => {
      this.#open = false;
      resolve(factor);
    };
  }

  /** Begins the registration. Throws `factor_wrong` for another code, and `not_found` once it has ended. */
  async begin(code: string, at: PasskeyPlace): ReturnType<typeof beginPasskey> {
    this.#check(code);
    const { factors, now } = this.#options;
    return beginPasskey(this.#challenges, { factors: await factors(), at, nowMs: now() });
  }

  /** Stores the passkey. Throws as {@link begin} does, and `factor_wrong` where the answer is not a new passkey's. */
  async finish(code: string, signed: Signed): Promise<PasskeyFactor> {
    this.#check(code);
    const { label, owner, now, save } = this.#options;
    const factor = await makePasskeyFactor(this.#challenges, signed, { nowMs: now(), label, owner });
    if (!this.#open) throw ended();
    this.#open = false;
    try {
      await save(factor);
    } catch (error) {
      this.#open = true;
      throw error;
    }
    this.#end(factor);
    return factor;
  }

  /** Ends it without a passkey. */
  close(): void {
    this.#end(null);
  }

  #check(code: string): void {
    if (!this.#open) throw ended();
    if (isSameCode(code, this.code)) return;
    this.#triesLeft -= 1;
    if (this.#triesLeft > 0) {
      throw new WalletError('factor_wrong', 'That is not the code that the terminal shows.');
    }
    this.#end(null);
    throw new WalletError('factor_wrong', 'Five wrong codes: this enrolment has ended.', { owner: AGAIN });
  }
}

function ended(): WalletError {
  return new WalletError('not_found', 'No passkey is being added here.', {
    owner: AGAIN,
  });
}
