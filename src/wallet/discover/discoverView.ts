import { X402 } from '../../protocols/protocol.js';
import { pathNames, requiredOf } from '../../discovery/readers/inputShape.js';
import { objectIn, protocolsOf, type Listing } from '../../discovery/readers/listing.js';
import type { OwnPurchases } from '../../discovery/rank.js';
import type { Signal } from '../../discovery/readers/signals.js';
import { formatUsd } from '../../money/decimal.js';
import { isJsonObject, type JsonObject, type JsonValue } from '../../text/json.js';
import { cleanLine } from '../../text/untrusted.js';
import type { NextCall } from '../answer/outcome.js';

const TITLE_SHOWN_MAX = 60;
/** An example body is shown as part of the next call up to this; a longer one is in the full detail. */
const BODY_SHOWN_BYTES_MAX = 160;

/** A result as an agent chooses by it. What a seller wrote stands in `seller`; all else is ours. */
export interface ConciseResult {
  /** Listed price, or a range; absent where nobody states it. */
  readonly usd?: string;
  /** CAIP-2 names; absent where none is listed. */
  readonly networks?: string;
  /** Payment protocols, such as `mpp`; absent where it is x402 alone, or where none is listed. */
  readonly protocols?: readonly string[];
  /** What to know before paying, in words of ours; absent where there is nothing. */
  readonly warning?: string;
  /** What has to be filled in before the call in `next` is made: names in its path, its query and its body. */
  readonly fill?: readonly string[];
  readonly next: NextCall;
  readonly seller: {
    readonly title: string;
    readonly about?: string;
    /** Values that the seller gives as an example for what has to be filled in. */
    readonly example?: JsonObject;
  };
}

/** What a result is made of. */
export interface ViewParts {
  readonly listing: Listing;
  readonly signals: readonly Signal[];
}

/** A result in few tokens; `aboutMax` is how much of its description is shown. */
export function viewConcise({ listing, signals }: ViewParts, aboutMax: number): ConciseResult {
  const { title, url, about } = listing;
  const usd = priceText(listing);
  const networks = networksText(listing);
  const protocols = protocolsOf(listing);
  const isUsual = protocols.every((name) => name === X402);
  const { next, fill, example } = nextCall(listing);
  const shown = aboutMax === 0 ? '' : cleanLine(about ?? '', aboutMax);
  return {
    ...(usd === null ? {} : { usd }),
    ...(networks === null ? {} : { networks }),
    ...(isUsual ? {} : { protocols }),
    ...(signals.length === 0 ? {} : { warning: signals.map(({ message }) => message).join('; ') }),
    ...(fill.length === 0 ? {} : { fill }),
    next,
    seller: {
      title: cleanLine(title ?? firstSentence(about) ?? new URL(url).hostname, TITLE_SHOWN_MAX),
      ...(shown === '' || shown === title ? {} : { about: shown }),
      ...(example === null ? {} : { example }),
    },
  };
}

/** What stands for a title where the catalogue has none. */
function firstSentence(about: string | null): string | undefined {
  const sentence = /^.{1,60}?(?=[.:;](\s|$))/.exec(about ?? '')?.[0];
  return sentence === undefined || sentence.trim() === '' ? undefined : sentence;
}

/** A result with all that is listed of it. */
export function viewFull(
  parts: ViewParts,
  more: { listedIn: readonly string[]; others: readonly Listing[]; own: OwnPurchases },
) {
  const { listing } = parts;
  const { about, tags, category, offers, protocols, input, output, use } = listing;
  const { seller, ...ours } = viewConcise(parts, about?.length ?? 0);
  return {
    ...ours,
    category,
    listed_in: more.listedIn,
    ...(more.own.delivered + more.own.lost === 0 ? {} : { own_payments: more.own.delivered + more.own.lost }),
    ...(more.own.lost === 0 ? {} : { own_payments_lost: more.own.lost }),
    seller: {
      ...seller,
      tags,
      offers: offers.map(({ network, asset, usdMicros, payTo, payable }) => ({
        network,
        asset,
        usd: usdMicros === null ? null : formatUsd(usdMicros),
        pay_to: payTo,
        payable,
      })),
      protocols,
      input: input === null ? null : { query: input.query, body: input.body },
      output,
      use: {
        calls_30d: use.calls30d,
        payers_30d: use.payers30d,
        last_called: dayOf(use.lastCalledMs),
        updated: dayOf(use.updatedMs),
      },
      other_endpoints: more.others.map((other) => otherView(other, new URL(listing.url).origin)),
    },
  };
}

