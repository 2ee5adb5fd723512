import type { Config } from '../../config/settings.js';
import { WalletError } from '../../errors/walletError.js';
import { isLive } from '../../ledger/attempts/attempt.js';
import type { Payment } from '../../ledger/attempts/payment.js';
import { findNetwork, type Caip2 } from '../../money/network.js';
import { COMMITMENT_ENDING } from '../../protocols/protocol.js';
import type { Engine } from '../engine.js';
import { askChain, settleAttempt } from './settlement.js';

/** What came of ending a promise. */
export type CommitmentEnding =
  /** It is proved: nothing is taken by it any more. */
  | { readonly kind: 'ended'; readonly promise: Payment }
  /** The chain was asked to end it by this transaction; that is not settled for good yet. */
  | { readonly kind: 'ending'; readonly tx: string };

/**
 * Ends a promise on the chain before its time: the seller's key is taken back, or the promise made void where it never came
 * there. The address pays the fee. Throws `rpc_unavailable`.
 */
export async function cancelCommitment(
  engine: Engine,
  config: Config,
  promise: Payment,
  signal: AbortSignal,
): Promise<CommitmentEnding> {
  const before = await settled(engine, promise, signal);
  if (before !== null) return { kind: 'ended', promise: before };
  const network = findNetwork(promise.network as Caip2);
  const rail = engine.rails.ofPayment(promise)?.commitments;
  if (network?.family !== 'tempo' || rail === undefined)
    throw new WalletError('internal', 'A commitment is on a network that is no row.');
  const shown = await askChain(engine, promise, signal);
  if (shown.kind !== 'open' || shown.promise === undefined)
    throw new WalletError(
      'rpc_unavailable',
      'The chain does not show how the subscription stands; try again.',
    );
  const step = shown.promise.isKnown ? 'revoke' : 'burn';
  const bytes = await rail.signEnd(await engine.railPorts(config), promise, step);
  const tx = await engine.chain(config, network).send(bytes, signal);
  await engine.ledger.markUnknown(promise.id, COMMITMENT_ENDING, engine.now());
  const after = await settled(engine, promise, signal);
  return after === null ? { kind: 'ending', tx } : { kind: 'ended', promise: after };
}

/** Asks the chain about a promise, and gives it where it has ended. */
async function settled(engine: Engine, promise: Payment, signal: AbortSignal): Promise<Payment | null> {
  const row = (await engine.ledger.findPayment(promise.id)) ?? promise;
  if (!isLive(row.state)) return row;
  const { attempt } = await settleAttempt(engine, row, signal);
  return isLive(attempt.state) ? null : attempt;
}
