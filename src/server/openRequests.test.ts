import type { JSONRPCMessage, Transport } from '@modelcontextprotocol/server';
import { expect, it } from 'vitest';
import { OpenRequests } from './openRequests.js';

/** A transport whose messages both ways are made by the test. */
function transport(): Transport & { receive(message: JSONRPCMessage): void } {
  const made: Transport = {
    start: async () => undefined,
    close: async () => undefined,
    send: async () => undefined,
    onmessage: () => undefined,
  };
  return Object.assign(made, { receive: (message: JSONRPCMessage) => made.onmessage?.(message, {}) });
}

it('tells once that a request of a method was answered, and not before', async () => {
  const wire = transport();
  const requests = new OpenRequests(wire);
  let told = 0;
  requests.onceAnswered('tools/list', () => (told += 1));
  for (const [id, method] of [
    [1, 'ping'],
    [2, 'tools/list'],
    [3, 'tools/list'],
  ] as const)
    wire.receive({ jsonrpc: '2.0', id, method });
  await wire.send({ jsonrpc: '2.0', id: 1, result: {} });
  expect(told).toBe(0);
  await wire.send({ jsonrpc: '2.0', id: 2, result: {} });
  await wire.send({ jsonrpc: '2.0', id: 3, result: {} });
  expect(told).toBe(1);
  await requests.none();
});
