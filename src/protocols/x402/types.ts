import type { JsonObject } from '../../text/json.js';
import type { PaymentDemand } from '../../payment/challenge.js';
import type { EvmAsset, SvmAsset } from '../../money/asset.js';
import type { EvmNetwork, SvmNetwork } from '../../money/network.js';
import type { AtomicAmount, UsdMicros } from '../../money/unit.js';

/** Wire versions of x402 (facts: "Versions on the wire"). */
export type X402Version = 1 | 2;

interface OfferTerms {
  /** Position in the seller's list, for messages and tests. */
  readonly index: number;
  readonly x402Version: X402Version;
  /** Under `upto` the amount is a ceiling; under `batch-settlement` it is what one call adds to what a channel owes. */
  readonly scheme: 'exact' | 'upto' | 'batch-settlement';
  readonly amountAtomic: AtomicAmount;
  /** Rounded up. */
  readonly usdMicros: UsdMicros;
  /** As the seller asked, or 300 where it named none; an integer ≥ 1. What is signed is `min(this, 600)` (T8). */
  readonly maxTimeoutSeconds: number;
  /** The entry as received: echoed in the payload's `accepted` (v2), never read for a decision. */
  readonly raw: JsonObject;
  /** The network's name as the seller wrote it: echoed in a v1 payload. */
  readonly networkOnWire: string;
}

/** The channel that an offer of `batch-settlement` is paid out of. */
export interface ChannelTerms {
  /** `receiverAuthorizer`: who takes and gives back for the payee. Checksummed. */
  readonly operator: `0x${string}`;
  /** How long the payee has to take its own, once the rest is asked back. s */
  readonly withdrawDelaySec: number;
  /** `minDeposit`: what the seller would have deposited; null where it does not say. */
  readonly suggestedAtomic: AtomicAmount | null;
  /** What the seller says that it charged of a channel so far, in a 402 that corrects a voucher; null where it says nothing. */
  readonly stated: { readonly channelId: string; readonly chargedAtomic: AtomicAmount } | null;
}

/** An offer to be paid by an EIP-3009 authorization, or through Permit2. */
export interface EvmOffer extends OfferTerms {
  readonly network: EvmNetwork;
  readonly asset: EvmAsset;
  readonly method: 'eip3009' | 'permit2';
  /** Checksummed address. */
  readonly payTo: `0x${string}`;
  /** Under `upto`: who alone may settle, checksummed. */
  readonly facilitator: `0x${string}` | null;
  /** Under `batch-settlement` alone. */
  readonly channel: ChannelTerms | null;
}

/** An offer to be paid by a partly signed transaction of Solana. */
export interface SvmOffer extends OfferTerms {
  readonly network: SvmNetwork;
  readonly asset: SvmAsset;
  /** The owner of the token account that is paid, in base58. */
  readonly payTo: string;
  /** Who pays the fees; whether that is somebody else than us, the signer checks. */
  readonly feePayer: string;
  /** What the seller wants in the memo; undefined leaves it to us. */
  readonly memo: string | undefined;
}

/**
 * One entry of `accepts` that the wallet understands and could sign for. Nothing in it but `payTo`, the amount, the
 * window and on Solana fee payer and memo comes from the seller; asset and network are rows of our own tables.
 */
export type PaymentOffer = EvmOffer | SvmOffer;

/** A 402, read: a {@link PaymentDemand} with what of it is x402's own. */
export interface PaymentRequired extends Omit<PaymentDemand, 'offers'> {
  /** The challenge's version; 2 where it names none and has no offer that tells. Each offer carries its own. */
  readonly x402Version: X402Version;
  readonly offers: readonly PaymentOffer[];
  /** v2's top-level `resource` as received, to be echoed; `extensions` likewise. */
  readonly resource: JsonObject | undefined;
  /** Whether it was read from the body, and no header of the answer held a challenge. */
  readonly isInBody: boolean;
}

/** A partly signed transaction as x402 carries it: the wire format in base64. */
export interface ExactSvmPayload {
  readonly transaction: string;
}

/** An EIP-3009 authorization as x402 carries it: decimal text for integers. */
export interface ExactEvmPayload {
  readonly signature: `0x${string}`;
  readonly authorization: {
    readonly from: `0x${string}`;
    readonly to: `0x${string}`;
    readonly value: string;
    readonly validAfter: string;
    readonly validBefore: string;
    readonly nonce: `0x${string}`;
  };
}

/** A transfer through Permit2 as x402 carries it: decimal text for integers. */
export interface Permit2Payload {
  readonly signature: `0x${string}`;
  readonly permit2Authorization: {
    readonly from: `0x${string}`;
    readonly permitted: { readonly token: `0x${string}`; readonly amount: string };
    readonly spender: `0x${string}`;
    readonly nonce: string;
    readonly deadline: string;
    readonly witness: {
      readonly to: `0x${string}`;
      /** Under `upto` alone. */
      readonly facilitator?: `0x${string}`;
      readonly validAfter: string;
    };
  };
}

/** A channel as x402 carries it. */
export interface ChannelConfig {
  readonly payer: `0x${string}`;
  readonly payerAuthorizer: `0x${string}`;
  readonly receiver: `0x${string}`;
  readonly receiverAuthorizer: `0x${string}`;
  readonly token: `0x${string}`;
  readonly withdrawDelay: number;
  readonly salt: `0x${string}`;
}

/** What pays out of a channel, opens it with the first payment, or has it closed: decimal text for integers. */
export interface ChannelPayload {
  readonly type: 'deposit' | 'voucher' | 'refund';
  readonly channelConfig: ChannelConfig;
  readonly voucher: {
    readonly channelId: `0x${string}`;
    readonly maxClaimableAmount: string;
    readonly signature: `0x${string}`;
  };
  /** With `deposit` alone. */
  readonly deposit?: {
    readonly amount: string;
    readonly authorization: {
      readonly erc3009Authorization: {
        readonly validAfter: string;
        readonly validBefore: string;
        readonly salt: `0x${string}`;
        readonly signature: `0x${string}`;
      };
    };
  };
}

/** What the extension `eip2612GasSponsoring` carries: a permit that the facilitator brings to the token with the payment. */
export interface SponsoredPermit {
  readonly from: `0x${string}`;
  readonly asset: `0x${string}`;
  readonly spender: `0x${string}`;
  readonly amount: string;
  readonly nonce: string;
  readonly deadline: string;
  readonly signature: `0x${string}`;
  readonly version: '1';
}
