import { WalletError } from '../errors/walletError.js';
import { isBase58 } from '../x402/base58.js';
import type { Rail } from './rail.js';

const NO_WAY =
  'This version moves no money out on Solana by itself: the recovery phrase opens the same address in any Solana wallet.';

/** Solana has no way out yet: every call that would sign or send is refused, and says so. */
export const svmRail: Rail = {
  readAddress: (text) => (isBase58(text, 'address') ? text : undefined),
  ownAddress: (engine) => engine.keys.solanaAddress(engine.agentIndex),
  draft: () => {
    throw noWay();
  },
  waysFor: async () => ({ ways: [], says: [NO_WAY] }),
  sign: async () => {
    throw noWay();
  },
  carry: async () => {
    throw noWay();
  },
};

function noWay(): WalletError {
  return new WalletError('unsupported_network', NO_WAY);
}
