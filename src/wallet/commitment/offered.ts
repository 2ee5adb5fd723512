import { createHash } from 'node:crypto';
import type { Config } from '../../config/settings.js';
import type { NewCommitment } from '../../ledger/attempts/hold.js';
import { writeCommitmentNonce } from '../../payment/commitment.js';
import type { Offer, PaymentDemand, RejectedOffer } from '../../payment/challenge.js';
import type { Engine } from '../engine.js';

/** Where a promise would be made. */
export interface CommitmentPlace {
  readonly origin: string;
  /** The run that the call is made under; null for none. */
  readonly budgetId: string | null;
}

/**
 * A demand in which every promise is one that may be made: where another way pays the call, or one was made to the same seller
 * already, it is rejected by name. Every other offer stays as it is.
 */
export async function withCommitments(
  { ledger, agent }: Pick<Engine, 'ledger' | 'agent'>,
  config: Config,
  demand: PaymentDemand,
  place: CommitmentPlace,
): Promise<PaymentDemand> {
  const promises = demand.offers.filter(({ commitment }) => commitment !== undefined);
  if (promises.length === 0) return demand;
  const others = demand.offers.filter(({ commitment }) => commitment === undefined);
  const isPaidOtherwise = others.some(({ network }) => config.networks.enabled.includes(network.caip2));
  const offers = [...others];
  const rejected = [...demand.rejected];
  for (const offer of promises) {
    const made = await ledger.findLive(commitmentHash(agent, place.origin, offer));
    if (made !== null)
      rejected.push(
        reject(
          offer,
          `The seller wants another subscription where one is made already (commitment ${made.id}), and no second one is made beside it.`,
        ),
      );
    else if (isPaidOtherwise)
      rejected.push(reject(offer, 'The call can be paid once, so nothing is subscribed to.'));
    else if (place.budgetId !== null)
      rejected.push(reject(offer, 'A subscription outlives the run that this call is made under.'));
    else offers.push(offer);
  }
  return { ...demand, offers, rejected };
}

/** One promise at a time is open for an agent, a seller, a payee and a token: as the same request it is made once. */
function commitmentHash(agent: string, origin: string, { protocol, network, asset, payTo }: Offer): string {
  const place = [agent, origin, protocol, network.caip2, asset.address, payTo];
  return createHash('sha256')
    .update(`commitment ${JSON.stringify(place)}`)
    .digest('hex');
}

/** The promise that paying an offer makes, as the ledger is told of it; null where it makes none. */
export function newCommitment(
  agent: string,
  origin: string,
  offer: Offer,
  nowMs: number,
): NewCommitment | null {
  if (offer.commitment === undefined) return null;
  const { periodSec, endsSec, key } = offer.commitment;
  return {
    requestHash: commitmentHash(agent, origin, offer),
    nonce: writeCommitmentNonce(key, periodSec),
    recurrence: { periodSec, endsSec, fromSec: Math.floor(nowMs / 1000) },
  };
}

function reject({ index, usdMicros }: Offer, reason: string): RejectedOffer {
  return { index, code: 'unsupported_scheme', reason, usdMicros };
}
