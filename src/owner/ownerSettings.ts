import { hash } from 'node:crypto';
import type { PasskeyPlace } from '../approvals/challenge.js';
import { asShown, type OwnerAct } from '../approvals/confirmation.js';
import type { FactorProof, PasskeyAsk } from '../approvals/inbox.js';
import { listKeys, setKey, type KeyChange } from '../config/change.js';
import { configReader } from '../config/configFile.js';
import { findKey, type Config } from '../config/settings.js';
import { WalletError } from '../errors/walletError.js';
import type { Ledger } from '../ledger/ledger.js';
import { changeSharedConfig } from '../wallet/sharedConfig.js';
import { PageProof } from './auth/pageProof.js';
import { actOfChange, setKeys, type KeyText } from './ownerConfig.js';

/** A change of one setting as its owner is shown it, whole, before it is made. */
export interface ReviewedChange extends KeyChange {
  readonly act: OwnerAct;
  /** What an answer to it has to name: of all that was shown. */
  readonly digest: string;
}

/** The owner's settings over an open wallet: shown, and changed one at a time. */
export interface SettingsBook {
  /** The settings as they are now, proved. */
  config(): Config;
  /** Shows a change. Nothing is written. Throws `bad_input` for a key or a value that cannot be. */
  review(key: string, value: string): ReviewedChange;
  /** A challenge for a passkey, bound to this change as it was shown. */
  challenge(change: ReviewedChange, at: PasskeyPlace): Promise<PasskeyAsk>;
  /**
   * Makes a change that was shown: what tightens at once, what loosens with the factor. Throws `approval_changed` where any
   * setting is another one by now, and as the inbox does for a factor.
   */
  apply(change: ReviewedChange, digest: string, proof: FactorProof | null): Promise<KeyChange>;
  /**
   * Makes changes in one step where none of them loosens; nothing is changed otherwise. Throws `bad_input`,
   * `owner_proof_needed`, `config_stale`.
   */
  tighten(keys: readonly KeyText[]): Promise<readonly KeyChange[]>;
}

/** What it needs of an open wallet. */
export interface SettingsWallet {
  readonly home: string;
  readonly ledger: Ledger;
  /** Makes the config's code. */
  readonly configMac: (data: string) => Uint8Array;
  readonly now: () => number;
  /** Remembers where the ledger stands now. */
  readonly remember: () => void;
}

/** Opens it. */
export function openSettings({ home, ledger, configMac, now, remember }: SettingsWallet): SettingsBook {
  const pageProof = new PageProof(ledger, now);
  const read = configReader(home, configMac);
  /** Changes the config where it is no older than the ledger knows, and has the ledger and the keystore know of it. */
  async function update(change: (current: Config) => Config): Promise<void> {
    await changeSharedConfig({ home, mac: configMac, ledger, now }, change);
    remember();
  }

  return {
    config: read,
    review: (key, value) => reviewOf(read(), key, value),
    challenge: (change, at) => pageProof.challenge(purposeOf(change), at),
    async apply(change, digest, proof) {
      if (digest !== change.digest) throw changedMeanwhile();
      const isLooser = change.direction === 'loosens';
      if (isLooser) {
        const { act, key, after } = change;
        const action = { kind: 'setSetting', key, value: after } as const;
        await pageProof.allow(purposeOf(change), proof, { act, action, isAlone: false });
      }
      await update((current) => {
        const again = reviewOf(current, change.key, change.after);
        // Another hand was there meanwhile: what would be made is not what was shown.
        if (again.digest !== change.digest) throw changedMeanwhile();
        return setKey(current, change.key, change.after).config;
      });
      return change;
    },
    async tighten(keys) {
      let made: readonly KeyChange[] = [];
      await update((current) => {
        const set = setKeys(current, keys);
        made = set.changes;
        const looser = made.find(({ direction }) => direction === 'loosens');
        if (looser !== undefined) throw loosens(looser);
        return set.config;
      });
      return made;
    },
  };
}

function reviewOf(config: Config, keyText: string, value: string): ReviewedChange {
  const { key } = findKey(keyText);
  const { before, after, direction } = setKey(config, key, value);
  const change: KeyChange = { key, before, after, direction };
  const act = asShown(actOfChange([change]));
  return {
    ...change,
    act,
    // T35: of all settings as they stand too: what was shown is a change of these very ones.
    digest: hash(
      'sha256',
      JSON.stringify(['purser setting 2', key, before, after, direction, config.version, listKeys(config)]),
    ),
  };
}

/** T18: a signature is for this very change, from what it was to what it is to be. */
function purposeOf({ digest, act }: ReviewedChange): string {
  return JSON.stringify(['purser setting 2', digest, act.what, act.details]);
}

function loosens({ key, after }: KeyChange): WalletError {
  return new WalletError(
    'owner_proof_needed',
    `Setting ${key} to ${after} loosens the wallet, and so is the owner's alone.`,
    {
      owner: {
        say: `Setting ${key} needs you.`,
        action: { kind: 'setSetting', key, value: after },
        gives: 'factor',
      },
    },
  );
}

function changedMeanwhile(): WalletError {
  return new WalletError(
    'approval_changed',
    'The setting was changed meanwhile; look at it again. Nothing was changed.',
  );
}
