import { createHash } from 'node:crypto';
import type { IncomingMessage, ServerResponse } from 'node:http';
import { sendJson } from '../jsonHttp.ts';
import { listenLocal } from '../localServer.ts';
import { BROKEN, ODD, POISONED } from './poison.ts';
import {
  openApiOf,
  PRICE_DIALECTS,
  RECORD_SHAPES,
  recordOf,
  type PriceDialect,
  type RecordShape,
} from './shapes.ts';
import { drawWorld, type WorldEndpoint } from './world.ts';

/** What a catalogue of the sandbox can be asked to do wrong. */
export type CatalogueFault =
  'down' | 'slow' | 'dribble' | 'huge' | 'looping' | 'endless' | 'half_broken' | 'garbled' | 'cut_midway';

/** Servers keep to a page size of their own, whatever is asked. */
const PAGE_MAX = 500;
const PAGE_DEFAULT = 100;
const SLOW_MS = 60_000;
const HUGE_BYTES = 32 * 1024 * 1024;
const SEED = 402;

/** What a catalogue is made of. */
export interface CatalogueOptions {
  readonly seed?: number;
  readonly count?: number;
  /** Endpoints that stand on the list before all others, such as the shop's. */
  readonly more?: readonly Record<string, unknown>[];
  /** Shapes its records come in; all of them in turn unless given. */
  readonly shapes?: readonly RecordShape[];
  /** Answers conditional requests with 304. */
  readonly validators?: boolean;
}

/** A catalogue on a port of its own. */
export type Catalogue = Awaited<ReturnType<typeof startCatalogue>>;

/**
 * Starts a catalogue of a made-up world, the same for the same seed: `/discovery/resources` and `/discovery/search` in
 * all shapes of records, `/poisoned/discovery/resources`, `/broken/discovery/resources`, `/payai.json`,
 * `/openapi-DIALECT.json` and `/.well-known/x402` for endpoints of this very host.
 */
export async function startCatalogue(options: CatalogueOptions = {}) {
  const { seed = SEED, count = 20_000, more = [], shapes = RECORD_SHAPES, validators = true } = options;
  const world = drawWorld(seed, count);
  const records: unknown[] = [
    ...more,
    ...world.map((endpoint, index) => recordOf(endpoint, shapes[index % shapes.length] ?? 'v2')),
  ];
  const requests: string[] = [];
  let onRequest = (): void => undefined;
  let fault: CatalogueFault | null = null;
  const server = await listenLocal((request, response) => {
    const url = new URL(request.url ?? '/', 'http://local');
    requests.push(`${url.pathname}${url.search}`);
    onRequest();
    if (fault !== null && answerFault(fault, url, response, records)) return;
    answer(request, url, response);
  });

  function answer(request: IncomingMessage, url: URL, response: ServerResponse): void {
    switch (url.pathname) {
      case '/discovery/resources':
        return sendPage(request, response, pageOf(records, url), validators);
      case '/discovery/search':
        return sendJson(response, 200, {
          x402Version: 2,
          resources: records.slice(0, 20),
          partialResults: false,
        });
      case '/poisoned/discovery/resources':
        return sendPage(request, response, pageOf([...POISONED], url), validators);
      case '/broken/discovery/resources':
        return sendPage(
          request,
          response,
          pageOf([...BROKEN, ...ODD, ...records.slice(0, 5)], url),
          validators,
        );
      case '/.well-known/x402':
        return sendJson(response, 200, {
          version: 1,
          resources: [`${server.url}/paid/a`, '/paid/b', 'POST /paid/c', 'https://elsewhere.example/d'],
        });
      default: {
        const dialect = /^\/openapi(?:-(\w+))?\.json$/.exec(url.pathname);
        if (dialect === null) return sendJson(response, 404, { error: 'Nothing here' });
        return sendJson(
          response,
          200,
          openApiOf(ownEndpoints(server.url, world), dialectNamed(dialect[1]), server.url),
        );
      }
    }
  }

  return {
    /** `http://127.0.0.1:PORT`. */
    url: server.url,
    /** The list, as `purser catalog add` takes it. */
    listUrl: `${server.url}/discovery/resources`,
    hostPort: server.hostPort,
    world,
    /** Path and query of every request, in order. */
    requests,
    /** Calls back with each request from now on. */
    onRequest: (listener: () => void): void => void (onRequest = listener),
    setFault: (next: CatalogueFault | null): void => void (fault = next),
    /** Changes what the list holds from now on. */
    replace: (change: (records: unknown[]) => void): void => change(records),
    stop: server.close,
  };
}

