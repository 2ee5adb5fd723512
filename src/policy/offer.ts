import type { Offer, OtherProtocol, PaymentDemand, RejectedOffer } from '../payment/challenge.js';
import type { Code } from '../errors/codes.js';
import { judgeOffer, type OfferRules, type Stop, type Verdict } from './verdict.js';

/** The offer to pay with the policy's verdict, or the reason why no offer can be paid. */
export type Choice =
  | { readonly offer: Offer; readonly verdict: Verdict }
  | { readonly offer: undefined; readonly verdict: Stop };

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
 * Picks what to pay from a seller's offers. T1: each is looked at alone, the seller's order decides nothing but
 * a full tie; the cheapest in dollars on an enabled network wins, then the owner's order of networks.
 *
 * The cheapest alone is judged: every bound that it exceeds, a dearer one exceeds too.
 */
export function chooseOffer({
  offers,
  rejected,
  otherProtocols,
  ...rules
}: OfferRules & Pick<PaymentDemand, 'offers' | 'rejected' | 'otherProtocols'>): Choice {
  const rankOf = (offer: Offer) => rules.networksEnabled.indexOf(offer.network.caip2);
  const byPrice = (a: Offer, b: Offer) =>
    a.usdMicros === b.usdMicros
      ? rankOf(a) - rankOf(b) || a.index - b.index
      : a.usdMicros < b.usdMicros
        ? -1
        : 1;
  const offer = offers.filter((one) => rankOf(one) >= 0).sort(byPrice)[0];
  if (offer !== undefined) return { offer, verdict: judgeOffer({ offer, ...rules }) };
  return { offer: undefined, verdict: whyNone({ offers, rejected, otherProtocols }, rules) };
}

function whyNone(
  { offers, rejected, otherProtocols }: Pick<PaymentDemand, 'offers' | 'rejected' | 'otherProtocols'>,
  rules: OfferRules,
): Stop {
  // A disabled network that the owner could enable comes first: it is the one reason somebody can mend.
  const disabled = offers.find((one) => one.network.testnet === rules.testnet) ?? offers[0];
  if (disabled !== undefined) {
    const verdict = judgeOffer({ offer: disabled, ...rules });
    if (verdict.verdict !== 'allow') return verdict;
  }
  for (const code of REASONS) {
    const nearest = rejected.find((one) => one.code === code);
    if (nearest !== undefined) return refuse(code, nearest.reason);
  }
  if (otherProtocols.length > 0) {
    const names = otherProtocols.map((protocol) => PROTOCOL_NAMES[protocol]).join(' and ');
    return refuse('other_protocol', `The seller asks for payment by ${names}, and this wallet pays by x402.`);
  }
  return refuse(
    'no_payable_offer',
    'The seller asks for payment and makes no offer that this wallet can read.',
  );
}

function refuse(code: Code, reason: string): Stop {
  return { verdict: 'refuse', code, sentence: `${reason.replace(/\.$/, '')}; do not retry.` };
}
