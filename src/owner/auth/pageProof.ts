import { Challenges, type PasskeyPlace } from '../../approvals/challenge.js';
import type { FactorProof, PasskeyAsk } from '../../approvals/inbox.js';
import { challengePasskeys, verifyPasskey } from '../../approvals/passkey.js';
import { WalletError } from '../../errors/walletError.js';
import type { Approver } from '../../ledger/books/ownersAct.js';
import type { Ledger } from '../../ledger/ledger.js';
import { factorNeeded } from '../approvalInbox.js';
import { allowAct, type ActToAllow } from './allow.js';
import { provedFactor, provePassphrase, readFactors, type ProvedFactor } from './ownerFactor.js';

/** The owner's factor as a local page takes it, for things that are done over a wallet that is open already. */
export class PageProof {
  readonly #ledger: Ledger;
  readonly #now: () => number;
  readonly #challenges = new Challenges();

  constructor(ledger: Ledger, now: () => number) {
    this.#ledger = ledger;
    this.#now = now;
  }

  /** A challenge for a passkey. `purpose` is all that was shown: the signature is for it alone (T18). */
  async challenge(purpose: string, at: PasskeyPlace): Promise<PasskeyAsk> {
    return challengePasskeys(this.#challenges, purpose, {
      ...{ factors: await readFactors(this.#ledger), at, nowMs: this.#now() },
    });
  }

  /**
   * Proves the owner for a purpose, and takes their word for the act that it is. Throws `factor_needed`, `factor_wrong`,
   * `factor_slowed`, and `second_owner_needed` where another owner has to say so too: nothing is to be done then.
   */
  async allow(
    purpose: string,
    proof: FactorProof | null,
    toAllow: Omit<ActToAllow, 'confirms'>,
  ): Promise<readonly Approver[]> {
    const proved = await this.#prove(purpose, proof);
    return allowAct(this.#ledger, { ...toAllow, confirms: null }, proved, this.#now());
  }

  async #prove(purpose: string, proof: FactorProof | null): Promise<ProvedFactor> {
    const [ledger, now] = [this.#ledger, this.#now];
    const factors = await readFactors(ledger);
    if (proof === null) throw factorNeeded(factors.length > 0);
    if (proof.kind === 'passphrase') return provePassphrase(ledger, proof.passphrase, { place: 'page', now });
    if (!factors.some(({ kind }) => kind === 'passkey')) throw factorNeeded(factors.length > 0);
    const found = await verifyPasskey(this.#challenges, purpose, proof, { factors, nowMs: now() });
    if (found === null) throw new WalletError('factor_wrong', 'The passkey was not accepted.');
    return provedFactor(ledger, found, 'page');
  }
}
