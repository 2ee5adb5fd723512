import type { ServerResponse } from 'node:http';
import express, { type Application, type ErrorHandler, type RequestHandler } from 'express';
import { getAddress, type Address } from 'viem';
import type { Chain } from '../chain.ts';
import { FaultBoard, faultNamed, type Fault, type FaultName } from '../faults.ts';
import { sendJson } from '../jsonHttp.ts';
import { listenLocal } from '../localServer.ts';
import { Recording } from '../recording.ts';
import { sendGoods } from './answer.ts';
import { Counter } from './goods.ts';
import { createPublishedMiddleware } from './middleware.ts';
import { readOrder, type Order, type PaymentSeen } from './order.ts';
import { PendingSettlements } from './pending.ts';
import { nobodysAddress, type SolanaChain } from '../solana/chain.ts';
import { priceOf, TermsBook } from './terms.ts';
import { Till } from './till.ts';

/** Where the shop's money goes. Nobody has its key. */
export const SHOP_PAY_TO: Address = getAddress('0x5e11e75e11e75e11e75e11e75e11e75e11e75e11');

/** The same on Solana. */
export const SHOP_PAY_TO_SOLANA: string = nobodysAddress(Buffer.from('purser shop'));

/** Query parameters that the published middleware knows nothing of. */
const TILL_ONLY = ['fault', 'timeout', 'payment_id', 'offers', 'chain', 'fee_payer', 'solana_extra'];

/** A handler of a test's own for one path. */
export type OwnHandler = (order: Order, response: ServerResponse) => unknown;

/** A paid HTTP API on two origins. */
export type Shop = Awaited<ReturnType<typeof startShop>>;

/** What the shop's requests pass through. */
interface AppParts {
  requests: Recording<Order>;
  handlers: Map<string, OwnHandler>;
  counter: Counter;
  faults: FaultBoard;
  till: Till;
  published: RequestHandler;
}

/** A buyer that left midway, or a facilitator that is being stopped. */
const sendError: ErrorHandler = (error, _request, response, _next) => {
  if (response.headersSent || response.destroyed) response.destroy();
  else sendJson(response, 502, { error: error instanceof Error ? error.message : String(error) });
};

/** Throws a RangeError unless the URL's price and fault make sense. */
function checkUrl(url: URL): void {
  priceOf(url);
  const fault = url.searchParams.get('fault');
  if (fault !== null) faultNamed(fault);
}

function createApp({ requests, handlers, counter, faults, till, published }: AppParts): Application {
  const app = express();
  app.disable('x-powered-by');
  app.use(async (request, response, next) => {
    const order = await readOrder(request);
    response.locals['order'] = order;
    requests.add(order);
    const own = handlers.get(order.path);
    if (own !== undefined) await own(order, response);
    else if (order.path.startsWith('/free/')) await sendGoods(response, await counter.make(order));
    else next();
  });
  app.use((_request, response, next) => {
    const order = response.locals['order'] as Order;
    const version = /^\/v([12])\//.exec(order.path)?.[1];
    if (version === undefined) return sendJson(response, 404, { error: `Nothing at ${order.path}` });
    try {
      checkUrl(order.url);
    } catch (error) {
      return sendJson(response, 400, { error: String(error) });
    }
    const plain =
      version === '2' &&
      // The middleware holds a body back until it has settled, so a stream would come in one piece.
      !order.path.startsWith('/v2/stream') &&
      !faults.has(order.url) &&
      !TILL_ONLY.some((name) => order.url.searchParams.has(name));
    return plain ? next() : till.serve(order, version === '1' ? 1 : 2, response);
  });
  app.use(published);
  app.use(async (_request, response) => {
    await sendGoods(response, await counter.make(response.locals['order'] as Order));
  });
  app.use(sendError);
  return app;
}

