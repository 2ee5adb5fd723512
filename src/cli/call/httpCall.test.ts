import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, it } from 'vitest';
import { Flags } from '../command.js';
import { readHttpCall } from './httpCall.js';
import { fakeIo } from '../terminal/io.fixture.js';

const folder = mkdtempSync(join(tmpdir(), 'purser-http-'));
afterAll(() => rmSync(folder, { recursive: true }));

async function inputOf(url: string | undefined, flags: Record<string, unknown>, stdin?: string) {
  const io = fakeIo();
  if (stdin !== undefined) io.typed.end(stdin);
  const { input } = await callOf(url, flags, io);
  return input;
}

function callOf(url: string | undefined, flags: Record<string, unknown>, io = fakeIo(), home = '/nowhere') {
  return readHttpCall({
    io,
    home,
    args: [url],
    flags: new Flags(flags),
    commands: [],
    has: () => false,
  });
}

const URL_ = 'https://api.example.com/';

describe('httpCallInput', () => {
  it('says only what was given, so that the tool keeps its own defaults', async () => {
    expect(await inputOf(URL_, {})).toEqual({ url: URL_ });
  });

  it('posts data unless another method is named', async () => {
    expect(await inputOf(URL_, { data: '{"a":1}' })).toEqual({ url: URL_, method: 'POST', body: '{"a":1}' });
    expect(await inputOf(URL_, { data: 'x', method: 'put' })).toMatchObject({ method: 'put', body: 'x' });
  });

  it('takes a body from a file and from standard input', async () => {
    const file = join(folder, 'body.json');
    writeFileSync(file, '{"é":1}');
    expect(await inputOf(URL_, { data: `@${file}` })).toMatchObject({ body: '{"é":1}' });
    expect(await inputOf(URL_, { data: '-' }, 'from a pipe')).toMatchObject({ body: 'from a pipe' });
  });

  it.skipIf(process.platform === 'win32')('takes a body from a pipe, as a shell names one', async () => {
    const pipe = join(folder, 'pipe');
    execFileSync('mkfifo', [pipe]);
    const written = writeFile(pipe, 'in pieces');
    expect(await inputOf(URL_, { data: `@${pipe}` })).toMatchObject({ body: 'in pieces' });
    await written;
  });

  it('takes bytes that are no text, and what is larger than an argument, as they are', async () => {
    const file = join(folder, 'body.png');
    writeFileSync(file, Buffer.from([0xff, 0xfe, 0x00]));
    const { input, content } = await callOf(URL_, { data: `@${file}` });
    expect(input).toEqual({ url: URL_, method: 'POST' });
    expect(content).toMatchObject({ contentType: 'image/png', body: { length: 3 } });

    const home = mkdtempSync(join(folder, 'home-'));
    const large = join(folder, 'large.csv');
    writeFileSync(large, 'a,b\n'.repeat(500_000));
    expect(await callOf(URL_, { data: `@${large}` }, fakeIo(), home)).toMatchObject({
      content: { contentType: 'text/csv', body: { length: 2_000_000, bytes: null } },
    });
    await expect(callOf(URL_, { data: `@${large}` })).rejects.toMatchObject({ code: 'not_set_up' });
  });

  it('refuses what is no file', async () => {
    await expect(inputOf(URL_, { data: '@/nowhere/at/all' })).rejects.toMatchObject({
      code: 'bad_input',
      message: expect.stringContaining('ENOENT') as string,
    });
    await expect(inputOf(URL_, { data: `@${folder}` })).rejects.toMatchObject({ code: 'bad_input' });
  });

  it('reads headers, values with colons included', async () => {
    expect(await inputOf(URL_, { header: ['X-Url: https://a.example', 'Empty:'] })).toMatchObject({
      headers: { 'X-Url': 'https://a.example', Empty: '' },
    });
  });

  it('refuses a header that is none without repeating it, and one given twice (T21)', async () => {
    const refused = inputOf(URL_, { header: ['sk_live_secret'] });
    await expect(refused).rejects.toMatchObject({ code: 'bad_input' });
    await expect(refused).rejects.not.toMatchObject({
      message: expect.stringContaining('sk_live') as string,
    });
    await expect(inputOf(URL_, { header: ['A: 1', 'a: 2'] })).rejects.toMatchObject({ code: 'bad_input' });
  });

  it.each(['soon', '-1', '1.5', '1e3', ''])('refuses %j as a time', async (timeoutMs) => {
    await expect(inputOf(URL_, { timeoutMs })).rejects.toMatchObject({
      code: 'bad_input',
      message: '--timeout-ms must be a whole number.',
    });
  });
});
