import { expect, test } from 'vitest';
import { assetsOf } from '../money/asset.js';
import { findNetwork } from '../money/network.js';
import type { Offer, PaymentDemand } from '../payment/challenge.js';
import { withoutDisagreement } from './disagreement.js';

const NETWORK = findNetwork('eip155:84532')!;
const [ASSET] = assetsOf('eip155:84532');

function offer(index: number, protocol: string, usdMicros: bigint, method?: string): Offer {
  return {
    ...{ index, protocol, scheme: 'x', network: NETWORK, asset: ASSET!, payTo: '0x1', usdMicros },
    amountAtomic: usdMicros,
    facts: method === undefined ? {} : { method },
  };
}

function left(...offers: Offer[]): { offers: number[]; rejected: number[] } {
  const nothing = {
    otherProtocols: [],
    extensions: undefined,
    description: undefined,
    sellerError: undefined,
  };
  const demand: PaymentDemand = { offers, rejected: [], ...nothing };
  const { offers: kept, rejected } = withoutDisagreement(demand);
  return { offers: kept.map(({ index }) => index), rejected: rejected.map(({ index }) => index) };
}

test('prices that agree stay, up to ten times apart', () => {
  expect(left(offer(0, 'x402', 10_000n), offer(1, 'mpp', 100_000n, 'evm'))).toEqual({
    offers: [0, 1],
    rejected: [],
  });
});

test('one method that is alone with its price is rejected, the others stay', () => {
  const offers = [offer(0, 'x402', 10_000n), offer(1, 'mpp', 10_001n, 'evm'), offer(2, 'mpp', 1n, 'solana')];
  expect(left(...offers)).toEqual({ offers: [0, 1], rejected: [2] });
});

test('of two that disagree, neither is believed', () => {
  expect(left(offer(0, 'x402', 1n), offer(1, 'mpp', 10_000n, 'evm'))).toEqual({
    offers: [],
    rejected: [0, 1],
  });
});

test('offers of one method may cost what they like', () => {
  expect(left(offer(0, 'x402', 1n), offer(1, 'x402', 10_000n))).toEqual({ offers: [0, 1], rejected: [] });
});