/**
 * Starts the shop: `/free/*`, `/v1/*` and `/v2/*` with `json`, `text`, `png`, `price/USD`, `echo`, `status/CODE`, `slow`,
 * `gate` (waits until it is let go), `large`, `stream`, `job/NAME` and `elsewhere` under each. `/v2` is served by the published `@x402/express` middleware, except where a fault or an
 * offer of another shape is asked for; those, `/v1` and streams are the till's.
 */
export async function startShop(parts: {
  chain: Chain;
  solana: SolanaChain;
  facilitatorUrl: string;
  now?: () => number;
}) {
  const { now = Date.now } = parts;
  let dateAheadSec: number | null = 0;
  const date = (): number | null => (dateAheadSec === null ? null : now() + dateAheadSec * 1000);
  const faults = new FaultBoard();
  const counter = new Counter();
  const requests = new Recording<Order>();
  const pending = new PendingSettlements(parts.chain, parts.solana);
  const handlers = new Map<string, OwnHandler>();
  const payTo = { evm: SHOP_PAY_TO, solana: SHOP_PAY_TO_SOLANA };
  await parts.solana.fund(payTo.solana, 0n);
  const till = new Till({
    facilitatorUrl: parts.facilitatorUrl,
    faults,
    terms: new TermsBook(payTo, parts.solana),
    counter,
    pending,
    otherOrigin: () => other.url,
    feePayer: parts.solana.feePayer.address,
  });
  const published = await createPublishedMiddleware(parts.facilitatorUrl, payTo);
  const app = createApp({ requests, handlers, counter, faults, till, published });
  const server = await listenLocal(app, date);
  const other = await listenLocal(app, date);

  return {
    /** `http://127.0.0.1:PORT`. */
    url: server.url,
    /** As `net.allow_private` wants it. */
    hostPort: server.hostPort,
    /** The same shop on another origin: where its redirects lead. */
    other: { url: other.url, hostPort: other.hostPort },
    payTo: SHOP_PAY_TO,
    /** The same on Solana. */
    payToSolana: SHOP_PAY_TO_SOLANA,
    /** Every request that reached the shop, on either origin. */
    requests,
    /** The payments that reached the shop, one for each request that bore one; of one path, or all. */
    payments: (path?: string): PaymentSeen[] =>
      requests.entries
        .filter((order) => path === undefined || order.path === path)
        .flatMap((order) => order.payment ?? []),
    /** How often a handler ran: by the `id` in a JSON body, by `?id=`, or by `METHOD /path`. */
    runs: (key: string): number => counter.runs(key),
    /** Resolves once a handler has begun its `count`th run for a key. */
    begun: (key: string, count = 1): Promise<string> =>
      counter.begun.waitFor((one) => one === key && counter.runs(key) >= count),
    /** Lets go on whichever run of `/v2/gate` or `/v1/gate` has waited longest for its key. */
    letGo: (key: string): void => counter.letGo(key),
    /** Switches a fault on for a path, for the next `times` requests of its leg (default: until cleared). */
    setFault: (path: string, fault: FaultName | Fault, options: { times?: number } = {}): void =>
      faults.set(path, fault, options.times),
    /** Switches faults off: of one path, or all. */
    clearFaults: (path?: string): void => faults.clear(path),
    /** Every settlement that `settlement_pending` and its like have promised, with the hash it will have. */
    pending: pending.log,
    /** Settles what `settlement_pending` and its like left open, or one payment's; the transactions' hashes. */
    releasePending: (nonce?: string): Promise<string[]> => pending.release(nonce),
    /** Forgets it instead: it never settles. */
    dropPending: (): void => pending.drop(),
    /** Dates its answers so far ahead of the time, or behind; null dates none. */
    setDate: (aheadSec: number | null): void => void (dateAheadSec = aheadSec),
    /** Hands a path to a handler of the caller's own; its requests are recorded all the same. */
    handle: (path: string, handler: OwnHandler): void => void handlers.set(path, handler),
    stop: async (): Promise<void> => void (await Promise.all([server.close(), other.close()])),
  };
}
