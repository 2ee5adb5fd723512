import type { EndpointAnswer } from '../../payment/challenge.js';
import type { HttpAnswer } from '../../net/send.js';
import { demandOf, type McpDemand } from '../../protocols/mcp/demand.js';
import { receiptHeaders } from '../../protocols/mcp/payment.js';
import { isJsonObject, statedField, type JsonObject } from '../../text/json.js';
import { cleanLine } from '../../text/untrusted.js';

/** Names of tools are shown in the ledger, as a part of a path. */
const NAME_CODE_POINTS_MAX = 128;

/** One call of a tool, as the ledger and the owner's limits know it: a POST to a path below its server's URL. */
export interface ToolRequest {
  readonly url: string;
  readonly method: 'POST';
  readonly body: { readonly tool: string; readonly arguments: unknown };
}

/** The request that stands for a call of a tool. */
export function toolRequest(server: URL, tool: string, args: unknown): ToolRequest {
  return { url: placeOf(server, tool).href, method: 'POST', body: { tool, arguments: args ?? {} } };
}

/** A tool as the ledger knows it: a path below its server's. */
export function placeOf(server: URL, tool: string): URL {
  const place = new URL(server);
  place.search = '';
  place.hash = '';
  place.pathname = `${server.pathname.replace(/\/$/, '')}/tools/${encodeURIComponent(cleanLine(tool, NAME_CODE_POINTS_MAX))}`;
  return place;
}

/**
 * The challenge in an answer of JSON-RPC to a tool's call; null where it asks for nothing. A result that went well may hold
 * anything: only one that says it failed asks for payment.
 */
export function challengeIn(answer: JsonObject): McpDemand | null {
  const result = statedField(answer, 'result');
  if (isJsonObject(result) && statedField(result, 'isError') !== true) return null;
  return demandOf(answer);
}

/** A challenge in an answer of JSON-RPC, as the 402 that it stands for. */
export function askedBy(
  place: URL,
  { bodyText, headers }: Pick<McpDemand, 'bodyText' | 'headers'>,
): EndpointAnswer {
  return { status: 402, headers, bodyText, requestUrl: place.href };
}

/** An answer of JSON-RPC as HTTP would give it: what asks for payment again is a 402, what failed an error. */
export function httpAnswerOf(answer: JsonObject, url: URL): HttpAnswer {
  const result = statedField(answer, 'result');
  const failed = !isJsonObject(result) || statedField(result, 'isError') === true;
  const status = challengeIn(answer) !== null ? 402 : failed ? 500 : 200;
  const receipt = isJsonObject(result) ? receiptHeaders(result) : [];
  const bytes = new TextEncoder().encode(JSON.stringify(answer));
  return {
    ...{ status, url, method: 'POST', hops: [], contentEncoding: undefined },
    headers: [['content-type', 'application/json'], ...receipt],
    body: piecesOf(bytes),
    discard: () => undefined,
  };
}

async function* piecesOf(bytes: Uint8Array): AsyncIterable<Uint8Array> {
  yield await Promise.resolve(bytes);
}
