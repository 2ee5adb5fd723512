import { randomBytes } from 'node:crypto';
import type { SettlementQuery } from '../../chain/chain.js';
import { WalletError } from '../../errors/walletError.js';
import type { Attempt } from '../../ledger/attempts/attempt.js';
import { writeDrawNonce } from '../../ledger/attempts/drawNonce.js';
import type { DepositFacts } from '../../ledger/books/entitlement.js';
import type { FoundDeposit } from '../../ledger/books/rebuild.js';
import type { SignedPayload } from '../../ledger/attempts/transition.js';
import { findAsset, type EvmAsset } from '../../money/asset.js';
import { formatUnits } from '../../money/decimal.js';
import { GAS_COIN_DECIMALS, gasCoinOf } from '../../money/gasCoin.js';
import { findNetwork, type Caip2, type EvmNetwork } from '../../money/network.js';
import type { AtomicAmount } from '../../money/unit.js';
import type { EndpointAnswer, Offer } from '../../payment/challenge.js';
import { AUTHORIZATION_WINDOW_MAX_SEC } from '../../payment/intent.js';
import type { EvmChannel, EvmDepositIntent, EvmVoucherIntent } from '../../payment/channelIntent.js';
import { depositNonce, evmChannelId } from '../../protocols/evm/channel.js';
import { parsePaymentRequired } from '../../protocols/x402/challenge/parse.js';
import type { ChannelPayload, ChannelTerms, EvmOffer } from '../../protocols/x402/types.js';
import { eip3009Query } from '../eip3009.js';
import type { RailPorts } from '../ports.js';
import type { DepositRail, Rail, SignedDeposit } from '../rail.js';
import { evmOfferOf, toOffer, writePayment } from '../x402Offer.js';

/** Beyond what either call of the contract takes, a transfer of a token with a proxy included: 120,000. */
const END_GAS = 250_000n;
/** The price of gas may rise for some blocks before the transaction is mined; what is not used is not paid. */
const PRICE_FACTOR = 2n;

/** What is kept of a channel. */
export interface ChannelFacts extends DepositFacts {
  readonly network: Caip2;
  readonly asset: string;
  readonly channel: EvmChannel;
  readonly channel_id: string;
}

/** An offer of `batch-settlement`, with its channel's terms. */
type ChannelOffer = EvmOffer & { readonly channel: ChannelTerms };

/** Scheme `batch-settlement`: a call is paid out of a channel on the EVM, by a voucher; the first one brings its deposit. */
export const x402BatchSettlement: Rail = {
  id: 'x402.batch-settlement.evm',
  protocol: 'x402',
  scheme: 'batch-settlement',
  family: 'evm',
  proofTime: 'days',

  async prepare(ports, offer, nowMs): Promise<EvmVoucherIntent> {
    const x402 = channelOfferOf(offer);
    const { paidFrom } = offer;
    if (paidFrom === undefined) throw notResolved();
    const from = (await ports.addressOn(x402.network)) as `0x${string}`;
    const { amountAtomic } = x402;
    const { depositAtomic, expiresMs } = paidFrom;
    const shared = {
      ...({ kind: 'evm_voucher', asset: x402.asset, chainId: x402.network.chainId, from } as const),
      ...({ to: x402.payTo, amountAtomic, depositAtomic, validAfterSec: 0 } as const),
      validBeforeSec: Math.floor(expiresMs / 1000),
    };
    if (paidFrom.kind === 'to_make') {
      const opening = openingOf(x402, { from, depositAtomic, nowMs });
      const nonce = drawNonce(opening.nonce, amountAtomic);
      return { ...shared, cumulativeAtomic: amountAtomic, nonce, channel: opening.channel, opening };
    }
    const { channel } = JSON.parse(paidFrom.facts) as ChannelFacts;
    const cumulativeAtomic = paidFrom.drawnAtomic + amountAtomic;
    const nonce = drawNonce(depositNonce(channel, shared.chainId), cumulativeAtomic);
    return { ...shared, cumulativeAtomic, nonce, channel };
  },

  async sign(ports, { offer, intent, paymentId }) {
    if (intent.kind !== 'evm_voucher')
      throw new WalletError('internal', 'An intent came to a rail that does not sign it.');
    const { opening } = intent;
    const voucher = await voucherPayload(ports, intent, 'voucher');
    if (opening === undefined) return writePayment(offer, voucher, paymentId);
    const signature = await ports.keys.signEvmDeposit(opening, ports.agentIndex, ports.nowMs());
    const { validAfterSec, validBeforeSec, amountAtomic, channel } = opening;
    const erc3009Authorization = {
      ...{ validAfter: validAfterSec.toString(), validBefore: validBeforeSec.toString() },
      ...{ salt: channel.salt, signature },
    };
    const deposit = { amount: amountAtomic.toString(), authorization: { erc3009Authorization } };
    return writePayment(offer, { ...voucher, type: 'deposit', deposit }, paymentId);
  },

  // What became of it is its deposit's to tell.
  settlementQuery: () => Promise.resolve(null),

  /**
   * A seller that charged less than was signed so far wants the next voucher to say no more than that and the price: as long as
   * a higher one was signed before, it gets what it asks for. A deposit is never written anew.
   */
  async presentAgain(ports, { payment, answer, deposit }) {
    const asked = demandIn(answer, deposit);
    if (asked === null || asked.chargedAtomic === null) return null;
    const { offer, x402, chargedAtomic } = asked;
    const cumulativeAtomic = chargedAtomic + x402.amountAtomic;
    if (x402.amountAtomic > payment.heldAtomic || cumulativeAtomic > deposit.signedAtomic) return null;
    const intent = voucherOf(x402, deposit, cumulativeAtomic);
    return writePayment(offer, await voucherPayload(ports, intent, 'voucher'), payment.id);
  },
};

