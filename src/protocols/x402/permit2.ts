import { WalletError } from '../../errors/walletError.js';
import { type Address, readAddress } from '../../money/address.js';
import { PERMIT2, PERMIT2_SPENDERS } from '../../money/permit2.js';
import {
  AUTHORIZATION_WINDOW_MAX_SEC,
  type Permit2Intent,
  type Permit2Signatures,
} from '../../payment/intent.js';
import type { EvmOffer, Permit2Payload, SponsoredPermit } from './types.js';

/** What {@link buildPermit2Intent} needs beside the offer. */
interface Permit2IntentParts extends Pick<Permit2Intent, 'nonce' | 'permitNumber'> {
  readonly offer: EvmOffer;
  readonly from: Address;
  readonly nowMs: number;
}

/**
 * Builds the one transfer through Permit2 that an offer asks for; see `buildTransferIntent` for its window (T8). Throws
 * `internal` for an address that the wallet itself got wrong.
 */
export function buildPermit2Intent({
  offer,
  from,
  nonce,
  nowMs,
  permitNumber,
}: Permit2IntentParts): Permit2Intent {
  if (readAddress(from) !== from) throw new WalletError('internal', 'A payer must be a checksummed address.');
  const windowSec = Math.min(offer.maxTimeoutSeconds, AUTHORIZATION_WINDOW_MAX_SEC);
  return {
    kind: 'permit2',
    asset: offer.asset,
    chainId: offer.network.chainId,
    from,
    to: offer.payTo,
    amountAtomic: offer.amountAtomic,
    validAfterSec: 0,
    validBeforeSec: Math.floor(nowMs / 1000) + windowSec,
    nonce,
    facilitator: offer.facilitator,
    permitNumber,
  };
}

/** The payload that x402 carries for a signed intent: the same fields, integers as decimal text. */
export function toPermit2Payload(intent: Permit2Intent, { transfer }: Permit2Signatures): Permit2Payload {
  const { facilitator, to } = intent;
  return {
    signature: transfer,
    permit2Authorization: {
      from: intent.from,
      permitted: { token: intent.asset.address, amount: intent.amountAtomic.toString() },
      spender: facilitator === null ? PERMIT2_SPENDERS.exact : PERMIT2_SPENDERS.upto,
      nonce: BigInt(intent.nonce).toString(),
      deadline: deadlineOf(intent),
      witness: {
        to,
        ...(facilitator === null ? {} : { facilitator }),
        validAfter: intent.validAfterSec.toString(),
      },
    },
  };
}

/** The permit that goes with a payment, as `eip2612GasSponsoring` carries it; null where none was signed. */
export function toSponsoredPermit(
  intent: Permit2Intent,
  { permit }: Permit2Signatures,
): SponsoredPermit | null {
  if (permit === null || intent.permitNumber === null) return null;
  return {
    from: intent.from,
    asset: intent.asset.address,
    spender: PERMIT2,
    amount: intent.amountAtomic.toString(),
    nonce: intent.permitNumber.toString(),
    deadline: deadlineOf(intent),
    signature: permit,
    version: '1',
  };
}

/** The last second in which it is valid. */
function deadlineOf({ validBeforeSec }: Permit2Intent): string {
  return (validBeforeSec - 1).toString();
}
