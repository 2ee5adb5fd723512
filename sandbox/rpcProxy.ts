import type { ServerResponse } from 'node:http';
import { setTimeout as delay } from 'node:timers/promises';
import type { Hex } from 'viem';
import { createRpc } from './chain.ts';
import { dateAnswer } from './clock.ts';
import { readBody, sendJson } from './jsonHttp.ts';
import { listenLocal } from './localServer.ts';
import { Recording } from './recording.ts';
import { viewOf, type RpcView } from './rpcView.ts';
import type { Rpc } from './usdc.ts';

/**
 * How an RPC operator can fail a wallet. `down` destroys each connection; `hang` never answers; `slow` answers after `ms`;
 * `refusing` answers an HTTP error; `garbled` answers no JSON; the others answer, and are views of the chain, see
 * rpcView.ts.
 */
export type RpcFault =
  | { kind: 'down' | 'hang' | 'garbled' }
  | { kind: 'slow'; ms: number }
  | { kind: 'refusing'; status: number }
  | RpcView;

/** A JSON-RPC endpoint in front of the chain that can be made to fail. */
export interface RpcProxy {
  url: string;
  /** Every call that reached it, whatever it was answered. */
  calls: Recording<RpcCall>;
  /** Makes it fail from the next request on, in several ways at once where several are given; `null` makes it honest again. */
  setFault(fault: RpcFault | readonly RpcFault[] | null): Promise<void>;
  stop(): Promise<void>;
}

/** One JSON-RPC call. */
export interface RpcCall {
  id: unknown;
  method: string;
  params: unknown[];
}

/** What an endpoint knows of the chain behind it. */
export interface RpcProxyParts {
  now?: () => number;
  /** Called before every answer that tells how far the chain is: lets the blocks come that come by themselves elsewhere. */
  follow?: () => Promise<void>;
}

/** Questions about how far the chain is. */
const HEAD_METHODS = ['eth_getBlockByNumber', 'eth_blockNumber', 'getEpochInfo'];

/** Starts an endpoint in front of `targetUrl`; several, one lying beside one honest, may stand before one chain. */
export async function startRpcProxy(
  targetUrl: string,
  of: 'base' | 'solana' = 'base',
  { now = Date.now, follow }: RpcProxyParts = {},
): Promise<RpcProxy> {
  const ask = createRpc(targetUrl);
  const calls = new Recording<RpcCall>();
  let faults: readonly RpcFault[] = [];
  let stuckAt = 0n;

  const server = await listenLocal(async (request, response) => {
    const current = faults;
    for (const fault of current)
      if (fault.kind === 'lying') dateAnswer(response, now() + (fault.dateAheadSec ?? 0) * 1000);
    try {
      const asked = JSON.parse(String(await readBody(request))) as RpcCall | RpcCall[];
      const list = Array.isArray(asked) ? asked : [asked];
      for (const call of list) calls.add(call);
      for (const fault of current) if (await failWholly(fault, response)) return;
      if (follow !== undefined && list.some(({ method }) => HEAD_METHODS.includes(method))) await follow();
      const shown = current.reduce((rpc, fault) => viewOf(rpc, fault, stuckAt, of), ask);
      const answers = await Promise.all(list.map((call) => answer(shown, call)));
      sendJson(response, 200, Array.isArray(asked) ? answers : answers[0]);
    } catch (error) {
      sendJson(response, 502, { error: String(error) });
    }
  }, now);

  return {
    url: server.url,
    calls,
    async setFault(next) {
      const list = next === null ? [] : 'kind' in next ? [next] : next;
      if (list.some(({ kind }) => kind === 'stuck'))
        stuckAt = BigInt((await ask(of === 'base' ? 'eth_blockNumber' : 'getSlot', [])) as Hex | number);
      faults = list;
    },
    stop: server.close,
  };
}

/** The faults below JSON-RPC; true where the request has thereby met its end. */
async function failWholly(fault: RpcFault, response: ServerResponse): Promise<boolean> {
  switch (fault.kind) {
    case 'down':
      response.destroy();
      return true;
    case 'hang':
      return true;
    case 'refusing':
      sendJson(response, fault.status, { error: 'refused' });
      return true;
    case 'garbled':
      response.writeHead(200, { 'content-type': 'application/json' }).end('{"jsonrpc":"2.0","resu');
      return true;
    case 'slow':
      await delay(fault.ms);
      return false;
    default:
      return false;
  }
}

async function answer(ask: Rpc, { id, method, params }: RpcCall): Promise<unknown> {
  try {
    return { jsonrpc: '2.0', id, result: await ask(method, params ?? []) };
  } catch (error) {
    const message = error instanceof Error ? error.message : String(error);
    return { jsonrpc: '2.0', id, error: { code: -32000, message } };
  }
}
