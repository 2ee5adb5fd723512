import type { Config } from '../config/settings.js';
import { accountOf } from '../config/value/account.js';
import { WalletError } from '../errors/walletError.js';
import { assetsOf, type Asset } from '../money/asset.js';
import { formatUnits, USD_DECIMALS } from '../money/decimal.js';
import { networkNotEnabled, type Network } from '../money/network.js';
import { networksOf } from '../wallet/agentAddress.js';
import type { Engine } from '../wallet/engine.js';
import { settleOpen } from '../wallet/settle/addressFunds.js';
import type { Transfer, WithdrawalMethods } from '../rails/withdrawal.js';
import { withdrawalRailOf } from '../rails/table.js';
import type { AtomicAmount, UsdMicros } from '../money/unit.js';

/** How long the chain is asked about open payments before it is said what is free to take out. */
const SETTLE_MS_MAX = 10_000;

/** What the owner wants to take out. */
export interface WithdrawalOrder {
  /** Where to: an address of theirs, as they typed it. */
  readonly to: string;
  /** Micro-dollars, or all that is free to the last unit. */
  readonly usdMicros: UsdMicros | 'all';
  /** CAIP-2; needed only where several networks come into question. */
  readonly network?: string | undefined;
  /** The asset's symbol; the network's first unless given. */
  readonly asset?: string | undefined;
  /** Leaves nothing for payments that are on their way. */
  readonly takesHeld: boolean;
  /** The owner knows that the address has no key, as a vault of a program has none. */
  readonly offCurve?: boolean;
  /** Set where it goes to another agent of this wallet, and leaves nothing. */
  readonly isWithin?: boolean;
  /** The owner saw that the last one never arrived, though a facilitator said so. */
  readonly repeats?: boolean;
}

/** Where money would leave from and go to. */
export type Route = Omit<Transfer, 'amountAtomic'>;

/** A balance beside what is held of it. */
export interface Reading {
  readonly onChainAtomic: AtomicAmount;
  readonly heldAtomic: AtomicAmount;
  readonly spendableAtomic: AtomicAmount;
  /** Where the journal stood before the chain was asked. */
  readonly readSeq: number;
}

/** All that a person decides on. Nothing is signed yet. */
export interface WithdrawalPlan extends Transfer, Reading, WithdrawalMethods {
  /** Agents are stopped; a withdrawal goes on. */
  readonly frozen: boolean;
}

/**
 * Finds from where to where, and refuses addresses that money would be lost at or that it never leaves. Throws
 * `bad_input`, `network_disabled`, `rpc_unavailable`.
 */
export async function routeOf(
  engine: Engine,
  config: Config,
  order: WithdrawalOrder,
  signal: AbortSignal,
): Promise<Route> {
  const { network, to } = await chooseNetwork(engine, config, order);
  const asset = chooseAsset(network, order.asset);
  const rail = withdrawalRailOf(network);
  const from = await engine.addressOn(network);
  // Both as the rail writes them.
  if (to === from) throw badAddress('is the address of this very wallet');
  if (order.isWithin !== true) assertPayout(config, network, to);
  const route = { network, asset, from, to };
  const refusal = await rail.refuseRecipient(
    await engine.railPorts(config),
    route,
    order.offCurve === true,
    signal,
  );
  if (refusal !== null) throw badAddress(refusal);
  return route;
}

/** An address that the owner did not name may be a slip of the pen, or somebody else's: then nothing leaves for it. */
function assertPayout({ payouts: { addresses } }: Config, { caip2, label }: Network, to: string): void {
  const entry = accountOf(caip2, to);
  if (addresses.length === 0 || addresses.includes(entry)) return;
  const message = `Withdrawals go to the addresses in payouts.addresses alone, and ${to} on ${label} is not one of them; nothing was signed.`;
  throw new WalletError('bad_input', message, {
    owner: {
      say: 'If it is yours, add it there first.',
      action: { kind: 'addToSetting', key: 'payouts.addresses', entry },
    },
  });
}

function badAddress(why: string): WalletError {
  return new WalletError('bad_input', `The address given with --to ${why}; nothing was signed.`);
}

async function chooseNetwork(
  engine: Engine,
  config: Config,
  order: WithdrawalOrder,
): Promise<{ network: Network; to: string }> {
  const enabled = networksOf(config, engine.keys);
  const named =
    order.network === undefined ? enabled : enabled.filter(({ caip2 }) => caip2 === order.network);
  if (named.length === 0) {
    throw networkNotEnabled(order.network ?? '', config.networks.enabled);
  }
  const fitting = named.flatMap((network) => {
    const to = withdrawalRailOf(network).readAddress(order.to);
    return to === undefined ? [] : [{ network, to }];
  });
  if (fitting[0] === undefined)
    throw badAddress(`is none on ${named.map(({ label }) => label).join(' or ')}, or its checksum is wrong`);
  const able = fitting.filter(({ network }) => findAssetBySymbol(network, order.asset) !== undefined);
  const [only = fitting[0], other] = able;
  if (other === undefined) return only;
  const funded = await Promise.all(able.map((one) => holdsMoney(engine, config, one.network, order.asset)));
  const rich = able.filter((_one, i) => funded[i]);
  if (rich.length === 1 && rich[0] !== undefined) return rich[0];
  const names = able.map(({ network }) => network.caip2).join(', ');
  throw new WalletError('bad_input', `Say which network with --network: ${names}.`);
}

