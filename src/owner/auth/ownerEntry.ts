import { Challenges } from '../../approvals/challenge.js';
import { challengePasskeys, verifyPasskey } from '../../approvals/passkey.js';
import { WalletError } from '../../errors/walletError.js';
import type { Ledger } from '../../ledger/ledger.js';
import { provedFactor, readFactors } from './ownerFactor.js';

/** How an owner comes in who is elsewhere: one of their passkeys signs for a visit of the page, and for nothing else (T18). */
export interface OwnerEntry {
  begin(): ReturnType<typeof challengePasskeys>;
  /** Throws `factor_wrong` where no passkey of the wallet signed it. */
  finish(signed: { readonly challengeId: string; readonly response: unknown }): Promise<void>;
}

/**
 * Strangers ask at the door, too. As many as they ask for while the owner touches a key must not push out the owner's; some
 * megabytes of memory at most.
 */
const CHALLENGES_MAX = 20_000;

const PURPOSE = JSON.stringify(['purser visit 1']);

/** Opens it for a page at this address. */
export function openEntry(
  ledger: Ledger,
  at: { readonly origin: string; readonly rpId: string },
  now: () => number,
): OwnerEntry {
  // Its own: whoever asks at the door pushes out none that a visit is busy with.
  const challenges = new Challenges(CHALLENGES_MAX);
  return {
    begin: async () =>
      challengePasskeys(challenges, PURPOSE, { factors: await readFactors(ledger), at, nowMs: now() }),
    async finish(signed) {
      const factors = await readFactors(ledger);
      const found = await verifyPasskey(challenges, PURPOSE, signed, { factors, nowMs: now() });
      if (found === null) throw new WalletError('factor_wrong', 'The passkey was not accepted.');
      await ledger.factors.use((await provedFactor(ledger, found, 'page')).use, now());
    },
  };
}
