import { readConfigUnauthenticated } from '../../config/configFile.js';
import { checkHome } from '../../config/home.js';
import type { Config } from '../../config/settings.js';
import type { Code } from '../../errors/codes.js';
import { isWalletError } from '../../errors/walletError.js';
import type { Ledger } from '../../ledger/ledger.js';
import { createNet, type Net } from '../../net/send.js';
import { CatalogKeeper } from './catalogKeeper.js';
import { DEFAULT_AGENT, type Engine, type WalletOptions } from '../engine.js';

/** What discovery works with: an unlocked wallet's, or as much of it as needs no keys. */
export interface DiscoverPlace {
  readonly config: Config;
  readonly net: Net;
  readonly keeper: CatalogKeeper;
  /** Null while the wallet is locked: then nothing is known of its own history. */
  readonly ledger: Ledger | null;
  readonly agent: string;
  readonly now: () => number;
}

/** Faults of the keystore that leave everything else as it should be. */
const LOCKED: readonly Code[] = [
  'keystore_locked',
  'keychain_locked',
  'wrong_passphrase',
  'keystore_unavailable',
];

/** Opens {@link DiscoverPlace}s for one wallet object. */
export class DiscoverPlaces {
  readonly #options: WalletOptions;
  readonly #closing = new AbortController();
  #net: { readonly key: string; readonly net: Net } | undefined;

  constructor(options: WalletOptions) {
    this.#options = options;
  }

  /**
   * The place of the unlocked wallet, or where it stays locked one without keys: looking for endpoints spends nothing,
   * so nobody has to unlock for it. Throws what opening throws otherwise.
   */
  async open(engine: () => Promise<Engine>): Promise<DiscoverPlace> {
    const { now, home } = this.#options;
    try {
      const opened = await engine();
      await opened.assertActive();
      const config = await opened.config();
      return {
        config,
        net: opened.net(config),
        keeper: CatalogKeeper.of(home, opened.closing),
        ledger: opened.ledger,
        agent: opened.agent,
        now,
      };
    } catch (error) {
      if (!isWalletError(error) || !LOCKED.includes(error.code)) throw error;
    }
    return this.#withoutKeys();
  }

  async close(): Promise<void> {
    this.#closing.abort();
    await this.#net?.net.close();
  }

  #withoutKeys(): DiscoverPlace {
    const { home, now } = this.#options;
    checkHome(home);
    const unproved = readConfigUnauthenticated(home);
    // T22: nobody vouches for this config, so what it allows inside the owner's network is not believed.
    const config: Config = { ...unproved, net: { ...unproved.net, allowPrivate: [] } };
    return {
      config,
      net: this.#openNet(config),
      keeper: CatalogKeeper.of(home, this.#closing.signal),
      ledger: null,
      agent: this.#options.agent ?? DEFAULT_AGENT,
      now,
    };
  }

  #openNet({ net: { proxy } }: Config): Net {
    if (this.#net?.key !== proxy) {
      const { version, lookup } = this.#options;
      const net = createNet({
        allowPrivate: [],
        proxy,
        version,
        ...(lookup === undefined ? {} : { lookup }),
      });
      this.#net = { key: proxy, net };
    }
    return this.#net.net;
  }
}
