import { generatePrivateKey, privateKeyToAccount } from 'viem/accounts';
import type { TransferIntent } from '../../payment/intent.js';
import { signTransferIntent } from './transferSigner.js';

/**
 * Signs a transfer in the place of a wallet, by a key that is made for it and has nothing, so that the program of a first
 * signature has run once. The signature is thrown away. Throws as {@link signTransferIntent} does.
 */
export async function rehearseTransfer(intent: TransferIntent, nowMs: number): Promise<void> {
  const nobody = privateKeyToAccount(generatePrivateKey());
  await signTransferIntent({ ...intent, from: nobody.address }, nobody, nowMs);
}
