import { assetsOf } from '../money/asset.js';
import { findLightning } from '../money/network.js';
import type { EndpointAnswer, Offer, PaymentDemand, RejectedOffer } from '../payment/challenge.js';
import { readL402Challenges, type L402Challenge } from '../protocols/l402/challenge.js';
import { tokenExpiresMs, writeCredential, writeUnproved } from '../protocols/l402/credential.js';
import { cleanLine } from '../text/untrusted.js';
import { isInvoiceOffer, toInvoiceOffer, type InvoiceOffer } from './lightning/invoice.js';
import { invoiceRail } from './lightning/invoiceRail.js';
import type { PaymentProtocol } from './rail.js';

const NAME = 'l402';
const DESCRIPTION_CODE_POINTS_MAX = 300;

/** L402, which was LSAT: an invoice of Lightning, and a token that is good once it is paid. */
export const l402: PaymentProtocol = {
  name: NAME,
  parse: readDemand,
  // Its receipt is the preimage, which the payer has before the seller answers.
  readReceipt: () => null,
  readRejection: () => null,
  pricesInBitcoin: (answer) => readL402Challenges(answer).some((one) => !('fault' in one)),
  challengeHeaders: ['www-authenticate'],
  ownHeaders: [],
  rails: [
    // Its token is good for further calls.
    invoiceRail(
      { id: 'l402.lightning', protocol: NAME, scheme: 'invoice' },
      { prove: writeCredential, lastsUntilMs: tokenExpiresMs },
    ),
  ],
};

function readDemand(answer: EndpointAnswer): PaymentDemand | null {
  const challenges = readL402Challenges(answer);
  if (challenges.length === 0) return null;
  const offers: Offer[] = [];
  const rejected: RejectedOffer[] = [];
  let description: string | undefined;
  for (const [index, challenge] of challenges.entries()) {
    if ('fault' in challenge) {
      rejected.push({ index, code: 'malformed_offer', reason: challenge.fault });
      continue;
    }
    description ??= challenge.invoice.description;
    const judged = judge(challenge, index, answer);
    if (isInvoiceOffer(judged)) offers.push(judged);
    else rejected.push(judged);
  }
  return {
    offers,
    rejected,
    otherProtocols: [],
    extensions: undefined,
    description: description === undefined ? undefined : cleanLine(description, DESCRIPTION_CODE_POINTS_MAX),
    sellerError: undefined,
  };
}

function judge(
  challenge: L402Challenge,
  index: number,
  { callerHeaders, bitcoin }: EndpointAnswer,
): InvoiceOffer | RejectedOffer {
  const { invoice } = challenge;
  if (callerHeaders?.includes('authorization') === true)
    return {
      ...{ index, code: 'unsupported_scheme' },
      reason:
        "The seller takes its payment in the Authorization header, which this call already uses for the caller's own.",
    };
  const network = findLightning(invoice.chain);
  const asset = network === undefined ? undefined : assetsOf(network.caip2)[0];
  if (network === undefined || asset?.family !== 'lightning')
    return {
      ...{ index, code: 'unsupported_network' },
      reason: 'The invoice is of a Lightning network unknown to this wallet.',
    };
  const unproved = { name: 'AUTHORIZATION', value: writeUnproved(challenge) };
  return toInvoiceOffer(
    { protocol: NAME, scheme: 'invoice', index },
    { network, asset },
    { invoice, unproved },
    bitcoin,
  );
}
