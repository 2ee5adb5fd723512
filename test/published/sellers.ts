import { getRequestListener } from '@hono/node-server';
import type { ServerResponse } from 'node:http';
import { createRequire } from 'node:module';
import { pathToFileURL } from 'node:url';
import { exactResources } from '../../sandbox/exactResources.ts';
import { readBody, sendJson } from '../../sandbox/jsonHttp.ts';
import { listenLocal, type LocalServer } from '../../sandbox/localServer.ts';
import { SOLANA_DEVNET } from '../../sandbox/solana/chain.ts';
import { USDC_MINT } from '../../sandbox/solana/token.ts';
import { USDC, USDC_DOMAIN } from '../../sandbox/usdc.ts';
import type { Sandbox } from '../../sandbox/world.ts';
import type { ChainName } from '../support/world.js';

/** What each of them asks for one call, in dollars, and in the unit of USDC. */
export const PRICE_USD = '0.02';
export const PRICE_ATOMIC = 20_000n;

const BASE_SEPOLIA = 'eip155:84532';
const V1_NETWORK = 'base-sepolia';

/** A seller that runs: what is bought of it. */
export interface OpenSeller {
  readonly call:
    { readonly url: string } | { readonly mcp: { url: string; tool: string; arguments: object } };
  readonly servers: readonly LocalServer[];
}

/** A seller as some published package is one. */
export interface PublishedSeller {
  readonly name: string;
  readonly chain: ChainName;
  open(sandbox: Sandbox): Promise<OpenSeller>;
}

const require = createRequire(import.meta.url);
/** Loads a module of what is installed here; its types are the caller's word. */
const load = async <T>(path: string): Promise<T> =>
  (await import(pathToFileURL(require.resolve(path)).href)) as T;

/** The same of CommonJS: outside of Next itself no other finds `next/server`. */
const loadCommon = <T>(path: string): T => require(path) as T;

type Fetch = (request: Request) => Response | Promise<Response>;
type Handler = (context: { json(value: object): Response }) => Response;
interface HonoModule {
  readonly Hono: new () => {
    use(...parts: unknown[]): void;
    get(path: string, handler: Handler): void;
    fetch: Fetch;
  };
}

const serve = (handle: Fetch, { now }: Sandbox): Promise<LocalServer> =>
  listenLocal(getRequestListener(handle) as Parameters<typeof listenLocal>[0], now);

/** A page at `/paid` that a middleware of hono's stands before. */
async function page(middleware: unknown, sandbox: Sandbox): Promise<OpenSeller> {
  const { Hono } = await load<HonoModule>('hono');
  const app = new Hono();
  app.use('/paid', middleware);
  app.get('/paid', (context) => context.json({ sold: true }));
  const server = await serve((request) => app.fetch(request), sandbox);
  return { call: { url: `${server.url}/paid` }, servers: [server] };
}

const termsOf = ({ shop }: Sandbox) => ({
  ...{ scheme: 'exact', network: BASE_SEPOLIA, payTo: shop.payTo, maxTimeoutSeconds: 60 },
  price: { amount: String(PRICE_ATOMIC), asset: USDC, extra: { ...USDC_DOMAIN } },
});

/** A facilitator as some packages ask one: it also says what is accepted, by a status of their own, and is asked in version 2. */
function facilitatorWith(
  status: number,
  accepts: (sent: string) => readonly object[],
  { facilitator, now }: Sandbox,
) {
  return listenLocal(async (request, response) => {
    const text = String(await readBody(request));
    if (request.url === '/accepts')
      return sendJson(response, status, { x402Version: 2, resource: { url: '' }, accepts: accepts(text) });
    const headers = { 'content-type': 'application/json' };
    const body = JSON.stringify({ x402Version: 2, ...(JSON.parse(text) as object) });
    const judged = await fetch(`${facilitator.url}${request.url}`, { method: 'POST', headers, body });
    sendJson(response, judged.status, await judged.json());
  }, now);
}

/** Packages of x402 v1 take who is paid, what each path costs, and a facilitator. */
type PaymentMiddlewareV1 = (payTo: string, routes: object, facilitator: { url: string }) => unknown;
const v1 = async (name: string, { shop, facilitator }: Sandbox): Promise<unknown> => {
  const { paymentMiddleware } = await load<{ paymentMiddleware: PaymentMiddlewareV1 }>(name);
  const routes = { '/paid': { price: `$${PRICE_USD}`, network: V1_NETWORK } };
  return paymentMiddleware(shop.payTo, routes, { url: facilitator.url });
};

