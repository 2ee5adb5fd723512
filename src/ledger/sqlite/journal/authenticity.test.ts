import { expect, test } from 'vitest';
import { journalHash, RowAuthenticator } from './authenticity.js';
import { testMac } from '../fixtures.js';

const auth = new RowAuthenticator(testMac(), 'led_1');
const hex = (code: Uint8Array): string => Buffer.from(code).toString('hex');

test('no two rows share a code: not of another ledger, table, order or type, nor one value for two', () => {
  const codes = [
    new RowAuthenticator(testMac(), 'led_2').codeOf('quotes', ['a']),
    new RowAuthenticator(testMac('other'), 'led_1').codeOf('quotes', ['a']),
    auth.codeOf('answers', ['a']),
    ...[
      ['a'],
      ['a', 'b'],
      ['b', 'a'],
      ['a","b'],
      ['5'],
      [5n],
      ['5n'],
      [null],
      ['null'],
      [new Uint8Array([0x61])],
      ['{"b":"YQ=="}'],
      [''],
      [],
    ].map((values) => auth.codeOf('quotes', values)),
  ].map(hex);
  expect(new Set(codes).size).toBe(codes.length);
});

test('a row passes with its own code alone', () => {
  const row = { id: 'x', amount: 5n, mac: auth.codeOf('quotes', ['x', 5n]) };
  expect(auth.rowMatches('quotes', row)).toBe(true);
  auth.checkRow('quotes', row);
  for (const wrong of [
    { ...row, amount: 6n },
    { ...row, mac: row.mac.subarray(1) },
    { ...row, mac: null },
    { ...row, mac: hex(row.mac) },
  ]) {
    expect(auth.rowMatches('quotes', wrong)).toBe(false);
    expect(() => auth.checkRow('quotes', wrong)).toThrow(expect.objectContaining({ code: 'ledger_damaged' }));
  }
  expect(auth.rowMatches('answers', row)).toBe(false);
});

test('a row keeps its code where its table was given columns later, which stand behind the code', () => {
  const values = ['x', 5n, 'later'];
  const row = { id: 'x', amount: 5n, mac: auth.codeOf('quotes', values), later: 'later' };
  for (let look = 0; look < 2; look++) auth.checkRow('quotes', row);
  for (const wrong of [
    { ...row, later: 'l4ter' },
    { ...row, amount: 6n },
    { ...row, later: null },
  ])
    expect(() => auth.checkRow('quotes', wrong)).toThrow(expect.objectContaining({ code: 'ledger_damaged' }));
});

test('a journal entry’s link covers all it says', () => {
  const entry = { seq: 2, timeMs: 3, kind: 'hold', subject: 'pay_1', data: '{}', prevHash: '0'.repeat(64) };
  const changed = [
    entry,
    { ...entry, seq: 3 },
    { ...entry, timeMs: 4 },
    { ...entry, kind: 'sign' },
    { ...entry, subject: 'pay_2' },
    { ...entry, data: '{ }' },
    { ...entry, prevHash: '1'.repeat(64) },
  ];
  expect(new Set(changed.map(journalHash)).size).toBe(changed.length);
});
