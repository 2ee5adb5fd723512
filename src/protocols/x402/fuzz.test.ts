import type { HeaderList } from '../../payment/challenge.js';
import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { isWalletError } from '../../errors/walletError.js';
import { ASSETS, toUsdMicros } from '../../money/asset.js';
import { NETWORKS } from '../../money/network.js';
import { buildTransferIntent, toExactEvmPayload } from './authorization.js';
import { encodePayment, paymentIdentifierOf } from './codec.js';
import {
  onEvm,
  PAYER,
  REQUEST_URL,
  v1Challenge,
  v1Offer,
  v2Challenge,
  v2Offer,
} from './challenge/offer.fixture.js';
import { readJsonHeader } from './header.js';
import { MAX_TIMEOUT_ASKED_MAX_SEC } from './challenge/offer.js';
import { OFFERS_MAX, parsePaymentRequired, refusalOf } from './challenge/parse.js';
import { readReceipt } from './receipt.js';
import type { PaymentOffer, PaymentRequired } from './types.js';
import type { JsonObject, JsonValue } from '../../text/json.js';

/** `npm run fuzz` asks for 100,000; a few thousand find what a change breaks. */
const FUZZ_RUNS = Number(process.env['FUZZ_RUNS'] ?? 2_000);

/** Far above what a run takes: it ends a test that hangs, it measures nothing. */
const OPTIONS = { timeout: 60_000 + FUZZ_RUNS * 20 };

const UNSEEN = /[\p{C}\p{Default_Ignorable_Code_Point}\p{Zl}\p{Zp}]/u;

const amounts = fc.oneof(
  fc.bigInt().map((amount) => amount.toString()),
  fc.bigInt({ min: 2n ** 256n - 2n, max: 2n ** 256n + 1n }).map((amount) => amount.toString()),
  fc.constantFrom(
    '0x10',
    '1e4',
    '1.5',
    '00',
    '-0',
    '１',
    ' 1',
    '1\n',
    '1n',
    '9'.repeat(78),
    '9'.repeat(10_000),
  ),
  fc.double(),
  fc.jsonValue(),
);

const anyField: fc.Arbitrary<JsonValue> = fc.oneof(
  fc.jsonValue() as fc.Arbitrary<JsonValue>,
  fc.string({ unit: 'binary' }),
  fc.constantFrom<JsonValue>(
    null,
    '',
    'exact',
    'eip3009',
    'permit2',
    'base',
    'eip155:8453',
    60.5,
    1e18,
    '60',
    {},
  ),
);

const hostileFields = fc.dictionary(
  fc.oneof(
    fc.constantFrom(
      ...Object.keys({ ...v1Offer(), ...v2Offer() }),
      'x402Version',
      '__proto__',
      'constructor',
    ),
    fc.string(),
  ),
  anyField,
  { maxKeys: 4 },
);

/** An offer that could be paid, with some of its fields turned hostile. */
const nearOffers: fc.Arbitrary<JsonValue> = fc
  .tuple(
    fc.constantFrom(v1Offer, v2Offer),
    fc.option(amounts, { freq: 2 }),
    fc.option(amounts, { freq: 3 }),
    fc.oneof({ weight: 2, arbitrary: fc.constant({}) }, { weight: 3, arbitrary: hostileFields }),
    fc.oneof(fc.constant({}), fc.record({ extra: hostileFields })),
  )
  .map(([offer, amount, maxAmountRequired, fields, extra]) => {
    const stated = {
      ...(amount === null ? {} : { amount }),
      ...(maxAmountRequired === null ? {} : { maxAmountRequired }),
    };
    return { ...offer(), ...stated, ...extra, ...fields } as JsonObject;
  });

const challenges: fc.Arbitrary<JsonValue> = fc.oneof(
  { weight: 1, arbitrary: anyField },
  {
    weight: 6,
    arbitrary: fc
      .tuple(
        fc.constantFrom(v1Challenge, v2Challenge),
        fc.oneof(fc.array(fc.oneof(nearOffers, anyField), { maxLength: 80 }), nearOffers),
        fc.oneof(
          { weight: 3, arbitrary: fc.constant({}) },
          {
            weight: 1,
            arbitrary: fc.dictionary(
              fc.constantFrom(
                'x402Version',
                'error',
                'resource',
                'extensions',
                'accepts',
                'detail',
                '__proto__',
              ),
              anyField,
            ),
          },
        ),
      )
      .map(([challenge, accepts, fields]) => ({ ...challenge(accepts), ...fields }) as JsonObject),
  },
);