async function faremeter(
  accepts: object,
  supportedVersions: { readonly x402v1: boolean; readonly x402v2: boolean },
  sandbox: Sandbox,
): Promise<OpenSeller> {
  const asked = (sent: string): object[] => (JSON.parse(sent) as { accepts: object[] }).accepts;
  const glue = await facilitatorWith(200, asked, sandbox);
  const { createMiddleware } = await load<{ createMiddleware(args: object): Promise<unknown> }>(
    '@faremeter/middleware/hono',
  );
  const described = { resource: 'https://shop.invalid/', description: '', mimeType: 'application/json' };
  const terms = { scheme: 'exact', maxAmountRequired: String(PRICE_ATOMIC), ...described, ...accepts };
  const middleware = await createMiddleware({
    facilitatorURL: glue.url,
    accepts: [terms],
    supportedVersions,
  });
  const { call, servers } = await page(middleware, sandbox);
  return { call, servers: [...servers, glue] };
}

const onBase = ({ shop }: Sandbox) => ({
  ...{ network: BASE_SEPOLIA, asset: USDC, payTo: shop.payTo, maxTimeoutSeconds: 60 },
  extra: { ...USDC_DOMAIN },
});

/** Every one that is bought from. */
export const SELLERS: readonly PublishedSeller[] = [
  {
    ...{ name: '@x402/hono', chain: 'base' },
    async open(sandbox) {
      type Middleware = (routes: object, server: unknown) => unknown;
      const { paymentMiddleware } = await load<{ paymentMiddleware: Middleware }>('@x402/hono');
      const routes = { 'GET /paid': { accepts: termsOf(sandbox) } };
      return page(paymentMiddleware(routes, exactResources(sandbox.facilitator, BASE_SEPOLIA)), sandbox);
    },
  },
  {
    ...{ name: '@x402/next', chain: 'base' },
    async open(sandbox) {
      const { NextRequest, NextResponse } = loadCommon<{
        NextRequest: new (url: string, init: object) => Request;
        NextResponse: { json(value: object): Response };
      }>('next/server');
      const { withX402 } = loadCommon<{
        withX402(handler: () => Promise<Response>, route: object, server: unknown): Fetch;
      }>('@x402/next');
      const sold = (): Promise<Response> => Promise.resolve(NextResponse.json({ sold: true }));
      const paid = withX402(
        sold,
        { accepts: termsOf(sandbox) },
        exactResources(sandbox.facilitator, BASE_SEPOLIA),
      );
      const server = await serve(
        ({ url, method, headers }) => paid(new NextRequest(url, { method, headers })),
        sandbox,
      );
      return { call: { url: `${server.url}/paid` }, servers: [server] };
    },
  },
  {
    ...{ name: 'x402-hono', chain: 'base' },
    open: async (sandbox) => page(await v1('x402-hono', sandbox), sandbox),
  },
  {
    ...{ name: 'x402-express', chain: 'base' },
    async open(sandbox) {
      type Listener = Parameters<typeof listenLocal>[0];
      const { default: express } = await load<{
        default: () => Listener & { use(handler: unknown): void };
      }>('express');
      const app = express();
      app.use(await v1('x402-express', sandbox));
      app.use((_request: unknown, response: ServerResponse) => response.end('{"sold":true}'));
      const server = await listenLocal(app, sandbox.now);
      return { call: { url: `${server.url}/paid` }, servers: [server] };
    },
  },
  {
    ...{ name: '@faremeter/middleware, v1', chain: 'base' },
    open: (sandbox) => faremeter(onBase(sandbox), { x402v1: true, x402v2: false }, sandbox),
  },
  {
    ...{ name: '@faremeter/middleware, v2', chain: 'base' },
    open: (sandbox) => faremeter(onBase(sandbox), { x402v1: false, x402v2: true }, sandbox),
  },
  {
    ...{ name: '@faremeter/middleware, Solana', chain: 'solana' },
    open: (sandbox) =>
      faremeter(
        {
          // It names no time there, on purpose.
          ...{ network: SOLANA_DEVNET, asset: USDC_MINT, maxTimeoutSeconds: 0 },
          payTo: sandbox.shop.payToSolana,
          extra: { feePayer: sandbox.solana.feePayer.address },
        },
        { x402v1: false, x402v2: true },
        sandbox,
      ),
  },
  {
    ...{ name: '@agentcash/router', chain: 'solana' },
    async open(sandbox) {
      interface Router {
        readonly fetch: Fetch;
        route(at: object): { paid(usd: string): { handler(handle: () => Promise<object>): void } };
      }
      const { createRouter } = await load<{ createRouter(config: object): Router }>('@agentcash/router');
      const opened: { router?: Router } = {};
      const server = await serve(
        (request) => opened.router?.fetch(request) ?? new Response(null, { status: 503 }),
        sandbox,
      );
      const { payTo, payToSolana } = sandbox.shop;
      // On the EVM it settles by one company's own facilitator alone.
      const accepts = [
        { scheme: 'exact', network: SOLANA_DEVNET, asset: USDC_MINT, decimals: 6, payTo: payToSolana },
      ];
      const router = createRouter({
        ...{ baseUrl: server.url, payeeAddress: payTo, network: SOLANA_DEVNET, protocols: ['x402'] },
        x402: { accepts, facilitators: { solana: sandbox.facilitator.url } },
        discovery: { title: 'Shop', version: '1.0.0', description: 'Sells.', guidance: 'GET /paid' },
      });
      router
        .route({ path: 'paid', method: 'GET' })
        .paid(PRICE_USD)
        .handler(() => Promise.resolve({ sold: true }));
      opened.router = router;
      return { call: { url: `${server.url}/api/paid` }, servers: [server] };
    },
  },
  {
    ...{ name: 'x402-mcp', chain: 'base' },
    async open(sandbox) {
      interface Paid {
        paidTool(...parts: unknown[]): void;
      }
      const { createPaidMcpHandler } = await load<{
        createPaidMcpHandler(fill: (server: Paid) => void, server: object, config: object): Fetch;
      }>('x402-mcp/server');
      const sold = (): Promise<object> => Promise.resolve({ content: [{ type: 'text', text: 'sold' }] });
      const handle = createPaidMcpHandler(
        (mcp) => mcp.paidTool('article', 'Sells.', { price: Number(PRICE_USD) }, {}, {}, sold),
        { serverInfo: { name: 'shop', version: '1.0.0' } },
        {
          ...{ recipient: sandbox.shop.payTo, network: V1_NETWORK, basePath: '' },
          facilitator: { url: sandbox.facilitator.url },
        },
      );
      const server = await serve(handle, sandbox);
      return {
        call: { mcp: { url: `${server.url}/mcp`, tool: 'article', arguments: {} } },
        servers: [server],
      };
    },
  },
  {
    ...{ name: 'thirdweb', chain: 'base' },
    async open(sandbox) {
      interface Settled {
        readonly status: number;
        readonly responseHeaders: Record<string, string>;
        readonly responseBody?: object;
      }
      const { settlePayment, facilitator } = await load<{
        settlePayment(asked: object): Promise<Settled>;
        facilitator(at: object): unknown;
      }>('thirdweb/x402');
      const { createThirdwebClient } = await load<{ createThirdwebClient(of: object): unknown }>('thirdweb');
      const accept = { scheme: 'exact', amount: String(PRICE_ATOMIC), ...onBase(sandbox) };
      const glue = await facilitatorWith(402, () => [accept], sandbox);
      const { payTo } = sandbox.shop;
      const client = createThirdwebClient({ secretKey: 'none' });
      const settledBy = facilitator({ client, serverWalletAddress: payTo, baseUrl: glue.url });
      const server = await serve(async ({ url, headers }) => {
        const paymentData = headers.get('PAYMENT-SIGNATURE') ?? headers.get('X-PAYMENT');
        const { status, responseHeaders, responseBody } = await settlePayment({
          ...{ resourceUrl: url, method: 'GET', paymentData, payTo, network: BASE_SEPOLIA },
          ...{ price: `$${PRICE_USD}`, facilitator: settledBy },
        });
        return Response.json(responseBody ?? { sold: true }, { status, headers: responseHeaders });
      }, sandbox);
      return { call: { url: `${server.url}/paid` }, servers: [server, glue] };
    },
  },
];
