import { describe, expect, test } from 'vitest';
import { nodeIdOf, writeInvoice, type InvoiceTerms } from '../../../sandbox/lightning/invoice.js';
import { readInvoice, type Invoice } from './invoice.js';

/** Examples of BOLT 11: their payee, their payment hash and when they were made. */
const PAYEE = '03e7156ae33b0a208d0744199163177e909e80176e55d97a2f221ede0f934dd9ad';
const HASH = '0001020304050607080900010203040506070809000102030405060708090102';
const MADE_SEC = 1_496_314_658;

const COFFEE =
  'lnbc2500u1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpu9qrsgquk0rl77nj30yxdy8j9vdx85fkpmdla2087ne0xh8nhedh8w27kyke0lp53ut353s06fv3qfegext0eh0ymjpf39tuven09sam30g4vgpfna3rh';
const PICO =
  'lnbc9678785340p1pwmna7lpp5gc3xfm08u9qy06djf8dfflhugl6p7lgza6dsjxq454gxhj9t7a0sd8dgfkx7cmtwd68yetpd5s9xar0wfjn5gpc8qhrsdfq24f5ggrxdaezqsnvda3kkum5wfjkzmfqf3jkgem9wgsyuctwdus9xgrcyqcjcgpzgfskx6eqf9hzqnteypzxz7fzypfhg6trddjhygrcyqezcgpzfysywmm5ypxxjemgw3hxjmn8yptk7untd9hxwg3q2d6xjcmtv4ezq7pqxgsxzmnyyqcjqmt0wfjjq6t5v4khxsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygsxqyjw5qcqp2rzjq0gxwkzc8w6323m55m4jyxcjwmy7stt9hwkwe2qxmy8zpsgg7jcuwz87fcqqeuqqqyqqqqlgqqqqn3qq9q9qrsgqrvgkpnmps664wgkp43l22qsgdw4ve24aca4nymnxddlnp8vh9v2sdxlu5ywdxefsfvm0fq3sesf08uf6q9a2ke0hc9j6z6wlxg5z5kqpu2v9wz';
const TESTNET =
  'lntb20m1pvjluezsp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygshp58yjmdan79s6qqdhdzgynm4zwqd5d7xmw5fk98klysy043l2ahrqspp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqfpp3x9et2e20v6pu37c5d9vax37wxq72un989qrsgqdj545axuxtnfemtpwkc45hx9d2ft7x04mt8q7y6t0k2dge9e7h8kpy9p34ytyslj3yu569aalz2xdk8xkd7ltxqld94u8h2esmsmacgpghe9k8';

/** Examples that BOLT 11 calls invalid, and what is wrong with each here. */
const INVALID: readonly (readonly [string, string])[] = [
  [
    'lnbc2500u1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdpquwpc4curk03c9wlrswe78q4eyqc7d8d0xqzpuyk0sg5g70me25alkluzd2x62aysf2pyy8edtjeevuv4p2d5p76r4zkmneet7uvyakky2zr4cusd45tftc9c5fh0nnqpnl2jfll544esqchsrnt',
    'checksum',
  ],
  [
    'lnbc2500u1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpusp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygs9qrsgqwgt7mcn5yqw3yx0w94pswkpq6j9uh6xfqqqtsk4tnarugeektd4hg5975x9am52rz4qskukxdmjemg92vvqz8nvmsye63r5ykel43pgz7zq0g2',
    'signed',
  ],
  [
    'lnbc1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdpl2pkx2ctnv5sxxmmwwd5kgetjypeh2ursdae8g6na6hlh',
    'no amount',
  ],
  [
    'lnbc2500x1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpusp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygs9qrsgqrrzc4cvfue4zp3hggxp47ag7xnrlr8vgcmkjxk3j5jqethnumgkpqp23z9jclu3v0a7e0aruz366e9wqdykw6dxhdzcjjhldxq0w6wgqcnu43j',
    'network',
  ],
  [
    'lnbc2500000001p1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqdq5xysxxatsyp3k7enxv4jsxqzpusp5zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zyg3zygs9qrsgq0lzc236j96a95uv0m3umg28gclm5lqxtqqwk32uuk4k6673k6n5kfvx3d2h8s295fad45fdhmusm8sjudfhlf6dcsxmfvkeywmjdkxcp99202x',
    'millisatoshi',
  ],
  [
    'lnbc20m1pvjluezpp5qqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqqqsyqcyq5rqwzqfqypqhp58yjmdan79s6qqdhdzgynm4zwqd5d7xmw5fk98klysy043l2ahrqs9qrsgq7ea976txfraylvgzuxs8kgcw23ezlrszfnh8r6qtfpr6cxga50aj6txm9rxrydzd06dfeawfk6swupvz4erwnyutnjq7x39ymw6j38gp49qdkj',
    'payment secret',
  ],
];

