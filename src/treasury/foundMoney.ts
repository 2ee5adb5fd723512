import type { Chain } from '../chain/chain.js';
import type { Config } from '../config/settings.js';
import { isWalletError } from '../errors/walletError.js';
import type { UnlockedWallet } from '../keys/keystore.js';
import { assetsOf, type Asset } from '../money/asset.js';
import { formatUnits } from '../money/decimal.js';
import { addressOn, networksOf } from '../wallet/agentAddress.js';
import { openChain } from '../wallet/chains.js';

/** What a restored phrase was found to hold on one network, at one agent's address. */
export interface FoundMoney {
  readonly network: string;
  readonly label: string;
  readonly asset: string;
  readonly address: string;
  /** Which of the phrase's keys it is: 0 is the first agent's. */
  readonly index: number;
  readonly amount: string;
  readonly amount_atomic: string;
  /** What left it in the last {@link PAID_DAYS} days; null where that could not be told in time. */
  readonly payments: number | null;
}

/** What a look came to; a network that gave no answer is among the silent. */
export interface Findings {
  readonly found: readonly FoundMoney[];
  readonly silent: readonly string[];
}

/** Agents whose addresses are looked at: more than most wallets ever had. */
const AGENTS_LOOKED_AT = 5;
/** Set-up waits no longer than this for any number of networks. */
const LOOK_MS_MAX = 8_000;
/** How far back payments are looked for: public RPCs search a week of a busy chain in a few seconds. */
export const PAID_DAYS = 7;
const DAY_SEC = 86_400;

/**
 * Looks what the first agents' addresses hold on each enabled network, and what left them of late. Best effort: never
 * throws, and is bounded.
 */
export async function lookForMoney(config: Config, keys: UnlockedWallet, nowMs: number): Promise<Findings> {
  const count = keys.secretKind === 'phrase' ? AGENTS_LOOKED_AT : 1;
  const signal = AbortSignal.timeout(LOOK_MS_MAX);
  const sinceSec = Math.floor(nowMs / 1000) - PAID_DAYS * DAY_SEC;
  const looks = networksOf(config, keys)
    .filter(({ family }) => family !== 'lightning')
    .map(async (network) => {
      const [asset] = assetsOf(network.caip2);
      if (asset === undefined) return { found: [], silent: [] };
      const addresses = await Promise.all(
        Array.from({ length: count }, (_, index) => addressOn(keys, index, network)),
      );
      const { chain, net } = openChain(config, network, undefined, undefined, undefined, () =>
        keys.lightning.read(),
      );
      try {
        const paid = addresses.map((address) => countPayments(chain, { asset, address, sinceSec, signal }));
        const balances = await Promise.all(
          addresses.map((address) => chain.balanceOf(asset, address, signal)),
        );
        const payments = await Promise.all(paid);
        const found = balances.map((atomic, index) => ({
          network: network.caip2,
          label: network.label,
          asset: asset.symbol,
          address: addresses[index] ?? '',
          index,
          amount: formatUnits(atomic, asset.decimals),
          amount_atomic: atomic.toString(),
          payments: payments[index] ?? null,
        }));
        const used = found.filter((one) => one.amount_atomic !== '0' || (one.payments ?? 0) > 0);
        return { found: used, silent: [] };
      } catch (error) {
        if (!isWalletError(error)) throw error;
        return { found: [], silent: [network.label] };
      } finally {
        await net?.close();
      }
    });
  const seen = await Promise.all(looks);
  return { found: seen.flatMap(({ found }) => found), silent: seen.flatMap(({ silent }) => silent) };
}

/** Beside the balance, and never in its way: null for whatever keeps it from being told. */
async function countPayments(
  chain: Chain,
  look: {
    readonly asset: Asset;
    readonly address: string;
    readonly sinceSec: number;
    readonly signal: AbortSignal;
  },
): Promise<number | null> {
  const history = chain.history(look.asset, look.address, look.sinceSec, look.signal);
  return history.then(
    ({ payments }) => payments.length,
    (error: unknown) => {
      if (isWalletError(error)) return null;
      throw error;
    },
  );
}
