import type { FateQuery, SolanaFateQuery } from '../../chain/chain.js';
import type { Config } from '../../config/settings.js';
import type { Payment } from '../../ledger/payment.js';
import type { PaymentIntent } from '../../payment/intent.js';
import type { ExactEvmPayload, ExactSvmPayload, PaymentOffer } from '../../protocols/x402/types.js';
import type { Engine } from '../engine.js';

/** A signed payload, and on chains that count blocks the last one that can take it. */
export interface SignedScheme {
  readonly payload: ExactEvmPayload | ExactSvmPayload;
  readonly validBeforeBlock?: number;
}

/** A way of paying an offer on one family of chains; siblings behind one protocol. */
export interface ExactScheme<Offer extends PaymentOffer, Intent extends PaymentIntent> {
  /** The one transfer that would pay an offer, complete but for its signature. Reads the chain where it has to. */
  prepare(engine: Engine, config: Config, offer: Offer, nowMs: number): Promise<Intent>;
  sign(engine: Engine, intent: Intent): Promise<SignedScheme>;
  /** What to ask the chain about a payment; null where nothing was signed that it could show. */
  fateQuery(payment: Payment): Promise<FateQuery | SolanaFateQuery | null>;
}
