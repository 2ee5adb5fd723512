import { WalletError } from '../../errors/walletError.js';
import { transactionInCredential } from '../../protocols/mpp/credential.js';
import type { Rail } from '../rail.js';
import { prepareSponsored, sponsoredQuery } from '../solanaTransfer.js';
import { chargeOf, validBeforeSecOf, writePayment } from './offer.js';

/** A blockhash lives for about this long: a challenge that ends sooner only ends the seller's patience. */
const WINDOW_SEC = 75;

/** A charge on Solana in pull mode: a transaction that the seller signs as fee payer, and sends. */
export const mppChargeSvm: Rail = {
  id: 'mpp.charge.svm',
  protocol: 'mpp',
  scheme: 'charge',
  family: 'svm',
  proofTime: 'minutes',

  async prepare(ports, offer, nowMs) {
    const charge = chargeOf(offer, 'solana');
    // Asked for its refusal alone: how long the transaction lives is the blockhash's matter.
    validBeforeSecOf(charge, nowMs, WINDOW_SEC);
    return prepareSponsored(ports, charge, nowMs);
  },

  async sign(ports, { offer, intent }) {
    if (intent.kind !== 'svm_transfer')
      throw new WalletError('internal', 'An intent came to a rail that does not sign it.');
    const transaction = await ports.keys.signSolanaTransfer(intent, ports.agentIndex);
    const charge = chargeOf(offer, 'solana');
    const source = `did:pkh:${charge.network.caip2}:${intent.from}`;
    return {
      ...writePayment(charge, { type: 'transaction', transaction }, source),
      validBeforeBlock: intent.validBeforeBlock,
    };
  },

  async settlementQuery(payment) {
    return sponsoredQuery(payment, transactionInCredential);
  },
};
