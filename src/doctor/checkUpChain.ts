import type { Config } from '../config/settings.js';
import type { OwnerStep } from '../errors/ownerAction.js';
import type { EvmChain } from '../chain/chain.js';
import { isWalletError } from '../errors/walletError.js';
import { assetsOf, toUsdMicros, type EvmAsset } from '../money/asset.js';
import { formatUnits } from '../money/decimal.js';
import { findNetwork, type Network } from '../money/network.js';
import { ALLOWANCE_USD_MICROS_MAX } from '../payment/intent.js';
import type { AgentPlace } from '../wallet/agentAddress.js';
import { openChain, rpcSourceOf } from '../wallet/chains.js';
import { readClock, sayOff } from '../wallet/clock/clockCheck.js';
import { ClockWatch } from '../wallet/clock/clockWatch.js';
import { failed, ok, type Check } from './check.js';
import type { LocalCheckUp } from './checkUp.js';

/** A block some networks make only every dozen seconds, and a proxy may cache for a while. */
const BEHIND_SEC_MAX = 120;

/**
 * Asks each RPC of each enabled network for the time, for its chain and its newest block, and the first that answers for
 * the balance. Never rejects.
 */
export async function checkUpChains(
  config: Config,
  { places, isProved, lightning }: Pick<LocalCheckUp, 'places' | 'isProved' | 'lightning'>,
  now: () => number,
): Promise<Check[]> {
  const networks = config.networks.enabled.flatMap((caip2) => findNetwork(caip2) ?? []);
  const payable = networks.filter(
    ({ caip2 }) => places === null || places.some(({ network }) => network.caip2 === caip2),
  );
  const clock = await lookAtClock(config, payable, now);
  const operators = await Promise.all(payable.map((network) => lookAtOperators(config, network, now())));
  const addressBalances = await Promise.all(
    (places ?? []).map((place) => lookAtBalance(config, place, { isProved, lightning })),
  );
  const allowances = await Promise.all((places ?? []).map((place) => lookAtAllowances(config, place)));
  const isFunded = addressBalances.some(({ holds }) => holds);
  // Money on one network is enough to begin: an empty one beside it is no fault.
  const balances = addressBalances.map(({ check, mend }) =>
    mend === null || isFunded ? check : { ...check, state: 'warn' as const, mend },
  );
  return [...clock, ...operators.flat(), ...balances, ...allowances.flat()];
}

async function lookAtOperators(config: Config, network: Network, nowMs: number): Promise<Check[]> {
  // What it has instead is a connected wallet, whose balance is looked at.
  if (network.family === 'lightning') return [lookAtRate(config)];
  const { urls } = rpcSourceOf(config, network);
  if (urls.length > 0) return Promise.all(urls.map((url) => lookAtOperator(config, network, url, nowMs)));
  const mend: OwnerStep = {
    say: 'Name one that you trust.',
    action: { kind: 'chooseSetting', key: `networks.${network.caip2}.rpc_url`, example: 'URL' },
  };
  const says = `No RPC of ${network.label} is known, so payments there are never confirmed.`;
  return [{ name: `rpc ${network.label}`, state: 'fail', says, mend }];
}

/** Whether bitcoin can be counted in dollars. */
function lookAtRate({ rates }: Config): Check {
  if (rates.source.kind !== 'none')
    return ok('rate of bitcoin', rates.source.kind === 'fixed' ? 'Set by hand.' : 'Read from your sources.');
  const mend: OwnerStep = {
    say: 'Say what a bitcoin is worth.',
    action: { kind: 'chooseSetting', key: 'rates.source', example: 'VALUE' },
  };
  return { name: 'rate of bitcoin', state: 'warn', says: 'Not set, so nothing is paid by Lightning.', mend };
}

async function lookAtOperator(config: Config, network: Network, url: string, nowMs: number): Promise<Check> {
  // The rest of an RPC's URL may hold the owner's key to it (T21).
  const name = `rpc ${new URL(url).host}`;
  const { chain, net } = openChain(config, network, Date.now, { urls: [url], ownerSet: true });
  try {
    const behindSec = Math.floor(nowMs / 1000) - (await chain.latestTimeSec());
    const says = `${network.label}: the right chain, newest block ${Math.max(0, behindSec)} s old.`;
    if (behindSec <= BEHIND_SEC_MAX) return ok(name, says);
    const mend: OwnerStep = {
      say: 'If this lasts, name another RPC.',
      action: { kind: 'chooseSetting', key: `networks.${network.caip2}.rpc_url`, example: 'URL' },
    };
    return { name, state: 'warn', says, mend };
  } catch (error) {
    return failed(name, error);
  } finally {
    await net?.close();
  }
}

