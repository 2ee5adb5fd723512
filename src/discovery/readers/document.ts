import { parseJson } from '../../text/json.js';
import { readListPage } from './listPage.js';
import { readOpenApi } from './openApi.js';
import { readProvider, readProviderIndex } from './providers.js';
import { readServices } from './services.js';
import { readWellKnown } from './wellKnown.js';
import type { Reading } from './listing.js';

/** What a document turned out to be. */
export type Shape = 'list' | 'services' | 'providers' | 'openapi' | 'well_known';

/** A document of a catalogue or of a site, read. */
export interface CatalogDocument extends Reading {
  readonly shape: Shape;
  /** Records on a page, good and bad; absent where there is one page only. */
  readonly items?: number;
  readonly total?: number | null;
  readonly limit?: number | null;
  /** Documents in which the endpoints are, where this one names only who has some. */
  readonly children?: readonly string[];
  /** A site's own prose: data, never instructions. */
  readonly guidance?: string | null;
}

/** Reads a document by its content, not by its address; undefined if it has none of the known shapes. */
export function readDocument(text: string, url: string): CatalogDocument | undefined {
  const json = parseJson(text);
  if (json === undefined) return undefined;
  const openApi = readOpenApi(json, url);
  if (openApi !== undefined) return { shape: 'openapi', ...openApi };
  // A site's list of its own URLs is called `resources` too; a search's has records in it.
  const wellKnown = new URL(url).pathname.startsWith('/.well-known/') ? readWellKnown(json, url) : undefined;
  if (wellKnown !== undefined) return { shape: 'well_known', ...wellKnown };
  const services = readServices(json);
  if (services !== undefined) return { shape: 'services', ...services };
  const index = readProviderIndex(json, url);
  if (index !== undefined) return { shape: 'providers', listings: [], ...index };
  const provider = readProvider(json);
  if (provider !== undefined) return { shape: 'providers', ...provider };
  const page = readListPage(json);
  return page === undefined ? undefined : { shape: 'list', ...page };
}
