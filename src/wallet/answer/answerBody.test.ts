import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { ANSWERS_FOLDER, shownAnswersFolder } from '../../config/home.js';
import { NetFailure } from '../../net/failure.js';
import type { Ledger } from '../../ledger/ledger.js';
import type { HttpAnswer } from '../../net/send.js';
import { readAnswer, viewAnswer } from './answerBody.js';
import { removeFiles, storedPath, sweepFiles } from './answerFiles.js';
import type { ResponseView } from './outcome.js';

let home: string;

beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'purser-answers-'));
});

afterEach(() => {
  for (const folder of [home, shownAnswersFolder(home)]) rmSync(folder, { recursive: true, force: true });
});

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

describe('text of any type is shown', () => {
  test.each([
    ...['application/x-ndjson', 'application/jsonl', 'application/csv', 'text/csv', 'application/yaml'],
    ...[
      'application/x-yaml',
      'application/toml',
      'application/sql',
      'application/vnd.api+json; charset=utf-8',
    ],
    ...['application/octet-stream', 'binary/octet-stream', 'application/vnd.seller-of-its-own'],
  ])('%s', async (type) => {
    expect((await view(type, 'id;name\n1;Zoë\n')).body).toBe('id;name\n1;Zoë\n');
    const large = await view(type, 'id;name\n1;Zoë\n'.repeat(5_000));
    expect(large.head).toMatch(/^id;name\n1;Zoë\n/);
  });

  test('JSON that is called a stream of bytes is a value', async () => {
    expect((await view('application/octet-stream', '{"a":[1]}')).body).toEqual({ a: [1] });
  });

  test.each<[string, readonly number[]]>([
    ['application/octet-stream', [0x00, 0x61, 0x73, 0x6d]],
    ['application/octet-stream', [0x50, 0x4b, 0x03, 0x04]],
    ['application/octet-stream', [0xff, 0xd8, 0xff, 0xe0]],
    ['application/pdf', [...Buffer.from('%PDF-1.7\n')]],
    ['image/png', [...Buffer.from('words')]],
  ])('and bytes of %s are none: %j', async (type, bytes) => {
    const shown = await view(type, Uint8Array.from(bytes));
    expect(shown).not.toHaveProperty('body');
    expect(shown).not.toHaveProperty('head');
    expect(readFileSync(shown.path!)).toEqual(Buffer.from(bytes));
  });

  test.each<[string, readonly number[], unknown]>([
    ['text/plain; charset=iso-8859-1', [0x5a, 0x6f, 0xeb], 'Zoë'],
    ['text/csv; header=present; charset="Shift_JIS"', [0x83, 0x65, 0x83, 0x58, 0x83, 0x67], 'テスト'],
    ['application/json; charset=utf-16le', [...Buffer.from('{"a":"Zoë"}', 'utf16le')], { a: 'Zoë' }],
    ['text/plain', [0xff, 0xfe, ...Buffer.from('Zoë', 'utf16le')], 'Zoë'],
    ['text/plain; charset=utf-16', [0xef, 0xbb, 0xbf, 0x5a], 'Z'],
    ['text/plain; charset=nobody-knows', [...Buffer.from('Zoë')], 'Zoë'],
  ])('in the charset that it states: %s', async (type, bytes, shown) => {
    expect((await view(type, Uint8Array.from(bytes))).body).toEqual(shown);
  });

  test('also the beginning of a large one, which may be cut within a character', async () => {
    const text = 'テ'.repeat(30_000);
    const large = await view('text/plain; charset=utf-16be', Buffer.from(`x${text}`, 'utf16le').swap16());
    expect(large.head).toMatch(/^xテ+$/);
    const odd = await view('text/plain', `ab${text}`);
    expect(odd.head).toMatch(/^abテ+$/);
  });
});

test('headers that come more than once are all kept', async () => {
  const answer = answerOf('text/plain', ['x']);
  const headers = [
    ['link', '<https://a.example/2>; rel="next"'],
    ['set-cookie', 'a=1'],
    ['set-cookie', 'b=2'],
    ['link', '<https://a.example/9>; rel="last"'],
    ...Array.from({ length: 60 }, (_, i) => [`x-${i}`, 'v'] as const),
    ['content-type', 'text/plain; charset=iso-8859-1'],
  ] as const;
  const bytes = async function* () {
    yield await Promise.resolve(Uint8Array.from([0xeb]));
  };
  const read = await readAnswer({ home, agent: 'default' }, { ...answer, headers, body: bytes() }, calm);
  const shown = await viewAnswer(home, read);
  expect(shown.headers).toMatchObject({
    link: ['<https://a.example/2>; rel="next"', '<https://a.example/9>; rel="last"'],
    'set-cookie': ['a=1', 'b=2'],
  });
  // The type is kept, however many come before it: the body is read by it later.
  expect(shown.body).toBe('ë');
});

describe('the path of an answer that is no text', () => {
  const png = Uint8Array.from([0x89, 0x50, 0x4e, 0x47, 0x00, 0xff]);

  test('is outside the home, ends as its type does, and goes with the answer', async () => {
    const shown = await view('image/png', png);
    expect(shown.path).toBe(join(shownAnswersFolder(home), `${shown.stored_id}.png`));
    expect(shown.path!.startsWith(join(home, '/'))).toBe(false);
    expect(readFileSync(shown.path!)).toEqual(Buffer.from(png));
    expect(statSync(shownAnswersFolder(home)).mode & 0o777).toBe(0o700);
    expect(statSync(shown.path!).mode & 0o777).toBe(0o600);
    expect((await view('image/png', png)).path).toBe(shown.path);
    const other = await view('application/pdf', Uint8Array.from([...png, 1]));
    await removeFiles(home, [shown.stored_id!]);
    expect(readdirSync(shownAnswersFolder(home))).toEqual([`${other.stored_id}.pdf`]);
  });

  test.skipIf(process.platform === 'win32')(
    'is in the home where somebody else could read the folder, or it is a link',
    async () => {
      mkdirSync(shownAnswersFolder(home), { mode: 0o755 });
      const open = await view('image/png', png);
      expect(open.path).toBe(storedPath(home, open.stored_id!));
      rmSync(shownAnswersFolder(home), { recursive: true });
      symlinkSync(tmpdir(), shownAnswersFolder(home));
      const linked = await view('image/png', png);
      expect(linked.path).toBe(storedPath(home, linked.stored_id!));
    },
  );
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
