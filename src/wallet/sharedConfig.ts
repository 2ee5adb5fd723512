import {
  acceptConfig,
  adoptConfig,
  readConfigText,
  updateConfig,
  type BeforeWrite,
  type ConfigReview,
  type Mac,
} from '../config/configFile.js';
import type { Config } from '../config/settings.js';
import { isWalletError, WalletError } from '../errors/walletError.js';
import type { Ledger } from '../ledger/ledger.js';

/** How often a change is made again that another server was faster than: servers of a fleet seldom meet twice. */
const TRIES_MAX = 5;

/** An open wallet whose config is read and changed. */
export interface ConfigPlace {
  /** Absolute path of the wallet's folder. */
  readonly home: string;
  /** Makes the config's code. */
  readonly mac: Mac;
  readonly ledger: Pick<Ledger, 'head' | 'noteConfigVersion' | 'sharedConfig'>;
  readonly now: () => number;
}

/**
 * Brings config.json to the one that the servers of a fleet agreed on, where it is older. True where it was written anew.
 * Does nothing where the ledger is this folder's own. Throws as the config and the ledger do.
 */
export async function adoptSharedConfig({
  home,
  mac,
  ledger,
}: Pick<ConfigPlace, 'home' | 'mac' | 'ledger'>): Promise<boolean> {
  const newest = (await ledger.sharedConfig?.newest()) ?? null;
  return newest !== null && adoptConfig(home, mac, newest.text);
}

/**
 * Has this folder and the fleet agree on a config, when a wallet is opened: an older one here gives way, and one that the
 * fleet has no text of, as behind a move of the ledger, is shared. Throws `config_stale` where the fleet agreed on another one of
 * the same version, whose text is gone (T22).
 */
export async function settleSharedConfig(place: ConfigPlace): Promise<void> {
  const { home, mac, ledger, now } = place;
  const shared = ledger.sharedConfig;
  if (shared === null || (await adoptSharedConfig(place))) return;
  const here = readConfigText(home, mac);
  if (here.version < (await ledger.head()).configVersion) return;
  if ((await shared.newest())?.version === here.version || (await shared.put(here, now()))) return;
  // Another one of this version was agreed on: that one is taken, and where its text is gone, none is gone by.
  await adoptSharedConfig(place);
  if ((await shared.newest()) === null) throw staleConfig();
}

/**
 * Changes the config, and has the ledger know of it, and with it every server of a fleet. `change` gets it as it stands,
 * and may be asked again where another server was faster. In a fleet the ledger agrees before the file is written, so that
 * two servers never make two configs of one version.
 *
 * Throws `config_stale` where the config is older than the ledger knows, with `stale` for its error; else as
 * {@link updateConfig} does.
 */
export async function changeSharedConfig(
  place: ConfigPlace,
  change: (current: Config) => Config | Promise<Config>,
  stale: () => WalletError = staleConfig,
): Promise<Config> {
  const { home, mac, ledger, now } = place;
  const config = await inAgreement(place, (before) =>
    updateConfig(
      home,
      mac,
      async (current) => {
        // T22: what stands on old settings must not pass for newer than those that the ledger knows.
        if (current.version < (await ledger.head()).configVersion) throw stale();
        return change(current);
      },
      before,
    ),
  );
  await ledger.noteConfigVersion(config.version, now());
  return config;
}

/** Accepts an edit, as {@link acceptConfig} does, and has the ledger and every server of a fleet know of it. */
export async function acceptSharedConfig(place: ConfigPlace, review: ConfigReview): Promise<Config> {
  const { home, mac, ledger, now } = place;
  const config = await acceptConfig(home, mac, review, agreeing(place));
  await ledger.noteConfigVersion(config.version, now());
  return config;
}

async function inAgreement<T>(place: ConfigPlace, work: (before: BeforeWrite) => Promise<T>): Promise<T> {
  for (let tries = 1; ; tries++) {
    await adoptSharedConfig(place);
    try {
      return await work(agreeing(place));
    } catch (error) {
      if (!(isWalletError(error) && error.cause === OTHERS_FIRST) || tries === TRIES_MAX) throw error;
    }
  }
}

const OTHERS_FIRST = Symbol('another server changed the config first');

function agreeing({ ledger, now }: ConfigPlace): BeforeWrite {
  return async (written) => {
    if ((await ledger.sharedConfig?.put(written, now())) !== false) return;
    throw new WalletError(
      'config_stale',
      'Another server changed the settings at the same moment; nothing was changed here.',
      { cause: OTHERS_FIRST },
    );
  };
}

function staleConfig(): WalletError {
  return new WalletError('config_stale', 'The config is older than the ledger knows; nothing was changed.');
}
