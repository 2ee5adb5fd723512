import { describe, expect, it } from 'vitest';
import { AUTHORIZATION_WINDOW_MAX_SEC } from '../../payment/intent.js';
import { buildTransferIntent, toExactEvmPayload } from './authorization.js';
import { PAYEE, payable, PAYER, v2Offer } from './challenge/offer.fixture.js';

const NONCE = `0x${'5c'.repeat(32)}` as const;
const NOW_MS = 1_790_000_000_999;
const PARTS = { offer: payable(v2Offer()), from: PAYER, nonce: NONCE, nowMs: NOW_MS } as const;

describe('buildTransferIntent', () => {
  it('asks for the offer’s transfer and nothing else', () => {
    expect(buildTransferIntent(PARTS)).toEqual({
      kind: 'eip3009',
      asset: PARTS.offer.asset,
      chainId: 8453,
      from: PAYER,
      to: PAYEE,
      amountAtomic: 10_000n,
      validAfterSec: 0,
      validBeforeSec: 1_790_000_090,
      nonce: NONCE,
    });
  });

  it.each([
    [1, 1],
    [90, 90],
    [AUTHORIZATION_WINDOW_MAX_SEC, AUTHORIZATION_WINDOW_MAX_SEC],
    [AUTHORIZATION_WINDOW_MAX_SEC + 1, AUTHORIZATION_WINDOW_MAX_SEC],
    [86_400, AUTHORIZATION_WINDOW_MAX_SEC],
  ])('opens a window of maxTimeoutSeconds %d for %d seconds (T8)', (maxTimeoutSeconds, windowSec) => {
    const intent = buildTransferIntent({ ...PARTS, offer: payable(v2Offer({ maxTimeoutSeconds })) });
    expect(intent.validBeforeSec).toBe(Math.floor(NOW_MS / 1000) + windowSec);
  });

  it.each([
    ['a short nonce', { nonce: '0x5c' }],
    ['a nonce that is no hex', { nonce: `0x${'zz'.repeat(32)}` }],
    ['a payer without checksum', { from: PAYER.toLowerCase() }],
    ['a payer that is no address', { from: '0x' }],
    ['a time that is no number', { nowMs: NaN }],
    ['a time with a fraction', { nowMs: 0.5 }],
    ['a time before 1970', { nowMs: -1 }],
  ])('is not built from %s', (_what, wrong) => {
    expect(() => buildTransferIntent({ ...PARTS, ...wrong } as typeof PARTS)).toThrow(
      expect.objectContaining({ name: 'WalletError', code: 'internal', money: 'none' }),
    );
  });
});

describe('toExactEvmPayload', () => {
  it('writes integers as decimal text', () => {
    const amount = (2n ** 255n).toString();
    const intent = buildTransferIntent({ ...PARTS, offer: payable(v2Offer({ amount })) });
    expect(toExactEvmPayload(intent, '0xabcd')).toEqual({
      signature: '0xabcd',
      authorization: {
        from: PAYER,
        to: PAYEE,
        value: amount,
        validAfter: '0',
        validBefore: '1790000090',
        nonce: NONCE,
      },
    });
  });
});
