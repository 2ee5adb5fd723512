import { mkdirSync, mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Config } from '../../config/settings.js';
import { callerOf } from '../call/request.fixture.js';
import { parseRequest, type CallContent } from '../call/request.js';
import type { BodyInput } from '../input.js';
import { readContent, type ContentPlace } from './content.js';

let top = '';
let place: ContentPlace;
const config = { files: { sendFrom: ['home'] } } as unknown as Config;
beforeAll(() => {
  top = realpathSync(mkdtempSync(join(tmpdir(), 'purser-content-')));
  mkdirSync(join(top, '.purser'));
  const env = { HOME: top, USERPROFILE: top };
  place = { ...callerOf('ada'), home: join(top, '.purser'), files: { env, platform: process.platform } };
});
afterAll(() => rmSync(top, { recursive: true }));

const put = (name: string, bytes: string | Uint8Array): string => {
  writeFileSync(join(top, name), bytes);
  return join(top, name);
};
const take = (input: BodyInput, more: Partial<ContentPlace> = {}): Promise<CallContent | undefined> =>
  readContent({ ...place, ...more }, config, input, new AbortController().signal);
async function bytesOf(content: CallContent | undefined): Promise<Buffer> {
  const pieces: Uint8Array[] = [];
  for await (const piece of content?.body.read() ?? []) pieces.push(piece);
  return Buffer.concat(pieces);
}

describe('one body', () => {
  test('as base64, of either alphabet, with or without its padding', async () => {
    const bytes = Buffer.from([0xff, 0xfe, 0x00, 0xfb]);
    for (const text of [
      '//4A+w==',
      '__4A-w',
      ' //4A\\n+w== '.replace('\\n', '\n'),
      'data:image/png;base64,//4A+w==',
    ]) {
      const content = await take({ body_base64: text });
      expect([await bytesOf(content), content?.contentType]).toEqual([bytes, 'application/octet-stream']);
    }
    for (const text of ['a', 'ab*d', 'ab=cd'])
      await expect(take({ body_base64: text }), text).rejects.toMatchObject({ code: 'bad_input' });
  });

  test('of a file, with the type that its name says', async () => {
    const content = await take({ body_file: put('scan.PDF', 'pages') });
    expect([`${await bytesOf(content)}`, content?.contentType]).toEqual(['pages', 'application/pdf']);
  });

  test('is said once, or not at all', async () => {
    expect(await take({ body: 'text' })).toBeUndefined();
    expect(await take({})).toBeUndefined();
    await expect(take({ body: 'text', body_base64: 'AAAA' })).rejects.toThrow(
      'body and body_base64 are given both',
    );
  });

  test('is read from no file for agents that are served from elsewhere', async () => {
    const file = put('mine.txt', 'mine');
    for (const input of [{ body_file: file }, { form: { file: { file } } }])
      await expect(take(input, { files: null })).rejects.toMatchObject({ code: 'file_not_allowed' });
    await expect(take({ body_base64: 'AAAA', form: undefined }, { files: null })).resolves.toBeDefined();
  });

  test('that a file system never hands over ends with its call', async () => {
    const over = AbortSignal.abort();
    await expect(
      readContent(place, config, { body_file: put('late.txt', 'late') }, over),
    ).rejects.toBeDefined();
  });
});

describe('a form', () => {
  const image = Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x00, 0xff]);
  /** As a server reads it: by the published parser of fetch. */
  async function parsed(content: CallContent | undefined): Promise<[string, string | File][]> {
    const headers = { 'content-type': content?.contentType ?? '' };
    const form = await new Response(new Uint8Array(await bytesOf(content)), { headers }).formData();
    return [...form.entries()] as [string, string | File][];
  }

  test('arrives with its texts, its files and their types', async () => {
    const file = put('cat.png', image);
    const fields = await parsed(
      await take({
        form: {
          prompt: 'a "cat"\r\n--x',
          n: 2,
          image: { file },
          mask: [
            { base64: image.toString('base64'), filename: 'm".png\r\nx: y', type: 'image/webp' },
            'none',
          ],
        },
      }),
    );
    expect(
      fields.map(([name, value]) => [name, typeof value === 'string' ? value : [value.name, value.type]]),
    ).toEqual([
      ['prompt', 'a "cat"\r\n--x'],
      ['n', '2'],
      ['image', ['cat.png', 'image/png']],
      ['mask', [expect.stringContaining('.png') as string, 'image/webp']],
      ['mask', 'none'],
    ]);
    for (const [, value] of fields.slice(2, 4)) {
      expect(value).toBeInstanceOf(File);
      expect(Buffer.from(await (value as File).arrayBuffer())).toEqual(image);
    }
  });

  test('is the same request each time, and another one with another byte', async () => {
    const file = put('same.bin', image);
    const hashOf = async (): Promise<string> => {
      const content = await take({ form: { a: '1', file: { file } } });
      return parseRequest({ url: 'https://a.example/', method: 'POST', content }, callerOf('ada'), []).hash;
    };
    const first = await hashOf();
    expect(await hashOf()).toBe(first);
    put('same.bin', Buffer.from([...image, 1]));
    expect(await hashOf()).not.toBe(first);
  });

  test('has a boundary that nobody can have put into a file', async () => {
    const { contentType: known = '' } = (await take({ form: { a: 'x' } })) ?? {};
    const boundary = known.split('boundary=')[1] ?? '';
    const evil = put(
      'evil.bin',
      `--${boundary}\r\ncontent-disposition: form-data; name="admin"\r\n\r\nyes\r\n`,
    );
    const fields = await parsed(await take({ form: { a: { file: evil } } }));
    expect(fields.map(([name]) => name)).toEqual(['a']);
  });

  test('goes with the content type that holds its boundary, or as a query string where the caller says so', async () => {
    const headers = { 'Content-Type': 'multipart/form-data' };
    const content = await take({ headers, form: { a: '1' } });
    const request = parseRequest(
      { url: 'https://a.example/', method: 'POST', headers, content },
      callerOf('ada'),
      [],
    );
    expect(request.headers).toEqual([
      ['content-type', expect.stringMatching(/^multipart\/form-data; boundary=purser-\w{32}$/)],
    ]);

    const plain = { 'content-type': 'application/x-www-form-urlencoded' };
    expect(`${await bytesOf(await take({ headers: plain, form: { q: 'a b&c', n: 1 } }))}`).toBe(
      'q=a+b%26c&n=1',
    );
    await expect(take({ headers: plain, form: { f: { base64: 'AAAA' } } })).rejects.toMatchObject({
      code: 'bad_input',
    });
    await expect(take({ headers: { 'content-type': 'text/csv' }, form: { q: '1' } })).rejects.toMatchObject({
      code: 'bad_input',
    });
  });

  test('of a large file is spooled; one of more than 64 MiB, or without bytes, is refused', async () => {
    const large = put('large.bin', Buffer.alloc(3 * 1024 * 1024, 1));
    const content = await take({ form: { a: { file: large } } });
    expect(content?.body.bytes).toBeNull();
    expect((await bytesOf(content)).length).toBe(content?.body.length);
    const half = put('half.bin', Buffer.alloc(33 * 1024 * 1024));
    await expect(take({ form: { a: { file: half }, b: { file: half } } })).rejects.toThrow(/64 MiB/);
    await expect(take({ form: { a: {} } })).rejects.toThrow(/either file/);
    const many = Object.fromEntries(Array.from({ length: 101 }, (_, i) => [`f${i}`, 'x']));
    await expect(take({ form: many })).rejects.toThrow(/at most 100/);
  });
});
