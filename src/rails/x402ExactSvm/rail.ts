import { WalletError } from '../../errors/walletError.js';
import { readJsonHeader } from '../../protocols/x402/header.js';
import { isJsonObject, statedField, statedText } from '../../text/json.js';
import type { Rail } from '../rail.js';
import { prepareSponsored, sponsoredQuery } from '../solanaTransfer.js';
import { svmOfferOf, writePayment } from '../x402Offer.js';

/** The header was written by this wallet and is read back whole. */
const HEADER_BYTES_MAX = 1_048_576;

/** Scheme `exact` on Solana: a transaction that the seller's facilitator signs as fee payer, and sends. */
export const x402ExactSvm: Rail = {
  id: 'x402.exact.svm',
  protocol: 'x402',
  scheme: 'exact',
  family: 'svm',
  proofTime: 'minutes',

  prepare(ports, offer, nowMs) {
    return prepareSponsored(ports, svmOfferOf(offer), nowMs);
  },

  async sign(ports, { offer, intent, paymentId }) {
    if (intent.kind !== 'svm_transfer')
      throw new WalletError('internal', 'An intent came to a rail that does not sign it.');
    const transaction = await ports.keys.signSolanaTransfer(intent, ports.agentIndex);
    const { validBeforeBlock } = intent;
    return { ...writePayment(offer, { transaction }, paymentId), validBeforeBlock };
  },

  async settlementQuery(payment) {
    return sponsoredQuery(payment, transactionIn);
  },
};

/** The transaction in a payment header of either version, or in what was signed for money taken out. */
function transactionIn(header: string): string {
  const body = readJsonHeader(header, HEADER_BYTES_MAX);
  const payload = body === undefined ? undefined : statedField(body, 'payload');
  return isJsonObject(payload) ? (statedText(payload, 'transaction') ?? '') : '';
}
