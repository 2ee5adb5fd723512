import type { Code } from '../errors/codes.js';
import { DEFAULT_AGENT } from '../money/agent.js';
import { formatUnits, formatUsd } from '../money/decimal.js';
import type { AtomicAmount, UsdMicros } from '../money/unit.js';
import type { Offer, OtherProtocol, PaymentDemand, ProofTime, RejectedOffer } from '../payment/challenge.js';
import {
  judgeCircuitBreaker,
  judgePayee,
  judgePrice,
  type PayeeHistory,
  type PriceHistory,
} from './history.js';
import { addedBy, judgeCommitment } from './commitment.js';
import { judgeNewDeposit } from './deposit.js';
import { judgeTotals, type LineUse } from './totals.js';
import {
  ALLOW,
  judgeOffer,
  judgeRequest,
  strictest,
  type HostRules,
  type OfferRules,
  type Stop,
  type Verdict,
} from './verdict.js';

/** Whether an offer can be paid, as far as the wallet has looked. */
export type Readiness =
  /** Not looked at, or nothing is known: it counts as ready, and the seller will judge. */
  | { readonly kind: 'assumed' }
  | { readonly kind: 'ready' }
  /** The money on its network does not pay it. */
  | { readonly kind: 'short'; readonly spendableAtomic: AtomicAmount; readonly address: string }
  /** No payment could be prepared: a fault of the offer, or of all that its network can pay. */
  | { readonly kind: 'unready'; readonly reason: Stop; readonly scope: 'offer' | 'network' };

/** What the ledger remembers of the seller of an offer. */
export interface SellerHistory {
  readonly failures: number;
  readonly lastFailureMs: number;
  /** Payees of the latest payments to this origin on this family of networks, newest first. */
  readonly payees: readonly string[];
  /** The same of the endpoint that is called. */
  readonly endpointPayees?: readonly string[];
  /** The latest of each endpoint of the origin, where that matters. */
  readonly payeesByEndpoint?: readonly string[];
  /** Whether the owner allowed this payee for this origin. */
  readonly isPayeeAllowed: boolean;
  readonly prices: PriceHistory | undefined;
  /** The highest price that any catalogue lists for the endpoint; null where none does, or the price needs no look. */
  readonly listedUsdMicros: UsdMicros | null;
}

/** One offer with what is known of it. */
export interface Candidate {
  readonly offer: Offer;
  /** How soon it is proved what became of a payment that nobody answered: its rail's. */
  readonly proofTime: ProofTime;
  readonly readiness: Readiness;
  /** Null until it is looked up: then nothing is held against the seller. */
  readonly history: SellerHistory | null;
}

/** All that a selection is made from. */
export interface SelectionFacts {
  readonly candidates: readonly Candidate[];
  readonly demand: Pick<PaymentDemand, 'rejected' | 'otherProtocols' | 'signIn'>;
  readonly rules: OfferRules & {
    readonly hosts: HostRules;
    readonly askFloorUsdMicros: UsdMicros;
    /** What a promise may take in a month before the owner is asked. */
    readonly commitmentUsdMicros: UsdMicros;
  };
  /** Where the 402 came from. */
  readonly hostPort: string;
  /** What counts against each limit; null where that is left to the hold, which decides about totals alone. */
  readonly usage: readonly LineUse[] | null;
  /** Whether the owner approved the offer: then what asks them is answered. */
  readonly isApproved: boolean;
  readonly nowMs: number;
}

/** An offer that would have come first, and why it was not taken. Nothing was signed for it. */
export interface PassedOver {
  readonly offer: Offer;
  readonly reason: Stop;
}

/** An offer that may be paid, at once or after a question. */
interface Payable {
  readonly offer: Offer;
  /** Better offers for which no payment could be prepared. */
  readonly passedOver: readonly PassedOver[];
  /** The owner's cap on this one agent that the payment would pass, by its key of the config; null for none. */
  readonly ownCapPassed: string | null;
}

/** What is to be done about a demand for payment. Each reason carries the limit that it comes from. */
export type Selection =
  | (Payable & { readonly decision: 'pay' })
  | (Payable & {
      readonly decision: 'ask';
      /** Every rule that asks the owner, the strictest first. */
      readonly reasons: readonly [Stop, ...Stop[]];
      /** Whether a changed payee is among them. */
      readonly asksForPayee: boolean;
    })
  /** `offer` is the one that was judged; null where none can be paid by this wallet. */
  | { readonly decision: 'refuse'; readonly offer: Offer | null; readonly reason: Stop };

/** The nearer an offer came to being paid, the more its reason helps; the first is the most useful. */
const REASONS: readonly RejectedOffer['code'][] = [
  'unsupported_asset',
  'unsupported_network',
  'unsupported_scheme',
  'malformed_offer',
];

