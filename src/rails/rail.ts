import type { SignedPayload } from '../ledger/attempts/transition.js';
import type { AnySettlementQuery } from '../chain/chain.js';
import type { Attempt } from '../ledger/attempts/attempt.js';
import type { Payment } from '../ledger/attempts/payment.js';
import type { Network } from '../money/network.js';
import type { AtomicAmount } from '../money/unit.js';
import type {
  EndpointAnswer,
  HeaderList,
  Offer,
  PaymentDemand,
  ProofTime,
  SettlementReceipt,
} from '../payment/challenge.js';
import type { PaymentIntent } from '../payment/intent.js';
import type { SignInIntent } from '../payment/signIn.js';
import type { RailPorts } from './ports.js';

/**
 * One way to move money for a request: a protocol, a scheme and a family of networks. It is given only offers of its
 * own, which its protocol has read, and payments made by it.
 */
export interface Rail {
  /** Such as `x402.exact.evm`. */
  readonly id: string;
  readonly protocol: string;
  readonly scheme: string;
  readonly family: Network['family'];
  /** How soon it is proved what became of a payment that nobody answered: of equal prices the soonest is paid. */
  readonly proofTime: ProofTime;
  /** The one transfer that would pay an offer, complete but for its signature. Reads the network where it must. */
  prepare(ports: RailPorts, offer: Offer, nowMs: number): Promise<PaymentIntent>;
  /**
   * Throws `allowance_required`, as `prepare` would, where the owner has something to do before an offer can be paid; and
   * `rpc_unavailable`. Absent where an owner never has.
   */
  readonly assertAllowed?: (ports: RailPorts, offer: Offer) => Promise<void>;
  /** Signs an intent and writes what is sent; `paymentId` goes with it where the seller takes an identifier. */
  sign(
    ports: RailPorts,
    parts: { readonly offer: Offer; readonly intent: PaymentIntent; readonly paymentId: string },
  ): Promise<SignedPayload>;
  /** What to ask the chain about a payment; null where nothing was signed that it could show. */
  settlementQuery(attempt: Attempt): Promise<AnySettlementQuery | null>;
  /**
   * The same payment for a further 402 of the same seller, written anew with nothing signed that was not signed before: of all
   * vouchers of its deposit the highest. Null where the answer asks for something else. Absent where a rail has no such thing.
   */
  presentAgain?(
    ports: RailPorts,
    parts: {
      readonly payment: Payment;
      readonly payload: SignedPayload;
      readonly answer: EndpointAnswer;
      readonly deposit: SignedDeposit;
    },
  ): Promise<SignedPayload | null>;
  /** How a deposit of this rail is ended, where this rail makes deposits. */
  readonly deposits?: DepositRail;
  /** How a promise of this rail is ended, where this rail makes promises. */
  readonly commitments?: CommitmentRail;
  /** Where the money moves before the seller is asked again, and the seller is shown the proof of that. */
  readonly prepaid?: PrepaidRail;
}

/** A deposit, and the most that was signed of it. */
export interface SignedDeposit {
  readonly facts: string;
  readonly depositAtomic: AtomicAmount;
  readonly signedAtomic: AtomicAmount;
  readonly expiresMs: number;
}

/** How deposits of a rail are kept and ended. */
export interface DepositRail {
  /** How its seller is asked to close one: by a POST, or by the call that it is paid for. */
  readonly closesBy: 'post' | 'call';
  /** How long the payee has to take its own, once the chain is asked for the rest. s */
  withdrawDelaySec(deposit: Pick<SignedDeposit, 'facts'>): number;
  /** What is kept of a deposit that an intent makes; JSON, no secret. */
  factsOf(intent: PaymentIntent): string;
  /**
   * The payload that has the seller close it, for its challenge, or for what it wants corrected about one before; null where the
   * answer is no challenge of that seller's.
   */
  close(
    ports: RailPorts,
    parts: { readonly answer: EndpointAnswer; readonly deposit: SignedDeposit },
  ): Promise<SignedPayload | null>;
  /** The payload that adds so much to it, for its seller's challenge; absent where nothing can be added. */
  topUp?(
    ports: RailPorts,
    parts: { readonly offer: Offer; readonly deposit: SignedDeposit; readonly addedAtomic: AtomicAmount },
  ): Promise<SignedPayload>;
  /** Whether the chain knows that its end was asked for; absent where nothing can make that request void. Throws `rpc_unavailable`. */
  isEndAsked?(ports: RailPorts, deposit: Pick<SignedDeposit, 'facts'>): Promise<boolean>;
  /** The transaction that asks for the end of it, or brings the rest back once that may be; signed, to be sent by us. */
  signEnd(
    ports: RailPorts,
    deposit: SignedDeposit,
    step: 'request_close' | 'withdraw',
  ): Promise<`0x${string}`>;
}

