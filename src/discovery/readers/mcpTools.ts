import { X402 } from '../../protocols/protocol.js';
import { numberToDecimalText, parseUsd } from '../../money/decimal.js';
import type { UsdMicros } from '../../money/unit.js';
import { isWalletError } from '../../errors/walletError.js';
import { isJsonObject, statedField, type JsonObject, type JsonValue } from '../../text/json.js';
import { categorise } from '../category.js';
import {
  ABOUT_MAX,
  objectIn,
  readLine,
  TITLE_MAX,
  UNKNOWN_USE,
  type Listing,
  type Reading,
} from './listing.js';
import { compactSchema } from './schemaShape.js';

/** A name that can stand in a call of ours: nobody gives orders in one (T16). MCP's own rule, but for its length. */
const NAME = /^[\w./-]{1,64}$/;
/** Where servers write that a tool has its price: Cloudflare's agents in `_meta`, others in `annotations`. */
const PRICED = [
  ['_meta', 'agents-x402/paymentRequired', 'agents-x402/priceUSD'],
  ['annotations', 'paymentHint', 'paymentPriceUSD'],
] as const;

/**
 * Reads the tools that an MCP server lists as what can be bought there: those that say that they cost something first, then those
 * that say nothing, which may be free. A price that is stated is a hint. `isOwn` names tools that no server sells.
 */
export function readMcpTools(
  server: string,
  tools: readonly JsonValue[],
  isOwn: (name: string) => boolean,
): Reading {
  const read = tools.map((tool) => (isJsonObject(tool) ? readTool(server, tool) : null));
  const listings = read.filter((one) => one !== null).filter(({ mcpTool }) => !isOwn(mcpTool ?? ''));
  const isPriced = ({ protocols }: Listing): boolean => protocols.length > 0;
  return {
    listings: [...listings.filter(isPriced), ...listings.filter((one) => !isPriced(one))],
    dropped: read.filter((one) => one === null).length,
  };
}

function readTool(server: string, tool: JsonObject): Listing | null {
  const name = statedField(tool, 'name');
  if (typeof name !== 'string' || !NAME.test(name)) return null;
  const about = readLine(statedField(tool, 'description'), ABOUT_MAX);
  const schema = statedField(tool, 'inputSchema');
  const price = priceOf(tool);
  return {
    ...{ url: server, method: 'POST', mcpTool: name, about, tags: [], offers: [], use: UNKNOWN_USE },
    title: readLine(statedField(tool, 'title'), TITLE_MAX) ?? name,
    category: categorise([], `${name} ${about ?? ''}`),
    price: typeof price === 'bigint' ? { minUsdMicros: price, maxUsdMicros: price } : null,
    protocols: price === null ? [] : [X402],
    input: isJsonObject(schema)
      ? { query: null, body: compactSchema(schema) ?? null, exampleQuery: null, exampleBody: null }
      : null,
    output: null,
  };
}

/** What a tool says that it costs; `unstated` where it says that it costs something and not how much. */
function priceOf(tool: JsonObject): UsdMicros | 'unstated' | null {
  for (const [place, hint, price] of PRICED) {
    const said = objectIn(tool, place);
    const stated = statedField(said, price);
    if (statedField(said, hint) !== true && stated === undefined) continue;
    const decimal = typeof stated === 'number' ? numberToDecimalText(stated) : stated;
    return (typeof decimal === 'string' ? dollarsOf(decimal.replace(/^\$/, '')) : null) ?? 'unstated';
  }
  return null;
}

function dollarsOf(text: string): UsdMicros | null {
  try {
    return parseUsd(text, 'a price');
  } catch (error) {
    if (isWalletError(error)) return null;
    throw error;
  }
}
