import type { Code } from '../errors/codes.js';
import type { Asset } from '../money/asset.js';
import type { BitcoinTerms } from '../money/bitcoin.js';
import type { Network } from '../money/network.js';
import type { JsonObject } from '../text/json.js';
import type { AtomicAmount, UsdMicros } from '../money/unit.js';
import type { CommitmentKey } from './commitment.js';
import type { SignInDemand } from './signIn.js';

/** Headers as they came: names in lower case, in order, a repeated name repeated. */
export type HeaderList = readonly (readonly [string, string])[];

/** An answer of an endpoint, as far as a demand for payment can be read from it. */
export interface EndpointAnswer {
  readonly status: number;
  readonly headers: HeaderList;
  /** The decoded body; what is not text may come as anything that is not JSON. */
  readonly bodyText: string;
  /** The URL that was asked: the only one that counts (T9). It completes a relative address, nothing else. */
  readonly requestUrl: string;
  /** Names of the headers that the call brings along, in lower case: a payment takes the place of none. */
  readonly callerHeaders?: readonly string[];
  /** What offers in bitcoin are priced by, as it stood when the answer came; or why they are not priced, as a sentence. */
  readonly bitcoin?: BitcoinTerms | { readonly off: string };
}

/**
 * One way to pay that a challenge names, and that a rail of this wallet can pay. Network and asset are rows of our own
 * tables; payee and amount come from the seller.
 */
export interface Offer {
  /** The payment protocol that the offer is of, as the ledger keeps it: `x402`. */
  readonly protocol: string;
  /** The protocol's own word for how money moves, such as `exact`. */
  readonly scheme: string;
  /** Position in the seller's list; no two offers of one demand share it. */
  readonly index: number;
  readonly network: Network;
  readonly asset: Asset;
  readonly payTo: string;
  /** The most that paying it can move. */
  readonly amountAtomic: AtomicAmount;
  /** Rounded up. */
  readonly usdMicros: UsdMicros;
  /** How much of that is the network's fee at most, where this wallet pays it. */
  readonly feeUsdMicros?: UsdMicros;
  /** Set where it is paid out of a deposit with the seller. */
  readonly deposit?: DepositTerms;
  /** Set once it is known which deposit pays it. */
  readonly paidFrom?: PaidFromDeposit;
  /** Set where paying it promises the same again in each period: the amount is the most of one. */
  readonly commitment?: CommitmentTerms;
  /** What only the offer's own protocol shows in a quote. */
  readonly facts: Readonly<Record<string, number | string>>;
}

/** What a subscription binds its payer to, beside the amount of each period. */
export interface CommitmentTerms {
  readonly periodSec: number;
  /** s since 1970 */
  readonly endsSec: number;
  /** By whose key, and for which challenge. */
  readonly key: CommitmentKey;
}

/** What a deposit with a seller takes. */
export interface DepositTerms {
  /** What the seller would have deposited; null where it does not say. Advice. */
  readonly suggestedAtomic: AtomicAmount | null;
  /** The most that making it costs beside, where this wallet pays the network's fee. */
  readonly feeAtomic: AtomicAmount;
  /** Who takes of it beside the payee's word: another one is another deposit. */
  readonly operator: string;
  /** How long its rest stays there once it is asked back without the payee, where the payee says: another time is another deposit. s */
  readonly withdrawDelaySec?: number;
  /** Set where the seller takes one voucher at a time: the next says what was taken by then, and no more. */
  readonly isInTurn?: true;
  /** Set where nothing can be added to it. */
  readonly isFixed?: true;
  /** Those of the same terms that are used up, once it is known: another one is made beside them. */
  readonly beside?: readonly string[];
}

/** The deposit that pays an offer: one that was made, and what was drawn on it; or one to be made with the payment. */
export type PaidFromDeposit =
  | {
      readonly kind: 'made';
      readonly entitlementId: string;
      readonly drawnAtomic: AtomicAmount;
      readonly depositAtomic: AtomicAmount;
      /** When it is used no more, ms since 1970. */
      readonly expiresMs: number;
      /** What its own rail kept of it, as JSON. */
      readonly facts: string;
      /** Set where it has too little left, and so much is to be added before it pays. */
      readonly topUpAtomic?: AtomicAmount;
    }
  | {
      readonly kind: 'to_make';
      readonly depositAtomic: AtomicAmount;
      readonly expiresMs: number;
      /** Set where the owner is asked about it: what agents deposit without that. */
      readonly askedAboveUsdMicros?: UsdMicros;
    };

/**
 * How long it can take until it is proved what became of a payment that nobody answered. Steps, and no seconds: within one
 * of them the owner's order of networks decides.
 */
export type ProofTime = 'minutes' | 'hours' | 'days';

/** An entry of a challenge that the wallet will not pay, and why. */
export interface RejectedOffer {
  /** Position in the seller's list; −1 where the challenge as a whole cannot be read. */
  readonly index: number;
  readonly code: Extract<
    Code,
    'unsupported_scheme' | 'unsupported_network' | 'unsupported_asset' | 'malformed_offer'
  >;
  /** One sentence of ours; seller text only in short, cleaned quotes. */
  readonly reason: string;
  /** What it asks, where its token is in our table all the same. */
  readonly usdMicros?: UsdMicros;
}

/** Protocols that a 402 can name beside x402. The table of rails takes those out that it reads itself: today both. */
export type OtherProtocol = 'mpp' | 'l402';

/** A 402, read. Every offer was judged alone: a bad one neither spoils nor shields another (T1). */
export interface PaymentDemand {
  readonly offers: readonly Offer[];
  readonly rejected: readonly RejectedOffer[];
  readonly otherProtocols: readonly OtherProtocol[];
  /** What the seller says of the input it wants; a hint. */
  readonly extensions: JsonObject | undefined;
  /** What the seller wants signed to know again who paid there before; absent where it asks for nothing of the kind. */
  readonly signIn?: SignInDemand | undefined;
  /** Seller prose, cleaned and cut: untrusted data. */
  readonly description: string | undefined;
  /** The seller's `error` text, cleaned and cut: untrusted data. */
  readonly sellerError: string | undefined;
}

/** Whether a seller asks for no money, and only to be told who calls. */
export function asksToSignInAlone({
  offers,
  rejected,
  otherProtocols,
  signIn,
}: Pick<PaymentDemand, 'offers' | 'rejected' | 'otherProtocols' | 'signIn'>): boolean {
  return signIn !== undefined && offers.length + rejected.length + otherProtocols.length === 0;
}

/** What a seller claims about a settlement; the chain is the judge. */
export interface SettlementReceipt {
  readonly success: boolean;
  /** Transaction hash as claimed, when it has the form of one. */
  readonly transaction: string | undefined;
  readonly networkOnWire: string | undefined;
  /** Short, cleaned; untrusted. */
  readonly errorReason: string | undefined;
  /** What was charged, where the seller says (scheme `upto`); absent means the whole. */
  readonly amountAtomic: AtomicAmount | undefined;
  /** What the seller signed of it (extension `offer-receipt`), as it came: kept with the payment, for who wants to prove it. */
  readonly signedReceipt?: JsonObject | undefined;
}
