import { InMemoryTransport, type JSONRPCMessage } from '@modelcontextprotocol/server';
import { serveStdio } from '@modelcontextprotocol/server/stdio';
import { createMcpServer, type McpOptions } from '../mcp/server.js';
import type { RehearsedCall } from '../wallet/wallet.js';

/** The newest version that opens with `initialize`: what clients speak of the protocol differs in nothing that takes time. */
const PROTOCOL_VERSION = '2025-11-25';

/**
 * Makes a rehearsed call as a client of MCP does, by a connection within this process, so that what stands between a client and
 * the wallet has run once, too.
 */
export function rehearsedCall(machine: Pick<McpOptions, 'version' | 'env' | 'platform'>): RehearsedCall {
  return async (wallet, input) => {
    const [near, far] = InMemoryTransport.createLinkedPair();
    const connection = serveStdio(() => createMcpServer({ ...machine, wallet }), { transport: far });
    const ask = (id: number, method: string, params: Record<string, unknown>): Promise<unknown> =>
      new Promise((resolve) => {
        near.onmessage = (message: JSONRPCMessage): void => {
          if ('id' in message && message.id === id) resolve('result' in message ? message.result : null);
        };
        void near.send({ jsonrpc: '2.0', id, method, params });
      });
    try {
      await near.start();
      const clientInfo = { name: 'rehearsal', version: machine.version };
      await ask(1, 'initialize', { protocolVersion: PROTOCOL_VERSION, capabilities: {}, clientInfo });
      await near.send({ jsonrpc: '2.0', method: 'notifications/initialized' });
      const told = await ask(2, 'tools/call', { name: 'wallet_pay', arguments: { ...input } });
      const { structuredContent } = (told ?? {}) as { structuredContent?: { code?: string } };
      return { code: structuredContent?.code ?? 'internal' };
    } finally {
      await connection.close();
    }
  };
}
