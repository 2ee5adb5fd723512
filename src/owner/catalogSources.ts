import { readConfigUnauthenticated } from '../config/configFile.js';
import { readCatalogUrl } from '../config/value/url.js';
import { WalletError } from '../errors/walletError.js';
import type { SyncReport } from '../discovery/sync.js';
import { catalogFetch } from '../wallet/discover/catalogFetch.js';
import { syncCatalog, type SyncPlan } from '../wallet/discover/catalogSync.js';
import type { DiscoverPlace } from '../wallet/discover/discoverPlace.js';
import { changeConfig } from './ownerConfig.js';
import type { OwnerOptions } from './auth/ownerAuth.js';

const KEY = 'discovery.sources';

/** The owner's sources after a change, and whether there was one. */
export interface SourcesChange {
  readonly url: string;
  readonly sources: readonly string[];
  readonly changed: boolean;
}

/** Adds a catalogue to the owner's sources. Throws `bad_input`, and what changing the config throws. */
export async function addSource(options: OwnerOptions, text: string): Promise<SourcesChange> {
  const url = requireUrl(text);
  const { sources } = readConfigUnauthenticated(options.home).discovery;
  return writeSources(options, url, sources, sources.includes(url) ? sources : [...sources, url]);
}

/** Takes a catalogue from the owner's sources. Throws `not_found`, and what changing the config throws. */
export async function removeSource(options: OwnerOptions, text: string): Promise<SourcesChange> {
  const url = requireUrl(text);
  const { sources } = readConfigUnauthenticated(options.home).discovery;
  if (!sources.includes(url))
    throw new WalletError(
      'not_found',
      `That is none of the catalogues, which are: ${sources.join(', ') || 'none'}.`,
    );
  return writeSources(
    options,
    url,
    sources,
    sources.filter((source) => source !== url),
  );
}

/** Fetches the owner's sources now, old or not; of one alone where it is named. Throws `not_found` for one that is none. */
export async function syncSources(
  { config, keeper, net, now }: DiscoverPlace,
  only: string | undefined,
  progress: Pick<SyncPlan, 'signal' | 'onProgress'>,
): Promise<SyncReport[]> {
  const { sources } = config.discovery;
  const wanted = only === undefined ? sources : [requireUrl(only)];
  if (wanted.some((url) => !sources.includes(url))) {
    throw new WalletError('not_found', 'That is none of the catalogues; add it first.');
  }
  const plan = { catalog: keeper.catalog(), sources, fetch: catalogFetch(net, config.net), now, ...progress };
  return syncCatalog(plan, wanted);
}

async function writeSources(
  options: OwnerOptions,
  url: string,
  before: readonly string[],
  sources: readonly string[],
): Promise<SourcesChange> {
  if (before === sources) return { url, sources, changed: false };
  await changeConfig(options, KEY, JSON.stringify(sources));
  return { url, sources, changed: true };
}

function requireUrl(text: string): string {
  const url = readCatalogUrl(text);
  if (url !== undefined) return url;
  throw new WalletError(
    'bad_input',
    'A catalogue is an http(s) URL, such as https://example.com/discovery/resources.',
  );
}
