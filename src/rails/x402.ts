import { X402 } from '../protocols/protocol.js';
import { parsePaymentRequired } from '../protocols/x402/challenge/parse.js';
import { readReceipt } from '../protocols/x402/receipt.js';
import { readRejection } from '../protocols/x402/rejection.js';
import type { PaymentProtocol } from './rail.js';
import { answersTo, offerFor } from './x402Ahead.js';
import { writeSignIn } from '../protocols/x402/signIn/header.js';
import { correctEcho, headerBytes, toOffer } from './x402Offer.js';
import { x402BatchSettlement, x402Channel } from './x402Channel/rail.js';
import { x402ExactEvm } from './x402ExactEvm/rail.js';
import { x402ExactPermit2, x402UptoEvm } from './x402Permit2/rail.js';
import { x402ExactSvm } from './x402ExactSvm/rail.js';

/** x402 over HTTP, versions 1 and 2. */
export const x402: PaymentProtocol = {
  name: X402,
  parse(answer) {
    const required = parsePaymentRequired(answer);
    return required === null
      ? null
      : { ...required, offers: required.offers.map((offer) => toOffer(offer, required)) };
  },
  readReceipt,
  writeSignIn,
  correctEcho,
  headerBytes,
  readRejection,
  ahead: { offerFor, answersTo },
  challengeHeaders: ['payment-required', 'x-payment-required', 'www-authenticate'],
  ownHeaders: ['payment-required', 'payment-response', 'x-payment-response', 'x-payment-required'],
  rails: [x402ExactEvm, x402ExactPermit2, x402UptoEvm, x402ExactSvm, x402BatchSettlement, x402Channel],
};