async function holdsMoney(
  engine: Engine,
  config: Config,
  network: Network,
  symbol: string | undefined,
): Promise<boolean> {
  const asset = chooseAsset(network, symbol);
  const from = await engine.addressOn(network);
  const reading = await readFunds(engine, config, { network, asset, from, to: '' }, false);
  return reading.onChainAtomic > 0n;
}

function findAssetBySymbol({ caip2 }: Network, symbol: string | undefined): Asset | undefined {
  const assets = assetsOf(caip2);
  return symbol === undefined ? assets[0] : assets.find((one) => one.symbol === symbol);
}

function chooseAsset(network: Network, symbol: string | undefined): Asset {
  const found = findAssetBySymbol(network, symbol);
  if (found !== undefined) return found;
  const names = assetsOf(network.caip2)
    .map((one) => one.symbol)
    .join(', ');
  throw new WalletError('bad_input', `The wallet knows these on ${network.label}: ${names}.`);
}

/** Reads what is there and what is held of it, the journal's place first. Throws `rpc_unavailable`, `cancelled`. */
export async function readFunds(
  engine: Engine,
  config: Config,
  { network, asset, from }: Route,
  takesHeld: boolean,
  signal?: AbortSignal,
): Promise<Reading> {
  const readSeq = (await engine.ledger.head()).seq;
  const onChainAtomic = await engine.chain(config, network).balanceOf(asset, from as `0x${string}`, signal);
  const heldAtomic = takesHeld ? 0n : await engine.ledger.heldAtomic(network.caip2, asset.address, from);
  const left = onChainAtomic - heldAtomic;
  return { onChainAtomic, heldAtomic, spendableAtomic: left > 0n ? left : 0n, readSeq };
}

/**
 * What would be taken out, and by which ways. Throws `insufficient_funds`, `gas_missing`, `rpc_unavailable`,
 * `bad_input`; nothing is signed.
 */
export async function planWithdrawal(
  engine: Engine,
  config: Config,
  route: Route,
  order: WithdrawalOrder,
  signal: AbortSignal,
): Promise<WithdrawalPlan> {
  // What an open payment moved has left the balance, and is to be held no more.
  const { network, asset, from: address } = route;
  await settleOpen(engine, { network, asset, address }, SETTLE_MS_MAX);
  const reading = await readFunds(engine, config, route, order.takesHeld, signal);
  const amountAtomic =
    order.usdMicros === 'all' ? reading.spendableAtomic : atomicOf(route.asset, order.usdMicros);
  if (amountAtomic <= 0n || amountAtomic > reading.spendableAtomic)
    throw notEnough(route, amountAtomic, reading);
  const transfer = { ...route, amountAtomic };
  const ways = await withdrawalRailOf(route.network).methodsFor(
    await engine.railPorts(config),
    transfer,
    signal,
  );
  if (ways.methods.length === 0) throw noMethod(route, ways);
  return { ...transfer, ...reading, ...ways, frozen: (await engine.ledger.head()).frozen };
}

/** Dollars as units of an asset. Throws `bad_input` where it has no unit so small. */
export function atomicOf(asset: Asset, usdMicros: UsdMicros): AtomicAmount {
  if (asset.decimals >= USD_DECIMALS) return usdMicros * 10n ** BigInt(asset.decimals - USD_DECIMALS);
  const unit = 10n ** BigInt(USD_DECIMALS - asset.decimals);
  if (usdMicros % unit === 0n) return usdMicros / unit;
  throw new WalletError('bad_input', `${asset.symbol} has only ${asset.decimals} decimals.`);
}

/** The error of a wallet that holds less than is to be taken out. */
export function notEnough(
  { network, asset }: Route,
  amountAtomic: AtomicAmount,
  { spendableAtomic, heldAtomic }: Pick<Reading, 'spendableAtomic' | 'heldAtomic'>,
): WalletError {
  const text = (atomic: AtomicAmount): string => `${formatUnits(atomic, asset.decimals)} ${asset.symbol}`;
  const kept =
    heldAtomic > 0n
      ? ` ${text(heldAtomic)} more is held for payments that can still move it; --include-held takes that too.`
      : '';
  const wants = amountAtomic > 0n ? `, and ${text(amountAtomic)} was asked for` : '';
  return new WalletError(
    'insufficient_funds',
    `On ${network.label} ${text(spendableAtomic)} is free to take out${wants}.${kept} Nothing was signed.`,
  );
}

/** The error where nobody can carry it. */
export function noMethod({ network }: Route, { reasons, owner }: WithdrawalMethods): WalletError {
  return new WalletError(
    owner === undefined ? 'gas_missing' : 'allowance_required',
    `Nothing can carry a withdrawal on ${network.label} now, so nothing was signed. ${reasons.join(' ')}`,
    owner === undefined ? {} : { owner },
  );
}
