import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { chmodSync, existsSync, mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Client, StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import { hashToken } from '../../src/money/agent.js';
import { takeInheritedSockets } from '../../src/server/http/socket/inheritedSockets.js';
import { tunnelKeyOf, type ServedAt } from '../../src/server/tunnel.js';
import { tunnelFetch } from '../../src/server/tunnelFetch.js';
import { callText, startFixture, TOKENS, type FixtureServer } from './fixture.js';

let folder: string;
let path: string;
const fixtures: FixtureServer[] = [];
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'purser-socket-'));
  path = join(folder, 'purser.sock');
});
afterEach(async () => {
  for (const fixture of fixtures.splice(0)) await fixture.server.stop(Promise.resolve());
  rmSync(folder, { recursive: true });
});

async function serveAt(place: string): Promise<FixtureServer> {
  const fixture = await startFixture({ places: [{ kind: 'socket', path: place }] });
  fixtures.push(fixture);
  return fixture;
}

async function who(at: ServedAt): Promise<string> {
  const client = new Client({ name: 'at-socket', version: '1.0.0' });
  const key = tunnelKeyOf(hashToken(TOKENS.ada));
  const fetch = tunnelFetch({ at, host: 'localhost', agent: 'ada', key });
  const requestInit = { headers: { Authorization: `Bearer ${TOKENS.ada}` } };
  await client.connect(
    new StreamableHTTPClientTransport(new URL('http://localhost/mcp'), { requestInit, fetch }),
  );
  const text = await callText(client, 'who');
  await client.close();
  return text;
}

describe('a Unix socket', () => {
  test('is for its user and group alone, serves, and is gone with its server', async () => {
    const fixture = await serveAt(path);
    expect(statSync(path).mode & 0o777).toBe(0o660);
    expect(await who({ path })).toMatch(/^ada req_/);
    await fixture.server.stop(Promise.resolve());
    fixtures.length = 0;
    expect(existsSync(path)).toBe(false);
  });

  test('takes the place of one that a killed server left, and of nothing that lives or is no socket', async () => {
    const left = createServer().listen(path);
    await once(left, 'listening');
    await expect(serveAt(path)).rejects.toMatchObject({ code: 'unreachable' });
    left.close();
    await once(left, 'close');
    const dead = spawn(process.execPath, [
      '-e',
      `require('net').createServer().listen(${JSON.stringify(path)}, () => process.kill(process.pid, 'SIGKILL'))`,
    ]);
    await once(dead, 'close');
    expect(existsSync(path)).toBe(true);
    await serveAt(path);
    expect(await who({ path })).toMatch(/^ada/);
    const file = join(folder, 'file');
    writeFileSync(file, 'mine');
    await expect(serveAt(file)).rejects.toMatchObject({ code: 'bad_input' });
    expect(existsSync(file)).toBe(true);
  });

  test.each([0o770, 0o707, 0o777, 0o1777])(
    'is not made in a folder of mode %o, where others could put theirs (T33)',
    async (mode) => {
      chmodSync(folder, mode);
      await expect(serveAt(path)).rejects.toMatchObject({ code: 'bad_input' });
      expect(existsSync(path)).toBe(false);
    },
  );

  test('is not made below a folder in which others may put another in the place of its own', async () => {
    const inner = join(folder, 'inner');
    mkdirSync(inner, { mode: 0o700 });
    chmodSync(folder, 0o777);
    await expect(serveAt(join(inner, 'purser.sock'))).rejects.toThrow(folder);
    // In a sticky one, as /tmp is, each keeps its own.
    chmodSync(folder, 0o1777);
    await serveAt(join(inner, 'purser.sock'));
  });

  test('has no name that the system cuts', async () => {
    await expect(serveAt(join(folder, 'x'.repeat(100)))).rejects.toMatchObject({ code: 'bad_input' });
  });
});

describe('sockets that a service manager hands over', () => {
  test('are those from descriptor 3 on, if they are meant for this process', () => {
    expect(takeInheritedSockets({ LISTEN_PID: '7', LISTEN_FDS: '2' }, 7)).toEqual([3, 4]);
    expect(takeInheritedSockets({ LISTEN_PID: '6', LISTEN_FDS: '2' }, 7)).toEqual([]);
    expect(takeInheritedSockets({}, 7)).toEqual([]);
    for (const LISTEN_FDS of ['-1', 'x', '1e2', '17', ''])
      expect(() => takeInheritedSockets({ LISTEN_PID: '7', LISTEN_FDS }, 7)).toThrow();
  });
});
