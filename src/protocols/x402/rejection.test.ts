import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';
import { writeJsonHeader } from './header.js';
import { readRejection, VERIFICATION_REASONS } from './rejection.js';

const PACKAGES = fileURLToPath(new URL('../../../node_modules/@x402/', import.meta.url));

/** Reasons of the packages for what this wallet signs, `exact`, that are given once a payment is under way or over. */
const ONCE_SENT = [
  'duplicate_settlement',
  'invalid_exact_evm_nonce_already_used',
  'invalid_exact_evm_transaction_failed',
  'invalid_exact_evm_transfer_event_mismatch',
  'invalid_exact_svm_transaction_failed',
  'invalid_transaction_state',
  'settle_failed',
  'settlement_pending',
  'transaction_failed',
];
/** Reasons about a payer that is a contract, which no wallet of ours is. */
const OF_CONTRACTS = /^invalid_exact_svm_smart_wallet_/;

/** Every reason of `exact` that the installed packages can write. */
function reasonsInPackages(): string[] {
  const texts = ['evm', 'svm'].flatMap((name) => {
    const folder = `${PACKAGES}${name}/dist/esm`;
    const files = readdirSync(folder, { recursive: true, encoding: 'utf8' });
    return files
      .filter((file) => file.endsWith('.mjs'))
      .map((file) => readFileSync(`${folder}/${file}`, 'utf8'));
  });
  const found = texts.flatMap((text) => [...text.matchAll(/["'](invalid_exact_[a-z0-9_]+)["']/g)]);
  return [...new Set(found.flatMap(([, reason]) => reason ?? []))];
}

test('every reason that the installed packages can give for `exact` is sorted: of verification, or not', () => {
  const found = reasonsInPackages();
  expect(found.length).toBeGreaterThan(30);
  const unsorted = found.filter(
    (reason) =>
      !VERIFICATION_REASONS.has(reason) && !ONCE_SENT.includes(reason) && !OF_CONTRACTS.test(reason),
  );
  expect(unsorted).toEqual([]);
});

const receipt = (fields: object): [string, string] => ['payment-response', writeJsonHeader(fields)];
const failed = (errorReason: string, transaction = ''): [string, string] =>
  receipt({ success: false, errorReason, transaction, network: 'eip155:8453' });

test.each([
  ['a v2 receipt', [failed('invalid_exact_evm_signature')], ''],
  ['a v1 receipt', [['x-payment-response', failed('INSUFFICIENT_FUNDS')[1]]], ''],
  ['the offer in a header', [['payment-required', writeJsonHeader({ error: 'insufficient_funds' })]], '{}'],
  ['the offer in a body', [], '{"x402Version":1,"error":"invalid_exact_svm_payload_amount_mismatch"}'],
] as const)('a refusal in %s is read', (_name, headers, body) => {
  expect(readRejection(headers, body)).toMatch(/^(it|its own) /);
});

test.each([
  ...ONCE_SENT.map((reason) => [reason, [failed(reason)], ''] as const),
  ['free text', [failed('fetch failed')], ''],
  ['free text around a reason', [failed('Payment verification failed: insufficient_funds')], ''],
  ['no reason', [receipt({ success: false, transaction: '' })], ''],
  ['a reason beside a transaction', [failed('insufficient_funds', `0x${'ab'.repeat(32)}`)], ''],
  ['a reason beside success', [receipt({ success: true, errorReason: 'insufficient_funds' })], ''],
  ['a receipt that says less than the offer', [failed('fetch failed')], '{"error":"insufficient_funds"}'],
  ['a name that objects inherit', [failed('constructor')], '{"error":"__proto__"}'],
  ['an error that is no text', [], '{"error":["insufficient_funds"]}'],
  ['nothing', [], 'not json'],
  ['a body of a million levels', [], '['.repeat(1_000_000)],
] as const)('%s is none', (_name, headers, body) => {
  expect(readRejection(headers, body)).toBeNull();
});
