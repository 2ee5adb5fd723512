import type { ChainPayment, EvmChain } from '../../chain/chain.js';
import { CHANNEL_OPENINGS, readCreation } from '../../chain/evm/channelState.js';
import { channelOpenings, readOpening } from '../../chain/tempo/channel.js';
import type { DepositFacts } from '../../ledger/books/entitlement.js';
import type { ImportedPayment } from '../../ledger/books/rebuild.js';
import type { Ledger } from '../../ledger/ledger.js';
import { toUsdMicros, type Asset, type EvmAsset, type TempoAsset } from '../../money/asset.js';
import { DEPOSIT_COLLECTOR } from '../../money/channelContract.js';
import type { EvmNetwork, Network, TempoNetwork } from '../../money/network.js';
import { depositNonce, evmChannelId } from '../../protocols/evm/channel.js';
import { CHANNEL_RESERVE } from '../../protocols/tempo/channel.js';
import { mppChannelTempo, type ChannelFacts as TempoFacts } from '../../rails/mppSession/tempo.js';
import { x402Channel, type ChannelFacts as EvmFacts } from '../../rails/x402Channel/rail.js';
import type { KeptDeposit } from '../../wallet/entitlement/deposit.js';

/** Where a channel is kept whose seller nobody knows any more: no call is ever made there, so nothing is drawn on it. */
const LOST_ORIGIN = 'https://imported.invalid';
/** More deposits that count are not looked through. */
const OPEN_MAX = 10_000;

/** A channel that the chain shows and the ledger lost. */
export interface LostChannel {
  readonly payment: ImportedPayment;
  /** The transactions that put money into it. */
  readonly txs: readonly string[];
  /** What its rail keeps of it. */
  readonly facts: DepositFacts;
  readonly operator: string;
}

interface Payer<N extends Network, A extends Asset> {
  readonly network: N;
  readonly asset: A;
  readonly agent: string;
  readonly address: string;
}

/** The chain whose events tell of an opening. */
type Events = Pick<EvmChain, 'eventsIn'>;

/**
 * The channels that payments went into and that the ledger does not know: each by what the chain wrote when it was opened, which
 * makes its id. What went into one whose opening is not found counts as any payment does.
 */
export async function lostChannels(
  chain: object,
  { network, asset, agent, address }: Payer<Network, Asset>,
  payments: readonly ChainPayment[],
  ledger: Ledger,
): Promise<LostChannel[]> {
  if (!('eventsIn' in chain)) return [];
  const events = chain as Events;
  if (network.family === 'tempo' && asset.family === 'tempo')
    return lostOnTempo(events, { network, asset, agent, address }, payments, ledger);
  if (network.family === 'evm' && asset.family === 'evm')
    return lostOnEvm(events, { network, asset, agent, address }, payments, ledger);
  return [];
}

async function lostOnTempo(
  chain: Events,
  { network, asset, agent, address }: Payer<TempoNetwork, TempoAsset>,
  payments: readonly ChainPayment[],
  ledger: Ledger,
): Promise<LostChannel[]> {
  const byChannel = Map.groupBy(
    payments.filter(({ to, named }) => to.toLowerCase() === CHANNEL_RESERVE && typeof named === 'string'),
    ({ named }) => String(named).toLowerCase() as `0x${string}`,
  );
  const lost: LostChannel[] = [];
  for (const [id, into] of byChannel) {
    if ((await ledger.entitlements.findDeposit(agent, id)) !== null) continue;
    const [first] = into.toSorted((a, b) => Number(a.blockNumber - b.blockNumber));
    if (first === undefined) continue;
    const logs = await chain.eventsIn(channelOpenings(id), first.blockNumber);
    const opened = logs.map((log) => readOpening(log, id, network.chainId)).find((one) => one !== null);
    if (opened === undefined) continue;
    const { descriptor, depositAtomic } = opened;
    // One operator's word of the amount, which no id vouches for: more than moved would count as less than nothing taken (T28).
    if (depositAtomic > first.amountAtomic || descriptor.payer.toLowerCase() !== address.toLowerCase())
      continue;
    const amountAtomic = into.reduce((sum, one) => sum + one.amountAtomic, 0n);
    // What moved beyond the deposit is the fee of the transaction.
    const openingFeeAtomic = first.amountAtomic - depositAtomic;
    const facts: TempoFacts = {
      deposit_atomic: (amountAtomic - openingFeeAtomic).toString(),
      ...{ network: network.caip2, asset: asset.address, descriptor },
    };
    lost.push({
      payment: {
        ...{ agent, protocol: mppChannelTempo.protocol, scheme: mppChannelTempo.scheme },
        ...{ network: network.caip2, asset: asset.address, payFrom: address, payTo: descriptor.payee },
        ...{ amountAtomic, usdMicros: toUsdMicros(asset, amountAtomic), nonce: null, named: id },
        ...{ openingFeeAtomic, tx: first.tx, blockTimeMs: first.timeSec * 1000, toOwn: false },
      },
      ...{ txs: into.map(({ tx }) => tx), facts, operator: descriptor.operator },
    });
  }
  return lost;
}

