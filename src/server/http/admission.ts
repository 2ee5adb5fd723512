import { randomBytes } from 'node:crypto';
import type { HttpBindings } from '@hono/node-server';
import type { Context, MiddlewareHandler } from 'hono';
import { isWalletError } from '../../errors/walletError.js';
import type { AgentAccess, Caller } from './access.js';
import { isOwnOrigin, namesUs } from './socket/binding.js';
import { refusal, type RefusalListener } from './refusal.js';
import type { Turns } from './turns.js';

/** What every route behind the admission knows. */
export interface HttpEnv {
  readonly Bindings: HttpBindings;
  readonly Variables: { caller: Caller };
}

/** What is asked of a request before any route sees it. */
export interface AdmissionRules {
  readonly hostnames: readonly string[];
  readonly access: AgentAccess;
  readonly refused: RefusalListener;
  /** Whether the server is on its way out. */
  readonly stopping: () => boolean;
}

const REQUEST_ID_BYTES = 10;
/** Ours have some fifty characters; a longer one is nobody's and is not worth hashing. */
const TOKEN_LENGTH_MAX = 200;
const BEARER = /^Bearer +([A-Za-z0-9._~+/=-]+) *$/i;

/**
 * Lets through requests that name this server, come from no foreign page, and carry an agent's token, in this order:
 * a page that a browser shows learns nothing, not even whether a token would do (T20).
 */
export function admit(rules: AdmissionRules): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const turned = checkSource(c, rules) ?? (await checkToken(c, rules));
    return turned ?? next();
  };
}

/** What turns a request away whoever sends it: another host's name, a foreign page, the server's end; null for nothing. */
export function checkSource(c: Context<HttpEnv>, rules: AdmissionRules): Response | null {
  const { hostnames, refused } = rules;
  const { host, origin } = c.env.incoming.headers;
  // The target's own host counts too, where a request names one: `GET http://elsewhere/mcp`.
  if (!namesUs(host, hostnames) || !namesUs(new URL(c.req.url).host, hostnames)) {
    refused('host');
    return refusal(
      c,
      403,
      'This server does not answer to that host name. Its owner can allow the name: serve --allow-host NAME.',
    );
  }
  if (origin !== undefined && !isOwnOrigin(origin, hostnames)) {
    refused('origin');
    return refusal(c, 403, 'Requests from pages of other sites are refused.');
  }
  return checkStopping(c, rules);
}

function checkStopping(c: Context<HttpEnv>, { refused, stopping }: AdmissionRules): Response | null {
  if (!stopping()) return null;
  refused('stopping');
  return refusal(c, 503, 'The server is stopping.', { Connection: 'close' });
}

const BAR_WORDS = {
  suspended: 'The owner suspended this agent: nothing is done for it until they resume it.',
  expired: 'This agent’s time is over: nothing is done for it until its owner prolongs it.',
};

async function checkToken(
  c: Context<HttpEnv>,
  { access, refused }: AdmissionRules,
): Promise<Response | null> {
  const arrivedMs = performance.now();
  const token = BEARER.exec(c.env.incoming.headers.authorization ?? '')?.[1];
  if (token === undefined) {
    refused('token_missing');
    return refusal(c, 401, 'A bearer token is needed.', { 'WWW-Authenticate': 'Bearer realm="purser"' });
  }
  try {
    const agent = token.length > TOKEN_LENGTH_MAX ? undefined : await access.authenticate(token);
    if (agent !== undefined) {
      const requestId = `req_${randomBytes(REQUEST_ID_BYTES).toString('hex')}`;
      c.set('caller', { agent, requestId, arrivedMs });
      return null;
    }
    const bar = token.length > TOKEN_LENGTH_MAX ? null : await access.barOf(token);
    if (bar !== null) {
      refused('token_wrong');
      // No 401: clients take that for a reason to begin an OAuth flow, which helps nobody here.
      return refusal(c, 403, BAR_WORDS[bar]);
    }
  } catch (error) {
    refused('locked');
    // The code is ours; a message might tell a stranger about the machine.
    const code = isWalletError(error) ? error.code : 'internal';
    return refusal(c, 503, `The wallet cannot be opened (${code}).`);
  }
  refused('token_wrong');
  return refusal(c, 401, 'This token opens nothing.', {
    'WWW-Authenticate': 'Bearer realm="purser", error="invalid_token"',
  });
}

/**
 * Has each request wait for its agent's turn, its body unread. One whose turn does not come is told when to ask again;
 * a server that began to stop meanwhile begins nothing.
 */
export function inTurn(turns: Turns, rules: AdmissionRules): MiddlewareHandler<HttpEnv> {
  return async (c, next) => {
    const gone = new AbortController();
    c.env.outgoing.once('close', () => gone.abort());
    const turn = await turns.next(c.get('caller').agent, gone.signal);
    // Nobody is there to be answered.
    if (turn === 'gone') return refusal(c, 503, 'The client did not wait.');
    if (turn === 'now') return checkStopping(c, rules) ?? next();
    rules.refused('busy');
    return refusal(c, 503, 'The server is busy with other calls; nothing was done. Ask again.');
  };
}

/** What the SDK hands on to tools as the caller: the agent and the request's id, never the token. */
export function authInfoOf({ agent, requestId, arrivedMs }: Caller) {
  return { token: '', clientId: agent, scopes: [], extra: { requestId, arrivedMs } };
}
