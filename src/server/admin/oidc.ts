import { createLocalJWKSet, errors, jwtVerify, type JWTPayload, type JWTVerifyGetKey } from 'jose';
import { isLoopback } from '../../config/host.js';
import type { Config } from '../../config/settings.js';
import { ADMIN_ROLES } from '../../config/value/adminClient.js';
import type { OidcRole } from '../../config/value/oidc.js';
import { isWalletError } from '../../errors/walletError.js';
import { readBody } from '../../net/body.js';
import { parseCallUrl } from '../../net/destination/url.js';
import { NetFailure } from '../../net/failure.js';
import { createNet } from '../../net/send.js';
import type { AdminClient } from '../../owner/adminClients.js';
import { isJsonObject, parseJson, statedText } from '../../text/json.js';

/** Asymmetric ones alone: with a shared secret, or none, whoever reads the issuer's keys could make tokens. */
const ALGORITHMS = ['RS256', 'RS384', 'RS512', 'PS256', 'PS384', 'PS512', 'ES256', 'ES384', 'ES512', 'EdDSA'];
/** Longer ones are no access tokens; Node reads headers of 16 KiB in all. */
export const OIDC_TOKEN_CHARS_MAX = 8 * 1024;
/** What the clocks of the issuer and of this server may be apart. */
const CLOCK_SEC_MAX = 60;
/** A token of yesterday is a lost one: whoever left since must not come in. */
const AGE_SEC_MAX = 24 * 3_600;
/** A key that the issuer takes back is taken for so long more. */
const KEYS_MS_MAX = 10 * 60_000;
/** So long keys still serve where the issuer does not answer. */
const KEYS_STALE_MS_MAX = 60 * 60_000;
/** The issuer is asked no more often, whatever unknown keys are named, and by however many. */
const ASK_AGAIN_MS = 30_000;
/** A request waits for it. */
const ASK_MS_MAX = 5_000;
/** The document of an issuer and its keys have some kilobytes. */
const ANSWER_BYTES_MAX = 256 * 1024;
/** What the standard allows a subject (OpenID Connect Core 1.0, section 2). */
const SUBJECT = /^[\x21-\x7e]{1,255}$/;
const ASKER = 'admin-api';

/** What became of a token: whose it is, that it opens nothing, or that nobody can say so now. */
export type OidcVerdict = AdminClient | 'wrong' | 'unreachable';

/** The settings that decide about tokens. */
type OidcTerms = Pick<Config, 'admin' | 'net'>;

/** Whether the owner named an issuer, for whom its tokens are meant, and what they give. */
export function takesOidc({ admin }: Pick<Config, 'admin'>): boolean {
  return admin.oidcIssuer !== 'none' && admin.oidcAudience !== 'none' && admin.oidcRoles.length > 0;
}

/** Whether a bearer token is one of an issuer's: three parts with points between; no token of ours has a point. */
export function looksLikeJwt(token: string): boolean {
  return token.split('.').length === 3;
}

interface Keys {
  readonly get: JWTVerifyGetKey;
  readonly atMs: number;
}

/** Tells whose token of the owner's issuer one is. Keeps the issuer's keys, and asks for them within bounds. */
export class OidcTokens {
  /** The settings that the keys were read by: others begin anew. */
  #place = '';
  #keys: Keys | null = null;
  #askedMs = -Infinity;
  #asking: Promise<void> | null = null;

  /**
   * The client that a token makes its bearer: a role by its claims, and the issuer's own name for it behind `oidc:`, which no
   * client of the settings has. It is never a proof of the owner.
   */
  async verify(terms: OidcTerms, token: string, nowMs: number): Promise<OidcVerdict> {
    const { admin } = terms;
    if (!takesOidc(terms) || token.length > OIDC_TOKEN_CHARS_MAX) return 'wrong';
    this.#settle(terms);
    if (this.#isDue(nowMs, KEYS_MS_MAX)) await this.#ask(terms, nowMs);
    let payload = await this.#read(terms, token, nowMs);
    // A key that is new since: the issuer is asked once more, and not for each token that names one.
    if (payload === 'unknown_key' && this.#mayAsk(nowMs)) {
      await this.#ask(terms, nowMs);
      payload = await this.#read(terms, token, nowMs);
    }
    if (payload === 'no_keys') return 'unreachable';
    if (typeof payload === 'string') return 'wrong';
    const { sub = '', exp = 0, iat = 0 } = payload;
    const role = roleOf(admin.oidcRoles, payload);
    if (role === null || !SUBJECT.test(sub)) return 'wrong';
    const untilSec = Math.min(exp, iat + AGE_SEC_MAX);
    return { name: `oidc:${sub}`, role, until: new Date(untilSec * 1000).toISOString() };
  }

  #settle({ admin, net }: OidcTerms): void {
    const place = JSON.stringify([admin.oidcIssuer, net]);
    if (place === this.#place) return;
    this.#place = place;
    this.#keys = null;
    this.#askedMs = -Infinity;
  }

  async #read(
    { admin }: OidcTerms,
    token: string,
    nowMs: number,
  ): Promise<JWTPayload | 'no_keys' | 'unknown_key' | 'wrong'> {
    const keys = this.#keys;
    if (keys === null || !isWithin(keys.atMs, nowMs, KEYS_STALE_MS_MAX)) return 'no_keys';
    try {
      const { payload } = await jwtVerify(token, keys.get, {
        algorithms: ALGORITHMS,
        issuer: admin.oidcIssuer,
        audience: admin.oidcAudience,
        requiredClaims: ['exp', 'iat', 'sub'],
        clockTolerance: CLOCK_SEC_MAX,
        maxTokenAge: AGE_SEC_MAX,
        currentDate: new Date(nowMs),
      });
      return payload;
    } catch (error) {
      if (error instanceof errors.JWKSNoMatchingKey) return 'unknown_key';
      return 'wrong';
    }
  }

