import type { AtomicAmount } from '../../money/unit.js';
import { randomBytes } from 'node:crypto';
import { WalletError } from '../../errors/walletError.js';
import { writeDrawNonce } from '../../ledger/attempts/drawNonce.js';
import type { DepositFacts } from '../../ledger/books/entitlement.js';
import { findAsset, type TempoAsset } from '../../money/asset.js';
import type { Caip2, TempoNetwork } from '../../money/network.js';
import { findNetwork } from '../../money/network.js';
import type { EndpointAnswer, Offer } from '../../payment/challenge.js';
import type {
  ChannelDescriptor,
  TempoChannelIntent,
  TempoVoucherIntent,
} from '../../payment/channelIntent.js';
import { readPaymentChallenges } from '../../protocols/mpp/challenge.js';
import { writeCredential, type SessionPayload } from '../../protocols/mpp/credential.js';
import { isSession, judgeSession, SESSION } from '../../protocols/mpp/session.js';
import type { TempoSession } from '../../protocols/mpp/types.js';
import { channelId, CLOSE_GRACE_SEC, openedBy } from '../../protocols/tempo/channel.js';
import { headerOf, validBeforeSecOf } from '../mppCharge/offer.js';
import type { RailPorts } from '../ports.js';
import type { DepositRail, Rail, SignedDeposit } from '../rail.js';
import { channelQuery } from './channelQuery.js';
import { sessionOf } from './offer.js';

/** Less than the chain allows, for a clock that is some seconds ahead of it. */
const WINDOW_SEC = 25;

/** What is kept of a channel. */
export interface ChannelFacts extends DepositFacts {
  readonly network: Caip2;
  readonly asset: string;
  readonly descriptor: ChannelDescriptor;
}

/** A call that is paid out of a channel on Tempo, by a voucher; the first one opens the channel. */
export const mppSessionTempo: Rail = {
  id: 'mpp.session.tempo',
  protocol: 'mpp',
  scheme: 'session',
  family: 'tempo',
  proofTime: 'days',

  async prepare(ports, offer, nowMs): Promise<TempoVoucherIntent> {
    const session = sessionOf(offer);
    const { paidFrom } = offer;
    if (paidFrom === undefined) throw notResolved();
    const from = (await ports.addressOn(session.network)) as `0x${string}`;
    const { asset, payTo: to, amountAtomic } = session;
    const { depositAtomic, expiresMs } = paidFrom;
    const shared = {
      ...({
        kind: 'tempo_voucher',
        asset,
        chainId: session.network.chainId,
        from,
        to,
        amountAtomic,
      } as const),
      ...({ depositAtomic, validAfterSec: 0, validBeforeSec: Math.floor(expiresMs / 1000) } as const),
    };
    if (paidFrom.kind === 'to_make') {
      const opening = openingOf(session, offer, { from, nowMs });
      const nonce = drawNonce(opening.nonce, amountAtomic);
      return { ...shared, cumulativeAtomic: amountAtomic, nonce, descriptor: opening.descriptor, opening };
    }
    const { descriptor } = JSON.parse(paidFrom.facts) as ChannelFacts;
    const cumulativeAtomic = paidFrom.drawnAtomic + amountAtomic;
    const nonce = drawNonce(channelId(descriptor, shared.chainId), cumulativeAtomic);
    return { ...shared, cumulativeAtomic, nonce, descriptor };
  },

  async sign(ports, { offer, intent }) {
    if (intent.kind !== 'tempo_voucher')
      throw new WalletError('internal', 'An intent came to a rail that does not sign it.');
    const { opening } = intent;
    const voucher = await voucherPayload(ports, intent);
    if (opening === undefined) return writeSession(sessionOf(offer), voucher, intent);
    const transaction = await ports.keys.signTempoChannel(opening, ports.agentIndex, ports.nowMs());
    return writeSession(
      sessionOf(offer),
      { ...voucher, action: 'open', type: 'transaction', transaction },
      intent,
    );
  },

  // What became of it is its deposit's to tell.
  settlementQuery: () => Promise.resolve(null),

  async presentAgain(ports, { payment, answer, deposit }) {
    const session = sessionIn(answer, deposit);
    if (session === undefined || session.amountAtomic > payment.heldAtomic) return null;
    const intent = voucherOf(session, deposit, payment.nonce);
    return writeSession(session, await voucherPayload(ports, intent), intent);
  },
};

