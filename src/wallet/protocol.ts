import type { SignedPayload } from '../ledger/transition.js';
import type { TransferIntent } from '../money/intent.js';
import { buildTransferIntent, toExactEvmPayload } from '../x402/authorization.js';
import { encodePayment, paymentIdentifierOf } from '../x402/codec.js';
import { parsePaymentRequired, type EndpointAnswer } from '../x402/parse.js';
import { readReceipt } from '../x402/receipt.js';
import type { HeaderList } from '../x402/header.js';
import type { PaymentOffer, PaymentRequired, SettlementReceipt } from '../x402/types.js';

/**
 * What wallet needs of a payment protocol; a further one comes in as a sibling of x402. It parses an offer and
 * states its worst-case cost, says which intent would pay it, writes the signed payload and reads the receipt.
 * What became of an intent the chain answers, see fate.ts.
 */
export interface PaymentProtocol {
  readonly name: 'x402';
  /** The demand for payment in an answer, or null where there is none. */
  parse(answer: EndpointAnswer): PaymentRequired | null;
  /** The one transfer that would pay an offer. */
  intentFor(
    offer: PaymentOffer,
    parts: { from: `0x${string}`; nonce: `0x${string}`; nowMs: number },
  ): TransferIntent;
  /** The header that carries the signed intent; `paymentId` is sent where the seller takes an identifier. */
  write(
    offer: PaymentOffer,
    required: PaymentRequired,
    signed: { intent: TransferIntent; signature: `0x${string}`; paymentId: string },
  ): SignedPayload;
  /** What the seller claims became of the payment, or null. */
  readReceipt(headers: HeaderList): SettlementReceipt | null;
  /** Response headers that are the protocol's own and of no use to an agent. */
  readonly ownHeaders: readonly string[];
}

/** x402 over HTTP, versions 1 and 2. */
export const x402: PaymentProtocol = {
  name: 'x402',
  parse: parsePaymentRequired,
  intentFor: (offer, parts) => buildTransferIntent({ offer, ...parts }),
  write: (offer, required, { intent, signature, paymentId }) => {
    const extras = paymentIdentifierOf(required) === 'none' ? {} : { paymentIdentifier: paymentId };
    const header = encodePayment(offer, required, toExactEvmPayload(intent, signature), extras);
    return { name: header.headerName, value: header.headerValue };
  },
  readReceipt,
  ownHeaders: ['payment-required', 'payment-response', 'x-payment-response', 'x-payment-required'],
};
