import fc from 'fast-check';
import { expect, test } from 'vitest';
import { cleanText } from '../../text/untrusted.js';
import { cleanPieces, search } from './response.js';

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
