import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { createHash } from 'node:crypto';
import { writeInvoice } from '../../../sandbox/lightning/invoice.js';
import type { EndpointAnswer, HeaderList } from '../../payment/challenge.js';
import { readL402Challenges } from './challenge.js';
import { provesPayment, tokenExpiresMs, writeCredential, writeUnproved } from './credential.js';

const PREIMAGE = '07'.repeat(32);
const HASH = createHash('sha256').update(Buffer.from(PREIMAGE, 'hex')).digest('hex');
const INVOICE = invoiceOf(HASH);
const TOKEN = 'AgEEbHNhdAJCAAABz+/=';

function invoiceOf(paymentHash: string): string {
  return writeInvoice({
    ...{ amountMsat: 5_000n, paymentHash, createdSec: 1_790_000_000, privateKey: '22'.repeat(32) },
  });
}

function answerOf(...values: string[]): EndpointAnswer {
  const headers: HeaderList = values.map((value) => ['www-authenticate', value]);
  return { status: 402, headers, bodyText: '', requestUrl: 'https://shop.example/' };
}

function read(...values: string[]): unknown[] {
  return readL402Challenges(answerOf(...values)).map((one) =>
    'fault' in one ? one.fault : { scheme: one.scheme, token: one.token, hash: one.invoice.paymentHash },
  );
}

const L402 = { scheme: 'L402', token: TOKEN, hash: HASH };

test.each([
  [`L402 version="0", token="${TOKEN}", invoice="${INVOICE}"`, L402],
  [`L402 version="0" token="${TOKEN}" invoice="${INVOICE}"`, L402],
  [`L402 invoice="${INVOICE}",token="${TOKEN}"`, L402],
  [`l402 macaroon=${TOKEN}, invoice=${INVOICE}`, L402],
  [`L402 macaroon="${TOKEN}"; invoice="${INVOICE.toUpperCase()}"`, L402],
  [`L402 token="${TOKEN}", macaroon="${TOKEN}", invoice="${INVOICE}"`, L402],
  [`LSAT macaroon="${TOKEN}", invoice="${INVOICE}"`, { ...L402, scheme: 'LSAT' }],
  [
    `Basic realm="x", Payment id="1", method="lightning", L402 token="${TOKEN}" , invoice = "${INVOICE}"`,
    L402,
  ],
  [`Bearer realm="a, L402 token=b", L402 token="${TOKEN}", invoice="${INVOICE}", Negotiate abc==`, L402],
])('a challenge is read in every dialect: %#', (value, expected) => {
  expect(read(value)).toEqual([expected]);
});

test('one invoice in two spellings is one challenge, by its newer name; two invoices are two', () => {
  const lsat = `LSAT macaroon="${TOKEN}", invoice="${INVOICE}"`;
  expect(read(lsat, lsat.replace('LSAT', 'L402'))).toEqual([L402]);
  expect(read(`${lsat}, ${lsat.replace('LSAT', 'L402')}`)).toEqual([L402]);
  const other = '11'.repeat(32);
  expect(read(lsat, lsat.replace(INVOICE, invoiceOf(other)))).toMatchObject([
    { hash: HASH },
    { hash: other },
  ]);
});

test.each([
  [`L402 token="${TOKEN}"`, 'no invoice'],
  [`L402 invoice="${INVOICE}"`, 'no token'],
  [`L402 token="a:b", invoice="${INVOICE}"`, 'no token'],
  [`L402 token="a\u{7f}b", invoice="${INVOICE}"`, 'no token'],
  [`L402 token="${'a'.repeat(8_193)}", invoice="${INVOICE}"`, 'no token'],
  [`L402 token="a", macaroon="b", invoice="${INVOICE}"`, 'two different tokens'],
  [`L402 token="a", token="a", invoice="${INVOICE}"`, 'twice'],
  [`L402 token="a", invoice="${INVOICE}", invoice="${invoiceOf('11'.repeat(32))}"`, 'twice'],
  [`L402 version="1", token="a", invoice="${INVOICE}"`, 'version'],
  [`L402 token="a", invoice="lnbc1q"`, 'checksum'],
])('what cannot be paid says why: %#', (value, why) => {
  expect(read(value)).toEqual([expect.stringContaining(why)]);
});

test('no other status and no other scheme is a challenge', () => {
  expect(readL402Challenges({ ...answerOf(`L402 token="a", invoice="${INVOICE}"`), status: 401 })).toEqual(
    [],
  );
  expect(read('Basic realm="L402"', 'Payment id="1"', '')).toEqual([]);
});

test('a preimage proves its own payment hash and no other', () => {
  expect(provesPayment(PREIMAGE, HASH)).toBe(true);
  expect(provesPayment('08'.repeat(32), HASH)).toBe(false);
  expect(provesPayment(PREIMAGE.slice(2), HASH)).toBe(false);
  expect(provesPayment(`${PREIMAGE}\n`, HASH)).toBe(false);
});

test('a credential gives the token back unchanged, under the name that the seller used', () => {
  const [challenge] = readL402Challenges(answerOf(`LSAT macaroon="${TOKEN}", invoice="${INVOICE}"`));
  if (challenge === undefined || 'fault' in challenge) throw new Error('no challenge');
  expect(writeCredential(writeUnproved(challenge), PREIMAGE)).toBe(`LSAT ${TOKEN}:${PREIMAGE}`);
});

test('a macaroon tells until when it is good, where it has such a caveat; the earliest counts', () => {
  const token = (text: string): string => `L402 ${Buffer.from(text).toString('base64')}:`;
  expect(tokenExpiresMs(token('api_valid_until=1790000500\napi_valid_until=1790000900'))).toBe(
    1_790_000_500_000,
  );
  expect(tokenExpiresMs(token('services=api:0'))).toBeNull();
  expect(tokenExpiresMs('L402 !!!:')).toBeNull();
});

/** Answers recorded from real services, kept beside the repository: they are other people's text. */
const FOLDER = fileURLToPath(new URL('../../../../shared/wild/', import.meta.url));
/** The amount of each challenge in satoshi; an empty list where none can be paid. */
const RECORDED: Readonly<Record<string, readonly string[]>> = {
  '017-402index-direct-l402-macaroon': ['500'],
  '018-402index-direct-l402-token': ['500'],
  '019-402index-l402space-402': ['580'],
  '020-402index-lsat-scheme': ['2000'],
  '021-402index-non-l402-scheme': [],
  '022-402index-both-credentials': ['500'],
};

test.skipIf(!existsSync(FOLDER))('recorded challenges are read as they came', () => {
  for (const [name, sats] of Object.entries(RECORDED)) {
    const file = readdirSync(FOLDER).find((one) => one === `${name}.json`);
    expect(file).toBeDefined();
    const { headers } = JSON.parse(readFileSync(join(FOLDER, file ?? ''), 'utf8')) as {
      readonly headers: Readonly<Record<string, string>>;
    };
    const challenges = readL402Challenges(answerOf(headers['www-authenticate'] ?? ''));
    const amounts = challenges.map((one) =>
      'fault' in one ? one.fault : String(one.invoice.amountMsat / 1_000n),
    );
    expect(amounts, name).toEqual(sats);
  }
});