const deposits: DepositRail = {
  closesBy: 'post',

  withdrawDelaySec: () => CLOSE_GRACE_SEC,

  factsOf(intent) {
    if (intent.kind !== 'tempo_voucher' || intent.opening === undefined) throw notResolved();
    const { asset, descriptor, amountAtomic } = intent.opening;
    const facts: ChannelFacts = {
      ...{
        deposit_atomic: amountAtomic.toString(),
        network: asset.network,
        asset: asset.address,
        descriptor,
      },
    };
    return JSON.stringify(facts);
  },

  async close(ports, { answer, deposit }) {
    const session = sessionIn(answer, deposit);
    if (session === undefined) return null;
    const intent = voucherOf(session, deposit, drawNonce('close', deposit.signedAtomic));
    const voucher = await voucherPayload(ports, intent);
    return writeSession(session, { ...voucher, action: 'close' }, intent);
  },

  async topUp(ports, { offer, deposit, addedAtomic }) {
    const session = sessionOf(offer);
    const { descriptor } = JSON.parse(deposit.facts) as ChannelFacts;
    const { asset, network, feePaidBy } = session;
    const id = channelId(descriptor, network.chainId);
    const intent: TempoChannelIntent = {
      ...{ kind: 'tempo_channel', call: 'top_up', asset, chainId: network.chainId, descriptor, nonce: id },
      ...{ from: descriptor.payer, to: descriptor.payee, amountAtomic: addedAtomic, feePaidBy },
      ...{ validAfterSec: 0, validBeforeSec: validBeforeSecOf(session, ports.nowMs(), WINDOW_SEC) },
    };
    const transaction = await ports.keys.signTempoChannel(intent, ports.agentIndex, ports.nowMs());
    const payload: SessionPayload = {
      ...{ action: 'topUp', type: 'transaction', channelId: id, descriptor, transaction },
      additionalDeposit: addedAtomic.toString(),
    };
    return writeSession(session, payload, intent);
  },

  async signEnd(ports, { facts }, call) {
    const { descriptor, network, asset } = JSON.parse(facts) as ChannelFacts;
    const [row, token] = [findNetwork(network), findAsset(network, asset)];
    if (row?.family !== 'tempo' || token?.family !== 'tempo')
      throw new WalletError('internal', 'A channel is on a network or in an asset that the tables lost.');
    const intent: TempoChannelIntent = {
      ...{ kind: 'tempo_channel', call, asset: token, chainId: row.chainId, descriptor },
      ...{ from: descriptor.payer, to: descriptor.payee, amountAtomic: 0n, feePaidBy: 'self' },
      ...{ validAfterSec: 0, validBeforeSec: Math.floor(ports.nowMs() / 1000) + WINDOW_SEC },
      nonce: channelId(descriptor, row.chainId),
    };
    return ports.keys.signTempoChannel(intent, ports.agentIndex, ports.nowMs());
  },
};

/** The deposit that opens a channel on Tempo. It is made together with the first call that is paid out of it. */
export const mppChannelTempo: Rail = {
  id: 'mpp.channel.tempo',
  protocol: 'mpp',
  scheme: 'channel',
  family: 'tempo',
  proofTime: 'days',
  prepare: () => Promise.reject(notResolved()),
  sign: () => Promise.reject(notResolved()),
  settlementQuery: (attempt) => Promise.resolve(channelQuery(attempt)),
  deposits,
};

function notResolved(): WalletError {
  return new WalletError('internal', 'A deposit came to a rail that is not to make it.');
}

/** The channel that pays a session from now on. Its salt is fresh, so that no two are one. */
function openingOf(
  session: TempoSession,
  { paidFrom }: Offer,
  { from, nowMs }: { readonly from: `0x${string}`; readonly nowMs: number },
): TempoChannelIntent {
  const { network, asset, payTo, operator, feePaidBy } = session;
  return openedBy(
    {
      ...{ asset, chainId: network.chainId, from, to: payTo, amountAtomic: paidFrom?.depositAtomic ?? 0n },
      ...{ feePaidBy, validAfterSec: 0, validBeforeSec: validBeforeSecOf(session, nowMs, WINDOW_SEC) },
    },
    {
      ...{ payer: from, payee: payTo, operator, token: asset.address as `0x${string}` },
      ...{ salt: `0x${randomBytes(32).toString('hex')}`, authorizedSigner: from },
    },
  );
}

function drawNonce(subject: string, cumulativeAtomic: AtomicAmount): string {
  return writeDrawNonce({ subject, cumulativeAtomic }, randomBytes(8).toString('hex'));
}

async function voucherPayload(ports: RailPorts, intent: TempoVoucherIntent): Promise<SessionPayload> {
  const { descriptor, cumulativeAtomic, chainId } = intent;
  return {
    action: 'voucher',
    channelId: channelId(descriptor, chainId),
    descriptor,
    cumulativeAmount: cumulativeAtomic.toString(),
    signature: await ports.keys.signTempoVoucher(intent, ports.agentIndex),
  };
}

function writeSession(
  { challenge }: TempoSession,
  payload: SessionPayload,
  { chainId, from }: Pick<TempoVoucherIntent, 'chainId' | 'from'>,
) {
  const source = `did:pkh:eip155:${chainId}:${from}`;
  return { name: headerOf(challenge), value: writeCredential(challenge, payload, source) };
}

/** The highest voucher that was signed of a deposit, once more. */
function voucherOf(
  { network, asset }: { readonly network: TempoNetwork; readonly asset: TempoAsset },
  { facts, depositAtomic, signedAtomic, expiresMs }: SignedDeposit,
  nonce: string,
): TempoVoucherIntent {
  const { descriptor } = JSON.parse(facts) as ChannelFacts;
  return {
    ...{ kind: 'tempo_voucher', asset, chainId: network.chainId, descriptor, nonce },
    ...{ from: descriptor.payer, to: descriptor.payee, amountAtomic: 0n, cumulativeAtomic: signedAtomic },
    ...{ depositAtomic, validAfterSec: 0, validBeforeSec: Math.floor(expiresMs / 1000) },
  };
}

/** The demand of an answer to be paid out of this very deposit; undefined where there is none. */
function sessionIn(answer: EndpointAnswer, { facts }: SignedDeposit): TempoSession | undefined {
  const { descriptor, network, asset } = JSON.parse(facts) as ChannelFacts;
  return readPaymentChallenges(answer)
    .flatMap((one, index) => ('fault' in one || one.intent !== SESSION ? [] : [judgeSession(one, index)]))
    .filter(isSession)
    .find(
      (one) =>
        one.network.caip2 === network &&
        one.asset.address.toLowerCase() === asset.toLowerCase() &&
        one.payTo.toLowerCase() === descriptor.payee.toLowerCase() &&
        one.operator.toLowerCase() === descriptor.operator.toLowerCase(),
    );
}