/** There a channel has one deposit, by a nonce that its terms make: so no operator can tell of other terms (T28). */
async function lostOnEvm(
  chain: Events,
  { network, asset, agent, address }: Payer<EvmNetwork, EvmAsset>,
  payments: readonly ChainPayment[],
  ledger: Ledger,
): Promise<LostChannel[]> {
  const { chainId } = network;
  const lost: LostChannel[] = [];
  for (const { to, nonce, amountAtomic, tx, blockNumber, timeSec } of payments) {
    if (to.toLowerCase() !== DEPOSIT_COLLECTOR.toLowerCase() || nonce === null) continue;
    const named = nonce.toLowerCase();
    if ((await ledger.entitlements.findDeposit(agent, named)) !== null) continue;
    const logs = await chain.eventsIn(CHANNEL_OPENINGS, blockNumber);
    const channel = logs
      .map((log) => readCreation(log, chainId))
      .find((one) => one !== null && depositNonce(one, chainId) === named);
    if (channel === undefined || channel === null) continue;
    const channelId = evmChannelId(channel, chainId);
    const facts: EvmFacts & Pick<KeptDeposit, 'withdraw_delay_sec'> = {
      ...{ deposit_atomic: amountAtomic.toString(), network: network.caip2, asset: asset.address, channel },
      ...{ channel_id: channelId, withdraw_delay_sec: channel.withdrawDelaySec },
    };
    lost.push({
      payment: {
        ...{ agent, protocol: x402Channel.protocol, scheme: x402Channel.scheme },
        ...{ network: network.caip2, asset: asset.address, payFrom: address, payTo: channel.receiver },
        ...{ amountAtomic, usdMicros: toUsdMicros(asset, amountAtomic), nonce: null, named, channelId },
        ...{ openingFeeAtomic: 0n, tx, blockTimeMs: timeSec * 1000, toOwn: false },
      },
      ...{ txs: [tx], facts, operator: channel.receiverAuthorizer },
    });
  }
  return lost;
}

/** Keeps a channel that was found as a deposit that is used no more, so that its owner can have it closed. */
export async function keepLostChannel(ledger: Ledger, lost: LostChannel, nowMs: number): Promise<void> {
  const { payment, facts, operator } = lost;
  const { agent, network, asset, payFrom, payTo, named, protocol } = payment;
  if (named === null || (await ledger.entitlements.findDeposit(agent, named)) !== null) return;
  const open = await ledger.openAttemptsFrom(network, asset, payFrom, OPEN_MAX);
  const row = open.find(({ nonce }) => nonce === named);
  if (row === undefined) return;
  const kept: KeptDeposit = {
    ...{ ...facts, protocol, network, pay_to: payTo, pay_from: payFrom, operator, budget: null },
    ...{ url: LOST_ORIGIN, method: 'GET', opening: false, refusals: 0, close_requested_ms: nowMs },
  };
  await ledger.entitlements.save(
    {
      ...{ agent, kind: 'channel', origin: LOST_ORIGIN, path: '/', subject: named, paymentId: row.id },
      // Nobody knows what its vouchers say: all of it, at most.
      ...{ valueLeft: '0', unit: asset, expiresMs: nowMs, facts: JSON.stringify(kept), secret: null },
    },
    nowMs,
  );
}
