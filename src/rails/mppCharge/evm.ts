import { WalletError } from '../../errors/walletError.js';
import { AUTHORIZATION_WINDOW_MAX_SEC } from '../../payment/intent.js';
import { authorizationPayload, challengeNonce } from '../../protocols/mpp/credential.js';
import { eip3009Query } from '../eip3009.js';
import type { Rail } from '../rail.js';
import { chargeOf, validBeforeSecOf, writePayment } from './offer.js';

/** How long what is signed lives where the challenge names no end; what the reference client takes. */
const WINDOW_SEC = 300;

/** A charge on a chain of the EVM, by an authorization (EIP-3009) that the seller settles. */
export const mppChargeEvm: Rail = {
  id: 'mpp.charge.evm',
  protocol: 'mpp',
  scheme: 'charge',
  family: 'evm',
  proofTime: 'minutes',

  async prepare(ports, offer, nowMs) {
    const charge = chargeOf(offer, 'evm');
    const from = (await ports.addressOn(charge.network)) as `0x${string}`;
    const windowSec = charge.challenge.expiresMs === undefined ? WINDOW_SEC : AUTHORIZATION_WINDOW_MAX_SEC;
    return {
      kind: 'eip3009',
      asset: charge.asset,
      chainId: charge.network.chainId,
      from,
      to: charge.payTo,
      amountAtomic: charge.amountAtomic,
      validAfterSec: 0,
      validBeforeSec: validBeforeSecOf(charge, nowMs, windowSec),
      nonce: challengeNonce(charge.challenge),
    };
  },

  async sign(ports, { offer, intent }) {
    if (intent.kind !== 'eip3009')
      throw new WalletError('internal', 'An intent came to a rail that does not sign it.');
    const signature = await ports.keys.signTransfer(intent, ports.agentIndex, ports.nowMs());
    const source = `did:pkh:eip155:${intent.chainId}:${intent.from}`;
    return writePayment(chargeOf(offer, 'evm'), authorizationPayload(intent, signature), source);
  },

  async settlementQuery(payment) {
    return eip3009Query(payment);
  },
};
