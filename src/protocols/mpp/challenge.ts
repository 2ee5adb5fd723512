import { Buffer } from 'node:buffer';
import type { EndpointAnswer } from '../../payment/challenge.js';
import { isJsonObject, nestsDeeperThan, parseJson, type JsonObject } from '../../text/json.js';
import { readAuthChallenges } from './authParams.js';

/** Challenges read of one answer; servers send a handful (T1). */
export const CHALLENGES_MAX = 64;
/** All `WWW-Authenticate` values of one answer together; the draft asks servers to stay under 8 KB a challenge. */
const HEADER_BYTES_MAX = 131_072;
/** The reference server reads no longer `request` parameter. */
const REQUEST_CHARS_MAX = 16_384;
/** Requests nest three levels; the echo is text, so this bounds our own reading alone. */
const REQUEST_DEPTH_MAX = 16;

/** Parameters that a credential echoes, as they came (draft-httpauth-payment, "Credentials"). */
const ECHOED = [
  ...['id', 'realm', 'method', 'intent', 'request'],
  ...['description', 'digest', 'expires', 'header', 'opaque'],
] as const;

const BASE64URL = /^[A-Za-z0-9_-]+$/;
const RFC3339 = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?(?:Z|[+-]\d\d:\d\d)$/i;

/** Header fields that a credential may travel in. */
export type CredentialHeader = 'authorization' | 'payment-authorization';

/** A challenge of the scheme `Payment`, read. Its `request` is still the seller's, to be judged by its method. */
export interface PaymentChallenge {
  readonly id: string;
  readonly realm: string;
  readonly method: string;
  readonly intent: string;
  readonly request: JsonObject;
  /** When the seller stops taking it, ms since 1970; undefined where it does not say. */
  readonly expiresMs: number | undefined;
  readonly credentialHeader: CredentialHeader;
  readonly description: string | undefined;
  /** Every parameter that the credential gives back, as text, unchanged. */
  readonly echo: Readonly<Record<string, string>>;
}

/** Why a challenge of the scheme `Payment` cannot be read, as a sentence of ours. */
export interface UnreadableChallenge {
  readonly fault: string;
}

/**
 * Reads every challenge of the scheme `Payment` in an answer, each alone (draft-httpauth-payment, "Challenge"). Other
 * schemes are skipped, parameters that are not known are left out. Empty where the status is not 402. Never throws.
 */
export function readPaymentChallenges(answer: EndpointAnswer): (PaymentChallenge | UnreadableChallenge)[] {
  if (answer.status !== 402) return [];
  const values = answer.headers.filter(([name]) => name === 'www-authenticate').map(([, value]) => value);
  if (values.reduce((sum, value) => sum + value.length, 0) > HEADER_BYTES_MAX) return [];
  return values
    .flatMap(readAuthChallenges)
    .filter(({ scheme }) => scheme === 'payment')
    .slice(0, CHALLENGES_MAX)
    .map(({ params }) => readChallenge(params));
}

function readChallenge(params: ReadonlyMap<string, string> | null): PaymentChallenge | UnreadableChallenge {
  if (params === null) return fault('The parameters of the challenge cannot be read.');
  const [id, realm, method, intent, text] = ['id', 'realm', 'method', 'intent', 'request'].map(
    (name) => params.get(name) ?? '',
  ) as [string, string, string, string, string];
  if (id === '' || realm === '') return fault('The challenge has no id or no realm.');
  if (!/^[a-z][a-z0-9:_-]*$/.test(method)) return fault('The challenge names no payment method.');
  if (!/^[A-Za-z0-9-]+$/.test(intent)) return fault('The challenge names no intent.');
  const request = readRequest(text);
  if (request === undefined) return fault("The challenge's request cannot be read.");
  const expires = params.get('expires');
  if (expires !== undefined && !isTime(expires)) return fault("The challenge's expiry is no time.");
  const credentialHeader = credentialHeaderOf(params);
  if (credentialHeader === undefined)
    return fault('The challenge wants its credential in a header that this wallet does not write.');
  return {
    ...{ id, realm, method, intent, request, credentialHeader },
    expiresMs: expires === undefined ? undefined : Date.parse(expires),
    description: params.get('description'),
    echo: Object.fromEntries(
      ECHOED.flatMap((name) => {
        const value = params.get(name);
        return value === undefined ? [] : [[name, value] as const];
      }),
    ),
  };
}

function fault(sentence: string): UnreadableChallenge {
  return { fault: sentence };
}

function readRequest(text: string): JsonObject | undefined {
  if (text.length > REQUEST_CHARS_MAX || !BASE64URL.test(text)) return undefined;
  const parsed = parseJson(Buffer.from(text, 'base64url').toString('utf8'));
  return isJsonObject(parsed) && !nestsDeeperThan(parsed, REQUEST_DEPTH_MAX) ? parsed : undefined;
}

function isTime(text: string): boolean {
  return RFC3339.test(text) && Number.isSafeInteger(Date.parse(text));
}

/** `header` names the field; `requiresAuth` says that `Authorization` is taken by the seller's own sign-in. */
function credentialHeaderOf(params: ReadonlyMap<string, string>): CredentialHeader | undefined {
  const named = params.get('header')?.toLowerCase();
  if (named === 'authorization' || named === 'payment-authorization') return named;
  if (named !== undefined) return undefined;
  const requiresAuth = params.get('requiresauth')?.toLowerCase();
  return requiresAuth === undefined || requiresAuth === 'false' ? 'authorization' : 'payment-authorization';
}
