import type { IncomingMessage, ServerResponse } from 'node:http';
import { listenLocal, type LocalServer } from '../../sandbox/localServer.ts';
import type { Sandbox } from '../../sandbox/world.ts';

const USDC = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';
const AMOUNT = '20000';

/** A shop that sells ahead: what it issued, what came to it, and how it behaves from now on. */
export interface PrepaidShop extends LocalServer {
  /** Every request, oldest first: its path, and its credential where it had one. */
  readonly came: {
    readonly path: string;
    readonly authorization: string | undefined;
    readonly paid: boolean;
  }[];
  /** Tokens that it issued and takes, with the calls that are left of each; null for any number. */
  readonly tokens: Map<string, number | null>;
  /** Ready at once unless held back. */
  holdsJobs: boolean;
  /** What it does with a request before anything else, where a test says so. */
  instead: ((request: IncomingMessage, response: ServerResponse) => boolean) | null;
}

/**
 * Starts one on x402 v2: `/v1/token` sells a token of an hour and `/v1/credits` one of two calls, each good for `/v1/*`;
 * `/jobs/start` sells a job; any other path sells its answer.
 */
export async function startPrepaidShop({ facilitator, shop, now }: Sandbox): Promise<PrepaidShop> {
  const offer = {
    ...{ scheme: 'exact', network: 'eip155:84532', amount: AMOUNT, asset: USDC, payTo: shop.payTo },
    ...{ maxTimeoutSeconds: 60, extra: { name: 'USDC', version: '2' } },
  };
  let issued = 0;
  const server = await listenLocal((request, response) => {
    answer(request, response).catch((error: unknown) => response.writeHead(500).end(String(error)));
  }, now);
  const self: PrepaidShop = { ...server, came: [], tokens: new Map(), holdsJobs: false, instead: null };
  return self;

  async function answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const path = request.url ?? '';
    const payment = request.headers['payment-signature'];
    const { authorization } = request.headers;
    self.came.push({ path, authorization, paid: payment !== undefined });
    if (self.instead?.(request, response) === true) return;
    const token = authorization?.replace(/^Bearer /, '') ?? '';
    if (path.startsWith('/jobs/') && path !== '/jobs/start') return jobAt(path, response);
    if (typeof payment === 'string') {
      response.setHeader('payment-response', await settle(payment));
      return sold(path, response);
    }
    const left = path.startsWith('/v1/') && !isSale(path) ? self.tokens.get(token) : undefined;
    if (left === undefined || left === 0) {
      const challenge = { x402Version: 2, accepts: [offer], resource: { url: path } };
      const text = Buffer.from(JSON.stringify(challenge)).toString('base64');
      response.writeHead(402, { 'payment-required': text }).end('{}');
      return;
    }
    if (left !== null) {
      self.tokens.set(token, left - 1);
      response.setHeader('x-credits-remaining', String(left - 1));
    }
    json(response, { page: path, you_sent: authorization });
  }

  function isSale(path: string): boolean {
    return path === '/v1/token' || path === '/v1/credits';
  }

  async function settle(payment: string): Promise<string> {
    const body = JSON.stringify({
      x402Version: 2,
      paymentPayload: JSON.parse(Buffer.from(payment, 'base64').toString()) as unknown,
      paymentRequirements: offer,
    });
    const headers = { 'content-type': 'application/json' };
    const settled = await fetch(`${facilitator.url}/settle`, { method: 'POST', headers, body });
    return Buffer.from(await settled.text()).toString('base64');
  }

  function sold(path: string, response: ServerResponse): void {
    if (path === '/jobs/start') {
      response.statusCode = 202;
      return json(response, { status: 'pending', status_url: `/jobs/${(issued += 1)}` });
    }
    if (!isSale(path)) return json(response, { page: path });
    const token = `canary-token-${(issued += 1)}-${'x'.repeat(20)}`;
    self.tokens.set(token, path === '/v1/credits' ? 2 : null);
    if (path === '/v1/credits') response.setHeader('x-credits-remaining', '2');
    json(response, { access_token: token, token_type: 'Bearer', expires_in: 3600 });
  }

  function jobAt(path: string, response: ServerResponse): void {
    json(response, self.holdsJobs ? { status: 'processing' } : { status: 'done', result: path });
  }
}

function json(response: ServerResponse, body: object): void {
  response.setHeader('content-type', 'application/json');
  response.end(JSON.stringify(body));
}
