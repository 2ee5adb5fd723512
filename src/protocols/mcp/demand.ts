import { isJsonObject, parseJson, statedField, type JsonObject, type JsonValue } from '../../text/json.js';

/** A demand for payment that an MCP server makes in the answer to a call of its own, instead of by HTTP. */
export interface McpDemand {
  readonly form: 'tool result' | 'JSON-RPC error';
  /** The challenge in it, as text that a reader of challenges takes. */
  readonly challenge: string;
}

/** JSON-RPC servers give it the number of the HTTP status; ATXP has one of its own, and an older one. */
const PAYMENT_REQUIRED: readonly unknown[] = [402, -32_042, -30_402];

/**
 * Finds a demand in an answer of an MCP server: an error 402 whose `data` makes offers, or a tool's result that makes them
 * as structure or as JSON in its text. The answer may come as one event of a stream. Null for all else. Never throws.
 */
export function readMcpDemand(bodyText: string): McpDemand | null {
  const message = parseJson(eventData(bodyText) ?? bodyText);
  return isJsonObject(message) ? demandOf(message) : null;
}

/** The same in one message of JSON-RPC. */
export function demandOf(message: JsonObject): McpDemand | null {
  const error = statedField(message, 'error');
  if (isJsonObject(error) && PAYMENT_REQUIRED.includes(statedField(error, 'code'))) {
    const data = withOffers(statedField(error, 'data'));
    return data === null ? null : demand('JSON-RPC error', data);
  }
  const result = statedField(message, 'result');
  if (!isJsonObject(result)) return null;
  const content = statedField(result, 'content');
  const texts = (Array.isArray(content) ? content : [])
    .filter(isJsonObject)
    .map((part) => statedField(part, 'text'))
    .flatMap((text) => (typeof text === 'string' ? [parseJson(text)] : []));
  for (const place of [statedField(result, 'structuredContent'), ...texts]) {
    const found = withOffers(place);
    if (found !== null) return demand('tool result', found);
  }
  return null;
}

/**
 * By what an MCP server asks to be paid in a way that this wallet does not pay there, as a clause; null where it asks for nothing
 * of the kind. ATXP's own servers name a payment request, and read a payment of x402 or MPP from the headers of a caller who is
 * signed in with an account; MPP over MCP lists its challenges.
 */
export function unpayableIn(message: JsonObject): string | null {
  const error = statedField(message, 'error');
  if (!isJsonObject(error) || !PAYMENT_REQUIRED.includes(statedField(error, 'code'))) return null;
  const data = statedField(error, 'data');
  if (withOffers(data) !== null) return null;
  const has = (name: string): boolean => isJsonObject(data) && statedField(data, name) !== undefined;
  if (has('paymentRequestUrl') || has('paymentRequestId'))
    return 'ATXP, which takes it from callers with an account there';
  return has('challenges') || has('mpp') ? 'MPP within an MCP call' : 'no protocol that it names';
}

function demand(form: McpDemand['form'], challenge: JsonObject): McpDemand {
  return { form, challenge: JSON.stringify(challenge) };
}

/** A stranger's data may hold `accepts` too: a demand also names its version. */
function withOffers(value: JsonValue | undefined): JsonObject | null {
  if (!isJsonObject(value)) return null;
  const makesOffers =
    Array.isArray(statedField(value, 'accepts')) && statedField(value, 'x402Version') !== undefined;
  return makesOffers ? value : null;
}

/** The data of a stream of events that is one event; undefined where it is no stream. */
function eventData(text: string): string | undefined {
  const lines = text.split(/\r?\n/).filter((line) => line.startsWith('data:'));
  return lines.length === 0 ? undefined : lines.map((line) => line.slice('data:'.length).trim()).join('\n');
}
