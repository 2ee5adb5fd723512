import { parseJson, isJsonObject, statedField, type JsonObject } from '../../text/json.js';

/** Where a payment stands in the `_meta` of a tool's call, and its receipt in that of the result (x402 over MCP). */
export const PAYMENT_META = 'x402/payment';
export const RECEIPT_META = 'x402/payment-response';

/** The header by which HTTP sellers give what an MCP server gives in `_meta`. */
const RECEIPT_HEADER = 'payment-response';

/** A payment as it stands in `_meta`: the object that the header of HTTP carries in base64. Null for bytes of another kind. */
export function paymentOfHeader(value: string): JsonObject | null {
  const payment = parseJson(Buffer.from(value, 'base64').toString('utf8'));
  return isJsonObject(payment) ? payment : null;
}

/** The receipt in a result's `_meta` as the header of HTTP, for those that read it there; empty where there is none. */
export function receiptHeaders(result: JsonObject): [string, string][] {
  const meta = statedField(result, '_meta');
  const receipt = isJsonObject(meta) ? statedField(meta, RECEIPT_META) : undefined;
  if (!isJsonObject(receipt)) return [];
  return [[RECEIPT_HEADER, Buffer.from(JSON.stringify(receipt)).toString('base64')]];
}
