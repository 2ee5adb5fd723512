import type { HeaderList } from '../payment/challenge.js';

/** One document asked of a catalogue or of a site. */
export interface CatalogRequest {
  readonly url: string;
  /** Decoded bytes; a longer body comes cut, and says so. */
  readonly bytesMax: number;
  readonly signal: AbortSignal;
  /** Headers that make the request conditional; nothing of the owner's is ever among them. */
  readonly headers?: HeaderList;
  /** Bound on the whole request in ms. */
  readonly timeoutMs: number;
}

/** What came back. Every part of it is a stranger's word. */
export interface CatalogAnswer {
  readonly status: number;
  readonly headers: HeaderList;
  readonly text: string;
  readonly bytes: number;
  /** The body is not whole. */
  readonly cut: boolean;
  /** Where the answer came from, redirects followed. */
  readonly url: string;
}

/**
 * How catalogues are fetched: GET, redirects followed, addresses checked. The caller supplies it.
 *
 * Throws a `WalletError` where nothing came.
 */
export type CatalogFetch = (request: CatalogRequest) => Promise<CatalogAnswer>;