function dialectNamed(name: string | undefined): PriceDialect {
  return PRICE_DIALECTS.find((dialect) => dialect === name) ?? 'price';
}

/** Some endpoints as if this host had them, so that its own documents may list them. */
function ownEndpoints(url: string, world: readonly WorldEndpoint[]): WorldEndpoint[] {
  return world.slice(0, 8).map((endpoint) => ({ ...endpoint, url: url + new URL(endpoint.url).pathname }));
}

interface Page {
  readonly items: readonly unknown[];
  readonly pagination: { readonly limit: number; readonly offset: number; readonly total: number };
}

function pageOf(records: readonly unknown[], url: URL): Page {
  const offset = Number(url.searchParams.get('offset') ?? 0);
  const limit = Math.min(PAGE_MAX, Number(url.searchParams.get('limit') ?? PAGE_DEFAULT));
  return {
    items: records.slice(offset, offset + limit),
    pagination: { limit, offset, total: records.length },
  };
}

function sendPage(request: IncomingMessage, response: ServerResponse, page: Page, validators: boolean): void {
  const text = JSON.stringify({ x402Version: 2, ...page });
  const etag = `"${createHash('sha256').update(text).digest('hex').slice(0, 16)}"`;
  if (validators && request.headers['if-none-match'] === etag) {
    response.writeHead(304, { etag }).end();
    return;
  }
  response.writeHead(200, { 'content-type': 'application/json', ...(validators ? { etag } : {}) });
  response.end(text);
}

/** Answers by a fault; false where this request is not its. */
function answerFault(
  fault: CatalogueFault,
  url: URL,
  response: ServerResponse,
  records: readonly unknown[],
): boolean {
  const offset = Number(url.searchParams.get('offset') ?? 0);
  const limit = Math.min(PAGE_MAX, Number(url.searchParams.get('limit') ?? PAGE_DEFAULT));
  switch (fault) {
    case 'down':
      response.destroy();
      return true;
    case 'slow':
      setTimeout(() => response.end(), SLOW_MS).unref();
      return true;
    case 'dribble':
      return dribble(response);
    case 'huge':
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end(`{"items":["${'x'.repeat(HUGE_BYTES)}"]}`);
      return true;
    case 'looping':
      // The same page for every offset, and a total that is never reached.
      sendJson(response, 200, {
        items: records.slice(0, limit),
        pagination: { limit, offset, total: 1_000_000_000 },
      });
      return true;
    case 'endless':
      sendJson(response, 200, {
        items: Array.from({ length: limit }, (_, index) => ({
          resource: `https://endless.example/${offset + index}`,
          type: 'http',
          accepts: [],
        })),
        pagination: { limit, offset },
      });
      return true;
    case 'half_broken': {
      const page = records
        .slice(offset, offset + limit)
        .map((record, index) => (index % 2 === 0 ? record : BROKEN[index % BROKEN.length]));
      sendJson(response, 200, { items: page, pagination: { limit, offset, total: records.length } });
      return true;
    }
    case 'garbled':
      response.writeHead(200, { 'content-type': 'application/json' });
      response.end('{"items": [{"resource": "https://');
      return true;
    case 'cut_midway':
      if (offset === 0) return false;
      response.writeHead(500).end();
      return true;
  }
}

/** A byte now and then, for as long as anybody listens. */
function dribble(response: ServerResponse): boolean {
  response.writeHead(200, { 'content-type': 'application/json' });
  const timer = setInterval(() => response.write(' '), 200);
  response.on('close', () => {
    clearInterval(timer);
  });
  return true;
}