/** Whether the clock is right by the times that the RPCs give (T30); nothing where no network is enabled. */
async function lookAtClock(
  config: Config,
  networks: readonly Network[],
  now: () => number,
): Promise<Check[]> {
  const [first] = networks;
  if (first === undefined) return [];
  const verdict = await readClock(new ClockWatch(now), config, networks);
  switch (verdict.kind) {
    case 'right':
      return [ok('clock', `The clock is right by the time of ${verdict.by.join(' and ')}.`)];
    case 'wrong': {
      const says = `The clock is ${sayOff(verdict.aheadMs)} by the time of ${verdict.by.join(' and ')}: nothing is signed.`;
      const mend = { say: 'Set the clock of this computer, best by its own time service.' };
      return [{ name: 'clock', state: 'fail', says, mend }];
    }
    case 'unchecked': {
      const says =
        'The true time could not be had: no RPC that you named and no two others agree on it. Payments go on; where the clock jumps ahead, limits free nothing for it.';
      const mend: OwnerStep = {
        say: 'Name an RPC that you trust.',
        action: { kind: 'chooseSetting', key: `networks.${first.caip2}.rpc_url`, example: 'URL' },
      };
      return [{ name: 'clock', state: 'warn', says, mend }];
    }
  }
}

/** What is on one network. */
interface AddressBalance {
  readonly check: Check;
  readonly holds: boolean;
  /** What to do where nothing is on any network; null where nothing is known of this one. */
  readonly mend: OwnerStep | null;
}

async function lookAtBalance(
  config: Config,
  { network, address }: AgentPlace,
  { isProved, lightning }: { readonly isProved: boolean; readonly lightning: LocalCheckUp['lightning'] },
): Promise<AddressBalance> {
  const name = `balance ${network.label}`;
  const { chain, net } = openChain(config, network, undefined, undefined, undefined, lightning);
  try {
    const assets = assetsOf(network.caip2);
    const held = await Promise.all(assets.map((asset) => chain.balanceOf(asset, address)));
    const words = assets.map((asset, i) => `${formatUnits(held[i] ?? 0n, asset.decimals)} ${asset.symbol}`);
    const says = `${network.label}: ${words.join(', ')} at ${address}${isProved ? '' : ', as noted beside the wallet and not proved by the keys'}.`;
    const holds = held.some((amount) => amount > 0n);
    const mend: OwnerStep | null = holds
      ? null
      : isProved
        ? { say: 'Send some to that address.', action: { kind: 'showAddress', network: network.caip2 } }
        : {
            say: 'Before you send some, have the keys prove the address.',
            action: { kind: 'showAddress', unlocks: true },
          };
    return { check: ok(name, says), holds, mend };
  } catch (error) {
    return { check: failed(name, error, 'warn'), holds: false, mend: null };
  } finally {
    await net?.close();
  }
}

/**
 * What Permit2 may move on one network: a line where it may move anything (T36). More than this wallet ever allows was
 * allowed by another program with the same key.
 */
async function lookAtAllowances(config: Config, { network, address }: AgentPlace): Promise<Check[]> {
  if (network.family !== 'evm') return [];
  const { chain, net } = openChain(config, network);
  // Of the EVM, as its network is.
  const reader = chain as EvmChain;
  try {
    const looks = assetsOf(network.caip2).flatMap((asset) =>
      asset.family === 'evm' ? [lookAtAllowance(reader, asset, { network, address })] : [],
    );
    return (await Promise.all(looks)).flat();
  } catch (error) {
    // That the RPC is silent, another check says.
    if (isWalletError(error)) return [];
    throw error;
  } finally {
    await net?.close();
  }
}

async function lookAtAllowance(
  chain: EvmChain,
  asset: EvmAsset,
  { network, address }: AgentPlace,
): Promise<Check[]> {
  const atomic = await chain.allowance(asset, address as `0x${string}`);
  if (atomic === 0n) return [];
  const name = `allowance ${network.label}`;
  const isBounded = toUsdMicros(asset, atomic) <= ALLOWANCE_USD_MICROS_MAX;
  const amount = isBounded ? `${formatUnits(atomic, asset.decimals)} ${asset.symbol}` : `any ${asset.symbol}`;
  const says = `Permit2 may move ${amount} on ${network.label} for signatures of this wallet.`;
  if (isBounded) return [ok(name, says)];
  const action = { kind: 'setAllowance', network: network.caip2, asset: asset.symbol } as const;
  const mend: OwnerStep = { say: 'Allow it less: this wallet never allows so much.', action };
  return [{ name, state: 'warn', says, mend }];
}
