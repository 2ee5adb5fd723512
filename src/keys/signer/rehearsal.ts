import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import { WalletError } from '../../errors/walletError.js';
import type { UnlockedWallet } from '../unlockedWallet.js';
import { signTransferIntent } from './transferSigner.js';

/**
 * The keys of a wallet as a rehearsal has them: its addresses, and in the place of each signature one by a key that is made for it
 * and has nothing. Nothing but a transfer is signed, and nothing is written to the keystore or revealed.
 */
export function keysOfNobody(keys: UnlockedWallet): UnlockedWallet {
  const refuse = (): never => {
    throw new WalletError('internal', 'A rehearsal does nothing with the keys of the wallet.');
  };
  const kept = Object.keys(keys).filter((name) => /^(sign|write|change|reveal)/.test(name));
  const nobody = privateKeyToAccount(generatePrivateKey());
  const signTransfer: UnlockedWallet['signTransfer'] = (intent, _agentIndex, nowMs) =>
    signTransferIntent({ ...intent, from: nobody.address }, nobody, nowMs);
  return Object.create(keys, {
    ...Object.fromEntries(kept.map((name) => [name, { value: refuse }])),
    signTransfer: { value: signTransfer },
  }) as UnlockedWallet;
}
