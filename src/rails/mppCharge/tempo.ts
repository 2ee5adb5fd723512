import { WalletError } from '../../errors/walletError.js';
import { challengeMemo, tempoTransactionInCredential } from '../../protocols/mpp/credential.js';
import type { Rail } from '../rail.js';
import { tempoQuery } from '../tempoTransfer.js';
import { chargeOf, validBeforeSecOf, writePayment } from './offer.js';

/** Less than the chain allows, for a clock that is some seconds ahead of it; what the reference client takes. */
const WINDOW_SEC = 25;

/** A charge on Tempo in pull mode: a transaction that the seller sends, and pays the fee of where it says so. */
export const mppChargeTempo: Rail = {
  id: 'mpp.charge.tempo',
  protocol: 'mpp',
  scheme: 'charge',
  family: 'tempo',
  proofTime: 'minutes',

  async prepare(ports, offer, nowMs) {
    const charge = chargeOf(offer, 'tempo');
    return {
      kind: 'tempo_transfer',
      asset: charge.asset,
      chainId: charge.network.chainId,
      from: (await ports.addressOn(charge.network)) as `0x${string}`,
      to: charge.payTo,
      amountAtomic: charge.amountAtomic,
      feePaidBy: charge.feePaidBy,
      validAfterSec: 0,
      validBeforeSec: validBeforeSecOf(charge, nowMs, WINDOW_SEC),
      nonce: challengeMemo(charge.challenge),
    };
  },

  async sign(ports, { offer, intent }) {
    if (intent.kind !== 'tempo_transfer')
      throw new WalletError('internal', 'An intent came to a rail that does not sign it.');
    const transaction = await ports.keys.signTempoTransfer(intent, ports.agentIndex, ports.nowMs());
    const source = `did:pkh:eip155:${intent.chainId}:${intent.from}`;
    return writePayment(chargeOf(offer, 'tempo'), { type: 'transaction', signature: transaction }, source);
  },

  async settlementQuery(payment) {
    return tempoQuery(payment, tempoTransactionInCredential);
  },
};