  #isDue(nowMs: number, ageMsMax: number): boolean {
    return (this.#keys === null || !isWithin(this.#keys.atMs, nowMs, ageMsMax)) && this.#mayAsk(nowMs);
  }

  #mayAsk(nowMs: number): boolean {
    // Whoever comes while it is being asked waits for that very answer.
    return this.#asking !== null || !isWithin(this.#askedMs, nowMs, ASK_AGAIN_MS);
  }

  async #ask(terms: OidcTerms, nowMs: number): Promise<void> {
    this.#asking ??= this.#readKeys(terms, nowMs).finally(() => (this.#asking = null));
    return this.#asking;
  }

  /** Reads the issuer's keys. Where they cannot be read, those of before stay. */
  async #readKeys(terms: OidcTerms, nowMs: number): Promise<void> {
    this.#askedMs = nowMs;
    const place = this.#place;
    const jwks = await fetchKeys(terms);
    if (jwks !== null && place === this.#place) this.#keys = { get: jwks, atMs: nowMs };
  }
}

/** Whether so little time has passed since; a clock that was set back counts as if much had. */
function isWithin(sinceMs: number, nowMs: number, msMax: number): boolean {
  return Math.abs(nowMs - sinceMs) < msMax;
}

/** The highest role that the claims give; null for none. */
function roleOf(roles: readonly OidcRole[], payload: JWTPayload): AdminClient['role'] | null {
  const given = roles.filter(({ claim, value }) => {
    const has = Object.hasOwn(payload, claim) ? payload[claim] : undefined;
    return Array.isArray(has) ? has.includes(value) : has === value;
  });
  return ADMIN_ROLES.findLast((role) => given.some((one) => one.role === role)) ?? null;
}

/** Asks the issuer where its keys are, and reads them (OpenID Connect Discovery 1.0); null where that fails in any way. */
async function fetchKeys({
  admin: { oidcIssuer: issuer },
  net: { allowPrivate, proxy },
}: OidcTerms): Promise<JWTVerifyGetKey | null> {
  const url = new URL(issuer);
  // An issuer on this machine is the owner's word that it may be asked.
  const own = isLoopback(url.hostname) ? [hostPortOf(url)] : [];
  const allowed = [...allowPrivate, ...own];
  const net = createNet({ allowPrivate: allowed, proxy, version: ASKER });
  const read = async (text: string): Promise<string | null> => {
    const answer = await net.send(
      {
        method: 'GET',
        url: parseCallUrl(text, { allowPrivate: allowed }),
        headers: [['accept', 'application/json']],
      },
      {
        deadline: { connectMs: ASK_MS_MAX, firstByteMs: ASK_MS_MAX, wholeMs: ASK_MS_MAX },
        redirects: 'return',
        bodyBytesMax: ANSWER_BYTES_MAX,
      },
    );
    const { bytes } = await readBody(answer, { bytesMax: ANSWER_BYTES_MAX });
    return answer.status === 200 ? new TextDecoder().decode(bytes) : null;
  };
  try {
    const text = await read(`${issuer.replace(/\/$/, '')}/.well-known/openid-configuration`);
    const document = text === null ? undefined : parseJson(text);
    // An issuer that calls itself otherwise is another one.
    if (!isJsonObject(document) || statedText(document, 'issuer') !== issuer) return null;
    const keys = await read(statedText(document, 'jwks_uri') ?? '');
    return keys === null
      ? null
      : createLocalJWKSet(JSON.parse(keys) as Parameters<typeof createLocalJWKSet>[0]);
  } catch (error) {
    const isTheirs =
      error instanceof NetFailure ||
      isWalletError(error) ||
      error instanceof SyntaxError ||
      error instanceof errors.JOSEError;
    if (isTheirs) return null;
    throw error;
  } finally {
    await net.close();
  }
}

function hostPortOf({ hostname, port, protocol }: URL): string {
  return `${hostname}:${port === '' ? (protocol === 'https:' ? '443' : '80') : port}`;
}
