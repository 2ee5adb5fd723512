import type { ChainPayment, TempoChain } from '../../chain/chain.js';
import { channelOpenings, readOpening } from '../../chain/tempo/channel.js';
import type { ImportedPayment } from '../../ledger/books/rebuild.js';
import type { Ledger } from '../../ledger/ledger.js';
import { toUsdMicros, type TempoAsset } from '../../money/asset.js';
import type { TempoNetwork } from '../../money/network.js';
import type { AtomicAmount } from '../../money/unit.js';
import type { ChannelDescriptor } from '../../payment/intent.js';
import { CHANNEL_RESERVE } from '../../protocols/tempo/channel.js';
import { mppChannelTempo } from '../../rails/mppSession/tempo.js';
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
  readonly descriptor: ChannelDescriptor;
  readonly depositAtomic: AtomicAmount;
}

interface Payer {
  readonly network: TempoNetwork;
  readonly asset: TempoAsset;
  readonly agent: string;
  readonly address: string;
}

/**
 * The channels that payments went into and that the ledger does not know: each by what the chain wrote when it was opened, which
 * makes its id. What went into one whose opening is not among the payments counts as any payment does.
 */
export async function lostChannels(
  chain: TempoChain,
  { network, asset, agent, address }: Payer,
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
    lost.push({
      payment: {
        ...{ agent, protocol: mppChannelTempo.protocol, scheme: mppChannelTempo.scheme },
        ...{ network: network.caip2, asset: asset.address, payFrom: address, payTo: descriptor.payee },
        ...{ amountAtomic, usdMicros: toUsdMicros(asset, amountAtomic), nonce: null, named: id },
        // What moved beyond the deposit is the fee of the transaction.
        openingFeeAtomic: first.amountAtomic - depositAtomic,
        ...{ tx: first.tx, blockTimeMs: first.timeSec * 1000, toOwn: false },
      },
      txs: into.map(({ tx }) => tx),
      ...{ descriptor, depositAtomic: amountAtomic - (first.amountAtomic - depositAtomic) },
    });
  }
  return lost;
}

/** Keeps a channel that was found as a deposit that is used no more, so that its owner can have it closed. */
export async function keepLostChannel(ledger: Ledger, lost: LostChannel, nowMs: number): Promise<void> {
  const { payment, descriptor, depositAtomic } = lost;
  const { agent, network, asset, payFrom, named } = payment;
  if (named === null || (await ledger.entitlements.findDeposit(agent, named)) !== null) return;
  const open = await ledger.openAttemptsFrom(network, asset, payFrom, OPEN_MAX);
  const row = open.find(({ nonce }) => nonce === named);
  if (row === undefined) return;
  const kept: KeptDeposit & { readonly asset: string; readonly descriptor: ChannelDescriptor } = {
    ...{ deposit_atomic: depositAtomic.toString(), network, asset, descriptor, protocol: payment.protocol },
    ...{ pay_to: descriptor.payee, pay_from: payFrom, operator: descriptor.operator, budget: null },
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
