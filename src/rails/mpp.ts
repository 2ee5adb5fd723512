import { MPP } from '../protocols/protocol.js';
import type { EndpointAnswer, Offer, PaymentDemand, RejectedOffer } from '../payment/challenge.js';
import { readPaymentChallenges, type PaymentChallenge } from '../protocols/mpp/challenge.js';
import { isCharge, judgeCharge } from '../protocols/mpp/charge.js';
import { proveCredential } from '../protocols/mpp/credential.js';
import { isSession, judgeSession, SESSION } from '../protocols/mpp/session.js';
import { readReceipt, readRejection } from '../protocols/mpp/receipt.js';
import { isSubscription, judgeSubscription, SUBSCRIPTION } from '../protocols/mpp/subscription.js';
import { isJsonObject, parseJson, statedLine } from '../text/json.js';
import { cleanLine } from '../text/untrusted.js';
import { toOffer } from './mppCharge/offer.js';
import { mppChargeEvm } from './mppCharge/evm.js';
import { invoiceRail } from './lightning/invoiceRail.js';
import { mppChargeSvm } from './mppCharge/svm.js';
import { mppChargeTempo } from './mppCharge/tempo.js';
import { toSessionOffer } from './mppSession/offer.js';
import { mppChannelTempo, mppSessionTempo } from './mppSession/tempo.js';
import { toSubscriptionOffer } from './mppSubscription/offer.js';
import { mppCommitmentTempo, mppSubscriptionTempo } from './mppSubscription/tempo.js';
import type { PaymentProtocol } from './rail.js';

const DESCRIPTION_CODE_POINTS_MAX = 300;
const ERROR_CODE_POINTS_MAX = 300;

/** The Machine Payments Protocol: the HTTP authentication scheme `Payment` (draft-httpauth-payment), intents `charge`, `session` and `subscription`. */
export const mpp: PaymentProtocol = {
  name: MPP,
  parse: readDemand,
  readReceipt,
  readRejection,
  pricesInBitcoin: (answer) =>
    readPaymentChallenges(answer).some((one) => !('fault' in one) && one.method === 'lightning'),
  challengeHeaders: ['www-authenticate'],
  ownHeaders: ['payment-receipt'],
  rails: [
    ...[mppChargeEvm, mppChargeSvm, mppChargeTempo],
    // Its proof is shown once.
    invoiceRail({ id: 'mpp.charge.lightning', protocol: MPP, scheme: 'charge' }, { prove: proveCredential }),
    ...[mppSessionTempo, mppChannelTempo, mppSubscriptionTempo, mppCommitmentTempo],
  ],
};

function readDemand(answer: EndpointAnswer): PaymentDemand | null {
  const challenges = readPaymentChallenges(answer);
  if (challenges.length === 0) return null;
  const offers: Offer[] = [];
  const rejected: RejectedOffer[] = [];
  for (const [index, challenge] of challenges.entries()) {
    if ('fault' in challenge) {
      rejected.push({ index, code: 'malformed_offer', reason: challenge.fault });
    } else if (answer.callerHeaders?.includes(challenge.credentialHeader) === true) {
      rejected.push({ index, code: 'unsupported_scheme', reason: takenHeader(challenge) });
    } else {
      const offer = offerOf(challenge, index, answer.bitcoin);
      if ('payTo' in offer) offers.push(offer);
      else rejected.push(offer);
    }
  }
  const readable = challenges.filter((one): one is PaymentChallenge => !('fault' in one));
  const description = readable.find((one) => one.description !== undefined)?.description;
  const problem = parseJson(answer.bodyText);
  return {
    offers,
    rejected,
    otherProtocols: [],
    extensions: undefined,
    description: description === undefined ? undefined : cleanLine(description, DESCRIPTION_CODE_POINTS_MAX),
    sellerError: isJsonObject(problem) ? statedLine(problem, 'detail', ERROR_CODE_POINTS_MAX) : undefined,
  };
}

function offerOf(
  challenge: PaymentChallenge,
  index: number,
  bitcoin: EndpointAnswer['bitcoin'],
): Offer | RejectedOffer {
  if (challenge.intent === SESSION) {
    const session = judgeSession(challenge, index);
    return isSession(session) ? toSessionOffer(session) : session;
  }
  if (challenge.intent === SUBSCRIPTION) {
    const subscription = judgeSubscription(challenge, index);
    return isSubscription(subscription) ? toSubscriptionOffer(subscription) : subscription;
  }
  const charge = judgeCharge(challenge, index);
  return isCharge(charge) ? toOffer(charge, bitcoin) : charge;
}

/** The caller's own header is never overwritten: it may be what the seller knows it by. */
function takenHeader({ credentialHeader }: PaymentChallenge): string {
  return credentialHeader === 'authorization'
    ? "The seller takes its payment in the Authorization header, which this call already uses for the caller's own."
    : 'The seller takes its payment in a header that this call already uses.';
}
