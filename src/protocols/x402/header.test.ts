import { Buffer } from 'node:buffer';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { headerValues, readJsonHeader, writeJsonHeader } from './header.js';

const OBJECT = { x402Version: 2, note: 'USD₮0 — ok?>>???>>', n: [1, null] };
const JSON_TEXT = JSON.stringify(OBJECT);
const BYTES = Buffer.from(JSON_TEXT, 'utf8');

describe('headerValues', () => {
  it('keeps what is repeated, in order', () => {
    const headers = [
      ['www-authenticate', 'L402 a="1"'],
      ['x-other', 'x'],
      ['www-authenticate', 'Payment id="2"'],
    ] as const;
    expect(headerValues(headers, 'www-authenticate')).toEqual(['L402 a="1"', 'Payment id="2"']);
    expect(headerValues(headers, 'payment-required')).toEqual([]);
  });
});

describe('readJsonHeader', () => {
  it.each([
    ['base64', BYTES.toString('base64')],
    ['base64 without padding', BYTES.toString('base64').replace(/=+$/, '')],
    ['base64url', BYTES.toString('base64url')],
    ['base64url with padding', BYTES.toString('base64').replaceAll('+', '-').replaceAll('/', '_')],
    ['JSON', JSON_TEXT],
    ['JSON as the bytes an HTTP client hands out', BYTES.toString('latin1')],
    ['blanks around it', `  ${BYTES.toString('base64')}\t`],
    ['a byte order mark inside', Buffer.from(`\ufeff${JSON_TEXT}`, 'utf8').toString('base64')],
  ])('reads %s', (_what, value) => {
    expect(readJsonHeader(value, 10_000)).toEqual(OBJECT);
  });

  it('covers both alphabets', () => {
    expect(BYTES.toString('base64')).toMatch(/[+][^-]*[/]/);
    expect(BYTES.toString('base64')).toMatch(/=$/);
  });

  it('keeps Latin-1 text that is not UTF-8 as it is', () => {
    expect(readJsonHeader('{"name":"caf\u00e9"}', 100)).toEqual({ name: 'caf\u00e9' });
  });

  it.each([
    ['nothing', ''],
    ['a word', 'true'],
    ['a list', Buffer.from('[1]').toString('base64')],
    ['a bare list', '[1]'],
    ['null', Buffer.from('null').toString('base64')],
    ['cut JSON', '{"a":1'],
    ['cut base64', BYTES.toString('base64').slice(0, 20)],
    ['a blank inside', `${BYTES.toString('base64').slice(0, 20)} ${BYTES.toString('base64').slice(20)}`],
    ['two joined by a comma', `${BYTES.toString('base64')}, ${BYTES.toString('base64')}`],
    ['bytes that are not text', Buffer.from([0xff, 0xfe, 0x00, 0x80]).toString('base64')],
  ])('does not read %s', (_what, value) => {
    expect(readJsonHeader(value, 10_000)).toBeUndefined();
  });

  it('does not read past its bound', () => {
    expect(readJsonHeader(JSON_TEXT, JSON_TEXT.length)).toEqual(OBJECT);
    expect(readJsonHeader(JSON_TEXT, JSON_TEXT.length - 1)).toBeUndefined();
  });

  it('gives back any object that was written', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue()), (object) => {
        const value = writeJsonHeader(object);
        expect(value).toMatch(/^[A-Za-z0-9+/]+={0,2}$/);
        expect(readJsonHeader(value, 1_000_000)).toEqual(JSON.parse(JSON.stringify(object)));
      }),
    );
  });
});
