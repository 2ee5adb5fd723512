import { randomBytes } from 'node:crypto';
import { openedWallMs } from '../../../src/ledger/attempts/attempt.js';
import { assetsOf, findAsset, toUsdMicros } from '../../../src/money/asset.js';
import { findNetwork, type Caip2 } from '../../../src/money/network.js';
import type { EndpointAnswer, HeaderList, Offer, PaymentDemand } from '../../../src/payment/challenge.js';
import type { PaymentProtocol, Rail } from '../../../src/rails/rail.js';

/** How long what is signed stays good. */
const WINDOW_SEC = 60;

/** What a tollgate asks, in the JSON of its `toll` header. */
interface Toll {
  readonly network: Caip2;
  readonly units: string;
  readonly to: `0x${string}`;
}

function header(headers: HeaderList, name: string): string | undefined {
  return headers.find(([candidate]) => candidate === name)?.[1];
}

function parse({ status, headers }: EndpointAnswer): PaymentDemand | null {
  const text = header(headers, 'toll');
  if (status !== 402 || text === undefined) return null;
  const toll = JSON.parse(text) as Toll;
  const network = findNetwork(toll.network);
  const asset = assetsOf(toll.network)[0];
  const nothing = { rejected: [], otherProtocols: [], extensions: undefined };
  const words = { description: undefined, sellerError: undefined };
  if (network === undefined || asset === undefined) return { offers: [], ...nothing, ...words };
  const amountAtomic = BigInt(toll.units);
  const offer: Offer = {
    ...{ protocol: 'tollgate', scheme: 'barrier', index: 0, network, asset, payTo: toll.to },
    ...{ amountAtomic, usdMicros: toUsdMicros(asset, amountAtomic) },
    facts: { gate: 'north' },
  };
  return { offers: [offer], ...nothing, ...words };
}

const barrier: Rail = {
  id: 'tollgate.barrier.evm',
  protocol: 'tollgate',
  scheme: 'barrier',
  family: 'evm',
  proofTime: 'minutes',

  async prepare(ports, { network, asset, payTo, amountAtomic }, nowMs) {
    if (network.family !== 'evm' || asset.family !== 'evm') throw new Error('not an offer of this rail');
    return {
      kind: 'eip3009',
      asset,
      chainId: network.chainId,
      from: (await ports.addressOn(network)) as `0x${string}`,
      to: payTo as `0x${string}`,
      amountAtomic,
      validAfterSec: 0,
      validBeforeSec: Math.floor(nowMs / 1000) + WINDOW_SEC,
      nonce: `0x${randomBytes(32).toString('hex')}`,
    };
  },

  async sign(ports, { intent }) {
    if (intent.kind !== 'eip3009') throw new Error('not an intent of this rail');
    const signature = await ports.keys.signTransfer(intent, ports.agentIndex, ports.nowMs());
    const { from, to, amountAtomic, validAfterSec, validBeforeSec, nonce } = intent;
    const token = {
      from,
      to,
      units: amountAtomic.toString(),
      validAfterSec,
      validBeforeSec,
      nonce,
      signature,
    };
    return { name: 'payment-authorization', value: JSON.stringify(token) };
  },

  async settlementQuery(payment) {
    const asset = findAsset(payment.network as Caip2, payment.asset);
    if (asset?.family !== 'evm') return null;
    return {
      asset,
      from: payment.payFrom as `0x${string}`,
      to: payment.payTo as `0x${string}`,
      amountAtomic: payment.heldAtomic,
      nonce: payment.nonce as `0x${string}`,
      validBeforeSec: payment.validBeforeSec,
      openedSec: Math.floor(openedWallMs(payment) / 1000),
    };
  },
};

/** A protocol that nobody speaks: it stands for the next one. */
export const tollgate: PaymentProtocol = {
  name: 'tollgate',
  parse,
  readReceipt(headers) {
    const transaction = header(headers, 'toll-receipt');
    return transaction === undefined
      ? null
      : {
          success: true,
          transaction,
          networkOnWire: undefined,
          errorReason: undefined,
          amountAtomic: undefined,
        };
  },
  readRejection: () => null,
  challengeHeaders: ['toll'],
  ownHeaders: ['toll', 'toll-receipt'],
  rails: [barrier],
};