const PROTOCOL_NAMES: Readonly<Record<OtherProtocol, string>> = {
  mpp: 'MPP (Machine Payments Protocol)',
  l402: 'L402 (Lightning)',
};

/**
 * The one decision about a demand for payment: which offer, and whether to pay it, to ask the owner, or to refuse.
 *
 * T1: each offer is looked at alone, and the seller's order decides nothing but a full tie. The cheapest in dollars wins,
 * fees included; of equal prices the one whose end is proved soonest, then the owner's order of networks. What its money
 * does not pay, or what turned out not to be payable, is passed over. A refusal ends it: every bound that an offer
 * exceeds, a dearer one exceeds too.
 */
export function selectOffer(facts: SelectionFacts): Selection {
  const { rules, isApproved } = facts;
  const ranked = facts.candidates
    .filter(({ offer }) => rules.networksEnabled.includes(offer.network.caip2))
    .sort((a, b) => compare(a, b, rules.networksEnabled));
  const shortages: Shortage[] = [];
  const passedOver: PassedOver[] = [];
  const ruledOut: Candidate[] = [];
  // A fault that may pass says more than what stands in the way of the offers behind it, and so does a lack of money.
  const instead = (): Stop | undefined =>
    passedOver[0]?.reason ??
    (shortages.length === 0 ? undefined : shortOfMoney(rules.agent?.name, shortages));
  for (const candidate of ranked) {
    if (ruledOut.some((other) => rulesOut(other, candidate.offer))) continue;
    const { offer, readiness } = candidate;
    const { verdicts, asksForPayee, ownCapPassed } = judge(candidate, facts);
    const verdict = strictest(verdicts);
    if (verdict.verdict === 'refuse') return { decision: 'refuse', offer, reason: instead() ?? verdict };
    if (readiness.kind === 'short') {
      shortages.push({ offer, ...readiness });
      ruledOut.push(candidate);
      continue;
    }
    if (verdict.verdict === 'ask' && !isApproved) {
      // Nobody is asked about an offer that came second for a fault that may pass.
      if (passedOver[0] !== undefined) return { decision: 'refuse', offer, reason: passedOver[0].reason };
      const others = verdicts.filter((one): one is Stop => one.verdict === 'ask' && one !== verdict);
      return {
        ...{ decision: 'ask', offer, passedOver, ownCapPassed, asksForPayee },
        reasons: [verdict, ...others],
      };
    }
    if (readiness.kind === 'unready') {
      passedOver.push({ offer, reason: readiness.reason });
      ruledOut.push(candidate);
      continue;
    }
    return { decision: 'pay', offer, passedOver, ownCapPassed };
  }
  return { decision: 'refuse', offer: null, reason: instead() ?? whyNone(facts) };
}

const PROOF_RANK: Readonly<Record<ProofTime, number>> = { minutes: 0, hours: 1, days: 2 };

function compare(a: Candidate, b: Candidate, networks: readonly string[]): number {
  if (a.offer.usdMicros !== b.offer.usdMicros) return a.offer.usdMicros < b.offer.usdMicros ? -1 : 1;
  return (
    PROOF_RANK[a.proofTime] - PROOF_RANK[b.proofTime] ||
    networks.indexOf(a.offer.network.caip2) - networks.indexOf(b.offer.network.caip2) ||
    a.offer.index - b.offer.index
  );
}

/** A lack of money rules out what costs as much of the same asset; a network that cannot be read, all offers on it. */
function rulesOut({ offer, readiness }: Candidate, other: Offer): boolean {
  if (other.network.caip2 !== offer.network.caip2) return false;
  if (readiness.kind === 'unready') return readiness.scope === 'network';
  return other.asset.address === offer.asset.address && other.amountAtomic >= offer.amountAtomic;
}

/** What a changed payee is judged by. */
export function payeesOf(
  seller: Pick<SellerHistory, 'payees' | 'endpointPayees' | 'payeesByEndpoint'>,
): PayeeHistory {
  const { payees, endpointPayees, payeesByEndpoint } = seller;
  return {
    history: payees,
    ...(endpointPayees === undefined ? {} : { endpointHistory: endpointPayees }),
    ...(payeesByEndpoint === undefined ? {} : { byEndpoint: payeesByEndpoint }),
  };
}

