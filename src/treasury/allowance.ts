import { setTimeout as pause } from 'node:timers/promises';
import type { EvmChain } from '../chain/chain.js';
import { isWalletError, WalletError } from '../errors/walletError.js';
import { assetsOf, toUsdMicros, type EvmAsset } from '../money/asset.js';
import { formatUnits, formatUsd } from '../money/decimal.js';
import { GAS_COIN_DECIMALS, gasCoinOf } from '../money/gasCoin.js';
import type { EvmNetwork } from '../money/network.js';
import type { AtomicAmount, UsdMicros } from '../money/unit.js';
import { ALLOWANCE_USD_MICROS_MAX, RELAY_GAS_MAX, type AllowanceIntent } from '../payment/intent.js';
import { networksOf } from '../wallet/agentAddress.js';
import type { Engine } from '../wallet/engine.js';
import { atomicOf } from './withdrawPlan.js';

/** An estimate may be short by a storage slot that changes meanwhile. */
const ESTIMATE_PERCENT = 125n;
/** The price of gas may rise for some blocks before the transaction is mined; what is not used is not paid. */
const PRICE_FACTOR = 2n;
/** Longer than any network takes to mine a transaction whose price is met. */
const MINED_MS_MAX = 90_000;
const LOOK_AGAIN_MS = 500;

/** A token that Permit2 may be allowed to move, at one of the wallet's addresses. */
export interface AllowancePlace {
  readonly network: EvmNetwork;
  readonly asset: EvmAsset;
  readonly address: `0x${string}`;
}

/** What Permit2 may move there; null where no RPC answers. */
export interface Allowance extends AllowancePlace {
  readonly allowedAtomic: AtomicAmount | null;
}

/** What the owner wants allowed; nothing for 0. */
export interface AllowanceOrder {
  readonly usdMicros: UsdMicros;
  readonly network: string | undefined;
  readonly asset: string | undefined;
}

/** All that a person decides on. Nothing is signed yet. */
export interface AllowancePlan extends AllowancePlace {
  readonly beforeAtomic: AtomicAmount;
  readonly amountAtomic: AtomicAmount;
  /** About what it costs at most, in the network's coin. */
  readonly feeText: string;
}

/** What came of it. `tx` is null where it was so already. */
export interface AllowanceSet extends AllowancePlan {
  readonly tx: string | null;
}

/** What Permit2 may move of each token of this agent, on every enabled network of the EVM. Asks the chains. */
export async function listAllowances(engine: Engine, network: string | undefined): Promise<Allowance[]> {
  const config = await engine.config();
  const places = (await placesOf(engine)).filter(
    (one) => network === undefined || one.network.caip2 === network,
  );
  return Promise.all(
    places.map(async (place) => {
      try {
        const chain = engine.chain(config, place.network);
        return { ...place, allowedAtomic: await chain.allowance(place.asset, place.address) };
      } catch (error) {
        if (!isWalletError(error)) throw error;
        return { ...place, allowedAtomic: null };
      }
    }),
  );
}

/**
 * Allows Permit2 so much of one token, in place of what it was allowed: the owner's own transaction, whose gas the address
 * pays. `decide` sees what it costs. Null where they decide against it.
 *
 * Throws `bad_input` for more than the signer ever allows (T36), `gas_missing`, `rpc_unavailable`, `cancelled`; and
 * `unknown` money never: an allowance moves none.
 */
