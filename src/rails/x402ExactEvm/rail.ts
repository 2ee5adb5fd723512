import { randomBytes } from 'node:crypto';
import { WalletError } from '../../errors/walletError.js';
import { buildTransferIntent, toExactEvmPayload } from '../../protocols/x402/authorization.js';
import { eip3009Query } from '../eip3009.js';
import type { Rail } from '../rail.js';
import { evmOfferOf, writePayment } from '../x402Offer.js';

const NONCE_BYTES = 32;

/** Scheme `exact` by EIP-3009: a signed authorization that the seller settles. */
export const x402ExactEvm: Rail = {
  id: 'x402.exact.evm',
  protocol: 'x402',
  scheme: 'exact',
  family: 'evm',
  proofTime: 'minutes',

  async prepare(ports, offer, nowMs) {
    const nonce = `0x${randomBytes(NONCE_BYTES).toString('hex')}` as const;
    const from = (await ports.addressOn(offer.network)) as `0x${string}`;
    return buildTransferIntent({ offer: evmOfferOf(offer), from, nonce, nowMs });
  },

  async sign(ports, { offer, intent, paymentId }) {
    if (intent.kind !== 'eip3009')
      throw new WalletError('internal', 'An intent came to a rail that does not sign it.');
    const signature = await ports.keys.signTransfer(intent, ports.agentIndex, ports.nowMs());
    return writePayment(offer, toExactEvmPayload(intent, signature), paymentId);
  },

  async settlementQuery(payment) {
    return eip3009Query(payment);
  },
};
