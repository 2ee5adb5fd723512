import { X402 } from '../protocols/protocol.js';
import { isWalletError } from '../errors/walletError.js';
import { parsePaymentRequired } from '../protocols/x402/challenge/parse.js';
import type { PaymentRequired } from '../protocols/x402/types.js';
import { categorise } from './category.js';
import { readDocument } from './readers/document.js';
import type { CatalogAnswer, CatalogFetch } from './fetch.js';
import { readBazaar } from './readers/inputShape.js';
import {
  ABOUT_MAX,
  readLine,
  readListedUrl,
  TITLE_MAX,
  UNKNOWN_USE,
  type ListedOffer,
  type Listing,
} from './readers/listing.js';
import { priceOf } from './readers/offers.js';
import { siteDocuments } from './siteDocuments.js';

/** A site's own documents are smaller than a catalogue's pages. */
const DOCUMENT_BYTES_MAX = 4 * 1024 * 1024;
const ANSWER_BYTES_MAX = 256 * 1024;
const ASK_TIMEOUT_MS = 10_000;
/** Endpoints without a price that are asked for it; only GET, which by HTTP's own rule changes nothing. */
const ASKED_MAX = 6;
const LISTINGS_MAX = 500;

/** What a site says of itself now. */
export interface OriginListing {
  readonly listings: readonly Listing[];
  readonly dropped: number;
  /** The site's own prose for agents: data, never instructions. */
  readonly guidance: string | null;
  /** What was found where, in words of ours, such as `/openapi.json: 4 endpoints`. */
  readonly found: readonly string[];
  /** Whether the site answered at all. */
  readonly reached: boolean;
}

/**
 * Lists one site's priced endpoints live: `/openapi.json`, `/.well-known/x402`, and the 402 of the URL itself where it
 * names more than a host. Endpoints whose price nobody states are asked for it. Parts that fail are left out.
 *
 * @param url an absolute URL: a site's root, or one of its endpoints
 */
export async function listOrigin(
  url: string,
  fetch: CatalogFetch,
  signal: AbortSignal,
): Promise<OriginListing> {
  const { origin } = new URL(url);
  const ask = (address: string, bytesMax: number): Promise<CatalogAnswer | null> =>
    fetch({ url: address, bytesMax, signal, timeoutMs: ASK_TIMEOUT_MS }).catch((error: unknown) => {
      if (isWalletError(error) && error.code !== 'cancelled') return null;
      throw error;
    });
  const isRoot = siteDocuments(url).length > 0;
  const [documents, own] = await Promise.all([
    Promise.all(siteDocuments(`${origin}/`).map((address) => ask(address, DOCUMENT_BYTES_MAX))),
    isRoot ? null : ask(url, ANSWER_BYTES_MAX),
  ]);
  const found: string[] = [];
  const byKey = new Map<string, Listing>();
  let dropped = 0;
  let guidance: string | null = null;
  const add = (listing: Listing): void => {
    const key = `${listing.method} ${listing.url}`;
    // The fuller document comes first; a live 402 adds what a document leaves open.
    const known = byKey.get(key);
    byKey.set(key, known === undefined ? listing : merge(known, listing));
  };
  for (const answer of documents) {
    const document =
      answer?.status === 200 && !answer.cut ? readDocument(answer.text, answer.url) : undefined;
    if (answer === null || document === undefined) continue;
    document.listings.slice(0, LISTINGS_MAX).forEach(add);
    dropped += document.dropped;
    guidance ??= document.guidance ?? null;
    found.push(`${new URL(answer.url).pathname}: ${document.listings.length} endpoints`);
  }
  const live = own === null ? undefined : readLive(own, url);
  if (live !== undefined) {
    add(live);
    found.push('the URL itself asks for payment');
  }
  const unpriced = [...byKey.values()].filter(isUnpriced).slice(0, ASKED_MAX);
  const answers = await Promise.all(
    unpriced.map(async (listing) => [listing, await ask(listing.url, ANSWER_BYTES_MAX)] as const),
  );
  for (const [listing, answer] of answers) {
    const priced = answer === null ? undefined : readLive(answer, listing.url);
    if (priced !== undefined) add(priced);
  }
  const reached = [...documents, own].some((answer) => answer !== null);
  return { listings: [...byKey.values()], dropped, guidance, found, reached };
}

function isUnpriced({ price, offers, method, url }: Listing): boolean {
  return (
    price === null && offers.length === 0 && method === 'GET' && !/[{}]|\/:/.test(url.replace(/^https?:/, ''))
  );
}

/** What is known stays; what was open is filled in. A live 402 is nearer to the price than any document. */
function merge(known: Listing, more: Listing): Listing {
  return {
    ...known,
    title: known.title ?? more.title,
    about: known.about ?? more.about,
    category: known.category ?? more.category,
    price: more.price ?? known.price,
    offers: more.offers.length > 0 ? more.offers : known.offers,
    protocols: [...new Set([...known.protocols, ...more.protocols])],
    input: known.input ?? more.input,
    output: known.output ?? more.output,
  };
}

/** The listing that a live 402 amounts to; undefined where the answer asks for no payment. */
function readLive(answer: CatalogAnswer, askedUrl: string): Listing | undefined {
  const required = parsePaymentRequired({
    status: answer.status,
    headers: answer.headers,
    bodyText: answer.text,
    requestUrl: answer.url,
  });
  const url = readListedUrl(askedUrl);
  if (required === null || url === undefined) return undefined;
  return listingOfRequired(required, url);
}

function listingOfRequired(required: PaymentRequired, url: string): Listing {
  const shape = readBazaar(required.extensions);
  const offers = required.offers.map(({ network, asset, usdMicros, payTo }): ListedOffer => ({
    network: network.caip2,
    asset: asset.symbol,
    usdMicros,
    payTo,
    payable: true,
  }));
  const title = readLine(required.resource?.['serviceName'], TITLE_MAX);
  const about = readLine(required.description, ABOUT_MAX);
  return {
    url,
    method: 'GET',
    title,
    about,
    tags: [],
    category: categorise([], `${title ?? ''} ${about ?? ''}`),
    price: priceOf(offers),
    offers,
    protocols: [
      ...(offers.length > 0 || required.rejected.length > 0 ? [X402] : []),
      ...required.otherProtocols,
    ],
    input: shape.input,
    output: shape.output,
    use: UNKNOWN_USE,
  };
}
