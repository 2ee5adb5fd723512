import { Hono } from 'hono';
import { bodyLimit } from 'hono/body-limit';
import type { z } from 'zod';
import { findAdminClient, mayAs, type AdminClient } from '../../owner/adminClients.js';
import type { Config } from '../../config/settings.js';
import { looksLikeJwt, OidcTokens, type OidcVerdict } from './oidc.js';
import { openApi } from './openApi.js';
import type { AdminParts } from './parts.js';
import { problemAnswer, problemOf, type Problem } from './problem.js';
import type { AdminRoute } from './route.js';
import { adminRoutes } from './routes.js';

/** The largest body is a list of some settings. */
const BODY_BYTES_MAX = 64 * 1024;
/** A dashboard asks a few times a second; more is a loop. */
const CALLS_A_MINUTE = 600;
const MINUTE_MS = 60_000;
/** Ours have some fifty characters; a longer one is nobody's and is not worth hashing. */
const TOKEN_LENGTH_MAX = 200;
const BEARER = /^Bearer +([A-Za-z0-9._~+/=-]+) *$/i;
/** As many callers are counted at once: past them the oldest count goes. An issuer has people, and some programs. */
const COUNTED_MAX = 10_000;
/** As much of what an act is about as its entry in the journal has: a list of settings can be long. */
const SUBJECT_CHARS_MAX = 2_000;
const PREFIX = '/admin/v1';

/** Answers requests of the admin API over the wallet that is open. */
export interface AdminApi {
  fetch(request: Request): Promise<Response>;
}

type Env = { readonly Variables: { client: AdminClient; parts: AdminParts } };

/**
 * The admin API. Its tokens open nothing else, and no agent's token opens it. A token is less than the owner's factor: alone
 * it reads, stops and tightens (design.md: no tool raises a limit). `parts` is of the wallet that is open now, null for none.
 */
export function makeAdminApi(version: string, parts: () => AdminParts | null): AdminApi {
  const app = new Hono<Env>().basePath(PREFIX);
  const counts = new Map<string, { sinceMs: number; calls: number }>();
  const turned = (
    status: Problem['status'],
    code: string,
    detail: string,
    retryAfterSec?: number,
  ): Response => problemAnswer({ status, code, detail, retryAfterSec });

  const issued = new OidcTokens();
  const clientOf = async (config: Config, token: string, nowMs: number): Promise<OidcVerdict> => {
    if (looksLikeJwt(token)) return issued.verify(config, token, nowMs);
    return (token.length <= TOKEN_LENGTH_MAX ? findAdminClient(config, token, nowMs) : null) ?? 'wrong';
  };

  app.use(async (c, next) => {
    const open = parts();
    if (open === null) return turned(503, 'not_open', 'The wallet is not open.');
    const config = await open.config();
    // T22: a server whose settings are old does not know who was removed since.
    const { configVersion } = await open.ledger.head();
    if (config.version < configVersion)
      return turned(409, 'config_stale', 'The settings of this server are older than the ledger knows.');
    const token = BEARER.exec(c.req.header('authorization') ?? '')?.[1] ?? '';
    const known = config.admin.isOn ? await clientOf(config, token, open.now()) : 'wrong';
    if (known === 'unreachable')
      return turned(503, 'issuer_unreachable', 'The issuer of this token cannot be asked for its keys.');
    if (known === 'wrong') return turned(401, 'token_wrong', 'This token opens nothing.');
    const waitSec = count(counts, known.name, open.now());
    if (waitSec > 0)
      return turned(429, 'too_many_calls', `A client may ask ${CALLS_A_MINUTE} times a minute.`, waitSec);
    c.set('client', known);
    c.set('parts', open);
    return next();
  });
  app.use(
    bodyLimit({
      maxSize: BODY_BYTES_MAX,
      onError: () => turned(413, 'body_too_large', `A request has at most ${BODY_BYTES_MAX} bytes.`),
    }),
  );
  app.get('/openapi.json', (c) => c.json(openApi(version)));
  for (const route of adminRoutes)
    app.on(route.method, route.path.replaceAll(/\{(\w+)\}/g, ':$1'), async (c) => {
      const client = c.get('client');
      if (!mayAs(client.role, route.role))
        return turned(
          403,
          'role_too_low',
          `This takes the role ${route.role}; this client is ${client.role}.`,
        );
      const given = {
        params: parsed(route.params, c.req.param()),
        query: parsed(route.query, c.req.query()),
        body: route.body === null ? undefined : parsed(route.body, await c.req.json().catch(() => null)),
      };
      const wrong = [given.params, given.query, given.body].find((one) => one?.ok === false);
      if (wrong?.ok === false) return turned(400, 'bad_input', wrong.why);
      const values = {
        params: valueOf(given.params),
        query: valueOf(given.query),
        body: valueOf(given.body),
      };
      const answer = await perform(route, c.get('parts'), client, values);
      return c.json(answer, 200, { 'Cache-Control': 'no-store' });
    });
  app.notFound(() =>
    turned(404, 'not_found', 'There is nothing here: /admin/v1/openapi.json says what there is.'),
  );
  app.onError((error) => problemAnswer(problemOf(error)));
  return { fetch: async (request) => app.fetch(request) };
}

/** Does what was asked for. An act is in the journal before it is done; but nothing keeps a stop waiting. */
async function perform(
  route: AdminRoute,
  parts: AdminParts,
  client: AdminClient,
  given: Parameters<AdminRoute['handle']>[1],
): Promise<object> {
  const note = async (): Promise<void> => {
    if (route.noted === null) return;
    const subject = route.noted(given).slice(0, SUBJECT_CHARS_MAX);
    await parts.ledger.adminActs.note(
      { client: client.name, role: client.role, act: route.id, subject },
      parts.now(),
    );
  };
  if (!route.stops) await note();
  const answer = await route.handle({ ...parts, client }, given);
  if (route.stops) await note().catch(() => undefined);
  return answer;
}

type Parsed = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly why: string };

function parsed(schema: z.ZodType, value: unknown): Parsed {
  const result = schema.safeParse(value);
  if (result.success) return { ok: true, value: result.data };
  const [issue] = result.error.issues;
  return {
    ok: false,
    why: `${issue?.path.join('.') || 'The request'}: ${issue?.message ?? 'is not right'}.`,
  };
}

function valueOf(one: Parsed | undefined): unknown {
  return one?.ok === true ? one.value : undefined;
}

/** Counts a call of a client's; how many seconds it has to wait, 0 where it need not. */
function count(counts: Map<string, { sinceMs: number; calls: number }>, name: string, nowMs: number): number {
  const known = counts.get(name);
  if (known === undefined || Math.abs(nowMs - known.sinceMs) >= MINUTE_MS) {
    counts.delete(name);
    counts.set(name, { sinceMs: nowMs, calls: 1 });
    if (counts.size > COUNTED_MAX) counts.delete(counts.keys().next().value ?? '');
    return 0;
  }
  known.calls += 1;
  return known.calls <= CALLS_A_MINUTE ? 0 : Math.ceil((known.sinceMs + MINUTE_MS - nowMs) / 1000) || 1;
}
