import { WalletError } from '../../errors/walletError.js';
import type { WithdrawalRail } from '../withdrawal.js';

/** What a connected wallet holds is taken out by that wallet itself: Purser only ever pays sellers from it. */
const NO_WAY = 'This money is in your own Lightning wallet: take it out there.';

/** Lightning has no withdrawal by Purser. */
export const lightningWithdrawal: WithdrawalRail = {
  readAddress: () => undefined,
  refuseRecipient: () => Promise.resolve(`cannot be paid from here: ${NO_WAY}`),
  methodsFor: () => Promise.resolve({ methods: [], reasons: [NO_WAY] }),
  methodsLeft: () => Promise.resolve({ methods: [], reasons: [NO_WAY] }),
  draft: () => Promise.reject(new WalletError('bad_input', NO_WAY)),
  settlementQuery: () => Promise.resolve(null),
  submit: () => Promise.reject(new WalletError('bad_input', NO_WAY)),
};
