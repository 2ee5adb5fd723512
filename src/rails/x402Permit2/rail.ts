import { randomBytes } from 'node:crypto';
import { WalletError } from '../../errors/walletError.js';
import type { Attempt } from '../../ledger/attempts/attempt.js';
import { PERMIT2_SPENDERS } from '../../money/permit2.js';
import type { SettlementQuery } from '../../chain/chain.js';
import { buildPermit2Intent, toPermit2Payload, toSponsoredPermit } from '../../protocols/x402/permit2.js';
import type { Offer } from '../../payment/challenge.js';
import { eip3009Query } from '../eip3009.js';
import type { RailPorts } from '../ports.js';
import type { Rail } from '../rail.js';
import { evmOfferOf, EXACT_BY_PERMIT2, requiredOf, writePayment } from '../x402Offer.js';
import { permitNumberFor } from './allowance.js';

const NONCE_BYTES = 32;

/** Scheme `exact` through Permit2: for sellers who ask for that, and tokens that have no other way. */
export const x402ExactPermit2: Rail = {
  ...{
    id: 'x402.exact.permit2',
    protocol: 'x402',
    scheme: EXACT_BY_PERMIT2,
    family: 'evm',
    proofTime: 'minutes',
  },
  ...{ prepare, assertAllowed, sign },
  async settlementQuery(payment) {
    return queryOf(payment, 'exact');
  },
};

/** Scheme `upto` on the EVM: what is signed is a ceiling, and the seller's facilitator says how much of it is taken. */
export const x402UptoEvm: Rail = {
  ...{ id: 'x402.upto.evm', protocol: 'x402', scheme: 'upto', family: 'evm', proofTime: 'minutes' },
  ...{ prepare, assertAllowed, sign },
  async settlementQuery(payment) {
    return queryOf(payment, 'upto');
  },
};

async function assertAllowed(ports: RailPorts, offer: Offer): Promise<void> {
  const from = (await ports.addressOn(offer.network)) as `0x${string}`;
  await permitNumberFor(ports, evmOfferOf(offer), from, requiredOf(offer));
}

async function prepare(ports: RailPorts, offer: Offer, nowMs: number) {
  const x402 = evmOfferOf(offer);
  const from = (await ports.addressOn(offer.network)) as `0x${string}`;
  const permitNumber = await permitNumberFor(ports, x402, from, requiredOf(offer));
  const nonce = `0x${randomBytes(NONCE_BYTES).toString('hex')}` as const;
  return buildPermit2Intent({ offer: x402, from, nonce, nowMs, permitNumber });
}

async function sign(...[ports, { offer, intent, paymentId }]: Parameters<Rail['sign']>) {
  if (intent.kind !== 'permit2')
    throw new WalletError('internal', 'An intent came to a rail that does not sign it.');
  const signatures = await ports.keys.signPermit2(intent, ports.agentIndex, ports.nowMs());
  const permit = toSponsoredPermit(intent, signatures);
  return writePayment(offer, toPermit2Payload(intent, signatures), paymentId, permit);
}

function queryOf(payment: Attempt, scheme: keyof typeof PERMIT2_SPENDERS): SettlementQuery | null {
  const query = eip3009Query(payment);
  const spender = PERMIT2_SPENDERS[scheme];
  const permit2 = { spender, isCeiling: scheme === 'upto', claimedTx: payment.tx };
  return query === null ? null : { ...query, permit2 };
}
