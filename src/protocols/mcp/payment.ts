import type { HeaderList } from '../../payment/challenge.js';
import { parseJson, isJsonObject, statedField, type JsonObject } from '../../text/json.js';

/** Where a payment stands in the `_meta` of a tool's call (x402 over MCP), and where servers of x402 v1 look for it. */
const PAYMENT_META = 'x402/payment';
const PAYMENT_META_V1 = 'x402.payment';
/** Where a credential of MPP does. */
const CREDENTIAL_META = 'org.paymentauth/credential';
/** Every name under which a payment stands in `_meta`. */
export const PAYMENT_METAS: readonly string[] = [PAYMENT_META, PAYMENT_META_V1, CREDENTIAL_META];
/** Where its receipt stands in the `_meta` of the result. */
const RECEIPT_METAS: readonly string[] = ['x402/payment-response', 'x402.payment-response'];
const MPP_RECEIPT_META = 'org.paymentauth/receipt';

/** The headers by which HTTP sellers give what an MCP server gives in `_meta`. */
const RECEIPT_HEADER = 'payment-response';
const MPP_RECEIPT_HEADER = 'payment-receipt';

/** How a credential of MPP begins in its header. */
const CREDENTIAL = /^Payment ([A-Za-z0-9_-]+)$/;
/** A value of a header holds neither line breaks nor other control characters. */
const UNWRITABLE = /\p{Cc}/u;

/**
 * What pays in the `_meta` of a call: the object that the header of HTTP carries in base64. Published servers of x402 v1 read
 * the base64 itself, under a name of their own: it is one signature under both. Null for bytes of another kind.
 */
export function paymentMeta(headerValue: string): JsonObject | null {
  const credential = CREDENTIAL.exec(headerValue)?.[1];
  if (credential !== undefined) return credentialMeta(credential);
  const payment = parseJson(Buffer.from(headerValue, 'base64').toString('utf8'));
  if (!isJsonObject(payment)) return null;
  const isV1 = statedField(payment, 'x402Version') === 1;
  return { [PAYMENT_META]: payment, ...(isV1 ? { [PAYMENT_META_V1]: headerValue } : {}) };
}

/** A credential as HTTP has it, with its challenge as MCP does: the request is no text there. */
function credentialMeta(encoded: string): JsonObject | null {
  const credential = fromBase64(encoded);
  const challenge = isJsonObject(credential) ? statedField(credential, 'challenge') : undefined;
  if (!isJsonObject(credential) || !isJsonObject(challenge)) return null;
  const request = fromBase64(String(statedField(challenge, 'request') ?? ''));
  return { [CREDENTIAL_META]: { ...credential, challenge: { ...challenge, request: request ?? null } } };
}

/**
 * A challenge of MPP as the header of HTTP that says the same, for those that read it there; empty for one that no header can
 * say. Its request is an object here, and text there.
 */
export function challengeHeader(challenge: JsonObject): HeaderList {
  const request = statedField(challenge, 'request');
  if (!isJsonObject(request)) return [];
  const fields = Object.keys(challenge)
    .filter((name) => PARAMETER.test(name))
    .map((name) => [name, name === 'request' ? inBase64(request) : statedField(challenge, name)] as const)
    .filter((field): field is readonly [string, string] => typeof field[1] === 'string');
  if (fields.some(([, value]) => UNWRITABLE.test(value))) return [];
  const quoted = fields.map(([name, value]) => `${name}="${value.replaceAll(/[\\"]/g, '\\$&')}"`);
  return [['www-authenticate', `Payment ${quoted.join(', ')}`]];
}

/** What a parameter of a header may be called; MPP's own are. */
const PARAMETER = /^[A-Za-z]+$/;

/** The receipts in a result's `_meta` as headers of HTTP, for those that read them there; empty where there is none. */
export function receiptHeaders(result: JsonObject): [string, string][] {
  const meta = statedField(result, '_meta');
  if (!isJsonObject(meta)) return [];
  const receipt = RECEIPT_METAS.map((name) => statedField(meta, name)).find((one) => one !== undefined);
  const ofMpp = statedField(meta, MPP_RECEIPT_META);
  const standard = Buffer.from(JSON.stringify(receipt ?? null)).toString('base64');
  return [
    ...(isJsonObject(receipt) ? [[RECEIPT_HEADER, standard] as [string, string]] : []),
    ...(isJsonObject(ofMpp) ? [[MPP_RECEIPT_HEADER, inBase64(ofMpp)] as [string, string]] : []),
  ];
}

function inBase64(value: JsonObject): string {
  return Buffer.from(JSON.stringify(value), 'utf8').toString('base64url');
}

function fromBase64(text: string): ReturnType<typeof parseJson> {
  return parseJson(Buffer.from(text, 'base64url').toString('utf8'));
}
