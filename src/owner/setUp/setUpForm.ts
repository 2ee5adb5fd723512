import type { FactorLine } from '../../approvals/inbox.js';
import { checkPassphrase, resemblesPassphrase, type PasskeyFactor } from '../../approvals/factor.js';
import { readConfig, readConfigUnauthenticated, updateConfig } from '../../config/configFile.js';
import { ensureHome } from '../../config/home.js';
import type { Config } from '../../config/settings.js';
import { isWalletError, WalletError } from '../../errors/walletError.js';
import {
  findKeystoreKind,
  type AskPassphrase,
  type KeystoreKind,
  type UnlockedWallet,
} from '../../keys/keystore.js';
import { formatUsd } from '../../money/decimal.js';
import { openLedger } from '../../wallet/engine.js';
import { placesOf, type AgentPlace } from '../../wallet/agentAddress.js';
import { rememberLedger } from '../../wallet/checkpoint.js';
import { isBackedUp, markBackedUp } from './backedUp.js';
import { addMadePasskey, addPassphrase, listFactorsWith } from '../auth/ownerFactors.js';
import { unlockAsAnyone, type OwnerOptions } from '../auth/ownerAuth.js';
import { setUpWallet } from './setUp.js';
import { hasKeychain, makeUnlockPassphrase } from './unlockSecret.js';

/** A ceiling starts at ten times its cap, as in a new wallet. */
const CEILING_FACTOR = 10n;
/** A mistyped amount, not a limit: a million dollars a month. */
const LIMIT_USD_MICROS_MAX = 1_000_000n * 1_000_000n;

/** The limits that are asked for when a wallet is made, in micro-dollars. */
export type FirstLimits = Pick<
  Config['limits'],
  'perCallUsdMicros' | 'perSessionUsdMicros' | 'perDayUsdMicros' | 'perMonthUsdMicros'
>;

/** What the owner chose. */
export interface SetUpChoices {
  readonly keystore: KeystoreKind;
  readonly testnet: boolean;
  readonly limits: FirstLimits;
  /** The owner passphrase, or the passkey that their browser just made; null for none yet. */
  readonly factor: FirstFactor | null;
}

/** What proves the owner from the first moment on. */
export type FirstFactor =
  | { readonly kind: 'passphrase'; readonly passphrase: string }
  | { readonly kind: 'passkey'; readonly passkey: PasskeyFactor };

/** What holds for the wallet that is there, whoever made it. */
export interface SetUpStanding extends Pick<Config, 'keystore' | 'testnet'> {
  readonly home: string;
  readonly limits: FirstLimits;
  readonly ceilings: FirstLimits;
  /** Empty where the keys do not open here. */
  readonly places: readonly AgentPlace[];
  /** Null where the keys do not open here. */
  readonly factors: readonly FactorLine[] | null;
  /** What is not as it was chosen, or cannot be looked at, in one sentence; null where all is well. */
  readonly problem: string | null;
}

/** Where a wallet is made, and what opens it. */
export interface SetUpPlace {
  readonly home: string;
  readonly now: () => number;
  /** What unlocks an encrypted keystore for this process; null where nothing does. */
  readonly passphrase: AskPassphrase;
  /**
   * Keeps what unlocks an encrypted keystore where this process and its like find it, unless another is kept there, and answers
   * what is kept; left out where nothing is.
   */
  readonly keepPassphrase?: (passphrase: string) => Promise<string>;
}

/**
 * Makes a wallet for an owner who has no terminal, once.
 *
 * What if an agent did this in the owner's stead? It would gain no money: there is none yet. It could choose the factor,
 * wait until the owner has funded the wallet, and then approve its own payments up to the ceilings. So two things hold.
 * Whoever serves this lets in only who has what the owner's own screen showed (see the page). And a factor is added in
 * the one act that makes the wallet, or not here at all: once a wallet is there, this changes nothing, so nobody adds a
 * factor through it behind the back of an owner who funded. An agent with a shell can run `init` as it can run anything;
 * the owner who then finds a wallet made, with a factor that they do not know, has sent no money to it.
 */
export class SetUpForm {
  readonly #place: SetUpPlace;
  #keychain: Promise<boolean> | undefined;
  #problem: string | null = null;
  #making = false;
  #madeHere = false;
  /** Opening an encrypted keystore is slow by design: once is enough. */
  #keys: UnlockedWallet | null = null;

  constructor(place: SetUpPlace) {
    this.#place = place;
  }

