import { parseJson, isJsonObject, statedField, type JsonObject } from '../../text/json.js';

/** Where a payment stands in the `_meta` of a tool's call (x402 over MCP), and where servers of x402 v1 look for it. */
const PAYMENT_META = 'x402/payment';
const PAYMENT_META_V1 = 'x402.payment';
/** Every name under which a payment stands in `_meta`. */
export const PAYMENT_METAS: readonly string[] = [PAYMENT_META, PAYMENT_META_V1];
/** Where its receipt stands in the `_meta` of the result. */
const RECEIPT_METAS: readonly string[] = ['x402/payment-response', 'x402.payment-response'];

/** The header by which HTTP sellers give what an MCP server gives in `_meta`. */
const RECEIPT_HEADER = 'payment-response';

/**
 * What pays in the `_meta` of a call: the object that the header of HTTP carries in base64. Published servers of x402 v1 read
 * the base64 itself, under a name of their own: it is one signature under both. Null for bytes of another kind.
 */
export function paymentMeta(headerValue: string): JsonObject | null {
  const payment = parseJson(Buffer.from(headerValue, 'base64').toString('utf8'));
  if (!isJsonObject(payment)) return null;
  const isV1 = statedField(payment, 'x402Version') === 1;
  return { [PAYMENT_META]: payment, ...(isV1 ? { [PAYMENT_META_V1]: headerValue } : {}) };
}

/** The receipt in a result's `_meta` as the header of HTTP, for those that read it there; empty where there is none. */
export function receiptHeaders(result: JsonObject): [string, string][] {
  const meta = statedField(result, '_meta');
  const receipts = isJsonObject(meta) ? RECEIPT_METAS.map((name) => statedField(meta, name)) : [];
  const receipt = receipts.find((one) => one !== undefined);
  if (!isJsonObject(receipt)) return [];
  return [[RECEIPT_HEADER, Buffer.from(JSON.stringify(receipt)).toString('base64')]];
}
