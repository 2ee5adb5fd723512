import type { FateQuery, SolanaFateQuery } from '../../chain/chain.js';
import type { Config } from '../../config/settings.js';
import type { Payment } from '../../ledger/payment.js';
import type { SignedPayload } from '../../ledger/sqlite/transition.js';
import type { PaymentIntent } from '../../payment/intent.js';
import { findNetwork } from '../../money/network.js';
import { encodePayment, paymentIdentifierOf } from '../../protocols/x402/codec.js';
import type { HeaderList } from '../../protocols/x402/header.js';
import { parsePaymentRequired, type EndpointAnswer } from '../../protocols/x402/parse.js';
import { readReceipt } from '../../protocols/x402/receipt.js';
import { readRefusal } from '../../protocols/x402/refusal.js';
import type { PaymentOffer, PaymentRequired, SettlementReceipt } from '../../protocols/x402/types.js';
import type { Engine } from '../engine.js';
import { exactEvm } from './exactEvm.js';
import { exactSvm } from './exactSvm.js';

/**
 * What wallet needs of a payment protocol; a further one comes in as a sibling of x402. It parses an offer and
 * states its worst-case cost, says which intent would pay it, signs and writes the payload, reads the receipt, and says
 * how the chain is asked for what became of it, see fate.ts.
 */
export interface PaymentProtocol {
  readonly name: 'x402';
  /** The demand for payment in an answer, or null where there is none. */
  parse(answer: EndpointAnswer): PaymentRequired | null;
  /** The one transfer that would pay an offer; nothing is signed yet. */
  prepare(engine: Engine, config: Config, offer: PaymentOffer, nowMs: number): Promise<PaymentIntent>;
  /** Signs an intent and writes its header; `paymentId` is sent where the seller takes an identifier. */
  sign(
    engine: Engine,
    parts: {
      readonly offer: PaymentOffer;
      readonly required: PaymentRequired;
      readonly intent: PaymentIntent;
      readonly paymentId: string;
    },
  ): Promise<SignedPayload>;
  fateQuery(payment: Payment): Promise<FateQuery | SolanaFateQuery | null>;
  /** What the seller claims became of the payment, or null. */
  readReceipt(headers: HeaderList): SettlementReceipt | null;
  /** Why the seller says it turned the payment away in verifying it, as a clause of ours; null where it says otherwise. */
  readRefusal(headers: HeaderList, bodyText: string): string | null;
  /** Response headers that are the protocol's own and of no use to an agent. */
  readonly ownHeaders: readonly string[];
}

/** x402 over HTTP, versions 1 and 2, scheme `exact`. */
export const x402: PaymentProtocol = {
  name: 'x402',
  parse: parsePaymentRequired,
  prepare: (engine, config, offer, nowMs) =>
    isEvm(offer)
      ? exactEvm.prepare(engine, config, offer, nowMs)
      : exactSvm.prepare(engine, config, offer, nowMs),
  async sign(engine, { offer, required, intent, paymentId }) {
    const signed =
      intent.kind === 'eip3009' ? await exactEvm.sign(engine, intent) : await exactSvm.sign(engine, intent);
    const extras = paymentIdentifierOf(required) === 'none' ? {} : { paymentIdentifier: paymentId };
    const header = encodePayment(offer, required, signed.payload, extras);
    const { validBeforeBlock } = signed;
    return {
      name: header.headerName,
      value: header.headerValue,
      ...(validBeforeBlock === undefined ? {} : { validBeforeBlock }),
    };
  },
  fateQuery: (payment) => {
    const family = findNetwork(payment.network)?.family;
    if (family === undefined) return Promise.resolve(null);
    return (family === 'evm' ? exactEvm : exactSvm).fateQuery(payment);
  },
  readReceipt,
  readRefusal,
  ownHeaders: ['payment-required', 'payment-response', 'x-payment-response', 'x-payment-required'],
};

type EvmOffer = Parameters<typeof exactEvm.prepare>[2];

function isEvm(offer: PaymentOffer): offer is EvmOffer {
  return offer.network.family === 'evm';
}
