import { createHash } from 'node:crypto';
import type { Category } from '../category.js';
import type { InputShape, ListedOffer, Listing } from '../readers/listing.js';
import type { JsonValue } from '../../text/json.js';

/** A listing as a row has it. Dollars are bigints on their way in and out. */
export interface ListingRow {
  readonly id: bigint;
  readonly source_id: bigint;
  readonly url: string;
  readonly method: string;
  readonly endpoint: string;
  readonly host: string;
  readonly category: string | null;
  readonly usd_min: bigint | null;
  readonly usd_max: bigint | null;
  readonly networks: string | null;
  readonly calls: bigint | null;
  readonly payers: bigint | null;
  readonly last_called_ms: bigint | null;
  readonly curated: bigint;
  readonly trust: number;
  readonly detail: string;
}

/** The parts of a listing that are only shown, never searched by. */
interface Detail {
  readonly title: string | null;
  readonly about: string | null;
  readonly tags: readonly string[];
  readonly offers: readonly (readonly [string, string | null, string | null, string | null, 0 | 1])[];
  readonly protocols: readonly string[];
  readonly input: InputShape | null;
  readonly output: JsonValue | null;
  readonly updated: number | null;
  readonly seen: number | null;
}

/** What a listing comes to on disk, and the digest that tells whether it changed. */
export function detailOf(listing: Listing): { detail: string; digest: string } {
  const { title, about, tags, offers, protocols, input, output, use } = listing;
  const detail: Detail = {
    title,
    about,
    tags,
    offers: offers.map((offer) => [
      offer.network,
      offer.asset,
      offer.usdMicros?.toString() ?? null,
      offer.payTo,
      offer.payable ? 1 : 0,
    ]),
    protocols,
    input,
    output,
    updated: use.updatedMs,
    seen: use.firstSeenMs,
  };
  const text = JSON.stringify(detail);
  const { price, category } = listing;
  const rest = [
    listing.method,
    category,
    price?.minUsdMicros,
    price?.maxUsdMicros,
    use.calls30d,
    use.payers30d,
  ];
  const digest = createHash('sha256').update(`${text}\n${rest.join()},${use.lastCalledMs},${use.curated}`);
  return { detail: text, digest: digest.digest('base64').slice(0, 16) };
}

/** The listing of a row. */
export function listingOf(row: ListingRow): Listing {
  const detail = JSON.parse(row.detail) as Detail;
  return {
    url: row.url,
    method: row.method,
    title: detail.title,
    about: detail.about,
    tags: detail.tags,
    category: row.category as Category | null,
    price:
      row.usd_min === null || row.usd_max === null
        ? null
        : { minUsdMicros: row.usd_min, maxUsdMicros: row.usd_max },
    offers: detail.offers.map(([network, asset, usdMicros, payTo, payable]): ListedOffer => ({
      network,
      asset,
      usdMicros: usdMicros === null ? null : BigInt(usdMicros),
      payTo,
      payable: payable === 1,
    })),
    protocols: detail.protocols,
    input: detail.input,
    output: detail.output,
    use: {
      calls30d: numberOf(row.calls),
      payers30d: numberOf(row.payers),
      lastCalledMs: numberOf(row.last_called_ms),
      updatedMs: detail.updated,
      firstSeenMs: detail.seen,
      curated: row.curated === 1n,
    },
  };
}

/** The texts a listing is found by, one for each column of `words`. */
export function wordsOf(
  listing: Listing,
): [title: string, tags: string, about: string, path: string, fields: string] {
  const { hostname, pathname } = new URL(listing.url);
  const names = [listing.input?.query, listing.input?.body].flatMap((schema) =>
    propertyNames(schema ?? null),
  );
  return [
    splitWords(listing.title ?? ''),
    // Without the category: it was read from the other words, and would count them twice.
    listing.tags.join(' '),
    splitWords(listing.about ?? ''),
    splitWords(`${pathname} ${hostname.replaceAll('.', ' ')}`),
    splitWords(names.join(' ')),
  ];
}

function propertyNames(schema: object | null): string[] {
  const properties = (schema as { properties?: object } | null)?.properties;
  return properties === undefined ? [] : Object.keys(properties);
}

/** `getCompanyInfo` is also indexed as its three words, so that a search for one of them finds it. */
export function splitWords(text: string): string {
  return text.replace(/[\p{L}\d]*\p{Ll}\p{Lu}[\p{L}\d]*/gu, (word) => {
    return `${word} ${word.replace(/(\p{Ll})(\p{Lu})/gu, '$1 $2')}`;
  });
}

function numberOf(value: bigint | null): number | null {
  return value === null ? null : Number(value);
}
