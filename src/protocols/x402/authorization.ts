import { WalletError } from '../../errors/walletError.js';
import { AUTHORIZATION_WINDOW_MAX_SEC, type TransferIntent } from '../../payment/intent.js';
import { type Address, readAddress } from '../../money/address.js';
import type { EvmOffer, ExactEvmPayload } from './types.js';

const NONCE = /^0x[0-9a-f]{64}$/i;

/** What {@link buildTransferIntent} needs beside the offer. */
export interface TransferIntentParts {
  readonly offer: EvmOffer;
  /** The agent's own address on the offer's network. */
  readonly from: Address;
  /** 32 random bytes, fresh for each intent (T23). */
  readonly nonce: `0x${string}`;
  readonly nowMs: number;
}

/**
 * Builds the one transfer that an offer asks for, to be held and then signed.
 *
 * It is valid from the beginning of time: the verifiers of both versions ask only that `validAfter` is past by their
 * own clock, so that no difference between the clocks makes it too young. It ends after the seller's
 * `maxTimeoutSeconds`, or after {@link AUTHORIZATION_WINDOW_MAX_SEC} where that is sooner (T8).
 * Throws `internal` for a nonce, an address or a time that the wallet itself got wrong.
 */
export function buildTransferIntent({ offer, from, nonce, nowMs }: TransferIntentParts): TransferIntent {
  if (!NONCE.test(nonce)) throw new WalletError('internal', 'A nonce must be 32 bytes.');
  if (readAddress(from) !== from) throw new WalletError('internal', 'A payer must be a checksummed address.');
  if (!Number.isSafeInteger(nowMs) || nowMs <= 0) {
    throw new WalletError('internal', 'The time must be whole milliseconds since 1970.');
  }
  const windowSec = Math.min(offer.maxTimeoutSeconds, AUTHORIZATION_WINDOW_MAX_SEC);
  return {
    kind: 'eip3009',
    asset: offer.asset,
    chainId: offer.network.chainId,
    from,
    to: offer.payTo,
    amountAtomic: offer.amountAtomic,
    validAfterSec: 0,
    validBeforeSec: Math.floor(nowMs / 1000) + windowSec,
    nonce,
  };
}

/** The payload that x402 carries for a signed intent: the same fields, integers as decimal text. */
export function toExactEvmPayload(intent: TransferIntent, signature: `0x${string}`): ExactEvmPayload {
  return {
    signature,
    authorization: {
      from: intent.from,
      to: intent.to,
      value: intent.amountAtomic.toString(),
      validAfter: intent.validAfterSec.toString(),
      validBefore: intent.validBeforeSec.toString(),
      nonce: intent.nonce,
    },
  };
}
