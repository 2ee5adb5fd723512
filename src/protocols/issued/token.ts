import { isJsonObject, parseJson, statedField, statedText } from '../../text/json.js';

/** What a request may carry of a token: RFC 6750, 2.1. */
const TOKEN = /^[A-Za-z0-9\-._~+/]+=*$/;
/** Longer than any token that common servers take in a header. */
const TOKEN_CHARACTERS_MAX = 4_096;
/** A seller that says "for ever" in seconds means no end that matters here. */
const LIFE_SEC_MAX = 10 * 365 * 86_400;

/** A token that an answer issued, to be sent as `Authorization: Bearer …`. */
export interface IssuedToken {
  readonly value: string;
  /** Null where the seller says none. */
  readonly expiresInSec: number | null;
}

/**
 * The access token of an answer, by the fields of OAuth 2.0 (RFC 6749, 5.1): `access_token`, a `token_type` that is
 * `Bearer` where there is one, `expires_in`. Null for anything else: no other field and no text is taken for a token.
 */
export function readIssuedToken(bodyText: string): IssuedToken | null {
  const body = parseJson(bodyText);
  if (!isJsonObject(body)) return null;
  const value = statedText(body, 'access_token');
  if (value === undefined || value.length > TOKEN_CHARACTERS_MAX || !TOKEN.test(value)) return null;
  const type = statedField(body, 'token_type') ?? 'bearer';
  if (typeof type !== 'string' || type.toLowerCase() !== 'bearer') return null;
  const life = statedField(body, 'expires_in');
  const isLife = typeof life === 'number' && Number.isFinite(life) && life >= 0 && life <= LIFE_SEC_MAX;
  return { value, expiresInSec: isLife ? Math.floor(life) : null };
}