const deposits: DepositRail = {
  factsOf(intent) {
    if (intent.kind !== 'evm_voucher' || intent.opening === undefined) throw notResolved();
    const { asset, channel, chainId, amountAtomic } = intent.opening;
    const facts: ChannelFacts = {
      ...{ deposit_atomic: amountAtomic.toString(), network: asset.network, asset: asset.address, channel },
      channel_id: evmChannelId(channel, chainId),
    };
    return JSON.stringify(facts);
  },

  // The seller's own endpoint is asked, as it was paid: it gives back what it did not charge, and runs no work.
  closesBy: 'call',

  withdrawDelaySec: ({ facts }) => (JSON.parse(facts) as ChannelFacts).channel.withdrawDelaySec,

  async close(ports, { answer, deposit }): Promise<SignedPayload | null> {
    const asked = demandIn(answer, deposit);
    if (asked === null) return null;
    const { offer, x402 } = asked;
    const chargedAtomic = asked.chargedAtomic ?? deposit.signedAtomic;
    if (chargedAtomic > deposit.signedAtomic) return null;
    const payload = await voucherPayload(ports, voucherOf(x402, deposit, chargedAtomic), 'refund');
    return writePayment(offer, payload, CLOSE_IDENTIFIER);
  },

  isEndAsked(ports, { facts }) {
    const { channel } = JSON.parse(facts) as ChannelFacts;
    const { network } = rowsOf(facts);
    return ports.chain(network).channelEndAsked(evmChannelId(channel, network.chainId));
  },

  async signEnd(ports, { facts, depositAtomic }, call) {
    const { channel } = JSON.parse(facts) as ChannelFacts;
    const { network, asset } = rowsOf(facts);
    const chain = ports.chain(network);
    const from = channel.payer;
    const [terms, left] = await Promise.all([
      chain.gasTerms(from),
      call === 'withdraw' ? depositAtomic : chain.channelLeft(evmChannelId(channel, network.chainId)),
    ]);
    const maxFeePerGasWei = terms.gasPriceWei * PRICE_FACTOR;
    const costWei = END_GAS * maxFeePerGasWei;
    if (terms.balanceWei < costWei) throw gasMissing(network, from, costWei, costWei - terms.balanceWei);
    return ports.keys.signEvmChannelEnd(
      {
        ...{ kind: 'evm_channel_end', call, asset, chainId: network.chainId, from, channel },
        ...{ amountAtomic: left < depositAtomic ? left : depositAtomic, gas: END_GAS, maxFeePerGasWei },
        ...{ accountNonce: terms.accountNonce },
        maxPriorityFeePerGasWei: terms.tipWei < maxFeePerGasWei ? terms.tipWei : maxFeePerGasWei,
      },
      ports.agentIndex,
    );
  },
};

/** No payment: a seller that wants an identifier of each gets one that stands for none. */
const CLOSE_IDENTIFIER = 'close-the-channel';

/** The deposit that opens a channel on the EVM. It is made together with the first call that is paid out of it. */
export const x402Channel: Rail = {
  id: 'x402.channel.evm',
  protocol: 'x402',
  scheme: 'channel',
  family: 'evm',
  proofTime: 'days',
  prepare: () => Promise.reject(notResolved()),
  sign: () => Promise.reject(notResolved()),
  settlementQuery: (attempt) => Promise.resolve(channelQuery(attempt)),
  deposits,
};

function notResolved(): WalletError {
  return new WalletError('internal', 'A deposit came to a rail that is not to make it.');
}

function channelOfferOf(offer: Offer): ChannelOffer {
  const x402 = evmOfferOf(offer);
  if (x402.channel === null)
    throw new WalletError('internal', 'An offer came to a rail that does not pay it.');
  return { ...x402, channel: x402.channel };
}

/** What to ask the chain about a channel: whether its deposit was made, and what was taken of it once nothing is left. */
function channelQuery(attempt: Attempt): SettlementQuery | null {
  const query = eip3009Query(attempt);
  if (query === null) return null;
  if (attempt.payload === null) {
    // It was found on the chain, where the ledger had lost it.
    const { channel_id } = JSON.parse(attempt.receipt ?? '{}') as FoundDeposit;
    return channel_id === undefined ? null : { ...query, channel: channel_id as `0x${string}` };
  }
  const signed = JSON.parse(attempt.payload) as SignedPayload;
  const { payload } = JSON.parse(Buffer.from(signed.value, 'base64').toString()) as {
    readonly payload: ChannelPayload;
  };
  return { ...query, channel: payload.voucher.channelId };
}

