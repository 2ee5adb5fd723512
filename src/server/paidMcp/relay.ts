import {
  isInitializeRequest,
  isJSONRPCErrorResponse,
  isJSONRPCNotification,
  isJSONRPCRequest,
  isJSONRPCResultResponse,
  type JSONRPCMessage,
  type JSONRPCRequest,
  type RequestId,
  type Transport,
} from '@modelcontextprotocol/server';
import type { StreamableHTTPClientTransport } from '@modelcontextprotocol/client';
import { NetFailure } from '../../net/failure.js';
import type { McpDemand } from '../../protocols/mcp/demand.js';
import { PAYMENT_METAS } from '../../protocols/mcp/payment.js';
import { isJsonObject, type JsonObject } from '../../text/json.js';
import type { Outcome, ToldOutcome } from '../../wallet/answer/outcome.js';
import { failureOutcome } from '../../wallet/answer/refusal.js';
import type { Wallet } from '../../wallet/wallet.js';
import { challengeIn } from '../../wallet/mcpCall/toolCall.js';
import { payTool, priceOf } from './paidTool.js';
import { isOwnName, refusedResult, withMoney, withoutOurMeta, withPrices } from './toolResult.js';

/** JSON-RPC's code for an error of a server's own. */
const SERVER_ERROR = -32_000;
/** Tools whose price, and calls whose question to the owner, are remembered: more than any server sells. */
const REMEMBERED_MAX = 1_000;

/** What a relay stands between, and what it pays with. */
export interface RelayParts {
  readonly client: Transport;
  readonly server: StreamableHTTPClientTransport;
  readonly url: URL;
  readonly wallet: Wallet;
  /** The most that one call of a tool may cost, in dollars as text; the owner's limits hold beside it. */
  readonly maxUsd: string | undefined;
  /** Words what an outcome says to the owner, for whoever reads it there. */
  readonly tell: (outcome: Outcome) => ToldOutcome;
}

/** A request of the client's that is not answered yet. */
interface Open {
  readonly request: JSONRPCRequest;
  readonly stop: AbortController;
  /** The id by which the server knows it now: the call with its payment has one of its own. */
  upstreamId: RequestId;
  /** Whether the server has answered it: the end of its stream means nothing then. */
  isAnswered: boolean;
}

/** A call that was made again with its payment, and waits for its answer. */
interface Again {
  readonly open: Open;
  readonly settle: (answer: JsonObject) => void;
  readonly fail: (error: unknown) => void;
}

/**
 * Passes messages between an MCP client and a server that sells its tools: both ways, as they are. A tool's call that
 * the server answers with a demand for payment is paid within the owner's limits and made again with the payment, once.
 *
 * The server is a stranger: what it says of tools and prices is never believed, a tool under one of the wallet's own names
 * is neither shown nor called, and what stands in `_meta` of the wallet's is the wallet's word alone.
 */
export class PaidRelay {
  readonly #parts: RelayParts;
  readonly #open = new Map<RequestId, Open>();
  readonly #again = new Map<RequestId, Again>();
  readonly #prices = new Map<string, bigint>();
  /** Questions to the owner, by the call that they are about: the same call goes on with the answer. */
  readonly #asked = new Map<string, string>();
  #made = 0;
  #whenSettled: (() => void)[] = [];
  #initializeId: RequestId | null = null;

  constructor(parts: RelayParts) {
    this.#parts = parts;
    parts.client.onmessage = (message) => void this.#fromClient(message);
    parts.server.onmessage = (message) => void this.#fromServer(message);
    // What fails is told where it was asked for; a stream that breaks is opened again.
    parts.server.onerror = () => undefined;
  }

  /** Ends when every request is answered. */
  async settled(): Promise<void> {
    while (this.#open.size > 0) await new Promise<void>((resolve) => this.#whenSettled.push(resolve));
  }

  async #fromClient(message: JSONRPCMessage): Promise<void> {
    const { server } = this.#parts;
    if (isJSONRPCRequest(message)) {
      if (isInitializeRequest(message)) this.#initializeId = message.id;
      const request = withoutPayment(message);
      const open = { request, stop: new AbortController(), upstreamId: message.id, isAnswered: false };
      this.#open.set(message.id, open);
      if (message.method === 'tools/call' && isOwnName(message.params?.['name']))
        return this.#fail(open, 'A tool under a name of the wallet’s own is not passed on.');
      await this.#post(open.request, (error) => this.#fail(open, wordsOf(error)));
      return;
    }
    const forwarded = isJSONRPCNotification(message) ? this.#renamed(message) : message;
    await server.send(forwarded).catch(() => undefined);
  }