/** A challenge as text, whole or cut or spoilt. */
const texts = fc.oneof(
  { weight: 8, arbitrary: challenges.map((challenge) => JSON.stringify(challenge)) },
  {
    weight: 1,
    arbitrary: fc.tuple(challenges, fc.nat(), fc.string()).map(([challenge, at, wedge]) =>
      JSON.stringify(challenge)
        .replace(/./su, (c) => c + wedge)
        .slice(0, at % 5_000),
    ),
  },
  { weight: 1, arbitrary: fc.string({ unit: 'binary' }) },
);

const headerTexts = fc
  .tuple(texts, fc.constantFrom('base64', 'base64url', 'latin1', 'utf8', 'hex'))
  .map(([text, encoding]) => Buffer.from(text, 'utf8').toString(encoding as BufferEncoding));

const headers: fc.Arbitrary<HeaderList> = fc.array(
  fc.oneof(
    fc.tuple(fc.constantFrom('payment-required', 'x-payment-required'), headerTexts),
    fc.tuple(
      fc.constant('www-authenticate'),
      fc.oneof(fc.string(), fc.constantFrom('Payment id="1"', 'L402 a="b')),
    ),
  ),
  { maxLength: 6 },
);

const answers = fc.record({
  status: fc.oneof({ weight: 20, arbitrary: fc.constant(402) }, { weight: 1, arbitrary: fc.nat(599) }),
  headers,
  bodyText: fc.oneof(texts, fc.constant('')),
  requestUrl: fc.constantFrom(REQUEST_URL, '', 'not a url'),
});

function checkOffer(offer: PaymentOffer): void {
  const stated = [offer.raw['amount'], offer.raw['maxAmountRequired']].filter(
    (value) => value !== undefined && value !== null,
  );
  expect(stated.length).toBeGreaterThan(0);
  for (const value of stated) expect(value).toBe(offer.amountAtomic.toString());
  expect(offer.amountAtomic > 0n && offer.amountAtomic < 2n ** 256n).toBe(true);
  expect(ASSETS).toContain(offer.asset);
  expect(NETWORKS).toContain(offer.network);
  expect(offer.asset.network).toBe(offer.network.caip2);
  expect(offer.usdMicros).toBe(toUsdMicros(offer.asset, offer.amountAtomic));
  expect(offer.payTo).toMatch(/^0x[0-9a-fA-F]{40}$/);
  expect(offer.payTo).not.toMatch(/^0x0+$/);
  expect(offer.payTo.toLowerCase()).toBe(String(offer.raw['payTo']).toLowerCase());
  expect(Number.isInteger(offer.maxTimeoutSeconds)).toBe(true);
  expect(offer.maxTimeoutSeconds).toBeGreaterThanOrEqual(1);
  expect(offer.maxTimeoutSeconds).toBeLessThanOrEqual(MAX_TIMEOUT_ASKED_MAX_SEC);
  expect(offer.raw['scheme']).toBe('exact');
}

function checkRequired(required: PaymentRequired): void {
  expect(required.offers.length + required.rejected.length).toBeLessThanOrEqual(OFFERS_MAX);
  for (const offer of required.offers) checkOffer(offer);
  const { reason } = refusalOf(required);
  for (const text of [
    reason,
    required.description,
    required.sellerError,
    ...required.rejected.map((r) => r.reason),
  ]) {
    expect(text ?? '').not.toMatch(UNSEEN);
    expect(Array.from(text ?? '').length).toBeLessThanOrEqual(500);
  }
}

