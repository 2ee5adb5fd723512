import { WalletError, type WalletErrorDetails } from '../errors/walletError.js';
import type { Code } from '../errors/codes.js';

/**
 * How far a call had come when it failed: finding the address; opening the connection; the request handed to
 * the connection and nothing heard; an answer begun but its headers incomplete; the body.
 */
export type Leg = 'resolve' | 'connect' | 'sent' | 'headers' | 'body';

/** Codes a {@link NetFailure} carries. */
export type NetCode = Extract<
  Code,
  | 'bad_url'
  | 'address_refused'
  | 'unreachable'
  | 'timed_out'
  | 'cancelled'
  | 'answer_too_large'
  | 'redirected'
>;

/** What is known about the wire at the moment of a failure. */
interface NetFailureDetails extends WalletErrorDetails {
  readonly leg: Leg;
  readonly bytesLeft: boolean;
  readonly location?: string;
}

/**
 * A call that did not end in a whole answer. Its `money` field is always the default: this layer does not
 * know whether the request carried a payment; the caller must judge by {@link NetFailure.bytesLeft}.
 */
export class NetFailure extends WalletError {
  declare readonly code: NetCode;
  readonly leg: Leg;
  /**
   * False only where it is certain that no byte of the request, of any hop, was handed to a connection; a
   * payment header in it cannot have been seen. True says nothing about whether anyone read it.
   */
  readonly bytesLeft: boolean;
  /** Where a refused redirect pointed, as a parsed URL in ASCII: the seller's choice, so untrusted. */
  readonly location: string | undefined;

  constructor(code: NetCode, shortMessage: string, details: NetFailureDetails) {
    super(code, shortMessage, details);
    this.leg = details.leg;
    this.bytesLeft = details.bytesLeft;
    this.location = details.location;
  }
}
