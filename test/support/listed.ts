import { UNKNOWN_USE, type Listing } from '../../src/discovery/readers/listing.js';
import { CatalogKeeper } from '../../src/wallet/discover/catalogKeeper.js';
import type { Wallet } from '../../src/wallet/wallet.js';

/** What a catalogue of the test lists of one endpoint. */
export interface Listed {
  readonly url: string;
  readonly method?: string;
  readonly minUsdMicros: bigint;
  readonly maxUsdMicros: bigint;
}

/** Has a wallet's catalogue list endpoints, as if a source that it synced named them. */
export async function list(wallet: Wallet, source: string, ...endpoints: readonly Listed[]): Promise<void> {
  const engine = await wallet.engine();
  const listings = endpoints.map(({ url, method = 'GET', minUsdMicros, maxUsdMicros }): Listing => ({
    ...{ url, method, title: null, about: null, tags: [], category: null, offers: [] },
    ...{ price: { minUsdMicros, maxUsdMicros }, protocols: ['x402'], input: null, output: null },
    use: UNKNOWN_USE,
  }));
  await CatalogKeeper.of(engine.home, engine.closing).catalog().keepFound(source, listings, engine.now());
}
