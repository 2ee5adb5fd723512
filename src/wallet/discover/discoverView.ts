import { pathNames, requiredOf, sampleOf } from '../../discovery/readers/inputShape.js';
import type { Listing } from '../../discovery/readers/listing.js';
import type { Signal } from '../../discovery/readers/signals.js';
import { formatUsd } from '../../money/decimal.js';
import type { JsonObject, JsonValue } from '../../text/json.js';
import { cleanLine } from '../../text/untrusted.js';
import type { NextCall } from '../answer/outcome.js';

const TITLE_SHOWN_MAX = 60;
/** An example body is shown as part of the next call up to this; a longer one is in the full detail. */
const BODY_SHOWN_BYTES_MAX = 160;

/** A result as an agent chooses by it. */
export interface ConciseResult {
  readonly title: string;
  readonly method: string;
  readonly url: string;
  /** Listed price, or a range; null where nobody states it. */
  readonly usd: string | null;
  /** CAIP-2 names, or null where none is listed. */
  readonly networks: string | null;
  readonly about: string;
  /** What to know before paying, in words of ours; null where there is nothing. */
  readonly warning: string | null;
  readonly next: NextCall;
}

/** What a result is made of. */
export interface ViewParts {
  readonly listing: Listing;
  readonly signals: readonly Signal[];
}

/** A result in few tokens; `aboutMax` is how much of its description is shown. */
export function viewConcise({ listing, signals }: ViewParts, aboutMax: number): ConciseResult {
  const { title, method, url, about } = listing;
  return {
    title: cleanLine(title ?? firstSentence(about) ?? new URL(url).hostname, TITLE_SHOWN_MAX),
    method,
    url,
    usd: priceText(listing),
    networks: networksText(listing),
    about: aboutMax === 0 ? '' : cleanLine(about ?? '', aboutMax),
    warning: signals.length === 0 ? null : signals.map(({ says }) => says).join('; '),
    next: nextCall(listing),
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
  more: { listedIn: readonly string[]; others: readonly Listing[]; ownPayments: number },
) {
  const { listing } = parts;
  const { about, tags, category, offers, protocols, input, output, use } = listing;
  return {
    ...viewConcise(parts, about?.length ?? 0),
    category,
    tags,
    offers: offers.map(({ network, asset, usdMicros, payTo, payable }) => ({
      network,
      asset,
      usd: usdMicros === null ? null : formatUsd(usdMicros),
      pay_to: payTo,
      payable,
    })),
    protocols,
    path_parameters: pathNames(listing.url),
    input:
      input === null
        ? null
        : {
            query: input.query,
            body: input.body,
            example_query: input.exampleQuery,
            example_body: input.exampleBody,
          },
    output,
    use: {
      calls_30d: use.calls30d,
      payers_30d: use.payers30d,
      last_called: isoOf(use.lastCalledMs),
      updated: isoOf(use.updatedMs),
      own_payments: more.ownPayments,
    },
    listed_in: more.listedIn,
    other_endpoints: more.others.map((other) => ({
      method: other.method,
      url: other.url,
      usd: priceText(other),
      title: cleanLine(other.title ?? '', TITLE_SHOWN_MAX),
    })),
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

/** The quote that asks for the live price: with the seller's own example where it gives one, and names to fill in where not. */
export function nextCall({ url, method, input }: Listing): NextCall {
  const target = withQuery(url, input?.query ?? null, input?.exampleQuery ?? null);
  const body =
    method === 'GET' || method === 'HEAD'
      ? undefined
      : bodySample(input?.body ?? null, input?.exampleBody ?? null);
  return {
    tool: 'wallet_quote',
    arguments: {
      url: target,
      ...(method === 'GET' ? {} : { method }),
      ...(body === undefined ? {} : { body }),
    },
  };
}

function withQuery(url: string, schema: JsonObject | null, example: JsonObject | null): string {
  const required = schema === null ? Object.keys(example ?? {}) : requiredOf(schema);
  const missing = required.filter((name) => !new URL(url).searchParams.has(name));
  const pairs = missing.map((name) => {
    const value = example?.[name] ?? (schema === null ? `<${name}>` : sampleOf(schema, name));
    const text = typeof value === 'object' ? JSON.stringify(value) : String(value);
    return `${encodeURIComponent(name)}=${/^<.*>$/.test(text) ? text : encodeURIComponent(text)}`;
  });
  if (pairs.length === 0) return url;
  return `${url}${url.includes('?') ? '&' : '?'}${pairs.join('&')}`;
}

function bodySample(schema: JsonObject | null, example: JsonValue | null): JsonValue | undefined {
  if (example !== null && isSmall(example)) return example;
  const required = requiredOf(schema);
  if (schema === null || required.length === 0) return undefined;
  const sample = Object.fromEntries(required.map((name) => [name, sampleOf(schema, name)]));
  return isSmall(sample) ? sample : undefined;
}

function isSmall(value: JsonValue): boolean {
  return Buffer.byteLength(JSON.stringify(value)) <= BODY_SHOWN_BYTES_MAX;
}

function isoOf(ms: number | null): string | null {
  return ms === null ? null : new Date(ms).toISOString();
}