/** Another endpoint of the site: its path alone on the same origin, and no method where it is GET. */
function otherView(other: Listing, origin: string): Readonly<Record<string, unknown>> {
  const { method, url, title } = other;
  const shown = cleanLine(title ?? '', TITLE_SHOWN_MAX);
  return {
    ...(method === 'GET' ? {} : { method }),
    url: url.startsWith(`${origin}/`) ? url.slice(origin.length) : url,
    usd: priceText(other),
    ...(shown === '' ? {} : { title: shown }),
  };
}

/** `0.01`, or `0.01-0.05` where the price depends. */
export function priceText({ price }: Pick<Listing, 'price'>): string | null {
  if (price === null) return null;
  const [min, max] = [formatUsd(price.minUsdMicros), formatUsd(price.maxUsdMicros)];
  return min === max ? min : `${min}-${max}`;
}

function networksText({ offers }: Listing): string | null {
  const payable = offers.filter((offer) => offer.payable);
  const names = new Set((payable.length > 0 ? payable : offers).map(({ network }) => network));
  return names.size === 0 ? null : [...names].join(' ');
}

/** A call to make, what has to be filled in first, and what the seller gives as an example of that. */
export interface TemplateCall {
  readonly next: NextCall;
  readonly fill: readonly string[];
  readonly example: JsonObject | null;
}

/** Names that stand among our own words: nobody gives orders in one (T16). */
const NAME = /^[\w.$-]{1,40}$/;
/** Fields of a body without required ones that are named; the full detail has them all. */
const OPTIONAL_MAX = 6;

/**
 * The quote that asks for the live price. What the caller has to say stands as `<name>`, or `{name}` in the path: the
 * seller's own example, called as it is, would buy what it shows.
 */
export function nextCall(listing: Listing): TemplateCall {
  const { url, method, input, mcpTool } = listing;
  if (mcpTool !== undefined) return nextToolCall(url, mcpTool, input?.body ?? null);
  const isBodiless = method === 'GET' || method === 'HEAD';
  const query = fieldsToFill(input?.query ?? null, input?.exampleQuery ?? null).filter(
    (name) => !new URL(url).searchParams.has(name),
  );
  const schema = input?.body ?? null;
  const exampleBody = isJsonObject(input?.exampleBody ?? undefined)
    ? (input?.exampleBody as JsonObject)
    : null;
  const required = isBodiless ? [] : fieldsToFill(schema, exampleBody);
  const optional = Object.keys(objectIn(schema ?? {}, 'properties')).filter((name) => NAME.test(name));
  const fields = isBodiless || required.length > 0 ? required : optional.slice(0, OPTIONAL_MAX);
  const pairs = query.map((name) => `${encodeURIComponent(name)}=<${name}>`);
  const target = pairs.length === 0 ? url : `${url}${url.includes('?') ? '&' : '?'}${pairs.join('&')}`;
  const body = Object.fromEntries(fields.map((name) => [name, `<${name}>`]));
  const fill = [...pathNames(url), ...query, ...fields];
  const given = Object.entries({ ...input?.exampleQuery, ...exampleBody }).filter(([name]) =>
    fill.includes(name),
  );
  const example = Object.fromEntries(given);
  return {
    next: {
      tool: 'wallet_quote',
      arguments: {
        url: target,
        ...(method === 'GET' ? {} : { method }),
        ...(fields.length === 0 ? {} : { body }),
      },
    },
    fill,
    example: given.length > 0 && isSmall(example) ? example : null,
  };
}

/** The quote of a tool that an MCP server sells. */
function nextToolCall(url: string, tool: string, schema: JsonObject | null): TemplateCall {
  const fill = fieldsToFill(schema, null);
  const given = Object.fromEntries(fill.map((name) => [name, `<${name}>`]));
  return {
    next: { tool: 'wallet_quote', arguments: { mcp: { url, tool, arguments: given } } },
    ...{ fill, example: null },
  };
}

/** What a call has to say: by its schema, or by the seller's example where there is none. */
function fieldsToFill(schema: JsonObject | null, example: JsonObject | null): string[] {
  const names = schema === null ? Object.keys(example ?? {}) : requiredOf(schema);
  return names.filter((name) => NAME.test(name));
}

function isSmall(value: JsonValue): boolean {
  return Buffer.byteLength(JSON.stringify(value)) <= BODY_SHOWN_BYTES_MAX;
}

/** A day in ISO 8601: nobody chooses a seller by the second. */
function dayOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString().slice(0, 10);
}