function checkPayment(required: PaymentRequired): void {
  const [offer] = required.offers;
  if (offer === undefined) return;
  const nonce = `0x${'5c'.repeat(32)}` as const;
  const nowMs = 1_790_000_000_000;
  const intent = buildTransferIntent({ offer: onEvm(offer), from: PAYER, nonce, nowMs });
  expect(intent.validBeforeSec - nowMs / 1000).toBeLessThanOrEqual(600);
  expect(intent.validBeforeSec - nowMs / 1000).toBeGreaterThanOrEqual(1);
  const paymentIdentifier =
    paymentIdentifierOf(required) === 'none' ? {} : { paymentIdentifier: 'pay_0123456789abcdef' };
  const header = encodePayment(offer, required, toExactEvmPayload(intent, '0xab'), paymentIdentifier);
  const sent = readJsonHeader(header.headerValue, 1_048_576);
  expect(sent?.['x402Version']).toBe(offer.x402Version);
  if (offer.x402Version === 2) expect(JSON.stringify(sent?.['accepted'])).toBe(JSON.stringify(offer.raw));
}

describe('whatever an endpoint answers', () => {
  it('reading it gives offers that are sound, or none, and never throws', OPTIONS, () => {
    let paid = 0;
    fc.assert(
      fc.property(answers, (answer) => {
        const required = parsePaymentRequired(answer);
        if (required === null) return;
        expect(answer.status).toBe(402);
        checkRequired(required);
        checkPayment(required);
        paid += required.offers.length > 0 ? 1 : 0;
      }),
      { numRuns: FUZZ_RUNS },
    );
    expect(({} as Record<string, unknown>)['amount']).toBeUndefined();
    // A generator whose offers were all refused would prove nothing about those that are paid.
    expect(paid).toBeGreaterThan(FUZZ_RUNS / 20);
  });

  it('a receipt is well formed or null', OPTIONS, () => {
    const receipts = fc.oneof(
      fc.record(
        {
          success: fc.boolean(),
          transaction: anyField,
          network: anyField,
          errorReason: anyField,
          amount: amounts,
        },
        { requiredKeys: [] },
      ),
      anyField,
    );
    const value = fc
      .tuple(receipts, fc.constantFrom('base64', 'base64url', 'utf8', 'latin1'))
      .map(([receipt, encoding]) =>
        Buffer.from(JSON.stringify(receipt)).toString(encoding as BufferEncoding),
      );
    let read = 0;
    fc.assert(
      fc.property(fc.constantFrom('payment-response', 'x-payment-response'), value, (name, text) => {
        const receipt = readReceipt([[name, text]]);
        if (receipt === null) return;
        read += 1;
        expect(typeof receipt.success).toBe('boolean');
        expect(receipt.transaction ?? `0x${'0'.repeat(64)}`).toMatch(/^0x[0-9a-f]{64}$/);
        expect(receipt.amountAtomic ?? 0n).toBeGreaterThanOrEqual(0n);
        expect(`${receipt.networkOnWire ?? ''}${receipt.errorReason ?? ''}`).not.toMatch(UNSEEN);
      }),
      { numRuns: FUZZ_RUNS },
    );
    expect(read).toBeGreaterThan(FUZZ_RUNS / 20);
  });

  it('a payload for a hostile offer is refused with our own error or carries its terms', OPTIONS, () => {
    fc.assert(
      fc.property(nearOffers, fc.string(), (entry, paymentIdentifier) => {
        const challenge = v2Challenge([entry], {
          extensions: { 'payment-identifier': { info: { required: true } } },
        });
        const required = parsePaymentRequired({
          status: 402,
          headers: [],
          bodyText: JSON.stringify(challenge),
          requestUrl: REQUEST_URL,
        });
        const offer = required?.offers[0];
        if (required === null || offer === undefined) return;
        const nonce = `0x${'5c'.repeat(32)}` as const;
        const intent = buildTransferIntent({ offer: onEvm(offer), from: PAYER, nonce, nowMs: 1 });
        try {
          encodePayment(offer, required, toExactEvmPayload(intent, '0x'), { paymentIdentifier });
          expect(paymentIdentifier).toMatch(/^[A-Za-z0-9_-]{16,128}$/);
        } catch (error) {
          expect(isWalletError(error)).toBe(true);
        }
      }),
      { numRuns: FUZZ_RUNS },
    );
  });
});
