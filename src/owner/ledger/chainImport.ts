import { FOUND_ON_CHAIN } from '../../rails/table.js';
import type { ImportedPayment } from '../../ledger/books/rebuild.js';
import { describeUnread, type ChainPayment, type UnionHistory } from '../../chain/chain.js';
import { lostChannels, type LostChannel } from './lostChannels.js';
import type { Config } from '../../config/settings.js';
import { WalletError } from '../../errors/walletError.js';
import type { UnlockedWallet } from '../../keys/keystore.js';
import type { Ledger } from '../../ledger/ledger.js';
import { toUsdMicros, type Asset } from '../../money/asset.js';
import { bitcoinUsdMicros } from '../../money/bitcoin.js';
import type { AtomicAmount, UsdMicros } from '../../money/unit.js';
import type { EndpointAnswer } from '../../payment/challenge.js';
import type { Network } from '../../money/network.js';
import { agentAddresses, fundedAssets, type AgentAddress } from '../ownAddresses.js';

/**
 * Everything that left the wallet since a time, on each enabled network, as all its RPCs show it together, each from
 * blocks past `untilMs`; `notes` name what could not be read of it. Throws `rpc_unavailable` where too few of them do.
 */
export async function readChain(
  config: Config,
  keys: UnlockedWallet,
  ledger: Ledger,
  {
    now,
    sinceMs,
    untilMs,
    bitcoin,
  }: {
    readonly now: () => number;
    readonly sinceMs: number;
    readonly untilMs: number;
    readonly bitcoin: NonNullable<EndpointAnswer['bitcoin']>;
  },
): Promise<{
  readonly found: ImportedPayment[];
  readonly notes: string[];
  readonly deposits: readonly LostChannel[];
}> {
  const found: ImportedPayment[] = [];
  const notes: string[] = [];
  const deposits: LostChannel[] = [];
  for (const { network, asset, chain } of fundedAssets(config, keys, now)) {
    const agents = await agentAddresses(config, keys, ledger, network);
    // One Lightning wallet is everybody's: what it paid counts once, and all of it, whoever it paid for.
    const payers = network.family === 'lightning' ? agents.slice(0, 1) : agents;
    for (const { agent, address } of payers) {
      const history = await chain.unionHistory(asset, address, Math.floor(sinceMs / 1000));
      assertWhole(history, network, untilMs);
      const unread = describeUnread(history, address, network.label);
      if (unread !== null) notes.push(unread);
      const channels = await lostChannels(
        chain,
        { network, asset, agent, address },
        history.payments,
        ledger,
      );
      found.push(...channels.map(({ payment }) => payment));
      deposits.push(...channels);
      const taken = new Set(channels.flatMap(({ txs }) => txs));
      for (const payment of history.payments) {
        if (taken.has(payment.tx)) continue;
        const toOwn = isOwnTransfer(payment, network, agents);
        const from = { agent, payFrom: address, toOwn };
        found.push({ ...importedFrom(payment, network, asset, { sinceMs, bitcoin }), ...from });
      }
    }
  }
  return { found, notes, deposits };
}

/**
 * Throws `rpc_unavailable` unless enough operators were read, each of them past `untilMs`: what one leaves out another
 * shows, so that no cap is freed on the word of one (T28). An operator that the owner named is enough.
 */
function assertWhole(
  { isWhole, readBy, faults }: UnionHistory,
  { label, caip2 }: Network,
  untilMs: number,
): void {
  const behind = readBy.filter(({ untilSec }) => untilSec * 1000 < untilMs).map(({ origin }) => origin);
  if (isWhole && behind.length === 0) return;
  const why = [...faults, ...behind.map((origin) => `${origin} is behind`)].join('; ');
  throw new WalletError(
    'rpc_unavailable',
    `${label} has to be read by two RPC operators, or by one that you name; nothing was counted yet: ${why}.`,
    {
      owner: {
        say: `The payments on ${label} could not be counted: ${why}. Try again, or name an RPC that shows the last 30 days.`,
        action: { kind: 'chooseSetting', key: `networks.${caip2}.rpc_url`, example: 'URL' },
      },
    },
  );
}

/**
 * Whether money went from one agent of the wallet to another: nothing was spent. On Solana a transaction may pay several,
 * so only one of this wallet's own making, which pays one, is taken for that.
 */
function isOwnTransfer(
  { to, nonce }: ChainPayment,
  { family }: Network,
  agents: readonly AgentAddress[],
): boolean {
  if (family === 'lightning') return false;
  if (family === 'svm') return nonce !== null && agents.some(({ address }) => address === to);
  return agents.some(({ address }) => address.toLowerCase() === to.toLowerCase());
}

function importedFrom(
  payment: ChainPayment,
  network: Network,
  asset: Asset,
  {
    sinceMs,
    bitcoin,
  }: { readonly sinceMs: number; readonly bitcoin: NonNullable<EndpointAnswer['bitcoin']> },
): Omit<ImportedPayment, 'agent' | 'payFrom' | 'toOwn'> {
  return {
    ...FOUND_ON_CHAIN[network.family],
    network: network.caip2,
    asset: asset.address,
    payTo: payment.to,
    amountAtomic: payment.amountAtomic,
    usdMicros: usdMicrosOf(asset, payment.amountAtomic, bitcoin),
    nonce: payment.nonce,
    named: payment.named ?? null,
    tx: payment.tx,
    blockTimeMs: Math.max(payment.timeSec * 1000, sinceMs),
  };
}

/** Throws `rpc_unavailable` where a payment in bitcoin has to be counted and no rate is known: it would free a cap. */
function usdMicrosOf(
  asset: Asset,
  amountAtomic: AtomicAmount,
  bitcoin: NonNullable<EndpointAnswer['bitcoin']>,
): UsdMicros {
  if (asset.family !== 'lightning') return toUsdMicros(asset, amountAtomic);
  if (!('off' in bitcoin)) return bitcoinUsdMicros(amountAtomic, bitcoin);
  throw new WalletError('rpc_unavailable', `Payments by Lightning cannot be counted. ${bitcoin.off}`, {
    owner: {
      say: 'Say what a bitcoin is worth, so that past payments by Lightning can be counted.',
      action: { kind: 'chooseSetting', key: 'rates.source', example: 'VALUE' },
    },
  });
}
