import { mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, describe, expect, test } from 'vitest';
import { SPOOL_FOLDER } from '../../config/home.js';
import { memoryBody, type CallBody } from '../body/callBody.js';
import { spoolBody } from '../body/spool.js';
import { callerOf } from './request.fixture.js';
import { parseRequest, type CallInput } from './request.js';
import { rememberCredentials, restoreCall, storeCall, type StoredCaller } from './storedCall.js';

const URL_ = 'https://api.example.com/v1/report';
const home = mkdtempSync(join(tmpdir(), 'purser-stored-'));
afterAll(() => rmSync(home, { recursive: true }));

const as = (agent: string): StoredCaller => ({ ...callerOf(agent), home });
const callOf = (agent: string) =>
  parseRequest({ url: URL_, headers: { Authorization: `Bearer of ${agent}` } }, callerOf(agent), []);

test('an agent in a loop of quotes costs another none of its credentials', async () => {
  const restored = (agent: string, id: string) =>
    restoreCall(id, storeCall(callOf(agent)), {}, as(agent), []);
  rememberCredentials('bob', 'quote_of_bob', callOf('bob'));
  for (let i = 0; i <= 600; i++) rememberCredentials('ada', `quote_${i}`, callOf('ada'));
  expect(await restored('bob', 'quote_of_bob')).toMatchObject({
    headers: [['authorization', 'Bearer of bob']],
  });
  // Nor does an id open another's.
  expect(await restored('ada', 'quote_of_bob')).toBe('credentials');
  expect(await restored('ada', 'quote_600')).not.toBe('credentials');
  expect(await restored('ada', 'quote_0')).toBe('credentials');
});

describe('a body that waits with its call', () => {
  const posted = (given: Partial<CallInput>) =>
    parseRequest({ url: URL_, method: 'POST', ...given }, as('ada'), []);
  const again = (stored: ReturnType<typeof storeCall>, given: Partial<CallInput> = {}) =>
    // Through text, as the ledger keeps it.
    restoreCall('q', JSON.parse(JSON.stringify(stored)) as typeof stored, given, as('ada'), []);
  const content = (body: CallBody) => ({ content: { body, contentType: 'image/png' } });
  const large = Buffer.alloc(3 * 1024 * 1024, 'pixels');
  const spooled = () => spoolBody({ home, agent: 'ada' }, memoryBody(large).read());

  test.each<[string, Partial<CallInput>]>([
    ['text', { body: 'plain é' }],
    ['JSON', { body: { a: [1] } }],
    ['bytes that are no text', content(memoryBody(Buffer.from([0xff, 0x00, 0x89, 0x50])))],
    ['text that begins with a byte order mark', content(memoryBody(Buffer.from('\ufeffa,b')))],
    ['no bytes at all', content(memoryBody(Buffer.alloc(0)))],
  ])('is the same one: %s', async (_name, given) => {
    const request = posted(given);
    const restored = await again(storeCall(request));
    expect(restored).toMatchObject({ hash: request.hash, headers: request.headers });
    const { bytes } = (typeof restored === 'string' ? undefined : restored.body) ?? {};
    expect(Buffer.from(bytes ?? [])).toEqual(Buffer.from(request.body?.bytes ?? []));
  });

  test('is found in the spool where it is large, and the ledger keeps its hash alone', async () => {
    const request = posted(content(await spooled()));
    const stored = storeCall(request);
    expect(JSON.stringify(stored).length).toBeLessThan(400);
    expect(await again(stored)).toMatchObject({ hash: request.hash, body: { length: large.length } });
  });

  test('is asked for anew where the spool has it no longer, or something else in its place', async () => {
    const request = posted(content(await spooled()));
    const stored = storeCall(request);
    const [name = ''] = readdirSync(join(home, SPOOL_FOLDER));
    writeFileSync(join(home, SPOOL_FOLDER, name), Buffer.alloc(large.length, 'others'));
    expect(await again(stored)).toBe('body');
    rmSync(join(home, SPOOL_FOLDER, name));
    expect(await again(stored)).toBe('body');
    expect(await again(stored, content(await spooled()))).toMatchObject({ hash: request.hash });
  });
});
