import { describe, expect, it } from 'vitest';
import { judgeOffer } from './offer.js';
import type { JsonObject, JsonValue } from '../../../text/json.js';

const PAYEE = '6wSgsCn9nrUbjrMUKxhfFcWg3B7AxJcuaypVoVmJNYc9';
const FEE_PAYER = 'B6L2G3chWZLQ8UoCXVaiZH1SL72w5NSUasd6nhAYTzeJ';
const MINT = 'EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v';

function offer(fields: Record<string, JsonValue> = {}, extra: Record<string, JsonValue> = {}): JsonObject {
  return {
    scheme: 'exact',
    network: 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp',
    amount: '10000',
    payTo: PAYEE,
    maxTimeoutSeconds: 60,
    asset: MINT,
    extra: { feePayer: FEE_PAYER, ...extra },
    ...fields,
  };
}

const judge = (entry: JsonObject, x402Version: 1 | 2 = 2) =>
  judgeOffer(entry, { index: 0, x402Version, sharedEchoBytes: 0 });

describe('an offer on Solana', () => {
  it.each([
    ['solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp', 2],
    ['solana', 1],
  ] as const)('is read on %s of v%d', (network, version) => {
    expect(judge(offer({ network }), version)).toMatchObject({
      network: { family: 'svm', label: 'Solana' },
      asset: { symbol: 'USDC', decimals: 6 },
      payTo: PAYEE,
      feePayer: FEE_PAYER,
      memo: undefined,
      amountAtomic: 10_000n,
      usdMicros: 10_000n,
    });
  });

  it('takes the memo that the seller wants', () => {
    expect(judge(offer({}, { memo: 'invoice 7' }))).toMatchObject({ memo: 'invoice 7' });
  });

  it.each<[string, JsonObject, string]>([
    ['no fee payer', offer({ extra: {} }), 'malformed_offer'],
    ['no extra', offer({ extra: null }), 'malformed_offer'],
    ['a fee payer of the EVM', offer({}, { feePayer: `0x${'11'.repeat(20)}` }), 'malformed_offer'],
    ['a fee payer that is a list', offer({}, { feePayer: [FEE_PAYER] }), 'malformed_offer'],
    ['a payee of the EVM', offer({ payTo: `0x${'11'.repeat(20)}` }), 'malformed_offer'],
    ['a payee with a blank', offer({ payTo: `${PAYEE} ` }), 'malformed_offer'],
    ['no payee', offer({ payTo: null }), 'malformed_offer'],
    ['a foreign mint (T3)', offer({ asset: PAYEE }), 'unsupported_asset'],
    [
      'the mint of another cluster (T5)',
      offer({ asset: '4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU' }),
      'unsupported_asset',
    ],
    ['the mint in other letters (T3)', offer({ asset: MINT.toLowerCase() }), 'unsupported_asset'],
    [
      'a cluster that is none (T5)',
      offer({ network: 'solana:4uhcVJyU9pJkvQyS88uRDiswHXSCkY3z' }),
      'unsupported_network',
    ],
    ['more than a uint64 (T4)', offer({ amount: (2n ** 64n).toString() }), 'malformed_offer'],
    ['another scheme (T7)', offer({ scheme: 'upto' }), 'unsupported_scheme'],
    ['another method (T7)', offer({}, { assetTransferMethod: 'eip3009' }), 'unsupported_scheme'],
    ['a flow that is unknown', offer({}, { paymentFlow: 'escrow' }), 'unsupported_scheme'],
    ['a memo that is too long', offer({}, { memo: 'x'.repeat(257) }), 'malformed_offer'],
    ['a memo of two lines', offer({}, { memo: 'a\nb' }), 'malformed_offer'],
    ['a memo that is a number', offer({}, { memo: 7 }), 'malformed_offer'],
  ])('is refused with %s', (_what, entry, code) => {
    expect(judge(entry)).toMatchObject({ index: 0, code });
  });

  it('under a ceiling is refused, and says where the ceiling would go', () => {
    const channel = { receiverAuthorizer: FEE_PAYER, withdrawDelay: 3600, paymentFlow: 'escrow' };
    expect(judge(offer({ scheme: 'upto' }, channel))).toMatchObject({
      code: 'unsupported_scheme',
      reason: expect.stringMatching(/"upto" on Solana: there all of the ceiling goes to a channel/),
      usdMicros: 10_000n,
    });
  });
});
