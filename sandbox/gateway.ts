import type { ServerResponse } from 'node:http';
import { isDeepStrictEqual } from 'node:util';
import { HTTPFacilitatorClient } from '@x402/core/server';
import { SHOP_PAY_TO } from './shop/shop.ts';
import { listenLocal } from './localServer.ts';
import { encodeHeader, readOrder, type Order } from './shop/order.ts';
import type { FacilitatorArguments, Requirements } from './shop/wire.ts';
import { atomicFromUsd } from './usd.ts';
import { USDC, USDC_DOMAIN } from './usdc.ts';

/** An LLM gateway that speaks OpenAI's and Anthropic's APIs and is paid by x402, a call at a time. */
export type Gateway = Awaited<ReturnType<typeof startGateway>>;

/** Dollars a call, by the model that it names; a cent for every other. */
const PRICES: Readonly<Record<string, string>> = { 'large-model': '0.05' };
const DEFAULT_USD = '0.01';

const JSON_TYPE = { 'content-type': 'application/json' };
const EVENTS = { 'content-type': 'text/event-stream', 'cache-control': 'no-cache' };
/** One transparent pixel. */
const PIXEL =
  'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==';

/** A wait that a test lets go on. */
class Gate {
  readonly #waiting: (() => void)[] = [];
  #open = 0;

