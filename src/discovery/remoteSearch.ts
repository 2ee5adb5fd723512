import { isWalletError } from '../errors/walletError.js';
import type { CatalogFetch } from './fetch.js';
import { readDocument } from './readers/document.js';
import type { Listing } from './readers/listing.js';

/** A search that is slower than this is not waited for: the local answer is there already. */
const SEARCH_TIMEOUT_MS = 4_000;
const ANSWER_BYTES_MAX = 2 * 1024 * 1024;
const QUERY_LENGTH_MAX = 200;
/** The most any of them gives. */
const RESULTS_MAX = 20;

/** The search that belongs to a list of a facilitator, or undefined for any other source. */
export function searchUrlOf(source: string, need: string): string | undefined {
  const url = new URL(source);
  if (!url.pathname.endsWith('/discovery/resources')) return undefined;
  url.pathname = url.pathname.replace(/resources$/, 'search');
  url.searchParams.set('query', need.slice(0, QUERY_LENGTH_MAX));
  url.searchParams.set('limit', String(RESULTS_MAX));
  return url.href;
}

/**
 * Asks a facilitator's search: it then knows what is looked for, so this is the owner's choice. Answers null where
 * nothing can be read.
 */
export async function searchRemotely(
  url: string,
  fetch: CatalogFetch,
  signal: AbortSignal,
): Promise<readonly Listing[] | null> {
  try {
    const answer = await fetch({ url, bytesMax: ANSWER_BYTES_MAX, timeoutMs: SEARCH_TIMEOUT_MS, signal });
    if (answer.status !== 200 || answer.cut) return null;
    return readDocument(answer.text, answer.url)?.listings.slice(0, RESULTS_MAX) ?? null;
  } catch (error) {
    if (isWalletError(error)) return null;
    throw error;
  }
}
