import { createServer, type RequestListener, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { inspect } from 'node:util';
import { gzipSync } from 'node:zlib';
import { afterEach, describe, expect, test } from 'vitest';
import { readBlock, readBool, readObject, readQuantity, readUint, readWord } from './evm/answer.js';
import { openRpc } from './rpc.js';
import { RpcFault } from './rpcFault.js';

/** Far above what a local answer needs, far below what a test may take. */
const TIMEOUT_MS = 1_500;
const MIB = 1024 * 1024;

const servers: Server[] = [];
afterEach(async () => {
  for (const server of servers.splice(0)) {
    server.closeAllConnections();
    await new Promise((resolve) => server.close(resolve));
  }
});

async function serve(listener: RequestListener): Promise<string> {
  const server = createServer(listener);
  servers.push(server);
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

async function serveJson(text: string, status = 200, headers: Record<string, string> = {}): Promise<string> {
  return serve((_request, response) => {
    response.writeHead(status, { 'content-type': 'application/json', ...headers }).end(text);
  });
}

/** A promise and the way to keep it. */
function signalling(): { promise: Promise<void>; resolve: () => void } {
  let resolve = (): void => undefined;
  const promise = new Promise<void>((keep) => (resolve = keep));
  return { promise, resolve: () => resolve() };
}

/** The fault that a question ends in. */
async function faultFrom(url: string, signal?: AbortSignal): Promise<RpcFault> {
  try {
    const answer = await openRpc(url, TIMEOUT_MS).ask('eth_blockNumber', [], readQuantity, signal);
    throw new Error(`answered ${answer}`);
  } catch (fault) {
    if (fault instanceof RpcFault) return fault;
    throw fault;
  }
}

describe('an honest endpoint', () => {
  test('is asked in JSON-RPC and read', async () => {
    const url = await serve((request, response) => {
      let body = '';
      request.on('data', (chunk) => (body += String(chunk)));
      request.on('end', () => {
        const { id, jsonrpc, method, params } = JSON.parse(body) as Record<string, unknown>;
        const right =
          jsonrpc === '2.0' && method === 'eth_blockNumber' && JSON.stringify(params) === '["a",1]';
        response.setHeader('content-type', 'application/json');
        response.end(JSON.stringify({ jsonrpc, id, result: right ? '0x10' : null }));
      });
    });
    expect(await openRpc(url, TIMEOUT_MS).ask('eth_blockNumber', ['a', 1], readQuantity)).toBe(16n);
  });
});

describe('a hostile endpoint', () => {
  test.each([
    ['sends no headers', undefined],
    ['sends headers and no body', ''],
    ['sends a body of one byte at a time, for ever', ' '],
  ])('one that %s ends at the deadline', async (_name, drip) => {
    const url = await serve((request, response) => {
      request.resume();
      if (drip === undefined) return;
      response.writeHead(200, { 'content-type': 'application/json' }).write(' ');
      const timer = setInterval(() => response.write(drip), 10);
      response.on('close', () => clearInterval(timer));
    });
    const fault = await faultFrom(url);
    expect(fault.kind).toBe('no_answer');
    expect(fault.message).toBe(`${url} did not answer in time`);
  });

  test('one that never stops sending fills no memory', async () => {
    let sentBytes = 0;
    const chunk = Buffer.alloc(64 * 1024, 0x20);
    const closed = signalling();
    const url = await serve((_request, response) => {
      response.writeHead(200, { 'content-type': 'application/json' });
      response.on('close', () => closed.resolve());
      const pour = (): void => {
        while (!response.destroyed && response.write(chunk)) sentBytes += chunk.length;
      };
      response.on('drain', pour);
      pour();
    });
    expect((await faultFrom(url)).kind).toBe('too_large');
    await closed.promise;
    // What it sent beyond what we read is in the buffers of two sockets.
    expect(sentBytes).toBeLessThan(32 * MIB);
  });

  test('nor does one that says so beforehand, or compresses', async () => {
    const bomb = gzipSync(Buffer.alloc(64 * MIB, 0x20));
    const headers = { 'content-type': 'application/json' };
    const gzip = await serve((_request, response) => {
      response.writeHead(200, { ...headers, 'content-encoding': 'gzip' }).end(bomb);
    });
    expect((await faultFrom(gzip)).kind).toBe('too_large');
    const boast = await serve((_request, response) => {
      response.writeHead(200, { ...headers, 'content-length': String(64 * MIB) }).write(' ');
    });
    expect((await faultFrom(boast)).kind).toBe('too_large');
  });

  test('a redirect is not followed', async () => {
    let asked = 0;
    const elsewhere = await serve((_request, response) => {
      asked++;
      response.end('{"jsonrpc":"2.0","id":1,"result":"0x1"}');
    });
    const url = await serve(
      (_request, response) => void response.writeHead(307, { location: elsewhere }).end(),
    );
    expect((await faultFrom(url)).kind).toBe('no_answer');
    expect(asked).toBe(0);
  });

  test.each([
    [429, 'no_answer'],
    [503, 'no_answer'],
    [500, 'no_answer'],
    [403, 'no_answer'],
    [400, 'refused'],
  ])('HTTP %d is asked once, however long it says to wait', async (status, kind) => {
    let asked = 0;
    const url = await serve((_request, response) => {
      asked++;
      response.writeHead(status, { 'retry-after': '3600' }).end('go away');
    });
    const fault = await faultFrom(url);
    expect(fault.kind).toBe(kind);
    expect(fault.message).toBe(`${url} answered eth_blockNumber with HTTP ${status}`);
    expect(asked).toBe(1);
  });

  test.each([
    ['no JSON', '{"jsonrpc":"2.0","resu', 'malformed'],
    ['nothing', '', 'malformed'],
    ['null', 'null', 'no_answer'],
    ['a list', '[]', 'malformed'],
    ['no result', '{"jsonrpc":"2.0","id":1}', 'malformed'],
    ['a number', '{"result":16}', 'malformed'],
    ['an empty quantity', '{"result":"0x"}', 'malformed'],
    ['a quantity of a megabyte', `{"result":"0x${'f'.repeat(MIB)}"}`, 'malformed'],
    ['an error', '{"error":{"code":-32005,"message":"pay me"}}', 'refused'],
    ['an error of no shape', '{"error":true}', 'refused'],
  ])('%s is no answer', async (_name, text, kind) => {
    const fault = await faultFrom(await serveJson(text));
    expect(fault.kind).toBe(kind);
    expect(fault.message).not.toContain('pay me');
  });

  test('an endpoint that is gone is said to be out of reach', async () => {
    const url = await serveJson('{}');
    const server = servers.pop();
    server?.closeAllConnections();
    await new Promise((resolve) => server?.close(resolve));
    expect((await faultFrom(url)).message).toBe(`${url} cannot be reached`);
  });
});

describe('the owner’s API key', () => {
  test.each([
    ['refused', 400, '{}'],
    ['broken', 500, '{}'],
    ['an error', 200, '{"error":{"code":-1,"message":"no"}}'],
    ['malformed', 200, '{'],
    ['another answer', 200, '{"result":null}'],
    ['too large', 200, ' '.repeat(5 * MIB)],
  ])('stands in no fault (%s)', async (_name, status, text) => {
    const url = new URL(await serveJson(text, status));
    url.pathname = '/v2/K3YINPATH';
    url.search = '?key=K3YINQUERY';
    url.username = 'K3YUSER';
    url.password = 'K3YPASSWORD';
    const fault = await faultFrom(url.href);
    expect(inspect(fault, { depth: 20, showHidden: true })).not.toContain('K3Y');
    expect(fault.message).toContain(`http://${url.host} `);
  });

  test('stands in no fault of an endpoint that is out of reach', async () => {
    const fault = await faultFrom('http://K3YUSER:K3YPASSWORD@127.0.0.1:1/v2/K3YINPATH?key=K3YINQUERY');
    expect(inspect(fault, { depth: 20, showHidden: true })).not.toContain('K3Y');
  });
});

describe('a caller’s signal', () => {
  test('ends the question at once, before and during it', async () => {
    const asked = signalling();
    const closed = signalling();
    const url = await serve((request) => {
      request.resume();
      request.socket.on('close', () => closed.resolve());
      asked.resolve();
    });
    const stop = new AbortController();
    const fault = faultFrom(url, stop.signal);
    await asked.promise;
    stop.abort();
    expect((await fault).kind).toBe('no_answer');
    await closed.promise;
    expect((await faultFrom(url, AbortSignal.abort())).kind).toBe('no_answer');
  });
});

describe('strict readers', () => {
  const word = `0x${'0'.repeat(63)}1`;

  test.each([
    [
      'quantity',
      readQuantity,
      ['0x0', '0xffffffffffffffff'],
      ['', '0x', '1', '-0x1', '0x1 ', '0xg', 1, null, ['0x1'], '0x1ffffffffffffffff'],
    ],
    [
      'word',
      readWord,
      [word],
      [`${word}0`, word.slice(0, -1), word.slice(2), null, { toString: () => word }],
    ],
    ['bool', readBool, [word, `0x${'0'.repeat(64)}`], [`0x${'0'.repeat(63)}2`, '0x', '0x1', true]],
    ['uint', readUint, [`0x${'f'.repeat(64)}`], ['0x', `${word}${'0'.repeat(64)}`, null]],
    ['object', readObject, [{}], [null, [], 'text', undefined]],
  ] as const)(
    '%s',
    (_name, read: (answer: unknown) => unknown, good: readonly unknown[], bad: readonly unknown[]) => {
      for (const answer of good) expect(() => read(answer)).not.toThrow();
      for (const answer of bad) expect(() => read(answer)).toThrow();
    },
  );

  test('block', () => {
    const header = { number: '0x5', hash: word, timestamp: '0x6b003059' };
    expect(readBlock({ ...header, transactions: [] })).toEqual({
      number: 5n,
      hash: word,
      timeSec: 0x6b003059,
    });
    for (const missing of Object.keys(header))
      expect(() => readBlock({ ...header, [missing]: null })).toThrow();
    expect(() => readBlock({ ...header, timestamp: '0xffffffffffffffff' })).toThrow();
    expect(() => readBlock(null)).toThrow();
  });
});