  /** A cancellation by the id that the server knows; the call is stopped here too. */
  #renamed(
    message: JSONRPCMessage & { method: string; params?: Record<string, unknown> | undefined },
  ): JSONRPCMessage {
    if (message.method !== 'notifications/cancelled') return message;
    const open = this.#open.get(message.params?.['requestId'] as RequestId);
    if (open === undefined) return message;
    open.stop.abort();
    this.#close(open.request.id);
    return { ...message, params: { ...message.params, requestId: open.upstreamId } };
  }

  async #post(request: JSONRPCRequest, lost: (error: unknown) => void): Promise<void> {
    try {
      await this.#parts.server.send(request, { onRequestStreamEnd: () => lost(null) });
    } catch (error) {
      lost(error);
    }
  }

  async #fromServer(message: JSONRPCMessage): Promise<void> {
    if (!isJSONRPCResultResponse(message) && !isJSONRPCErrorResponse(message)) return this.#toClient(message);
    const { id } = message;
    if (id === undefined) return;
    const again = this.#again.get(id);
    if (again !== undefined) {
      this.#again.delete(id);
      again.settle(message as unknown as JsonObject);
      return;
    }
    const open = this.#open.get(id);
    if (open === undefined || open.isAnswered) return;
    open.isAnswered = true;
    if (id === this.#initializeId && isJSONRPCResultResponse(message)) this.#noteVersion(message.result);
    const answer = message as unknown as JsonObject;
    const { method } = open.request;
    if (method !== 'tools/call')
      return this.#answer(
        open,
        method === 'tools/list' ? withPrices(answer, this.#prices) : withoutOurMeta(answer),
      );
    const challenge = challengeIn(answer);
    if (challenge === null) return this.#answer(open, withoutOurMeta(answer));
    this.#answer(open, await this.#paid(open, answer, challenge));
  }

  /** The answer to a call that asked for payment, paid or not. Never rejects. */
  async #paid(open: Open, answer: JsonObject, challenge: McpDemand): Promise<JsonObject> {
    const { wallet, url, maxUsd, tell } = this.#parts;
    const { params, id } = open.request;
    const tool = String(params?.['name'] ?? '');
    const key = JSON.stringify([tool, params?.['arguments'] ?? null]);
    const approvalId = this.#asked.get(key);
    try {
      const price = await priceOf(wallet, url, tool, challenge);
      if (price !== null) keep(this.#prices, tool, price);
      const { outcome, answer: paid } = await payTool(wallet, {
        ...{ server: url, tool, args: params?.['arguments'], answer, signal: open.stop.signal },
        ...{ maxUsd, approvalId, again: (payment) => this.#callAgain(open, payment) },
      });
      const asks = outcome['approval_id'];
      if (outcome.status === 'approval_required' && typeof asks === 'string') keep(this.#asked, key, asks);
      else this.#asked.delete(key);
      const told = tell(outcome);
      if (paid === null || challengeIn(paid) !== null || !isJsonObject(paid['result']))
        return { jsonrpc: '2.0', id, result: refusedResult(told) };
      return { ...withMoney(paid, told), id };
    } catch (error) {
      return { jsonrpc: '2.0', id, result: refusedResult(tell(failureOutcome(error))) };
    }
  }

  /** Makes a call once more, with its payment, by an id of our own. Rejects with a `NetFailure` where it is not answered. */
  #callAgain(open: Open, payment: JsonObject): Promise<JsonObject> {
    const { request, stop } = open;
    const id = `purser-paid-${(this.#made += 1)}`;
    const params = request.params ?? {};
    const _meta = { ...params._meta, ...payment };
    return new Promise((resolve, reject) => {
      const fail = (error: unknown): void => {
        if (!this.#again.delete(id)) return;
        reject(lostFailure(error));
      };
      this.#again.set(id, { open, settle: resolve, fail });
      open.upstreamId = id;
      stop.signal.addEventListener('abort', () => fail(null), { once: true });
      void this.#post({ ...request, id, params: { ...params, _meta } } as JSONRPCRequest, fail);
    });
  }

  #noteVersion({ protocolVersion }: Record<string, unknown>): void {
    if (typeof protocolVersion === 'string') this.#parts.server.setProtocolVersion(protocolVersion);
  }

  #fail(open: Open, message: string): void {
    if (open.isAnswered) return;
    this.#answer(open, { jsonrpc: '2.0', error: { code: SERVER_ERROR, message } });
  }

  #answer({ request: { id } }: Open, answer: JsonObject): void {
    if (!this.#close(id)) return;
    this.#toClient({ ...answer, id } as unknown as JSONRPCMessage);
  }

  #close(id: RequestId): boolean {
    const wasOpen = this.#open.delete(id);
    if (this.#open.size === 0) for (const resolve of this.#whenSettled.splice(0)) resolve();
    return wasOpen;
  }

  #toClient(message: JSONRPCMessage): void {
    // A client that is gone closes stdin too, and that ends us.
    this.#parts.client.send(message).catch(() => undefined);
  }
}

/** A payment in a call is the wallet's to make: whatever stands in its place is not passed on. */
function withoutPayment(request: JSONRPCRequest): JSONRPCRequest {
  const meta = request.params?._meta;
  if (meta === undefined || !PAYMENT_METAS.some((name) => name in meta)) return request;
  const kept = Object.entries(meta).filter(([name]) => !PAYMENT_METAS.includes(name));
  return { ...request, params: { ...request.params, _meta: Object.fromEntries(kept) } };
}

function keep<Value>(map: Map<string, Value>, key: string, value: Value): void {
  map.delete(key);
  map.set(key, value);
  const oldest = map.keys().next();
  if (map.size > REMEMBERED_MAX && oldest.done === false) map.delete(oldest.value);
}

/** The request was handed to the connection, so whoever got it may settle what is in it. */
function lostFailure(error: unknown): NetFailure {
  if (error instanceof NetFailure) return error;
  return new NetFailure('unreachable', 'The MCP server did not answer the paid call.', {
    ...{ leg: 'sent', bytesLeft: true, cause: error },
  });
}

function wordsOf(error: unknown): string {
  const known = error === null ? null : failureOutcome(error);
  const why = known === null || known.code === 'internal' ? '' : ` ${known.message}`;
  return `The MCP server did not answer; nothing was paid for this call.${why}`;
}