const KEY = '22'.repeat(32);
const TERMS: InvoiceTerms = {
  amountMsat: 21_000n,
  paymentHash: HASH,
  createdSec: 1_790_000_000,
  privateKey: KEY,
};

test('an example of the specification is read field by field', () => {
  expect(readInvoice(COFFEE)).toEqual({
    text: COFFEE,
    chain: 'bc',
    amountMsat: 250_000_000n,
    paymentHash: HASH,
    payee: PAYEE,
    createdSec: MADE_SEC,
    expiresSec: MADE_SEC + 60,
    description: '1 cup coffee',
  });
});

test('amounts are exact in every part of a bitcoin, and fields that are not known are skipped', () => {
  expect(readInvoice(PICO)).toMatchObject({ amountMsat: 967_878_534n });
  expect(readInvoice(TESTNET)).toMatchObject({ chain: 'tb', amountMsat: 2_000_000_000n });
  for (const amountMsat of [1n, 999n, 1_000n, 21_000n, 580_000n, 100_000_000_000n])
    expect(readInvoice(writeInvoice({ ...TERMS, amountMsat }))).toMatchObject({ amountMsat, chain: 'bcrt' });
});

test('upper case is the same invoice, and goes to the node in lower case', () => {
  expect(readInvoice(COFFEE.toUpperCase())).toMatchObject({ text: COFFEE, payee: PAYEE });
  expect(readInvoice(COFFEE.replace('lnbc', 'LNBC'))).toMatch('checksum');
});

test.each(INVALID)('what the specification calls invalid is refused: %#', (text, why) => {
  expect(readInvoice(text)).toMatch(why);
});

describe('T40: what an invoice does not say, or does not prove, is not paid', () => {
  test('no amount', () => {
    expect(readInvoice(writeInvoice({ ...TERMS, amountMsat: null }))).toMatch('no amount');
  });

  test('the payee is the key that signed; another one that is named is a lie', () => {
    const own = nodeIdOf(KEY);
    expect(readInvoice(writeInvoice(TERMS))).toMatchObject({ payee: own });
    expect(readInvoice(writeInvoice({ ...TERMS, payee: own }))).toMatchObject({ payee: own });
    expect(readInvoice(writeInvoice({ ...TERMS, payee: nodeIdOf('33'.repeat(32)) }))).toMatch('not signed');
  });

  test('a payment hash that was swapped under a signature changes who signed', () => {
    const swapped = writeInvoice({
      ...TERMS,
      payee: nodeIdOf(KEY),
      tamper: (words) => words.map((word, i) => (i === 12 ? word ^ 1 : word)),
    });
    expect(readInvoice(swapped)).toMatch('not signed');
  });

  test('a payment hash that stands twice', () => {
    const doubled = writeInvoice({
      ...TERMS,
      // A whole field more: tag 1, of 52 words.
      tamper: (words) => [...words, 1, 1, 20, ...Array.from({ length: 52 }, () => 7)],
    });
    expect(readInvoice(doubled)).toMatch('cannot be read');
  });

  test('text that is none, or without end', () => {
    for (const text of ['', 'lnbc1', 'lightning', 'x'.repeat(5_000), `${COFFEE}x`, '\u{0}'])
      expect(readInvoice(text)).toBeTypeOf('string');
  });
});

test('every single changed letter is noticed', () => {
  const text = writeInvoice(TERMS);
  for (let i = 0; i < text.length; i += 7) {
    const changed = `${text.slice(0, i)}${text[i] === 'q' ? 'p' : 'q'}${text.slice(i + 1)}`;
    const read: Invoice | string = readInvoice(changed);
    expect(typeof read === 'string' || read.text === text).toBe(true);
  }
});
