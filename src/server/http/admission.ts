import { randomBytes } from 'node:crypto';
import type { HttpBindings } from '@hono/node-server';
import type { Context, MiddlewareHandler } from 'hono';
import { isWalletError } from '../../errors/walletError.js';
import type { AgentAccess, Caller } from './access.js';
import { isOwnOrigin, namesUs } from './binding.js';
import { refusal, type RefusalListener } from './refusal.js';

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
/** A client that finds the server stopping or locked may ask again after this. */
const RETRY_AFTER_SEC = '5';

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

function checkSource(c: Context<HttpEnv>, { hostnames, refused, stopping }: AdmissionRules): Response | null {
  const { host, origin } = c.env.incoming.headers;
  // The target's own host counts too, where a request names one: `GET http://elsewhere/mcp`.
  if (!namesUs(host, hostnames) || !namesUs(new URL(c.req.url).host, hostnames)) {
    refused('host');
    return refusal(c, 403, 'This server does not go by that name.');
  }
  if (origin !== undefined && !isOwnOrigin(origin, hostnames)) {
    refused('origin');
    return refusal(c, 403, 'Pages of other sites are not served.');
  }
  if (stopping()) {
    refused('stopping');
    return refusal(c, 503, 'The server is stopping.', {
      'Retry-After': RETRY_AFTER_SEC,
      Connection: 'close',
    });
  }
  return null;
}

async function checkToken(
  c: Context<HttpEnv>,
  { access, refused }: AdmissionRules,
): Promise<Response | null> {
  const token = BEARER.exec(c.env.incoming.headers.authorization ?? '')?.[1];
  if (token === undefined) {
    refused('token_missing');
    return refusal(c, 401, 'A bearer token is needed.', { 'WWW-Authenticate': 'Bearer realm="purser"' });
  }
  try {
    const agent = token.length > TOKEN_LENGTH_MAX ? undefined : await access.authenticate(token);
    if (agent !== undefined) {
      c.set('caller', { agent, requestId: `req_${randomBytes(REQUEST_ID_BYTES).toString('hex')}` });
      return null;
    }
  } catch (error) {
    refused('locked');
    // The code is ours; a message might tell a stranger about the machine.
    const code = isWalletError(error) ? error.code : 'internal';
    return refusal(c, 503, `The wallet cannot be opened (${code}).`, { 'Retry-After': RETRY_AFTER_SEC });
  }
  refused('token_wrong');
  return refusal(c, 401, 'This token opens nothing.', {
    'WWW-Authenticate': 'Bearer realm="purser", error="invalid_token"',
  });
}

/** What the SDK hands on to tools as the caller: the agent and the request's id, never the token. */
export function authInfoOf({ agent, requestId }: Caller) {
  return { token: '', clientId: agent, scopes: [], extra: { requestId } };
}