/** The channel that pays a seller from now on. Its salt is fresh, so that no two are one. */
function openingOf(
  { asset, network, payTo, channel: terms, maxTimeoutSeconds }: ChannelOffer,
  {
    from,
    depositAtomic,
    nowMs,
  }: { readonly from: `0x${string}`; readonly depositAtomic: AtomicAmount; readonly nowMs: number },
): EvmDepositIntent {
  const channel: EvmChannel = {
    ...{ payer: from, payerAuthorizer: from, receiver: payTo, receiverAuthorizer: terms.operator },
    ...{ token: asset.address, withdrawDelaySec: terms.withdrawDelaySec },
    salt: `0x${randomBytes(32).toString('hex')}`,
  };
  const windowSec = Math.min(maxTimeoutSeconds, AUTHORIZATION_WINDOW_MAX_SEC);
  return {
    ...{ kind: 'evm_deposit', asset, chainId: network.chainId, from, to: payTo, amountAtomic: depositAtomic },
    ...{ validAfterSec: 0, validBeforeSec: Math.floor(nowMs / 1000) + windowSec, channel },
    nonce: depositNonce(channel, network.chainId),
  };
}

function drawNonce(subject: string, cumulativeAtomic: AtomicAmount): string {
  return writeDrawNonce({ subject, cumulativeAtomic }, randomBytes(8).toString('hex'));
}

async function voucherPayload(
  ports: RailPorts,
  intent: EvmVoucherIntent,
  type: ChannelPayload['type'],
): Promise<ChannelPayload> {
  const { channel, cumulativeAtomic, chainId } = intent;
  const { withdrawDelaySec, salt, ...parties } = channel;
  return {
    type,
    channelConfig: { ...parties, withdrawDelay: withdrawDelaySec, salt },
    voucher: {
      channelId: evmChannelId(channel, chainId),
      maxClaimableAmount: cumulativeAtomic.toString(),
      signature: await ports.keys.signEvmVoucher(intent, ports.agentIndex),
    },
  };
}

/** A voucher for no more than was signed of a deposit before. */
function voucherOf(
  { asset, network }: Pick<EvmOffer, 'asset' | 'network'>,
  { facts, depositAtomic, expiresMs }: SignedDeposit,
  cumulativeAtomic: AtomicAmount,
): EvmVoucherIntent {
  const { channel } = JSON.parse(facts) as ChannelFacts;
  return {
    ...{ kind: 'evm_voucher', asset, chainId: network.chainId, channel, depositAtomic, cumulativeAtomic },
    ...{ from: channel.payer, to: channel.receiver, amountAtomic: 0n, validAfterSec: 0 },
    ...{ validBeforeSec: Math.floor(expiresMs / 1000), nonce: depositNonce(channel, network.chainId) },
  };
}

/** The demand of an answer to be paid out of this very channel, with what the seller says it charged of that; null where there is none. */
function demandIn(answer: EndpointAnswer, { facts }: SignedDeposit) {
  const required = parsePaymentRequired(answer);
  const { channel, network, asset } = JSON.parse(facts) as ChannelFacts;
  const found = required?.offers.find(
    (one): one is ChannelOffer =>
      one.scheme === 'batch-settlement' &&
      one.network.caip2 === network &&
      one.asset.address.toLowerCase() === asset.toLowerCase() &&
      'channel' in one &&
      one.payTo === channel.receiver &&
      one.channel?.operator === channel.receiverAuthorizer &&
      one.channel.withdrawDelaySec === channel.withdrawDelaySec,
  );
  if (required === null || found === undefined) return null;
  const { stated } = found.channel;
  const isOfThis = stated?.channelId === evmChannelId(channel, found.network.chainId);
  const chargedAtomic = stated !== null && isOfThis ? stated.chargedAtomic : null;
  return { offer: toOffer(found, required), x402: found, chargedAtomic };
}

function rowsOf(facts: string): { readonly network: EvmNetwork; readonly asset: EvmAsset } {
  const kept = JSON.parse(facts) as ChannelFacts;
  const [network, asset] = [findNetwork(kept.network), findAsset(kept.network, kept.asset)];
  if (network?.family === 'evm' && asset?.family === 'evm') return { network, asset };
  throw new WalletError('internal', 'A channel is on a network or in an asset that the tables lost.');
}

function gasMissing(
  { caip2, label }: EvmNetwork,
  address: string,
  costWei: bigint,
  missingWei: bigint,
): WalletError {
  const text = (wei: bigint): string => `${formatUnits(wei, GAS_COIN_DECIMALS)} ${gasCoinOf(caip2)}`;
  return new WalletError(
    'gas_missing',
    `The seller did not close it. Asking ${label} costs at most about ${text(costWei)} of gas, and the address lacks ${text(missingWei)}: send that to ${address}. Nothing was signed.`,
  );
}