/** Every rule of the owner's on one offer. */
function judge({ offer, history }: Candidate, { rules, hostPort, usage, nowMs }: SelectionFacts) {
  const { usdMicros } = offer;
  const addedTo = (line: LineUse['line']): UsdMicros => addedBy(offer, line, nowMs);
  const exceeded = (usage ?? []).filter(
    ({ line, usedUsdMicros }) => usedUsdMicros + addedTo(line) > line.usdMicrosMax,
  );
  const payee: Verdict =
    history === null || history.isPayeeAllowed
      ? ALLOW
      : judgePayee({ hostPort, payTo: offer.payTo, ...payeesOf(history) });
  const verdicts = [
    judgeRequest({ hosts: rules.hosts, hostPort }),
    judgeOffer({ offer, ...rules }),
    judgeTotals({ usdMicros, exceeded, loweredBy: rules.loweredBy, addedTo }),
    judgeCommitment(offer, rules.commitmentUsdMicros, nowMs),
    judgeNewDeposit(offer),
    history === null ? ALLOW : judgeCircuitBreaker({ hostPort, nowMs, ...history }),
    payee,
    history === null
      ? ALLOW
      : judgePrice({
          usdMicros,
          askFloorUsdMicros: rules.askFloorUsdMicros,
          history: history.prices,
          listedUsdMicros: history.listedUsdMicros,
        }),
  ];
  const ownCapPassed =
    ownCallCapPassed(rules, offer) ?? exceeded.find(({ line }) => line.isAgentsOwn)?.line.name ?? null;
  return { verdicts, asksForPayee: payee.verdict === 'ask', ownCapPassed };
}

/** The agent's own cap on one call, where the offer passes it; it is no line, since it needs no history. */
function ownCallCapPassed({ agent }: OfferRules, { usdMicros }: Offer): string | null {
  const max = agent?.limits.perCallUsdMicros;
  return agent !== undefined && max !== undefined && usdMicros > max
    ? `agents.${agent.name}.limits.per_call_usd`
    : null;
}

/** An offer that the money on its network does not pay. */
export interface Shortage {
  readonly offer: Offer;
  readonly spendableAtomic: AtomicAmount;
  /** The agent's address on that network. */
  readonly address: string;
}

/** The refusal of a call that no network can pay; it names what each one needs, and where to send it. */
export function shortOfMoney(agent: string = DEFAULT_AGENT, shortages: readonly Shortage[]): Stop {
  const needs = shortages
    .map(({ offer }) => `${formatUnits(offer.amountAtomic, offer.asset.decimals)} ${offer.asset.symbol}`)
    .filter((need, i, all) => all.indexOf(need) === i)
    .join(' or ');
  const has = shortages
    .map(
      ({ offer, spendableAtomic }) =>
        `${formatUnits(spendableAtomic, offer.asset.decimals)} to spend on ${offer.network.label}`,
    )
    .join(' and ');
  const send = shortages
    .map(
      ({ offer: { asset, network }, address }) =>
        `${asset.symbol} on ${network.label} (${network.caip2}) to ${address}`,
    )
    .join(', or ');
  const isFirst = agent === DEFAULT_AGENT;
  return {
    verdict: 'refuse',
    code: 'insufficient_funds',
    message: `The call costs ${needs} and the wallet has ${has}; nothing was signed.`,
    owner: {
      say: `${isFirst ? 'The wallet' : `The agent ${agent}`} is short of money: send ${send}. No other coin is needed.`,
      // An agent has its own addresses: without its name the command would show the first one's.
      action: isFirst ? { kind: 'fund' } : { kind: 'fund', agent },
    },
  };
}

function whyNone({ candidates, demand, rules }: SelectionFacts): Stop {
  const { rejected, otherProtocols } = demand;
  const offers = candidates.map(({ offer }) => offer);
  // A disabled network that the owner could enable comes first: it is the one reason somebody can mend.
  const disabled = offers.find((one) => one.network.testnet === rules.testnet) ?? offers[0];
  if (disabled !== undefined) {
    const verdict = judgeOffer({ offer: disabled, ...rules });
    if (verdict.verdict !== 'allow') return verdict;
  }
  for (const code of REASONS) {
    const nearest = rejected.find((one) => one.code === code);
    if (nearest !== undefined) return refuse(code, pricedReason(nearest));
  }
  if (otherProtocols.length > 0) {
    const names = otherProtocols.map((protocol) => PROTOCOL_NAMES[protocol]).join(' and ');
    return refuse(
      'other_protocol',
      `The seller asks for payment by ${names}, and this wallet pays by x402, MPP and L402.`,
    );
  }
  if (demand.signIn !== undefined)
    return refuse(
      'no_payable_offer',
      'The seller asks for no money: it wants a signature of an account that it knows, and does not know this wallet’s.',
    );
  return refuse(
    'no_payable_offer',
    'The seller asks for payment and makes no offer that this wallet can read.',
  );
}

/** Why an offer is not paid, with what it asks where that is known: an agent may look for the same elsewhere. */
function pricedReason({ reason, usdMicros }: RejectedOffer): string {
  return usdMicros === undefined ? reason : `The seller asks $${formatUsd(usdMicros)}. ${reason}`;
}

function refuse(code: Code, reason: string): Stop {
  return { verdict: 'refuse', code, message: `${reason.replace(/\.$/, '')}; do not retry.` };
}