  /** Whether there is a wallet, whoever made it. Throws `home_*` and `config_invalid`. */
  isSetUp(): boolean {
    try {
      readConfigUnauthenticated(this.#place.home);
      return true;
    } catch (error) {
      if (isWalletError(error) && error.code === 'not_set_up') return false;
      throw error;
    }
  }

  /**
   * Where keys can be kept so that this process can use them, the likeliest first: a file only where what unlocks it is at
   * hand or can be kept, a keychain only where there is one.
   */
  async keystores(): Promise<readonly KeystoreKind[]> {
    if ((await this.#place.passphrase()) !== null) return ['file', 'keychain'];
    if (this.#place.keepPassphrase === undefined) return ['keychain'];
    this.#keychain ??= hasKeychain(this.#place.home);
    return (await this.#keychain) ? ['keychain', 'file'] : ['file'];
  }

  /** Whether what unlocks a file keystore would be made and kept, since nobody gave any. */
  async keepsPassphrase(): Promise<boolean> {
    return this.#place.keepPassphrase !== undefined && (await this.#place.passphrase()) === null;
  }

  /**
   * Makes the wallet. What is wrong with the choices is found before anything is made: `bad_input`. Throws
   * `already_set_up` where there is one, and the codes of the keystore.
   */
  async make(choices: SetUpChoices): Promise<void> {
    await this.check(choices);
    if (this.#making || this.isSetUp())
      throw new WalletError('already_set_up', 'There is a wallet already; it stays as it is.');
    this.#making = true;
    try {
      const { home, now } = this.#place;
      const { keystore, testnet } = choices;
      const passphrase = await this.#passphraseFor(keystore);
      const auth = { passphrase, atTerminal: true };
      const setUp = await setUpWallet({
        home,
        keystore,
        testnet,
        secret: { kind: 'new' },
        passphrase,
        auth,
        now,
      });
      this.#keys = setUp.keys;
      this.#madeHere = true;
      this.#problem = await this.#settle({ home, now, passphrase, auth }, setUp.keys, choices);
    } finally {
      this.#making = false;
    }
  }

  /**
   * Looks at the wallet that is there, so that an owner who did not make it sees whose limits and factors those are.
   * Throws `not_set_up`, `home_*` and `config_invalid`.
   */
  async standing(): Promise<SetUpStanding> {
    const { home } = this.#place;
    const { keystore, testnet, limits, ceilings } = readConfigUnauthenticated(home);
    const read = { home, keystore, testnet, limits, ceilings };
    try {
      const keys = (this.#keys ??= await unlockAsAnyone(this.#place));
      const config = readConfig(home, (data) => keys.mac('config', data));
      const places = await placesOf(config, keys, 0);
      return {
        ...read,
        places,
        factors: await listFactorsWith(this.#place, keys),
        problem: this.#problem,
      };
    } catch (error) {
      if (!isWalletError(error)) throw error;
      const problem = `Not all of it can be looked at from here: ${error.shortMessage}`;
      return { ...read, places: [], factors: null, problem };
    }
  }

  /**
   * The words that alone bring the wallet back, for the owner who made it here and has not proved a copy of them; null for
   * whoever else. A wallet that was there before shows none on a page.
   */
  recoveryWords(): readonly string[] | null {
    const secret = this.#keys?.revealSecret();
    if (!this.#madeHere || secret?.kind !== 'phrase' || isBackedUp(this.#place.home)) return null;
    return secret.phrase.split(' ');
  }

  /** Notes that the owner proved a copy of the words. */
  async noteBackup(): Promise<void> {
    await markBackedUp(this.#place.home, this.#place.now());
  }

  /** How the keystore of a new wallet is unlocked: by what is at hand, else by what is made for it and kept. */
  async #passphraseFor(keystore: KeystoreKind): Promise<AskPassphrase> {
    const { home, passphrase, keepPassphrase } = this.#place;
    if (keystore !== 'file' || keepPassphrase === undefined || (await passphrase()) !== null)
      return passphrase;
    if ((await findKeystoreKind(home)) !== undefined) {
      throw new WalletError(
        'keystore_locked',
        'A set-up was begun here before, and its keystore needs the passphrase that it was made with.',
        { owner: { say: 'Finish it in a terminal.', action: { kind: 'setUp' } } },
      );
    }
    ensureHome(home);
    // Before the keystore: a crash between leaves a passphrase that opens nothing, never keys that nothing opens.
    const kept = await keepPassphrase(makeUnlockPassphrase());
    return () => Promise.resolve(kept);
  }

  /**
   * The wallet is there, with the limits every wallet starts with: a fault from here on loosens nothing. Answers what
   * was not kept.
   */
  async #settle(
    options: OwnerOptions,
    keys: UnlockedWallet,
    { limits, factor }: SetUpChoices,
  ): Promise<string | null> {
    try {
      if (factor?.kind === 'passphrase')
        await addPassphrase(options, () => Promise.resolve(factor.passphrase), {});
      if (factor?.kind === 'passkey') await addMadePasskey(options, factor.passkey);
      await setFirstLimits(options, keys, limits);
      return null;
    } catch (error) {
      if (!isWalletError(error)) throw error;
      return `Not all of it was kept: ${error.shortMessage}`;
    }
  }

  /** Throws `bad_input` for choices that make no wallet. */
  async check({ limits, factor }: SetUpChoices): Promise<void> {
    for (const usdMicros of Object.values(limits) as bigint[]) {
      if (usdMicros <= LIMIT_USD_MICROS_MAX) continue;
      throw new WalletError(
        'bad_input',
        `A limit is at most $${formatUsd(LIMIT_USD_MICROS_MAX)}; $${formatUsd(usdMicros)} is a slip of the keyboard.`,
      );
    }
    if (factor?.kind !== 'passphrase') return;
    checkPassphrase(factor.passphrase);
    const unlock = await this.#place.passphrase();
    if (unlock !== null && resemblesPassphrase(factor.passphrase, unlock))
      throw new WalletError(
        'bad_input',
        'The owner passphrase must be another than the one that unlocks the keystore: agents can read that one.',
      );
  }
}

async function setFirstLimits(
  options: OwnerOptions,
  keys: UnlockedWallet,
  limits: FirstLimits,
): Promise<void> {
  const ceilings = Object.fromEntries(
    Object.entries(limits).map(([field, usdMicros]) => [field, usdMicros * CEILING_FACTOR]),
  ) as unknown as FirstLimits;
  const ledger = await openLedger(options, keys);
  try {
    const config = await updateConfig(
      options.home,
      (data) => keys.mac('config', data),
      (current) => ({
        ...current,
        limits: { ...current.limits, ...limits },
        ceilings: { ...current.ceilings, ...ceilings },
      }),
    );
    await ledger.noteConfigVersion(config.version, options.now());
    await rememberLedger(keys, ledger);
  } finally {
    await ledger.close();
  }
}
