import type { TempoSettlementQuery } from '../../chain/chain.js';
import { WalletError } from '../../errors/walletError.js';
import { marksOf, openedWallMs, type Attempt } from '../../ledger/attempts/attempt.js';
import { findAsset } from '../../money/asset.js';
import { findNetwork, type Caip2 } from '../../money/network.js';
import { firstChargeNonce, readCommitmentNonce } from '../../payment/commitment.js';
import type { TempoKeyIntent, TempoSubscriptionIntent } from '../../payment/intent.js';
import { writeCredential } from '../../protocols/mpp/credential.js';
import { isTooLong } from '../../protocols/mpp/subscription.js';
import { headerOf, validBeforeSecOf } from '../mppCharge/offer.js';
import type { RailPorts } from '../ports.js';
import type { Rail } from '../rail.js';
import { subscriptionOf } from './offer.js';

/** Less than the chain allows, for a clock that is some seconds ahead of it. */
const WINDOW_SEC = 25;

/** A call that subscribes: the seller takes the first period's amount with it, by the key that it is let in with. */
export const mppSubscriptionTempo: Rail = {
  id: 'mpp.subscription.tempo',
  protocol: 'mpp',
  scheme: 'subscription',
  family: 'tempo',
  proofTime: 'days',

  async prepare(ports, offer, nowMs): Promise<TempoSubscriptionIntent> {
    const subscription = subscriptionOf(offer);
    // Asked for its refusal alone: how long it lives is the subscription's matter.
    validBeforeSecOf(subscription, nowMs, WINDOW_SEC);
    if (isTooLong(subscription, nowMs))
      throw new WalletError('malformed_offer', 'The subscription lasts for longer than a year.');
    const { network, asset, payTo: to, amountAtomic, periodSec, endsSec } = subscription;
    const { accessKey, keyType, witness } = subscription;
    return {
      ...{ kind: 'tempo_subscription', asset, chainId: network.chainId, to, amountAtomic, periodSec },
      from: (await ports.addressOn(network)) as `0x${string}`,
      ...{ accessKey, keyType, witness, validAfterSec: 0, validBeforeSec: endsSec },
      nonce: firstChargeNonce({ accessKey, witness }),
    };
  },

  async sign(ports, { offer, intent }) {
    if (intent.kind !== 'tempo_subscription')
      throw new WalletError('internal', 'An intent came to a rail that does not sign it.');
    const signature = await ports.keys.signTempoSubscription(intent, ports.agentIndex, ports.nowMs());
    const { challenge } = subscriptionOf(offer);
    const source = `did:pkh:eip155:${intent.chainId}:${intent.from}`;
    const value = writeCredential(challenge, { type: 'keyAuthorization', signature }, source);
    return { name: headerOf(challenge), value };
  },

  // What became of it is its commitment's to tell.
  settlementQuery: () => Promise.resolve(null),
};

/** The promise that a subscription is: it is made with its first charge. */
export const mppCommitmentTempo: Rail = {
  id: 'mpp.commitment.tempo',
  protocol: 'mpp',
  scheme: 'commitment',
  family: 'tempo',
  proofTime: 'days',
  prepare: () => Promise.reject(notAlone()),
  sign: () => Promise.reject(notAlone()),
  settlementQuery: (attempt) => Promise.resolve(commitmentQuery(attempt)),
  commitments: { signEnd },
};

function notAlone(): WalletError {
  return new WalletError('internal', 'A commitment came to a rail that is not to make it.');
}

function commitmentQuery(attempt: Attempt): TempoSettlementQuery | null {
  const asset = findAsset(attempt.network as Caip2, attempt.asset);
  if (asset?.family !== 'tempo' || attempt.payload === null) return null;
  const { accessKey, witness } = readCommitmentNonce(attempt.nonce);
  const { seen_sec: seenSec = null } = JSON.parse(attempt.receipt ?? '{}') as { readonly seen_sec?: number };
  return {
    asset,
    from: attempt.payFrom as `0x${string}`,
    to: attempt.payTo as `0x${string}`,
    ...{ amountAtomic: attempt.heldAtomic, transferAtomic: attempt.heldAtomic, ownTx: null },
    nonce: witness,
    validBeforeSec: attempt.validBeforeSec,
    // What was seen for good is in the ledger: the search goes on from there.
    ...(seenSec === null
      ? { openedSec: Math.floor(openedWallMs(attempt) / 1000), marks: marksOf(attempt) }
      : { openedSec: seenSec, marks: [] }),
    commitment: { accessKey, witness },
  };
}

/** The transaction that ends a promise: signed, to be sent by us. */
async function signEnd(
  ports: RailPorts,
  attempt: Attempt,
  call: TempoKeyIntent['call'],
): Promise<`0x${string}`> {
  const [network, asset] = [
    findNetwork(attempt.network as Caip2),
    findAsset(attempt.network as Caip2, attempt.asset),
  ];
  if (network?.family !== 'tempo' || asset?.family !== 'tempo')
    throw new WalletError('internal', 'A commitment is on a network or in an asset that the tables lost.');
  const { accessKey, witness } = readCommitmentNonce(attempt.nonce);
  const intent: TempoKeyIntent = {
    ...{ kind: 'tempo_key', call, asset, chainId: network.chainId, from: attempt.payFrom as `0x${string}` },
    ...{
      accessKey,
      witness,
      validAfterSec: 0,
      validBeforeSec: Math.floor(ports.nowMs() / 1000) + WINDOW_SEC,
    },
  };
  return ports.keys.signTempoKey(intent, ports.agentIndex, ports.nowMs());
}
