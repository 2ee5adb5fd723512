import { expect, test } from 'vitest';
import type { Payment } from '../../ledger/attempts/payment.js';
import { assetsOf } from '../../money/asset.js';
import type { EvmChannel, EvmVoucherIntent } from '../../payment/channelIntent.js';
import { evmChannelId } from '../../protocols/evm/channel.js';
import type { RailPorts } from '../ports.js';
import { x402BatchSettlement, x402Channel } from './rail.js';

const NETWORK = 'eip155:84532';
const CHAIN_ID = 84_532;
const CENT = 10_000n;
const [asset] = assetsOf(NETWORK);
if (asset?.family !== 'evm') throw new Error('the tables lost Base Sepolia');
const OWN = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed';
const PAYEE = '0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359';
const OPERATOR = '0xdbF03B407c01E7cD3CBea99509d93f8DDDC8C6FB';
const channel: EvmChannel = {
  ...{ payer: OWN, payerAuthorizer: OWN, receiver: PAYEE, receiverAuthorizer: OPERATOR },
  ...{ token: asset.address, salt: `0x${'5a'.repeat(32)}`, withdrawDelaySec: 900 },
};
const id = evmChannelId(channel, CHAIN_ID);
/** A deposit of ten cents, of which vouchers say three. */
const deposit = {
  facts: JSON.stringify({
    network: NETWORK,
    asset: asset.address,
    channel,
    channel_id: id,
    deposit_atomic: '1',
  }),
  ...{ depositAtomic: 10n * CENT, signedAtomic: 3n * CENT, expiresMs: 1_000 },
};

/** A seller's 402 that says what it charged of a channel so far. */
function demand(charged: bigint, over: object = {}, channelId: string = id) {
  const extra = {
    ...{ name: 'USDC', version: '2', receiverAuthorizer: OPERATOR, withdrawDelay: 900 },
    channelState: { channelId, chargedCumulativeAmount: charged.toString() },
  };
  const offer = {
    ...{ scheme: 'batch-settlement', network: NETWORK, amount: CENT.toString(), asset: asset!.address },
    ...{ payTo: PAYEE, maxTimeoutSeconds: 60, extra, ...over },
  };
  const required = { x402Version: 2, resource: { url: 'https://api.example/' }, accepts: [offer] };
  const value = Buffer.from(JSON.stringify(required)).toString('base64');
  const headers: [string, string][] = [['payment-required', value]];
  return { status: 402, headers, bodyText: '', requestUrl: 'https://api.example/' };
}

/** What is signed for an answer: as the call again, or to close it. */
async function signedFor(answer: ReturnType<typeof demand>) {
  const signed: bigint[] = [];
  const keys = {
    signEvmVoucher: (intent: EvmVoucherIntent) => {
      signed.push(intent.cumulativeAtomic);
      return Promise.resolve('0x00');
    },
  };
  const ports = { keys, agentIndex: 0, nowMs: () => 0 } as unknown as RailPorts;
  const payment = { id: 'pay_1', heldAtomic: CENT } as Payment;
  await x402BatchSettlement.presentAgain?.(ports, { payment, answer, deposit } as never);
  await x402Channel.deposits?.close(ports, { answer, deposit });
  return signed;
}

test('a seller that charged less than was signed gets a voucher for that and the price', async () => {
  expect(await signedFor(demand(CENT))).toEqual([2n * CENT, CENT]);
});

test('no word of a seller has more signed than was signed before (T36)', async () => {
  // One cent more than was charged is what was signed; above that nothing is written anew.
  expect(await signedFor(demand(2n * CENT))).toEqual([3n * CENT, 2n * CENT]);
  expect(await signedFor(demand(2n * CENT + 1n))).toEqual([2n * CENT + 1n]);
  expect(await signedFor(demand(3n * CENT + 1n))).toEqual([]);
  expect(await signedFor(demand(0n, { amount: (CENT + 1n).toString() }))).toEqual([0n]);
});

test('what is said of another channel, payee, operator or token is not of this one (T36)', async () => {
  // What it says of another channel says nothing of this one: it may be closed at what was signed.
  expect(await signedFor(demand(CENT, {}, `0x${'11'.repeat(32)}`))).toEqual([3n * CENT]);
  expect(await signedFor(demand(CENT, { payTo: OPERATOR }))).toEqual([]);
  const extra = { name: 'USDC', version: '2', receiverAuthorizer: PAYEE, withdrawDelay: 900 };
  expect(await signedFor(demand(CENT, { extra }))).toEqual([]);
  const longer = { ...extra, receiverAuthorizer: OPERATOR, withdrawDelay: 901 };
  expect(await signedFor(demand(CENT, { extra: longer }))).toEqual([]);
});
