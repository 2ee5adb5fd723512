import { Buffer } from 'node:buffer';
import { encodePaymentResponseHeader } from '@x402/core/http';
import { describe, expect, it } from 'vitest';
import { base64 } from './challenge/offer.fixture.js';
import { readReceipt } from './receipt.js';
import type { JsonValue } from '../../text/json.js';

const TRANSACTION = `0x${'7a'.repeat(32)}` as const;
const SETTLED = { success: true, transaction: TRANSACTION, network: 'eip155:8453', payer: '0x0' };

function received(value: JsonValue, name = 'payment-response') {
  return readReceipt([[name, base64(value)]]);
}

describe('readReceipt', () => {
  it('reads what the reference server writes', () => {
    const value = encodePaymentResponseHeader({ ...SETTLED, network: 'eip155:8453', amount: '9000' });
    expect(readReceipt([['payment-response', value]])).toEqual({
      success: true,
      transaction: TRANSACTION,
      networkOnWire: 'eip155:8453',
      errorReason: undefined,
      amountAtomic: 9_000n,
    });
  });

  it('keeps what the seller signed of it, and nothing too large or too deep for that', () => {
    const signed = { format: 'jws', signature: 'eyJh.eyJi.c2ln' };
    const withReceipt = (receipt: JsonValue) =>
      received({ ...SETTLED, extensions: { 'offer-receipt': { info: { receipt } } } });
    expect(withReceipt(signed)?.signedReceipt).toEqual(signed);
    const deep = JSON.parse('{"a":'.repeat(20) + '1' + '}'.repeat(20)) as JsonValue;
    for (const odd of [null, 'text', [signed], { ...signed, signature: 'x'.repeat(9_000) }, deep])
      expect(withReceipt(odd)).toEqual(received(SETTLED));
  });

  it.each(['payment-response', 'x-payment-response'])('reads %s in every encoding', (name) => {
    const bytes = Buffer.from(JSON.stringify(SETTLED));
    for (const value of [bytes.toString('base64'), bytes.toString('base64url'), bytes.toString('utf8')]) {
      expect(readReceipt([[name, value]])).toMatchObject({ success: true, transaction: TRANSACTION });
    }
  });

  it('prefers the header of v2, and the first that can be read', () => {
    const receipt = readReceipt([
      ['x-payment-response', base64({ success: false })],
      ['payment-response', 'garbage!'],
      ['payment-response', base64(SETTLED)],
    ]);
    expect(receipt?.success).toBe(true);
  });

  it('keeps the transaction of a settlement that is pending', () => {
    expect(received({ success: false, errorReason: 'settlement_pending', transaction: TRANSACTION })).toEqual(
      {
        success: false,
        transaction: TRANSACTION,
        networkOnWire: undefined,
        errorReason: 'settlement_pending',
        amountAtomic: undefined,
      },
    );
  });

  it('reads a failed settlement, which has an empty transaction', () => {
    expect(received({ success: false, errorReason: 'insufficient_funds', transaction: '' })).toMatchObject({
      success: false,
      transaction: undefined,
      errorReason: 'insufficient_funds',
    });
  });

  it.each<[JsonValue]>([
    [{}],
    [[]],
    [null],
    ['settled'],
    [{ success: 'true' }],
    [{ success: 1 }],
    [{ success: null }],
    [{ success: [true] }],
    [{ transaction: TRANSACTION }],
    [{ isValid: true }],
  ])('sees no receipt in %j', (value) => {
    expect(received(value)).toBeNull();
  });

  it('sees none in what is no JSON, in too much of it, and in other headers', () => {
    expect(readReceipt([])).toBeNull();
    expect(readReceipt([['payment-response', 'eyJ']])).toBeNull();
    expect(received({ success: true, pad: 'x'.repeat(70_000) })).toBeNull();
    expect(received(SETTLED, 'payment-receipt')).toBeNull();
  });

  it('takes a signature of Solana as it is, for there is one way to write it', () => {
    const transaction =
      '5VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnbJLgp8uirBgmQpjKhoR4tjF3ZpRzrFmBV6UjKdiSZkQUW';
    expect(received({ success: true, transaction })).toMatchObject({ success: true, transaction });
  });

  it.each<[JsonValue]>([
    [`${TRANSACTION}00`],
    [TRANSACTION.slice(0, -1)],
    [TRANSACTION.replace('0x', '')],
    ['5VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnbJLgp8uirBgmQpjKhoR4tjF3ZpRzrFmBV6UjKdi'],
    ['5VERv8NMvzbJMEkV8xnrLkEaWRtSz9CosKDYjCJjBRnbJLgp8uirBgmQpjKhoR4tjF3ZpRzrFmBV6UjKdiSZkQ0l'],
    [{ hash: TRANSACTION }],
    [7],
  ])('does not take %j for a transaction', (transaction) => {
    expect(received({ success: true, transaction })).toMatchObject({ success: true, transaction: undefined });
  });

  it('writes a transaction in lower case', () => {
    expect(received({ success: true, transaction: `0x${'7A'.repeat(32)}` })?.transaction).toBe(TRANSACTION);
  });

  it.each<[JsonValue, bigint | undefined]>([
    ['0', 0n],
    ['12', 12n],
    ['012', undefined],
    ['-1', undefined],
    ['1.5', undefined],
    ['1e3', undefined],
    [12, undefined],
    ['9'.repeat(100), undefined],
  ])('reads the amount %j as %s', (amount, amountAtomic) => {
    expect(received({ success: true, amount })?.amountAtomic).toBe(amountAtomic);
  });

  it('cleans and cuts what the seller says (T27)', () => {
    const receipt = received({
      success: false,
      errorReason: `\u001b[2J\u202e${'no '.repeat(10_000)}`,
      network: 'base\u0000\n'.repeat(1_000),
    });
    expect(receipt?.errorReason).toMatch(/^\[2Jno no /);
    expect(receipt?.errorReason?.length).toBeLessThanOrEqual(120);
    expect(receipt?.networkOnWire?.length).toBeLessThanOrEqual(64);
  });

  it('does not read what a receipt inherits', () => {
    const value = Buffer.from('{"__proto__": {"success": true}}').toString('base64');
    expect(readReceipt([['payment-response', value]])).toBeNull();
  });
});
