import type { Config } from '../../config/settings.js';
import type { Payment } from '../../ledger/attempts/payment.js';
import { findAsset, type Asset } from '../../money/asset.js';
import { formatUnits } from '../../money/decimal.js';
import { findNetwork, type Network } from '../../money/network.js';
import { isWalletError } from '../../errors/walletError.js';
import type { AnyAttempt } from '../../ledger/attempts/withdrawal.js';
import { isLeased } from '../leaseKeeper.js';
import type { Engine } from '../engine.js';
import { within } from './funds.js';
import { reconcileAttempt } from './reconcile.js';
import type { OpenReason } from './wayOut.js';
import type { AtomicAmount } from '../../money/unit.js';

/** More are open at once only where something is amiss; what is not asked about counts as held. */
const ASKED_MAX = 20;

/** Why a payment is open though an operator shows its authorization spent, by what cannot be seen. */
const SPENT: readonly OpenReason[] = ['used_without_transfer', 'history_unavailable'];

/** One asset at one address. */
export interface AssetAddress {
  readonly network: Network;
  readonly asset: Asset;
  readonly address: string;
}

/** A balance and what of it is held, both atomic; null where its RPC does not answer. */
export interface AddressFunds {
  readonly onChainAtomic: AtomicAmount | null;
  readonly heldAtomic: AtomicAmount;
}

/**
 * Reads what is at an address and how much of that is held, within `withinMs`. The chain is asked about open payments
 * first: what one of them moved is gone from the balance, and to take it off as held would count it twice.
 */
export async function readAddressFunds(
  engine: Engine,
  config: Config,
  place: AssetAddress,
  withinMs: number,
): Promise<AddressFunds> {
  const { network, asset, address } = place;
  const endMs = performance.now() + withinMs;
  const spent = await settleOpen(engine, place, withinMs);
  // After that look, and not before: a payment that settles between the two is then taken off twice for a moment, never not at all.
  const reading = engine.funds.onChain(engine.chain(config, network), asset, address, engine.now());
  const onChainAtomic = await within(reading, Math.max(1, endMs - performance.now()));
  return {
    onChainAtomic,
    heldAtomic: await engine.ledger.heldAtomic(network.caip2, asset.address, address, spent),
  };
}

/**
 * Settles what the chain can settle of the open payments from an address; gives the ids of those that stay open though
 * their authorization is spent: nothing of the balance is theirs any more.
 */
export async function settleOpen(
  engine: Engine,
  { network, asset, address }: AssetAddress,
  withinMs: number,
): Promise<string[]> {
  const rows = await engine.ledger.openAttemptsFrom(network.caip2, asset.address, address, ASKED_MAX);
  const leased = await Promise.all(rows.map((attempt) => isLeased(engine, attempt)));
  const open = rows.filter((_attempt, i) => leased[i] !== true);
  if (open.length === 0) return [];
  const signal = AbortSignal.timeout(withinMs);
  const spent = await Promise.all(open.map((attempt) => isSpent(engine, attempt, signal)));
  return open.filter((_attempt, i) => spent[i]).map(({ id }) => id);
}

async function isSpent(engine: Engine, attempt: AnyAttempt, signal: AbortSignal): Promise<boolean> {
  try {
    const { openReason } = await reconcileAttempt(engine, attempt, signal);
    return openReason !== null && SPENT.includes(openReason);
  } catch (error) {
    // A ledger that cannot be written now leaves the row as it is: held.
    if (isWalletError(error)) return false;
    throw error;
  }
}

/** A refused call has taken its time already; without an answer nothing is said of the balance. */
const LOOK_MS_MAX = 1_500;

/**
 * What the payer of an open payment has beside all that is held, such as `19.47 USDC`; null where the payment itself does
 * not fit what its chain shows, or the chain does not say.
 */
export async function freeBeside(
  engine: Engine,
  config: Config,
  { network: caip2, asset: address, payFrom }: Payment,
): Promise<string | null> {
  const network = findNetwork(caip2);
  const asset = network === undefined ? undefined : findAsset(network.caip2, address);
  if (network === undefined || asset === undefined) return null;
  const reading = engine.funds.onChain(engine.chain(config, network), asset, payFrom, engine.now());
  const onChain = await within(reading, LOOK_MS_MAX);
  const held = await engine.ledger.heldAtomic(network.caip2, address, payFrom);
  if (onChain === null || onChain < held) return null;
  return `${formatUnits(onChain - held, asset.decimals)} ${asset.symbol}`;
}
