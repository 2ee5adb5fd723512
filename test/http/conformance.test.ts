import { execFile } from 'node:child_process';
import { createServer, request, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { addFixtures } from './conformanceFixtures.js';
import { startFixture, TOKENS, type FixtureServer } from './fixture.js';

const SUITE = fileURLToPath(
  new URL('../../node_modules/@modelcontextprotocol/conformance/dist/index.js', import.meta.url),
);

let fixture: FixtureServer;
let door: Server;
beforeAll(async () => {
  fixture = await startFixture({}, addFixtures);
  // The suite cannot send a token: this door adds one, and hands on all else as it comes, Host and Origin too.
  door = createServer((incoming, outgoing) => {
    const headers = { ...incoming.headers, authorization: `Bearer ${TOKENS.ada}` };
    const { method, url: path } = incoming;
    const onward = request({ host: '127.0.0.1', port: fixture.port, method, path, headers }, (answer) => {
      outgoing.writeHead(answer.statusCode ?? 500, answer.headers);
      answer.pipe(outgoing);
    });
    onward.on('error', () => outgoing.destroy());
    outgoing.on('close', () => onward.destroy());
    incoming.pipe(onward);
  });
  await new Promise<void>((resolve) => door.listen(0, '127.0.0.1', resolve));
});
afterAll(async () => {
  door.closeAllConnections();
  door.close();
  await fixture.server.stop(Promise.resolve());
});

test('the server scenarios of the conformance suite', async () => {
  const url = `http://127.0.0.1:${(door.address() as AddressInfo).port}/mcp`;
  const text = await new Promise<string>((resolve) => {
    execFile(
      process.execPath,
      [SUITE, 'server', '--url', url],
      { maxBuffer: 64 * 1024 * 1024 },
      (_error, stdout, stderr) => resolve(stdout + stderr),
    );
  });
  const summary = text.slice(text.indexOf('=== SUMMARY ==='));
  const results = [...summary.matchAll(/^([✓✗]) ([\w-]+): (\d+) passed, (\d+) failed/gmu)];
  const passed = results.filter(([, , , , failed]) => failed === '0').map(([, , name]) => name);
  const failed = results.filter(([, , , , failed]) => failed !== '0').map(([, , name]) => name);
  console.log(
    `Conformance, server scenarios: passed ${passed.join(', ')}; not passed ${failed.join(', ') || 'none'}`,
  );
  expect(failed, text).toEqual([]);
  expect(passed.length, text).toBeGreaterThanOrEqual(30);
});
