/** A JSON Schema 2020-12, as it goes to clients. */
export type JsonSchema = Readonly<Record<string, unknown>>;

export const TEXT: JsonSchema = { type: 'string' };
export const NUMBER: JsonSchema = { type: 'number' };
export const FLAG: JsonSchema = { type: 'boolean' };
export const LIST: JsonSchema = { type: 'array' };
/** What of a payment is always told; absent where none was made. */
export const PAYMENT: JsonSchema = recordOf('id', 'state', 'usd');

/** What of a seller's answer is always told; absent where there is none. */
export const RESPONSE: JsonSchema = recordOf('untrusted', 'status');

function recordOf(...required: readonly string[]): JsonSchema {
  return { type: 'object', required };
}

/** The fields every result has; those that say nothing are left out. */
const COMMON: readonly string[] = ['status', 'money', 'code', 'message'];

/** The two that decide what to do with all the others. */
const DECIDING: Readonly<Record<string, JsonSchema>> = {
  status: { enum: ['ok', 'approval_required', 'refused', 'failed', 'unknown'] },
  money: { enum: ['none', 'held', 'captured', 'unknown'] },
};

/**
 * The schema of a tool's results: the fields of every outcome, and fields of its own that are there when the call
 * went well.
 *
 * Some clients put it before the model with every request, so it says no more than the names do not: what they mean
 * stands once, in the descriptions and the server's instructions. No object is closed: clients check results against
 * this, and a field that is added later must not lose them an answer that was paid for. Written as it is sent, so that
 * a start has nothing to convert.
 */
export function outcomeSchema(own: Readonly<Record<string, JsonSchema>> = {}): JsonSchema {
  return { type: 'object', properties: { ...DECIDING, ...own }, required: COMMON };
}
