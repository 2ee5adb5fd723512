import { createHash } from 'node:crypto';
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { afterEach, describe, expect, test } from 'vitest';
import { ANSWERS_FOLDER } from '../../config/home.js';
import { cleanText } from '../../text/untrusted.js';
import type { Engine } from '../engine.js';
import { cleanPieces, readResponse, search } from './response.js';
import { storedPath } from './answerFiles.js';

async function* cut(bytes: Uint8Array, size: number): AsyncGenerator<Uint8Array> {
  for (let at = 0; at < bytes.length; at += size) yield bytes.subarray(at, at + size);
}

test('a text comes out the same in whatever pieces its bytes come', async () => {
  const words = fc.constantFrom(
    'a',
    '\r',
    '\n',
    '\r\n',
    'é',
    '€',
    '👩‍🚀',
    '\u200b',
    '\u001b[2J',
    '\u2028',
    '\ufeff',
    'ok ',
  );
  await fc.assert(
    fc.asyncProperty(
      fc.array(words, { maxLength: 40 }),
      fc.integer({ min: 1, max: 9 }),
      async (parts, size) => {
        const text = parts.join('');
        let joined = '';
        for await (const piece of cleanPieces(cut(new TextEncoder().encode(text), size))) joined += piece;
        expect(joined).toBe(cleanText(text));
      },
    ),
  );
});

/** What a search answers that has the whole text before it. */
function searchWhole(text: string, find: string) {
  const places: { offset: number; text: string }[] = [];
  for (
    let at = text.indexOf(find);
    at !== -1 && places.length < 20;
    at = text.indexOf(find, at + find.length)
  )
    places.push({ offset: at, text: text.slice(Math.max(0, at - 120), at + find.length + 120) });
  return { places, total: text.length };
}

test('a search finds the same in whatever pieces the text comes', async () => {
  const letters = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), maxLength: 400 });
  const find = fc.string({ unit: fc.constantFrom('a', 'b', 'c'), minLength: 1, maxLength: 5 });
  await fc.assert(
    fc.asyncProperty(letters, find, fc.integer({ min: 1, max: 150 }), async (text, sought, size) => {
      async function* pieces(): AsyncGenerator<string> {
        for (let at = 0; at < text.length; at += size) yield text.slice(at, at + size);
      }
      expect(await search(pieces(), sought)).toMatchObject(searchWhole(text, sought));
    }),
  );
});

test('a search minds no case, and its offsets hold where lower case is longer', async () => {
  async function* pieces(): AsyncGenerator<string> {
    yield 'İİİ Lis';
    yield 'BON ';
  }
  expect(await search(pieces(), 'lisbon')).toMatchObject({
    places: [{ offset: 4, text: 'İİİ LisBON ' }],
    total: 11,
  });
});

describe('a stored text, page by page', () => {
  const homes: string[] = [];
  afterEach(() => {
    for (const home of homes.splice(0)) rmSync(home, { recursive: true, force: true });
  });

  /** A home that holds one stored answer, and how its agent reads a page of it. */
  function stored(text: string) {
    const home = mkdtempSync(join(tmpdir(), 'purser-pages-'));
    homes.push(home);
    const bytes = Buffer.from(text);
    const storedId = createHash('sha256').update(bytes).digest('hex');
    mkdirSync(join(home, ANSWERS_FOLDER));
    const path = storedPath(home, storedId);
    writeFileSync(path, bytes);
    const headers = [['content-type', 'text/plain']];
    const answer = {
      paymentId: 'pay_a',
      agent: 'default',
      headers,
      body: null,
      storedId,
      bytes: bytes.length,
    };
    const findAnswer = () => Promise.resolve(answer);
    const engine = { home, agent: 'default', ledger: { findAnswer } } as unknown as Engine;
    const page = (offset?: number, length?: number) => readResponse(engine, { id: 'pay_a', offset, length });
    return { path, page };
  }

  test('is the same in whatever order its pages are read, the first time and later', async () => {
    // Longer than what is read of a file at once, and no byte a character.
    const text = Array.from({ length: 30_000 }, (_, at) => `€${at}\u200b `).join('');
    const clean = cleanText(text);
    const { page } = stored(text);
    for (const offset of [150_000, 0, 7_000, 150_000, clean.length - 10, clean.length + 10, undefined]) {
      const from = Math.min(offset ?? 0, clean.length);
      const end = Math.min(from + 9_000, clean.length);
      expect(await page(offset, 9_000)).toMatchObject({
        text: clean.slice(from, end),
        total: clean.length,
        next: end < clean.length ? { arguments: { offset: end } } : null,
      });
    }
  });

  test('that became shorter, or was cleared, is told as what there is', async () => {
    const { path, page } = stored('a'.repeat(100_000));
    expect(await page(0, 10)).toMatchObject({ total: 100_000 });
    writeFileSync(path, 'a'.repeat(20));
    expect(await page(10, 100)).toMatchObject({ text: 'a'.repeat(10), total: 20, next: null });
    rmSync(path);
    await expect(page(0, 10)).rejects.toMatchObject({ code: 'not_found' });
  });

  test('has no more read of it for a page than what lies before its end, once its length is known', async () => {
    const { path, page } = stored('b'.repeat(1_000_000));
    await page();
    writeFileSync(path, `${'b'.repeat(500_000)}${'\u00a0'.repeat(250_000)}`);
    // Had it been read to the end, it would be 750,000 characters.
    expect(await page(0, 10)).toMatchObject({ text: 'b'.repeat(10), total: 1_000_000 });
  });
});
