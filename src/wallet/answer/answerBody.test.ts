import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ANSWERS_FOLDER } from '../../config/home.js';
import { NetFailure } from '../../net/failure.js';
import type { Ledger } from '../../ledger/ledger.js';
import type { HttpAnswer } from '../../net/send.js';
import { readAnswer, viewAnswer } from './answerBody.js';
import { storedPath, sweepFiles } from './answerFiles.js';
import type { ResponseView } from './outcome.js';

let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'purser-answers-'));
});

afterEach(() => rmSync(home, { recursive: true, force: true }));

const calm = { signal: new AbortController().signal };

/** An answer as the network hands it over, in these pieces. */
function answerOf(
  type: string | null,
  pieces: readonly (string | Uint8Array)[],
  fails?: NetFailure,
): HttpAnswer {
  async function* body(): AsyncGenerator<Uint8Array> {
    for (const piece of pieces) yield typeof piece === 'string' ? new TextEncoder().encode(piece) : piece;
    if (fails !== undefined) throw fails;
  }
  const headers = type === null ? [] : [['content-type', type] as const];
  const parts = { status: 200, url: new URL('https://api.example.com/'), method: 'GET', headers };
  return { ...parts, body: body() } as unknown as HttpAnswer;
}

const view = async (type: string | null, ...pieces: (string | Uint8Array)[]): Promise<ResponseView> =>
  viewAnswer(home, await readAnswer({ home, agent: 'default' }, answerOf(type, pieces), calm));

describe('a small answer', () => {
  test('that is JSON comes back as a value', async () => {
    expect((await view('application/json', '{"a":[1,', 'null,"é"]}')).body).toEqual({ a: [1, null, 'é'] });
  });

  test('whose integers a number cannot hold stays text, to the digit', async () => {
    const text = '{"id":12345678901234567890}';
    expect((await view('application/json', text)).body).toBe(text);
  });

  test('that only claims to be JSON is text', async () => {
    expect((await view('application/json', '{"a":')).body).toBe('{"a":');
  });

  test('is cleaned of what nobody sees, in keys and values as in text (T16, T27)', async () => {
    const hidden = 'a\u200b\u202eb\u001b[31m';
    expect((await view('text/plain', hidden)).body).toBe('ab[31m');
    expect((await view('application/json', JSON.stringify({ [hidden]: [hidden] }))).body).toEqual({
      'ab[31m': ['ab[31m'],
    });
  });

  test('without a type is text where it is UTF-8, and a file where it is not', async () => {
    expect((await view(null, 'words')).body).toBe('words');
    const binary = await view(null, new Uint8Array([0xff, 0x00, 0xfe]));
    expect(binary).not.toHaveProperty('body');
    expect(readFileSync(binary.path!)).toEqual(Buffer.from([0xff, 0x00, 0xfe]));
  });

  test('of JSON that nests deeper than its readers can is text', async () => {
    const deep = (levels: number): string => '['.repeat(levels) + ']'.repeat(levels);
    expect(Array.isArray((await view('application/json', deep(150))).body)).toBe(true);
    for (const levels of [250, 3_000, 11_000])
      expect((await view('application/json', deep(levels))).body).toBe(deep(levels));
  });

  test('of nothing is an empty body', async () => {
    expect(await view('text/plain')).toMatchObject({ body: '', bytes: 0, truncated: false });
  });
});

describe('a large answer', () => {
  test('goes to a file of the owner’s alone, named by its hash, with its head shown', async () => {
    const text = 'Zeile äöü\n'.repeat(10_000);
    const large = await view('text/plain', text);
    expect(large).toMatchObject({ untrusted: true, truncated: true, bytes: Buffer.byteLength(text) });
    expect(readFileSync(large.path!, 'utf8')).toBe(text);
    expect(statSync(large.path!).mode & 0o777).toBe(0o600);
    expect(large.path).toBe(storedPath(home, large.stored_id!));
    expect(text.startsWith(large.head!)).toBe(true);
  });

  test('that comes twice is kept once', async () => {
    const text = 'x'.repeat(100_000);
    const [one, two] = [await view('text/plain', text), await view('text/plain', text)];
    expect(two.path).toBe(one.path);
    expect(readdirSync(join(home, ANSWERS_FOLDER))).toHaveLength(1);
  });
});

test('an answer that breaks off is kept as far as it came, and says so', async () => {
  const broken = new NetFailure('unreachable', 'The answer broke off.', { leg: 'body', bytesLeft: true });
  const read = await readAnswer(
    { home, agent: 'default' },
    answerOf('text/plain', ['half of', ' it'], broken),
    calm,
  );
  expect(read).toMatchObject({ truncated: true, failure: broken, bytes: 10 });
  expect((await viewAnswer(home, read)).body).toBe('half of it');
});

test('a fault of our own while reading leaves no file behind', async () => {
  const answer = answerOf('text/plain', ['x'.repeat(100_000)], new Error('ours') as unknown as NetFailure);
  await expect(readAnswer({ home, agent: 'default' }, answer, calm)).rejects.toThrow('ours');
  expect(readdirSync(join(home, ANSWERS_FOLDER))).toEqual([]);
});

test.each(['', '../../etc/passwd', 'a'.repeat(63), `${'a'.repeat(63)}/`])(
  '%j is no stored answer’s id',
  (id) => {
    expect(() => storedPath(home, id)).toThrow(expect.objectContaining({ code: 'not_found' }));
  },
);

test('the same bytes of two agents are two files: one that clears its own clears no other’s', async () => {
  const text = 'x'.repeat(100_000);
  const read = (agent: string) => readAnswer({ home, agent }, answerOf('text/plain', [text]), calm);
  const [one, two] = [await read('default'), await read('other')];
  expect(one.storedId).not.toBe(two.storedId);
  expect(readdirSync(join(home, ANSWERS_FOLDER))).toHaveLength(2);
});

test('the sweep removes what no answer names and is a day old, and nothing else', async () => {
  const folder = join(home, ANSWERS_FOLDER);
  mkdirSync(folder);
  const [named, unnamed, fresh] = ['a', 'b', 'c'].map((letter) => letter.repeat(64));
  const nowMs = Date.now();
  const old = new Date(nowMs - 25 * 3_600_000);
  for (const name of [named, unnamed, fresh, '.part-0123', 'notes.txt'] as string[]) {
    writeFileSync(join(folder, name), 'x');
    if (name !== fresh) utimesSync(join(folder, name), old, old);
  }
  const ledger = {
    unnamedFiles: (ids: readonly string[]) => Promise.resolve(ids.filter((id) => id !== named)),
  };
  await sweepFiles({ home, ledger: ledger as Ledger, now: () => nowMs });
  expect(readdirSync(folder).sort()).toEqual([named, fresh, 'notes.txt'].sort());
});