/** How promises to pay in each period are ended before their time. */
export interface CommitmentRail {
  /** The transaction that ends one: `revoke` where the chain knows of it, `burn` where it never came there. */
  signEnd(ports: RailPorts, attempt: Attempt, call: 'revoke' | 'burn'): Promise<`0x${string}`>;
}

/** What came of moving the money of a prepaid rail. */
export type Prepaid =
  | {
      readonly kind: 'paid';
      /** What the seller is shown: with the proof, which is kept nowhere in the open (T38). */
      readonly credential: SignedPayload;
      readonly capturedAtomic: AtomicAmount;
      readonly tx: string;
      /** Until when the seller takes the credential for further calls, ms since 1970, null where it does not say; absent where it is good once. */
      readonly lastsUntilMs?: number | null;
    }
  /** It is proved that nothing was paid, and nothing will be; `reason` is a clause of ours. */
  | {
      readonly kind: 'failed';
      readonly reason: string;
      /** Set where only the owner can have it pay again. */
      readonly needsOwner?: true;
    }
  | {
      readonly kind: 'open';
      readonly reason: string;
      /** Set where the wallet said that it does not begin to pay, which a second copy of the request may still change. */
      readonly isRefused?: true;
    };

/** A rail whose money moves before the seller is asked again. */
export interface PrepaidRail {
  /**
   * Moves the money of a payment that is durably `sent`, once: it is never called twice for one. Throws only where nothing
   * has left.
   */
  pay(ports: RailPorts, payment: Payment, payload: SignedPayload, signal: AbortSignal): Promise<Prepaid>;
  /** The proof of what was paid before, to be shown once more; anything but `paid` where there is none to be had. */
  proveAgain(
    ports: RailPorts,
    payment: Payment,
    payload: SignedPayload,
    signal: AbortSignal,
  ): Promise<Prepaid>;
}

/** How a challenge that was seen stands for one that is not asked for (T37). */
export interface AheadRules {
  /** The offer as its seller would make it for another request of the same endpoint; null where nobody can know that. */
  offerFor(offer: Offer, seenAt: URL, url: URL): Offer | null;
  /** Whether what was sent before answers this very offer, all its terms included, as far as its bytes tell. */
  answersTo(payload: SignedPayload, offer: Offer): boolean;
}

/** A payment protocol: how a challenge and a receipt are read, and the rails that pay its offers. */
export interface PaymentProtocol {
  readonly name: string;
  /** The demand for payment in an answer, or null where there is none of this protocol. Never throws. */
  parse(answer: EndpointAnswer): PaymentDemand | null;
  /** What the seller claims became of the payment, or null. Never throws. */
  readReceipt(headers: HeaderList): SettlementReceipt | null;
  /** Why the seller says it turned the payment away in verifying it, as a clause of ours; null where it says otherwise. */
  readRejection(headers: HeaderList, bodyText: string): string | null;
  /** Whether an answer names a price in bitcoin, so that its rate has to be known to read it; absent where none ever does. */
  readonly pricesInBitcoin?: (answer: EndpointAnswer) => boolean;
  /** The header that signs in where its challenge asked for that; absent where it never does. */
  readonly writeSignIn?: (intent: SignInIntent, signature: string) => readonly [string, string];
  /** The same payment with what a further 402 wants corrected about it; absent where a protocol has no such thing. */
  readonly correctEcho?: (
    payload: SignedPayload,
    answer: EndpointAnswer,
    paymentId: string,
  ) => SignedPayload | null;
  /** What a payment needs that goes before its price was asked; absent where each one needs a challenge of its own. */
  readonly ahead?: AheadRules;
  /** About how many bytes the header has that pays an offer; absent where a seller has no say in that. */
  readonly headerBytes?: (offer: Offer) => number;
  /** Headers that a challenge is read from, in lower case; nothing else of a 402 is kept with a quote. */
  readonly challengeHeaders: readonly string[];
  /** Headers that are the protocol's own and of no use to an agent, in lower case. */
  readonly ownHeaders: readonly string[];
  readonly rails: readonly Rail[];
}
