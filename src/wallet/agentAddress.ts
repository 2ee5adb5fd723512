import type { UnlockedWallet } from '../keys/keystore.js';
import type { Network } from '../money/network.js';

/** Whether the wallet's keys can pay on a network: an imported EVM key has no place on Solana. */
export function canPayOn({ secretKind }: Pick<UnlockedWallet, 'secretKind'>, { family }: Network): boolean {
  return family === 'evm' || secretKind === 'phrase';
}

/** An agent's address on a network: one for all of the EVM, one for all of Solana. Throws `bad_input`, see {@link canPayOn}. */
export function addressOn(
  keys: Pick<UnlockedWallet, 'evmAddress' | 'solanaAddress'>,
  agentIndex: number,
  { family }: Network,
): Promise<string> {
  return family === 'evm' ? keys.evmAddress(agentIndex) : keys.solanaAddress(agentIndex);
}
