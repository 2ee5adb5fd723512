import type { Config } from '../config/settings.js';
import { isWalletError } from '../errors/walletError.js';
import type { AgentRecord } from '../ledger/books/agent.js';
import { assetsOf, type Asset } from '../money/asset.js';
import { formatUnits } from '../money/decimal.js';
import { GAS_COIN_DECIMALS, gasCoinOf } from '../money/gasCoin.js';
import type { Network } from '../money/network.js';
import type { AtomicAmount } from '../money/unit.js';
import { networksOf } from '../wallet/agentAddress.js';
import type { Engine } from '../wallet/engine.js';

/** One token at the address of one agent. */
export interface OwnPlace {
  readonly agent: string;
  readonly network: Network;
  readonly asset: Asset;
  readonly address: string;
}

/** What is there. */
export interface OwnFund extends OwnPlace {
  /** Null where no RPC answers. */
  readonly onChainAtomic: AtomicAmount | null;
  /** The network's coin at the address, as `0.002 ETH`; null where none is ever needed, and where no RPC answers. */
  readonly gas: string | null;
  /** What Permit2 may move of it; null where there is no Permit2, and where no RPC answers. */
  readonly allowedAtomic: AtomicAmount | null;
}

/** Where the agents' money is: every token of every enabled network at the address of each agent that was not removed. */
export async function ownFundPlaces(engine: Engine): Promise<OwnPlace[]> {
  const [config, agents] = await Promise.all([engine.config(), engine.ledger.agents.list()]);
  const networks = networksOf(config, engine.keys).filter(({ family }) => family !== 'lightning');
  const places = agents
    .filter(({ state }) => state !== 'removed')
    .flatMap((agent) => networks.map((network) => placesAt(engine, agent, network)));
  return (await Promise.all(places)).flat();
}

async function placesAt(engine: Engine, { name: agent }: AgentRecord, network: Network): Promise<OwnPlace[]> {
  const address = await engine.forAgent(agent).addressOn(network);
  return assetsOf(network.caip2).map((asset) => ({ agent, network, asset, address }));
}

/** Asks the chains what is at those places. One that does not answer leaves its own unknown. */
export async function readOwnFunds(engine: Engine, signal: AbortSignal): Promise<OwnFund[]> {
  const [config, places] = await Promise.all([engine.config(), ownFundPlaces(engine)]);
  return Promise.all(places.map((place) => readFund(engine, config, place, signal)));
}

async function readFund(
  engine: Engine,
  config: Config,
  place: OwnPlace,
  signal: AbortSignal,
): Promise<OwnFund> {
  const { network, asset, address } = place;
  const known = engine.chain(config, network).balanceOf(asset, address as `0x${string}`, signal);
  const onChainAtomic = await orNull(known);
  if (network.family !== 'evm' || asset.family !== 'evm')
    return { ...place, onChainAtomic, gas: null, allowedAtomic: null };
  const chain = engine.chain(config, network);
  const [terms, allowedAtomic] = await Promise.all([
    orNull(chain.gasTerms(address as `0x${string}`, signal)),
    orNull(chain.allowance(asset, address as `0x${string}`, signal)),
  ]);
  const gas =
    terms === null ? null : `${formatUnits(terms.balanceWei, GAS_COIN_DECIMALS)} ${gasCoinOf(network.caip2)}`;
  return { ...place, onChainAtomic, gas, allowedAtomic };
}

async function orNull<T>(reading: Promise<T>): Promise<T | null> {
  try {
    return await reading;
  } catch (error) {
    if (isWalletError(error)) return null;
    throw error;
  }
}
