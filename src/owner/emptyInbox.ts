import type { ApprovalInbox } from '../approvals/inbox.js';
import type { FactorRecord } from '../approvals/factor.js';
import { factorLine } from '../approvals/passkey.js';
import { WalletError } from '../errors/walletError.js';

/** The owner's inbox while the ledger is lost: nothing is asked there, and its page still confirms what mends it. */
export function emptyInbox(factors: () => Promise<readonly FactorRecord[]>): ApprovalInbox {
  const unknown = (): Promise<never> =>
    Promise.reject(new WalletError('approval_unknown', 'There is no approval by that id.'));
  return {
    list: () => Promise.resolve([]),
    show: () => Promise.resolve(null),
    answer: unknown,
    unblock: unknown,
    factors: async () => (await factors()).map(factorLine),
    passkeyChallenge: unknown,
    unblockChallenge: unknown,
  };
}
