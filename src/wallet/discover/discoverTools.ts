import { readMcpTools } from '../../discovery/readers/mcpTools.js';
import type { Reading } from '../../discovery/readers/listing.js';
import { NetFailure } from '../../net/failure.js';
import { isJsonObject, statedField, statedText, type JsonValue } from '../../text/json.js';
import { isOwnTool } from '../mcpCall/mcpCall.js';
import { McpSession } from '../mcpCall/session.js';
import type { DiscoverPlace } from './discoverPlace.js';

/** A server that is asked for its tools answers at once, or is looked at another time. */
const ASK_MS_MAX = 10_000;
/** A server has some dozens of tools, and lists them at once. */
const PAGES_MAX = 5;
const TOOLS_MAX = 200;
/** Where a server stands whose place nobody named. */
const USUAL_PATH = '/mcp';

/** The tools of an MCP server. */
export interface ToolListing extends Reading {
  readonly server: URL;
}

/** Whether a URL is one of an MCP server, by the name that people give it. */
export function looksLikeMcp({ hostname, pathname }: URL): boolean {
  return hostname.startsWith('mcp.') || pathname.split('/').some((part) => /^(?:mcp|sse)$/i.test(part));
}

/** Where an MCP server may stand, for a site or an endpoint of it that was named. */
export function serversOf(url: URL): URL[] {
  const usual = new URL(USUAL_PATH, url.origin);
  const isNamed = url.pathname !== '/' || looksLikeMcp(url);
  return isNamed && url.href !== usual.href ? [url, usual] : [usual];
}

/** Lists the tools of the first of these that is an MCP server; null where none is. Nothing is called, and nothing paid. */
export async function listTools(
  { net, config }: DiscoverPlace,
  servers: readonly URL[],
  signal: AbortSignal,
): Promise<ToolListing | null> {
  for (const server of servers) {
    const endMs = performance.now() + ASK_MS_MAX;
    const leftMs = (): number => Math.max(1, Math.floor(endMs - performance.now()));
    try {
      const session = await McpSession.open({ net, config, server, signal, leftMs });
      try {
        return { server, ...readMcpTools(server.href, await toolsOf(session), isOwnTool) };
      } finally {
        await session.close();
      }
    } catch (error) {
      if (!(error instanceof NetFailure) || signal.aborted) throw error;
    }
  }
  return null;
}

async function toolsOf(session: McpSession): Promise<JsonValue[]> {
  const tools: JsonValue[] = [];
  let cursor: string | undefined;
  for (let page = 0; page < PAGES_MAX; page++) {
    const answer = await session.request('tools/list', cursor === undefined ? {} : { cursor });
    const result = statedField(answer, 'result');
    const listed = isJsonObject(result) ? statedField(result, 'tools') : undefined;
    if (!isJsonObject(result) || !Array.isArray(listed)) break;
    tools.push(...listed.slice(0, TOOLS_MAX - tools.length));
    cursor = statedText(result, 'nextCursor');
    if (cursor === undefined || tools.length >= TOOLS_MAX) break;
  }
  return tools;
}
