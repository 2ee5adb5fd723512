import type { HeaderList } from '../../payment/challenge.js';
import { isJsonObject, parseJson, statedField, type JsonObject, type JsonValue } from '../../text/json.js';
import { CHARGE } from '../mpp/charge.js';
import { challengeHeader } from './payment.js';

/** A demand for payment that an MCP server makes in the answer to a call of its own, as the 402 that it stands for. */
export interface McpDemand {
  readonly form: 'tool result' | 'JSON-RPC error';
  /** The offers of x402, as JSON; what MPP says of a failure where there are none. */
  readonly bodyText: string;
  /** The challenges of MPP. */
  readonly headers: HeaderList;
}

/** JSON-RPC servers give it the number of the HTTP status; MPP, and ATXP, have their own, and ATXP had an older one. */
const PAYMENT_REQUIRED: readonly unknown[] = [402, -32_042, -32_043, -30_402];
/** Where MPP's challenges stand in the `_meta` of a tool's result. */
const CHALLENGES_META = 'org.paymentauth/payment-required';

/**
 * Finds a demand in an answer of an MCP server: an error 402 whose `data` makes offers of x402 or challenges of MPP, or a tool's
 * result that makes them as structure, as JSON in its text, or in its `_meta`. The answer may come as one event of a stream. Null
 * for all else. Never throws.
 */
export function readMcpDemand(bodyText: string): McpDemand | null {
  const message = parseJson(eventData(bodyText) ?? bodyText);
  return isJsonObject(message) ? demandOf(message) : null;
}

/** The same in one message of JSON-RPC. */
export function demandOf(message: JsonObject): McpDemand | null {
  const error = statedField(message, 'error');
  if (isJsonObject(error) && PAYMENT_REQUIRED.includes(statedField(error, 'code'))) {
    const data = statedField(error, 'data');
    return demand('JSON-RPC error', withOffers(data), data);
  }
  const result = statedField(message, 'result');
  if (!isJsonObject(result)) return null;
  const content = statedField(result, 'content');
  const texts = (Array.isArray(content) ? content : [])
    .filter(isJsonObject)
    .map((part) => statedField(part, 'text'))
    .flatMap((text) => (typeof text === 'string' ? [parseJson(text)] : []));
  const places = [statedField(result, 'structuredContent'), ...texts];
  const offers = places.map(withOffers).find((one) => one !== null) ?? null;
  const meta = statedField(result, '_meta');
  return demand('tool result', offers, isJsonObject(meta) ? statedField(meta, CHALLENGES_META) : undefined);
}

/**
 * By what an MCP server asks to be paid in a way that this wallet does not pay there, as a clause; null where it asks for nothing
 * of the kind. ATXP's own servers name a payment request, and take a payment from the headers of a caller who has a token of
 * ATXP's authorization service, which settles it, too.
 */
export function unpayableIn(message: JsonObject): string | null {
  const error = statedField(message, 'error');
  if (!isJsonObject(error) || !PAYMENT_REQUIRED.includes(statedField(error, 'code'))) return null;
  const data = statedField(error, 'data');
  if (demandOf(message) !== null) return null;
  const has = (name: string): boolean => isJsonObject(data) && statedField(data, name) !== undefined;
  if (has('paymentRequestUrl') || has('paymentRequestId'))
    return 'ATXP, whose own service has to know its callers';
  return has('challenges') || has('mpp')
    ? 'MPP, by challenges that are none of a single charge'
    : 'no protocol that it names';
}

/**
 * What `data` lists beside offers of x402 are challenges of MPP. Only charges are paid within a call of a tool: a session and a
 * subscription need requests of their own, which no tool answers.
 */
function demand(
  form: McpDemand['form'],
  offers: JsonObject | null,
  data: JsonValue | undefined,
): McpDemand | null {
  const listed = isJsonObject(data) ? statedField(data, 'challenges') : undefined;
  const headers = (Array.isArray(listed) ? listed : [])
    .filter(isJsonObject)
    .filter((one) => statedField(one, 'intent') === CHARGE)
    .flatMap((one) => challengeHeader(one));
  if (offers === null && headers.length === 0) return null;
  const problem = isJsonObject(data) ? statedField(data, 'problem') : undefined;
  return { form, bodyText: JSON.stringify(offers ?? problem ?? {}), headers };
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
