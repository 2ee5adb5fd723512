import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { z } from 'zod';

const value = z.union([
  z.strictObject({ stringValue: z.string() }),
  z.strictObject({ intValue: z.union([z.string(), z.number()]) }),
  z.strictObject({ doubleValue: z.number() }),
  z.strictObject({ boolValue: z.boolean() }),
]);
const attributes = z.array(z.strictObject({ key: z.string(), value }));
const resource = z.object({ attributes });
const nanos = z.string().regex(/^\d{1,20}$/);

/** What a request to `/v1/traces` is, in OTLP's JSON. */
const traceRequest = z.strictObject({
  resourceSpans: z.array(
    z.object({
      resource,
      scopeSpans: z.array(
        z.object({
          scope: z.object({ name: z.string() }),
          spans: z.array(
            z.object({
              traceId: z.string().regex(/^[0-9a-f]{32}$/),
              spanId: z.string().regex(/^[0-9a-f]{16}$/),
              parentSpanId: z
                .string()
                .regex(/^[0-9a-f]{16}$/)
                .optional(),
              name: z.string(),
              kind: z.number().int(),
              startTimeUnixNano: nanos,
              endTimeUnixNano: nanos,
              attributes,
              events: z.array(z.unknown()),
              links: z.array(z.unknown()),
              status: z.object({ code: z.number().int(), message: z.string().optional() }),
            }),
          ),
        }),
      ),
    }),
  ),
});

const point = z.object({
  attributes,
  asInt: z.union([z.string(), z.number()]).optional(),
  asDouble: z.number().optional(),
  count: z.union([z.string(), z.number()]).optional(),
});
/** What a request to `/v1/metrics` is. */
const metricsRequest = z.strictObject({
  resourceMetrics: z.array(
    z.object({
      resource,
      scopeMetrics: z.array(
        z.object({
          metrics: z.array(
            z.object({
              name: z.string(),
              sum: z.object({ dataPoints: z.array(point) }).optional(),
              gauge: z.object({ dataPoints: z.array(point) }).optional(),
              histogram: z.object({ dataPoints: z.array(point) }).optional(),
            }),
          ),
        }),
      ),
    }),
  ),
});

/** A span as it arrived. */
export interface ArrivedSpan {
  readonly traceId: string;
  readonly spanId: string;
  readonly parentSpanId: string | undefined;
  readonly name: string;
  readonly isFault: boolean;
  readonly startNs: bigint;
  readonly endNs: bigint;
  readonly attributes: Readonly<Record<string, unknown>>;
  readonly resource: Readonly<Record<string, unknown>>;
}

/** A point of a metric as it arrived. */
export interface ArrivedPoint {
  readonly name: string;
  readonly value: number;
  readonly attributes: Readonly<Record<string, unknown>>;
}

/** How a collector answers. */
export type Manner = 'takes' | 'refuses' | 'hangs' | 'breaks off';

/** An OTLP/HTTP collector on this machine: it reads each request by the protocol, and keeps what it says. */
export interface Collector extends AsyncDisposable {
  readonly url: string;
  readonly spans: ArrivedSpan[];
  readonly points: ArrivedPoint[];
  /** The bodies whole, as they came: for what must not be in them. */
  readonly bodies: string[];
  /** Why a request was none of the protocol's; empty where all were. */
  readonly faults: string[];
  /** Requests that came, whatever they were answered. */
  requests(): number;
  /** Answers from now on so; requests that hang are answered. */
  be(manner: Manner): void;
}

/** Starts one on a free port of 127.0.0.1. */
export async function startCollector(first: Manner = 'takes'): Promise<Collector> {
  let manner = first;
  let requests = 0;
  const hanging = new Set<ServerResponse>();
  const spans: ArrivedSpan[] = [];
  const points: ArrivedPoint[] = [];
  const bodies: string[] = [];
  const faults: string[] = [];
  const take = (path: string, body: string): void => {
    bodies.push(body);
    const json: unknown = JSON.parse(body);
    if (path === '/v1/traces') spans.push(...spansIn(traceRequest.parse(json)));
    else if (path === '/v1/metrics') points.push(...pointsIn(metricsRequest.parse(json)));
    else throw new Error(`nothing is at ${path}`);
  };
  const answer = async (incoming: IncomingMessage, outgoing: ServerResponse): Promise<void> => {
    requests += 1;
    let body = '';
    incoming.setEncoding('utf8');
    for await (const piece of incoming) body += piece as string;
    if (manner === 'hangs') return void hanging.add(outgoing);
    if (manner === 'breaks off') return void outgoing.destroy();
    if (manner === 'refuses') return void outgoing.writeHead(503).end('no');
    try {
      if (incoming.headers['content-type'] !== 'application/json') throw new Error('it is no JSON');
      take(incoming.url ?? '', body);
      outgoing.writeHead(200, { 'Content-Type': 'application/json' }).end('{}');
    } catch (error) {
      faults.push(String(error));
      outgoing.writeHead(400).end();
    }
  };
  const server = createServer((incoming, outgoing) => {
    answer(incoming, outgoing).catch(() => outgoing.destroy());
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  return {
    url: `http://127.0.0.1:${port}`,
    ...{ spans, points, bodies, faults },
    requests: () => requests,
    be(next) {
      manner = next;
      for (const one of hanging) one.writeHead(503).end();
      hanging.clear();
    },
    async [Symbol.asyncDispose]() {
      server.closeAllConnections();
      server.close();
      await once(server, 'close');
    },
  };
}

function spansIn({ resourceSpans }: z.infer<typeof traceRequest>): ArrivedSpan[] {
  return resourceSpans.flatMap(({ resource: from, scopeSpans }) =>
    scopeSpans.flatMap(({ spans }) =>
      spans.map((span) => ({
        ...{ traceId: span.traceId, spanId: span.spanId, parentSpanId: span.parentSpanId, name: span.name },
        isFault: span.status.code === 2,
        startNs: BigInt(span.startTimeUnixNano),
        endNs: BigInt(span.endTimeUnixNano),
        attributes: plain(span.attributes),
        resource: plain(from.attributes),
      })),
    ),
  );
}

function pointsIn({ resourceMetrics }: z.infer<typeof metricsRequest>): ArrivedPoint[] {
  return resourceMetrics.flatMap(({ scopeMetrics }) =>
    scopeMetrics.flatMap(({ metrics }) =>
      metrics.flatMap(({ name, sum, gauge, histogram }) =>
        [sum, gauge, histogram].flatMap((data) =>
          (data?.dataPoints ?? []).map(({ attributes: of, asInt, asDouble, count }) => ({
            name,
            value: Number(asInt ?? asDouble ?? count),
            attributes: plain(of),
          })),
        ),
      ),
    ),
  );
}

function plain(list: z.infer<typeof attributes>): Record<string, unknown> {
  return Object.fromEntries(list.map(({ key, value: one }) => [key, Object.values(one)[0]]));
}
