import type { ContentfulStatusCode } from 'hono/utils/http-status';
import { z } from 'zod';
import type { Code } from '../../errors/codes.js';
import { isWalletError } from '../../errors/walletError.js';
import { writeOutUnseen } from '../../text/untrusted.js';

const STATUSES: Partial<Record<Code, ContentfulStatusCode>> = {
  bad_input: 400,
  above_ceiling: 400,
  owner_proof_needed: 403,
  factor_needed: 403,
  factor_wrong: 403,
  factor_slowed: 429,
  second_owner_needed: 409,
  not_found: 404,
  agent_unknown: 404,
  approval_unknown: 404,
  agent_busy: 409,
  agents_full: 409,
  approval_closed: 409,
  approval_changed: 409,
  config_stale: 409,
  approval_expired: 410,
};
/** What no code of ours says is of the wallet's state, or of its database's: somebody may ask again. */
const ELSE: ContentfulStatusCode = 503;

/** An error as RFC 9457 has it. */
export const problem = z.object({
  type: z.string(),
  title: z.string(),
  status: z.number(),
  code: z.string(),
  detail: z.string().optional(),
});

/** An error as this API tells it. */
export interface Problem {
  readonly status: ContentfulStatusCode;
  readonly code: string;
  /** Ours, and nothing secret. */
  readonly detail: string;
  readonly retryAfterSec?: number | undefined;
}

/** Words an error; what is no error of ours is told by no more than that it happened (T21). */
export function problemOf(error: unknown): Problem {
  if (!isWalletError(error))
    return { status: 500, code: 'internal', detail: 'The wallet met a fault of its own.' };
  const { code, shortMessage, owner, retryAfterSec } = error;
  // T27: a message may name what was asked for.
  const detail = writeOutUnseen([shortMessage, ...(owner === undefined ? [] : [owner.say])].join(' '));
  return { status: STATUSES[code] ?? ELSE, code, detail, retryAfterSec };
}

/** The answer that tells it. */
export function problemAnswer({ status, code, detail, retryAfterSec }: Problem): Response {
  const body = { type: `urn:purser:error:${code}`, title: code.replaceAll('_', ' '), status, code, detail };
  return new Response(JSON.stringify(body), {
    status,
    headers: {
      'Content-Type': 'application/problem+json',
      'Cache-Control': 'no-store',
      ...(status === 401 ? { 'WWW-Authenticate': 'Bearer realm="admin"' } : {}),
      ...(retryAfterSec === undefined ? {} : { 'Retry-After': String(retryAfterSec) }),
    },
  });
}