export async function setAllowance(
  engine: Engine,
  order: AllowanceOrder,
  decide: (plan: AllowancePlan) => Promise<boolean>,
  signal: AbortSignal,
): Promise<AllowanceSet | null> {
  if (order.usdMicros > ALLOWANCE_USD_MICROS_MAX) {
    const most = formatUsd(ALLOWANCE_USD_MICROS_MAX);
    throw new WalletError(
      'bad_input',
      `Permit2 is never allowed more than $${most} of a token; nothing was signed.`,
    );
  }
  const place = choose(await placesOf(engine), order);
  const { network, asset, address } = place;
  const chain = engine.chain(await engine.config(), network);
  const amountAtomic = atomicOf(asset, order.usdMicros);
  const [beforeAtomic, terms] = await Promise.all([
    chain.allowance(asset, address, signal),
    chain.gasTerms(address, signal),
  ]);
  const coin = gasCoinOf(network.caip2);
  if (beforeAtomic === amountAtomic)
    return { ...place, beforeAtomic, amountAtomic, feeText: `0 ${coin}`, tx: null };
  const wanted = (await estimate(chain, place, amountAtomic, beforeAtomic, signal)) * ESTIMATE_PERCENT;
  const gas = wanted / 100n < RELAY_GAS_MAX ? wanted / 100n : RELAY_GAS_MAX;
  const maxFeePerGasWei = terms.gasPriceWei * PRICE_FACTOR;
  const costWei = gas * maxFeePerGasWei;
  const feeText = `${formatUnits(costWei, GAS_COIN_DECIMALS)} ${coin}`;
  if (terms.balanceWei < costWei) {
    const missing = formatUnits(costWei - terms.balanceWei, GAS_COIN_DECIMALS);
    throw new WalletError(
      'gas_missing',
      `Allowing costs at most about ${feeText} of gas, and the address lacks ${missing}: send that on ${network.label} to ${address}. Nothing was signed.`,
    );
  }
  const plan: AllowancePlan = { ...place, beforeAtomic, amountAtomic, feeText };
  if (!(await decide(plan))) return null;
  const intent: AllowanceIntent = {
    ...{ kind: 'permit2_allowance', asset, chainId: network.chainId, from: address, amountAtomic, gas },
    ...{ accountNonce: terms.accountNonce, maxFeePerGasWei },
    maxPriorityFeePerGasWei: terms.tipWei < maxFeePerGasWei ? terms.tipWei : maxFeePerGasWei,
  };
  const tx = await chain.send(await engine.keys.signAllowance(intent, await engine.agentIndex()), signal);
  await untilAllowed(chain, plan, signal);
  return { ...plan, tx };
}

/** Every token of this agent on a network of the EVM that the owner enabled. */
async function placesOf(engine: Engine): Promise<AllowancePlace[]> {
  const address = await engine.address();
  return networksOf(await engine.config(), engine.keys).flatMap((network) =>
    network.family !== 'evm'
      ? []
      : assetsOf(network.caip2).flatMap((asset) =>
          asset.family === 'evm' ? [{ network, asset, address }] : [],
        ),
  );
}

function choose(places: readonly AllowancePlace[], { network, asset }: AllowanceOrder): AllowancePlace {
  const fitting = places.filter(
    (one) =>
      (network === undefined || one.network.caip2 === network) &&
      (asset === undefined || one.asset.symbol === asset),
  );
  const [only, other] = fitting;
  if (only !== undefined && other === undefined) return only;
  const names = (fitting.length === 0 ? places : fitting)
    .map((one) => `${one.asset.symbol} on ${one.network.caip2}`)
    .join(', ');
  const ask =
    only === undefined
      ? 'There is no such token on an enabled network'
      : 'Say which with --network and --asset';
  throw new WalletError('bad_input', `${ask}: ${names}.`);
}

async function estimate(
  chain: EvmChain,
  { asset, address: from }: AllowancePlace,
  amountAtomic: AtomicAmount,
  beforeAtomic: AtomicAmount,
  signal: AbortSignal,
): Promise<bigint> {
  try {
    return await chain.estimateApproval({ asset, from, amountAtomic }, signal);
  } catch (error) {
    if (!isWalletError(error) || error.code !== 'rpc_unavailable' || beforeAtomic === 0n) throw error;
    throw new WalletError(
      'rpc_unavailable',
      `${asset.symbol} may take no new amount before the old one is taken back: revoke it first. ${error.shortMessage}`,
    );
  }
}

/** Until the chain shows it: what was sent may still wait to be mined. */
async function untilAllowed(
  chain: EvmChain,
  { network, asset, address, amountAtomic }: AllowancePlan,
  signal: AbortSignal,
): Promise<void> {
  const endMs = performance.now() + MINED_MS_MAX;
  while ((await chain.allowance(asset, address, signal)) !== amountAtomic) {
    if (performance.now() > endMs)
      throw new WalletError(
        'rpc_unavailable',
        `${network.label} does not show the allowance yet, and the transaction is sent: look again before another is made.`,
      );
    await pause(LOOK_AGAIN_MS, undefined, { signal }).catch(() => {
      throw new WalletError('cancelled', 'The transaction is sent; whether it is mined was not waited for.');
    });
  }
}

/** The dollars that an allowance stands for; null where it is not known. */
export function allowedUsd({
  asset,
  allowedAtomic,
}: Pick<Allowance, 'asset' | 'allowedAtomic'>): string | null {
  if (allowedAtomic === null) return null;
  const usdMicros = toUsdMicros(asset, allowedAtomic);
  return usdMicros > ALLOWANCE_USD_MICROS_MAX
    ? 'more than this wallet ever allows'
    : `$${formatUsd(usdMicros)}`;
}
