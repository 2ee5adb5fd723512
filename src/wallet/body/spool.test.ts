import { hash } from 'node:crypto';
import { mkdtempSync, readdirSync, rmSync, statSync, utimesSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, expect, test } from 'vitest';
import { SPOOL_FOLDER } from '../../config/home.js';
import { findSpooled, spoolBody, sweepSpool } from './spool.js';
import type { CallBody } from './callBody.js';

const MIB = 1024 * 1024;
let home = '';
beforeEach(() => {
  home = mkdtempSync(join(tmpdir(), 'purser-spool-'));
});
afterEach(() => rmSync(home, { recursive: true }));

const files = (): string[] => {
  try {
    return readdirSync(join(home, SPOOL_FOLDER));
  } catch {
    return [];
  }
};
async function* piecesOf(mebibytes: number, fill = 'a'): AsyncGenerator<Uint8Array> {
  // One buffer, filled anew: whoever keeps a piece has to copy it.
  const buffer = Buffer.alloc(MIB / 4);
  for (let i = 0; i < mebibytes * 4; i++) yield buffer.fill(`${fill}${i % 10}`);
}
async function bytesOf(body: CallBody | null): Promise<string> {
  const pieces: Uint8Array[] = [];
  for await (const piece of body?.read() ?? []) pieces.push(piece);
  return hash('sha256', Buffer.concat(pieces));
}
async function whole(pieces: AsyncIterable<Uint8Array>): Promise<string> {
  const copies: Uint8Array[] = [];
  for await (const piece of pieces) copies.push(Uint8Array.from(piece));
  return hash('sha256', Buffer.concat(copies));
}

test('what is small stays in memory, and what is large is read from a file of the owner’s alone, as often as asked', async () => {
  const small = await spoolBody({ home, agent: 'ada' }, piecesOf(1));
  expect(small).toMatchObject({ length: MIB, sha256: await whole(piecesOf(1)) });
  expect([small.bytes?.length, files()]).toEqual([MIB, []]);

  const large = await spoolBody({ home, agent: 'ada' }, piecesOf(5));
  const sha256 = await whole(piecesOf(5));
  expect(large).toMatchObject({ length: 5 * MIB, sha256, bytes: null });
  expect([await bytesOf(large), await bytesOf(large)]).toEqual([sha256, sha256]);
  const [name = '', ...others] = files();
  expect(others).toEqual([]);
  if (process.platform !== 'win32') {
    expect(statSync(join(home, SPOOL_FOLDER, name)).mode & 0o777).toBe(0o600);
    expect(statSync(join(home, SPOOL_FOLDER)).mode & 0o777).toBe(0o700);
  }
  // No other agent has it by its hash.
  expect(await findSpooled({ home, agent: 'bob' }, sha256)).toBeNull();
  expect(await bytesOf(await findSpooled({ home, agent: 'ada' }, sha256))).toBe(sha256);
  expect(await findSpooled({ home, agent: 'ada' }, '../config.json')).toBeNull();
});

test('a body without end is left after 64 MiB, and nothing of it is kept (T15)', async () => {
  let given = 0;
  async function* endless(): AsyncGenerator<Uint8Array> {
    for (;;) {
      given += MIB;
      yield* piecesOf(1);
    }
  }
  await expect(spoolBody({ home, agent: 'ada' }, endless())).rejects.toMatchObject({ code: 'bad_input' });
  expect(given).toBeLessThanOrEqual(66 * MIB);
  expect(files()).toEqual([]);
});

test('an agent’s bodies share a room of 256 MiB, at once too, and take none of another’s', async () => {
  const place = { home, agent: 'ada' };
  const kept = await Promise.allSettled(
    ['a', 'b', 'c', 'd', 'e'].map((fill) => spoolBody(place, piecesOf(60, fill))),
  );
  const refused = kept.filter(({ status }) => status === 'rejected');
  expect(refused).toMatchObject([{ reason: { code: 'bad_input', retry: 'after_delay' } }]);
  await expect(spoolBody({ home, agent: 'bob' }, piecesOf(2))).resolves.toMatchObject({ length: 2 * MIB });

  // What no call can still need makes way, and so does the rest of a process that died.
  const before = new Date(Date.now() - 3_600_000);
  for (const name of files()) utimesSync(join(home, SPOOL_FOLDER, name), before, before);
  await expect(spoolBody(place, piecesOf(2))).resolves.toMatchObject({ length: 2 * MIB });
  await sweepSpool(home, Date.now());
  expect(files().length).toBe(1);
});
