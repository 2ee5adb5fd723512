import { describe, expect, it } from 'vitest';
import { findAsset } from '../../money/asset.js';
import { findNetwork, type Network } from '../../money/network.js';
import { readSupported, settleBody } from './facilitator.js';

const BASE = findNetwork('eip155:8453') as Network;
const SOLANA = findNetwork('solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp') as Network;
const USDC = findAsset(SOLANA.caip2, 'EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v')!;
const FEE_PAYER = 'GjwcWFQYzemBtpUoN5fMAP2FZviTtMRWCmrppGuTthJS';

const kind = (x402Version: number, network: string, extra?: object) => ({
  ...{ x402Version, scheme: 'exact', network },
  ...(extra === undefined ? {} : { extra }),
});
const supported = (...kinds: object[]): string => JSON.stringify({ kinds });

describe('what a facilitator says that it settles', () => {
  it('is taken by the newer version, on Solana with the key that it pays fees by', () => {
    const both = supported(
      kind(1, 'solana', { feePayer: FEE_PAYER }),
      kind(2, SOLANA.caip2, { feePayer: FEE_PAYER }),
      kind(1, 'base'),
    );
    expect(readSupported(both, SOLANA)).toEqual({ version: 2, feePayer: FEE_PAYER });
    expect(readSupported(both, BASE)).toEqual({ version: 1, feePayer: null });
  });

  it.each([
    ['names no fee payer', [kind(2, SOLANA.caip2)]],
    ['names one that is no key', [kind(2, SOLANA.caip2, { feePayer: '0x00' })]],
    ['names a number', [kind(2, SOLANA.caip2, { feePayer: 7 })]],
    ['is of another cluster', [kind(2, 'solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1', { feePayer: FEE_PAYER })]],
    ['is of another scheme', [{ ...kind(2, SOLANA.caip2, { feePayer: FEE_PAYER }), scheme: 'upto' }]],
    ['is a list of nonsense', [7, null, 'exact']],
  ])('is nothing on Solana where it %s', (_what, kinds) => {
    expect(readSupported(supported(...(kinds as object[])), SOLANA)).toBeNull();
    expect(readSupported('<html>', SOLANA)).toBeNull();
  });

  it('falls back to the version that names one', () => {
    const kinds = [kind(2, SOLANA.caip2), kind(1, 'solana', { feePayer: FEE_PAYER })];
    expect(readSupported(supported(...kinds), SOLANA)).toEqual({ version: 1, feePayer: FEE_PAYER });
  });
});

it.each([1, 2] as const)(
  'a settlement of v%i on Solana names the fee payer that was signed for',
  (version) => {
    const body = JSON.parse(
      settleBody(version, {
        ...{ network: SOLANA, asset: USDC, payTo: FEE_PAYER, amountAtomic: 2n ** 63n },
        ...{ payload: { transaction: 'AQ==' }, feePayer: FEE_PAYER, maxTimeoutSeconds: 60 },
      }),
    ) as Record<string, Record<string, unknown>>;
    expect(body['paymentRequirements']).toMatchObject({
      network: version === 1 ? 'solana' : SOLANA.caip2,
      [version === 1 ? 'maxAmountRequired' : 'amount']: '9223372036854775808',
      extra: { feePayer: FEE_PAYER },
    });
    expect(body['paymentPayload']?.['payload']).toEqual({ transaction: 'AQ==' });
  },
);
