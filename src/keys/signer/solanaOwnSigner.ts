import {
  OWN_COMPUTE_UNIT_PRICE_MAX_MICROLAMPORTS,
  type SolanaOwnTransferIntent,
} from '../../payment/intent.js';
import { paysOwnFee, readOwnMessage, writeTransferMessage } from '../../protocols/solana/solanaMessage.js';
import type { SolanaAccount } from './solanaKey.js';
import { checkMessage, checkTerms, refusal, signMessage, termsOf } from './solanaSigner.js';

/**
 * Signs one transfer on Solana that its own sender pays the fee of, and gives its whole transaction in base64.
 *
 * Judged as a payment is, but for the fee payer: that is this account, and nobody else signs. Beside the transfer the
 * transaction can make the payee's own token account, which costs its rent, and nothing more. Throws `signer_refused`
 * with nothing signed.
 */
export async function signSolanaOwnTransfer(
  given: SolanaOwnTransferIntent,
  account: SolanaAccount,
): Promise<string> {
  const intent: SolanaOwnTransferIntent = { ...given };
  if (intent.kind !== 'svm_own_transfer') throw refusal('it is not a transfer this wallet signs');
  if (typeof intent.createsAccount !== 'boolean') throw refusal('whether it makes an account is not said');
  const asset = checkTerms(intent, account.address, OWN_COMPUTE_UNIT_PRICE_MAX_MICROLAMPORTS);
  const feePayer = account.address;
  const { createsAccount } = intent;
  const message = await writeTransferMessage({ ...termsOf(intent), asset, feePayer, createsAccount });
  const decoded = readOwnMessage(message);
  if (decoded === undefined || !paysOwnFee(decoded)) throw refusal('the fee payer is another key');
  await checkMessage(decoded, { ...intent, feePayer }, asset);
  return signMessage(message, intent.nonce, account);
}
