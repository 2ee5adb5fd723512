import { WalletError } from '../errors/walletError.js';
import type { Payment } from '../ledger/attempts/payment.js';
import type { SignedPayload } from '../ledger/attempts/transition.js';
import { findNetwork, type Caip2, type Network } from '../money/network.js';
import type {
  EndpointAnswer,
  HeaderList,
  Offer,
  PaymentDemand,
  SettlementReceipt,
} from '../payment/challenge.js';
import type { SignInIntent } from '../payment/signIn.js';
import type { AheadRules, PaymentProtocol, Rail } from './rail.js';
import type { WithdrawalRail } from './withdrawal.js';
import { withoutDisagreement } from './disagreement.js';
import { evmWithdrawal } from './evmWithdrawal.js';
import { l402 } from './l402.js';
import { lightningWithdrawal } from './lightning/withdrawal.js';
import { mpp } from './mpp.js';
import { x402 } from './x402.js';
import { svmWithdrawal } from './x402ExactSvm/withdrawal.js';
import { tempoWithdrawal } from './mppCharge/tempoWithdrawal.js';

/** Every protocol this wallet pays by. A further one is a row here and a folder of its own. */
export const PROTOCOLS: readonly PaymentProtocol[] = [x402, mpp, l402];

/** What a transfer that a chain shows, and no ledger knows of, is taken for: a payment by the first rail of its family. */
export const FOUND_ON_CHAIN: Readonly<
  Record<Network['family'], { readonly protocol: string; readonly scheme: string }>
> = {
  evm: { protocol: x402.name, scheme: 'exact' },
  svm: { protocol: x402.name, scheme: 'exact' },
  tempo: { protocol: mpp.name, scheme: 'charge' },
  lightning: { protocol: l402.name, scheme: 'invoice' },
};

const WITHDRAWALS: Readonly<Record<Network['family'], WithdrawalRail>> = {
  evm: evmWithdrawal,
  svm: svmWithdrawal,
  tempo: tempoWithdrawal,
  lightning: lightningWithdrawal,
};

/** Offers of one protocol are numbered from a multiple of this: more than any protocol reads of one challenge. */
const OFFERS_PER_PROTOCOL = 1_000;

/** The rails of an open wallet, chosen by what an offer or a payment says of itself. */
export class Rails {
  readonly #protocols: readonly PaymentProtocol[];

  constructor(protocols: readonly PaymentProtocol[] = PROTOCOLS) {
    this.#protocols = protocols;
  }

  /** The demand for payment in an answer, with the offers of every protocol; null where there is none. */
  parse(answer: EndpointAnswer): PaymentDemand | null {
    const demands = this.#protocols.flatMap(({ parse }, position) => {
      const demand = parse(answer);
      return demand === null ? [] : [numbered(demand, position * OFFERS_PER_PROTOCOL)];
    });
    const [first, ...others] = demands;
    if (first === undefined) return null;
    return withoutDisagreement({
      ...first,
      offers: demands.flatMap(({ offers }) => offers),
      rejected: demands.flatMap(({ rejected }) => rejected),
      signIn: demands.find(({ signIn }) => signIn)?.signIn,
      description: first.description ?? others.find(({ description }) => description)?.description,
      otherProtocols: first.otherProtocols.filter(
        (name) => !this.#protocols.some((one) => one.name === name),
      ),
    });
  }

  /** Whether the rate of bitcoin has to be known to read an answer. */
  pricesInBitcoin(answer: EndpointAnswer): boolean {
    return this.#protocols.some((protocol) => protocol.pricesInBitcoin?.(answer) === true);
  }

  /** Headers that a challenge is read from, in lower case. */
  get challengeHeaders(): readonly string[] {
    return this.#protocols.flatMap(({ challengeHeaders }) => challengeHeaders);
  }

  /** What the seller claims became of a payment, or null. */
  readReceipt(headers: HeaderList): SettlementReceipt | null {
    for (const { readReceipt } of this.#protocols) {
      const receipt = readReceipt(headers);
      if (receipt !== null) return receipt;
    }
    return null;
  }

  /** Why the seller says it turned the payment away in verifying it, as a clause of ours, or null. */
  readRejection(headers: HeaderList, bodyText: string): string | null {
    for (const { readRejection } of this.#protocols) {
      const rejection = readRejection(headers, bodyText);
      if (rejection !== null) return rejection;
    }
    return null;
  }

  /** Why the seller says that a payment failed or was not taken, in its own words, cleaned and cut; null where it says nothing. */
  readSays(answer: EndpointAnswer): string | null {
    const receipt = this.readReceipt(answer.headers);
    const failed = receipt?.success === false ? receipt.errorReason : undefined;
    return failed ?? this.parse(answer)?.sellerError ?? null;
  }

  /** The same payment as a further 402 wants it, which moves what it would have moved; null where nothing can be mended. */
  correctEcho(payload: SignedPayload, answer: EndpointAnswer, paymentId: string): SignedPayload | null {
    for (const { correctEcho } of this.#protocols) {
      const corrected = correctEcho?.(payload, answer, paymentId) ?? null;
      if (corrected !== null) return corrected;
    }
    return null;
  }

  /** How payments of an offer's protocol go before their price was asked; undefined where none does. */
  aheadRules({ protocol }: Offer): AheadRules | undefined {
    return this.#protocols.find(({ name }) => name === protocol)?.ahead;
  }

  /** About how many bytes the header has that pays an offer; 0 where it is always small. */
  headerBytes(offer: Offer): number {
    const protocol = this.#protocols.find(({ name }) => name === offer.protocol);
    return protocol?.headerBytes?.(offer) ?? 0;
  }

  /** The header that signs in: one protocol has such a thing. */
  writeSignIn(intent: SignInIntent, signature: string): readonly [string, string] {
    for (const { writeSignIn } of this.#protocols) if (writeSignIn) return writeSignIn(intent, signature);
    throw new WalletError('internal', 'A demand to sign in was read that no protocol answers.');
  }

  /** The rail that pays an offer. Every offer of {@link parse} has one. */
  ofOffer({ protocol, scheme, network }: Offer): Rail {
    const rail = this.#find(protocol, scheme, network.family);
    if (rail === undefined) throw new WalletError('internal', 'An offer was read that no rail pays.');
    return rail;
  }

  /** The rail that a payment was made by; undefined for a network or a scheme that the tables lost. */
  ofPayment({ protocol, scheme, network }: Payment): Rail | undefined {
    const family = findNetwork(network as Caip2)?.family;
    return family === undefined ? undefined : this.#find(protocol, scheme, family);
  }

  #find(protocol: string, scheme: string, family: Network['family']): Rail | undefined {
    return this.#protocols
      .find(({ name }) => name === protocol)
      ?.rails.find((rail) => rail.scheme === scheme && rail.family === family);
  }
}

/** How the owner's money is moved out on a network. */
export function withdrawalRailOf({ family }: Pick<Network, 'family'>): WithdrawalRail {
  return WITHDRAWALS[family];
}

/** Headers that are a protocol's own and of no use to an agent. */
export const OWN_HEADERS: readonly string[] = PROTOCOLS.flatMap(({ ownHeaders }) => ownHeaders);

function numbered(demand: PaymentDemand, from: number): PaymentDemand {
  if (from === 0) return demand;
  const move = <T extends { readonly index: number }>(one: T): T => ({ ...one, index: from + one.index });
  return { ...demand, offers: demand.offers.map(move), rejected: demand.rejected.map(move) };
}