  async pass(): Promise<void> {
    if (this.#open > 0) this.#open -= 1;
    else await new Promise<void>((resolve) => this.#waiting.push(resolve));
  }

  /** Lets one that waits, or the next to come, go on. */
  letGo(): void {
    const next = this.#waiting.shift();
    if (next === undefined) this.#open += 1;
    else next();
  }
}

/** Starts a gateway. It settles before it answers, as gateways do that stream. */
export async function startGateway(facilitatorUrl: string) {
  const facilitator = new HTTPFacilitatorClient({ url: facilitatorUrl });
  const orders: Order[] = [];
  const gate = new Gate();
  const hangUps: (() => void)[] = [];
  /** Statuses with which the next paid calls are answered, unsettled. */
  const failures: number[] = [];

  const server = await listenLocal(async (request, response) => {
    const order = await readOrder(request);
    orders.push(order);
    response.once('close', () => response.writableFinished || hangUps.shift()?.());
    if (order.path.endsWith('/models')) return sendModels(response);
    const offer = offerFor(order);
    if (order.payment === undefined) return sendOffer(response, order, offer);
    const accepted = (order.payment.payload as { accepted?: unknown } | null)?.accepted;
    if (!isDeepStrictEqual(accepted, offer)) return sendOffer(response, order, offer);
    const failure = failures.shift();
    if (failure !== undefined) return send(response, failure, { error: { message: 'Try again.' } });
    const call = [order.payment.payload, offer] as unknown as FacilitatorArguments;
    const receipt = await facilitator.settle(...call);
    if (!receipt.success) return sendOffer(response, order, offer);
    response.setHeader('PAYMENT-RESPONSE', encodeHeader(receipt));
    await answer(order, response, gate);
  });

  return {
    url: server.url,
    hostPort: server.hostPort,
    payTo: SHOP_PAY_TO,
    orders,
    /** What reached it with a payment. */
    paid: (): Order[] => orders.filter(({ payment }) => payment !== undefined),
    /** Different payments that reached it. */
    payments: (): number => new Set(orders.flatMap(({ payment }) => payment?.nonce ?? [])).size,
    /** Lets one held stream go on. */
    letGo: () => gate.letGo(),
    /** Resolves when a caller hangs up on an answer. */
    hungUp: () => new Promise<void>((resolve) => hangUps.push(resolve)),
    failNext: (...statuses: number[]) => void failures.push(...statuses),
    stop: server.close,
  };
}

function offerFor(order: Order): Requirements {
  return {
    scheme: 'exact',
    network: 'eip155:84532',
    amount: String(atomicFromUsd(PRICES[modelOf(order)] ?? DEFAULT_USD)),
    asset: USDC,
    payTo: SHOP_PAY_TO,
    maxTimeoutSeconds: 60,
    extra: { name: USDC_DOMAIN.name, version: USDC_DOMAIN.version },
  };
}

interface Asked {
  model?: string;
  stream?: boolean;
  messages?: { content: unknown }[];
  tools?: unknown[];
}

function askedIn({ body, headers }: Order): Asked {
  return /json/.test(headers['content-type'] ?? '') ? (JSON.parse(body.toString()) as Asked) : {};
}

function modelOf(order: Order): string {
  return askedIn(order).model ?? '';
}

function send(response: ServerResponse, status: number, body: unknown, headers = {}): void {
  response.writeHead(status, { ...JSON_TYPE, ...headers }).end(JSON.stringify(body));
}

function sendOffer(response: ServerResponse, order: Order, offer: Requirements): void {
  const required = {
    x402Version: 2,
    error: 'Payment required',
    resource: { url: order.url.href, description: 'A completion', mimeType: '' },
    accepts: [offer],
  };
  send(response, 402, {}, { 'PAYMENT-REQUIRED': encodeHeader(required) });
}

function sendModels(response: ServerResponse): void {
  const data = ['small-model', 'large-model'].map((id) => ({
    ...{ id, object: 'model', created: 1, owned_by: 'sandbox' },
    // Some gateways name a price, and some do not.
    ...(id === 'small-model' ? { pricing: { per_call_usd: PRICES[id] ?? DEFAULT_USD } } : {}),
  }));
  send(response, 200, { object: 'list', data });
}

async function answer(order: Order, response: ServerResponse, gate: Gate): Promise<void> {
  const asked = askedIn(order);
  const last = JSON.stringify(asked.messages?.at(-1)?.content ?? '');
  if (order.path.endsWith('/messages')) return answerAnthropic(response, asked, last, gate);
  if (order.path.endsWith('/embeddings')) {
    const data = [{ object: 'embedding', index: 0, embedding: [0.25, -0.5] }];
    return send(response, 200, { object: 'list', data, model: asked.model, usage: {} });
  }
  if (order.path.endsWith('/images/generations'))
    return send(response, 200, { created: 1, data: [{ b64_json: PIXEL }] });
  if (order.path.endsWith('/audio/transcriptions'))
    return send(response, 200, { text: `heard ${order.body.length > 1_000_000 ? 'much' : 'little'}` });
  if (order.path.endsWith('/audio/speech')) {
    response.writeHead(200, { 'content-type': 'audio/mpeg' });
    return void response.end(Buffer.alloc(200_000, 7));
  }
  if (asked.stream !== true) return send(response, 200, completionOf(asked));
  response.writeHead(200, EVENTS);
  const chunk = (delta: object, finish: string | null = null): void => {
    const choices = [{ index: 0, delta, finish_reason: finish }];
    response.write(
      `data: ${JSON.stringify({ id: 'c1', object: 'chat.completion.chunk', created: 1, model: asked.model, choices })}\n\n`,
    );
  };
  chunk({ role: 'assistant', content: 'Hello' });
  if (/hold|break/.test(last)) await gate.pass();
  if (last.includes('break')) return void response.destroy();
  chunk({ content: ' there' });
  chunk({}, 'stop');
  response.end('data: [DONE]\n\n');
}

function completionOf({ model, tools }: Asked): object {
  const call = {
    id: 'call_1',
    type: 'function',
    function: { name: 'weather', arguments: '{"city":"Lisbon"}' },
  };
  const message =
    tools === undefined
      ? { role: 'assistant', content: 'Hello there', refusal: null }
      : { role: 'assistant', content: null, tool_calls: [call] };
  const finish = tools === undefined ? 'stop' : 'tool_calls';
  return {
    ...{ id: 'c1', object: 'chat.completion', created: 1, model },
    choices: [{ index: 0, message, finish_reason: finish, logprobs: null }],
    usage: { prompt_tokens: 1, completion_tokens: 2, total_tokens: 3 },
  };
}

async function answerAnthropic(
  response: ServerResponse,
  { model, stream, tools }: Asked,
  last: string,
  gate: Gate,
): Promise<void> {
  const usage = { input_tokens: 1, output_tokens: 2 };
  const head = { id: 'msg_1', type: 'message', role: 'assistant', model, stop_sequence: null };
  if (stream !== true) {
    const content =
      tools === undefined
        ? [{ type: 'text', text: 'Hello there' }]
        : [{ type: 'tool_use', id: 'toolu_1', name: 'weather', input: { city: 'Lisbon' } }];
    const reason = tools === undefined ? 'end_turn' : 'tool_use';
    return send(response, 200, { ...head, content, stop_reason: reason, usage });
  }
  response.writeHead(200, EVENTS);
  const event = (type: string, data: object): void => {
    response.write(`event: ${type}\ndata: ${JSON.stringify({ type, ...data })}\n\n`);
  };
  event('message_start', { message: { ...head, content: [], stop_reason: null, usage } });
  event('content_block_start', { index: 0, content_block: { type: 'text', text: '' } });
  event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: 'Hello' } });
  if (/hold|break/.test(last)) await gate.pass();
  if (last.includes('break')) return void response.destroy();
  event('content_block_delta', { index: 0, delta: { type: 'text_delta', text: ' there' } });
  event('content_block_stop', { index: 0 });
  event('message_delta', { delta: { stop_reason: 'end_turn', stop_sequence: null }, usage });
  event('message_stop', {});
  response.end();
}
