import { readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { readConfig, readConfigUnauthenticated } from '../config/configFile.js';
import { checkHome, checkOwned, notSetUp } from '../config/home.js';
import type { Config } from '../config/settings.js';
import { isWalletError, WalletError } from '../errors/walletError.js';
import type { UnlockedWallet } from '../keys/keystore.js';
import type { Ledger } from '../ledger/ledger.js';
import { lookAtDatabase } from '../ledger/stores.js';
import { CLOCK_OFF_MS_MAX } from '../policy/clock.js';
import { lightningWalletId, placesOf, type AgentPlace } from '../wallet/agentAddress.js';
import { lowerLimits } from '../wallet/clientLimits.js';
import { sayTime } from '../wallet/clock/clockCheck.js';
import { OVERCHARGE_STEP, overchargeSays } from '../wallet/lightningStop.js';
import { failed, ok, type Check } from './check.js';
import { checkUpQuote } from './checkUpQuote.js';
import { DEFAULT_AGENT, openLedger } from '../wallet/engine.js';
import { adoptSharedConfig } from '../wallet/sharedConfig.js';
import { isBackedUp } from '../owner/setUp/backedUp.js';
import { ownersOf } from '../owner/auth/allow.js';
import { readFactors } from '../owner/auth/ownerFactor.js';
import type { OwnerOptions } from '../owner/auth/ownerAuth.js';
import { knownAddresses, notedPlaces, type KnownAddresses } from '../owner/knownAddresses.js';
import { openLedgerWithoutKeys } from '../owner/ownerFreeze.js';

/** What a check-up needs of the wallet. */
export interface CheckUpPlace extends Pick<OwnerOptions, 'home' | 'passphrase' | 'now'> {
  /** Who would pay; the first agent unless given. */
  readonly agent?: string | undefined;
  readonly env: Readonly<Record<string, string | undefined>>;
}

/** More files than any home holds beside its answers; a larger folder is some other folder. */
const FILES_LOOKED_AT_MAX = 200;

/** Runs one check; whatever it throws is what it found. */
async function check(name: string, look: () => Check | Promise<Check>): Promise<Check> {
  try {
    return await look();
  } catch (error) {
    return failed(name, error);
  }
}

/** What of the wallet on this machine is in order; `config` is null where it cannot be read at all. */
export interface LocalCheckUp {
  readonly checks: readonly Check[];
  readonly config: Config | null;
  /** The first agent's address on each network that it can pay on; null where none is known. */
  readonly places: readonly AgentPlace[] | null;
  /** Whether the keys gave these addresses; else they are as they are noted beside the wallet. */
  readonly isProved: boolean;
  /** How the connected Lightning wallet is reached; absent where no keys opened it. */
  readonly lightning?: () => string | null;
}

/**
 * Looks at home, keystore, config and ledger, quickly: `purser audit` is the whole look. Changes nothing, never rejects,
 * and goes on as far as what is broken lets it.
 */
export async function checkUpLocally(place: CheckUpPlace): Promise<LocalCheckUp> {
  const { home } = place;
  const checks = [await check('files', () => lookAtFiles(home))];
  let known: KnownAddresses | null = null;
  checks.push(
    await check('keystore', async () => {
      known = await knownAddresses(place);
      const { locked } = known;
      return locked === null ? ok('keystore', 'The keystore is there and opens.') : lockedKeystore(locked);
    }),
  );
  const opened = (known as KnownAddresses | null)?.keys ?? null;
  const { found, config } = await lookAtConfig(place, opened);
  checks.push(found);
  if (opened === null) {
    const agents = (known as KnownAddresses | null)?.agents ?? [];
    // Without an address on Solana it is an imported key, which has no phrase.
    if (agents[0]?.solana !== null) checks.push(...lookAtBackup(home));
    checks.push(...(await lookAtLockedLedger(home)));
    const places = config === null ? [] : notedPlaces(config, agents);
    return { checks, config, places: places.length === 0 ? null : places, isProved: false };
  }
  if (opened.secretKind === 'phrase') checks.push(...lookAtBackup(home));
  checks.push(...lookAtNote(known));
  checks.push(...lookAtLightning(opened));
  checks.push(...(await lookAtLedgerDatabase(home)));
  const spend = { config, agent: place.agent ?? DEFAULT_AGENT, nowMs: place.now(), env: place.env };
  checks.push(...(await lookAtLedger(home, opened, spend)));
  return {
    checks,
    config,
    places: config === null ? null : await placesOf(config, opened, 0),
    isProved: true,
    lightning: () => opened.lightning.read(),
  };
}

/** A Lightning wallet that took more than it was bound to is asked for nothing more. */
function lookAtLightning(keys: UnlockedWallet): Check[] {
  const walletId = lightningWalletId(keys);
  const payment = walletId === null ? null : keys.lightning.stoppedBy(walletId);
  if (payment === null) return [];
  return [{ name: 'lightning', state: 'fail', says: overchargeSays(payment), mend: OVERCHARGE_STEP }];
}

/** A keystore that this process cannot open may open in every client: no fault, and what needs keys stays unseen. */
function lockedKeystore({ code, shortMessage, owner }: WalletError): Check {
  if (code !== 'keystore_locked') {
    const mend = owner === undefined ? {} : { mend: owner };
    return { name: 'keystore', state: 'fail', says: shortMessage, ...mend };
  }
  return {
    name: 'keystore',
    state: 'warn',
    says: 'The keystore is there and locked here: what needs the keys is not looked at.',
    mend: { say: 'To look at that too, give the unlock passphrase.', action: { kind: 'checkUp' } },
  };
}

/** Addresses beside the wallet that are not its own were put there by somebody who wants its money. */
function lookAtNote(known: KnownAddresses | null): Check[] {
  if (known?.isNoteForged !== true) return [];
  return [
    {
      name: 'addresses',
      state: 'fail',
      says: 'The addresses noted beside the wallet are not its own: somebody changed them, perhaps to have money sent there.',
      mend: {
        say: 'See who can write the wallet’s folder; the true addresses are noted again once they are shown.',
        action: { kind: 'showAddress', unlocks: true },
      },
    },
  ];
}

/** How safe a commit is, where the ledger is in a database. Nothing where it is a file. */
async function lookAtLedgerDatabase(home: string): Promise<Check[]> {
  const name = 'database';
  try {
    const look = await lookAtDatabase(home);
    if (look === null) return [];
    const { standbyNames } = look;
    if (standbyNames !== '')
      return [
        ok(
          name,
          `The ledger is at ${look.name}. Each commit waits for standbys (${standbyNames}), so that a failover to one of them loses none.`,
        ),
      ];
    return [
      {
        name,
        state: 'warn',
        says: `The ledger is at ${look.name}. Each commit waits for that server’s disk and for no standby: a failover can lose the newest payments, and then nothing is signed until the ledger is rebuilt from the chain.`,
        mend: {
          say: 'Name standbys in synchronous_standby_names, or keep the database on a disk that is replicated itself.',
        },
      },
    ];
  } catch (error) {
    return [failed(name, error)];
  }
}

/** What the ledger tells without keys: nothing of it is proved. */
async function lookAtLockedLedger(home: string): Promise<Check[]> {
  let ledger: Ledger | null = null;
  try {
    const open = (ledger = await openLedgerWithoutKeys(home));
    const { seq, frozen } = await open.head();
    const hasFactor = await open.hasFactorRows();
    return [
      {
        name: 'ledger',
        state: 'warn',
        says: `The journal of ${seq} entries can be read; whether it is the one that the keystore remembers is not known while that is closed.`,
      },
      hasFactor ? ok('factor', 'The ledger has a factor that proves the owner.') : missingFactor(),
      frozenOf(frozen),
    ];
  } catch (error) {
    return [failed('ledger', error)];
  } finally {
    await ledger?.close();
  }
}

function lookAtBackup(home: string): Check[] {
  if (isBackedUp(home)) return [ok('backup', 'You have proved a copy of the recovery phrase.')];
  return [
    {
      name: 'backup',
      state: 'warn',
      says: 'No copy of the recovery phrase was proved: without one, a lost disk is lost money.',
      mend: {
        say: 'Write it down; some of its words are asked for.',
        action: { kind: 'showRecoveryPhrase' },
      },
    },
  ];
}

/** How many owners a loosening needs, and how many can say so. */
async function checkUpOwners(ledger: Ledger): Promise<Check> {
  const [quorum, owners] = [await ledger.owners.quorum(), ownersOf(await readFactors(ledger))];
  if (quorum === 1) return ok('owners', 'A loosening needs one owner.');
  const says = `A loosening needs ${quorum} owners, and ${owners.length} can say yes: ${owners.join(', ')}.`;
  if (owners.length > quorum) return ok('owners', says);
  return {
    name: 'owners',
    state: 'warn',
    says: `${says} Where one loses their only factor, the recovery phrase is the way on.`,
    mend: {
      say: 'Give each owner a second factor, or have a third owner.',
      action: { kind: 'addFactor', factor: 'passkey', owner: owners.at(-1) ?? '' },
    },
  };
}

function missingFactor(): Check {
  return {
    name: 'factor',
    state: 'warn',
    says: 'There is no factor: only a prompt of the client says yes, and what unlocks the keystore loosens limits.',
    mend: { say: 'Add what only you have.', action: { kind: 'addFactor', factor: 'passphrase' } },
  };
}

function frozenOf(frozen: boolean): Check {
  if (!frozen) return ok('frozen', 'The wallet is not frozen.');
  return {
    name: 'frozen',
    state: 'warn',
    says: 'The wallet is frozen: nothing is signed or sent.',
    mend: { say: 'Let agents pay again.', action: { kind: 'unfreeze' } },
  };
}

function lookAtFiles(home: string): Check {
  checkHome(home);
  if (process.platform === 'win32')
    return ok('files', `${home} is there; Windows keeps others out by itself.`);
  const names = readdirSync(home).slice(0, FILES_LOOKED_AT_MAX);
  for (const name of names) {
    const path = join(home, name);
    const stats = statSync(path, { throwIfNoEntry: false });
    if (stats !== undefined) checkOwned(path, stats, stats.isDirectory() ? '700' : '600');
  }
  return ok('files', `${home} is yours alone.`);
}

async function lookAtConfig(
  { home, env }: CheckUpPlace,
  keys: UnlockedWallet | null,
): Promise<{ readonly found: Check; readonly config: Config | null }> {
  let config: Config | null = null;
  const found = await check('config', () => {
    config = readConfigUnauthenticated(home);
    if (keys === null)
      return {
        name: 'config',
        state: 'warn',
        says: 'config.json can be read; whether it was edited is not known while the keystore is closed.',
      };
    config = readConfig(home, (data) => keys.mac('config', data));
    lowerLimits(config, env);
    return ok('config', `config.json is as Purser wrote it (version ${config.version}).`);
  });
  return { found, config };
}

/** Whose payment is judged, under which config. */
interface SpendPlace extends Pick<CheckUpPlace, 'env'> {
  readonly config: Config | null;
  readonly agent: string;
  readonly nowMs: number;
}

async function lookAtLedger(
  home: string,
  keys: UnlockedWallet,
  { config, env, ...asking }: SpendPlace,
): Promise<Check[]> {
  let ledger: Ledger | null = null;
  try {
    const open = (ledger = await openLedger({ home }, keys));
    return [
      await check('ledger', async () => {
        const anchor = await keys.readAnchor();
        if (anchor === null) throw new WalletError('ledger_foreign', 'The keystore remembers no ledger.');
        await open.verifyCheckpoint(anchor);
        const { seq, configVersion } = await open.head();
        const { version } = readConfigUnauthenticated(home);
        const mac = (data: string): Uint8Array => keys.mac('config', data);
        if (version < configVersion && !(await adoptSharedConfig({ home, mac, ledger: open })))
          throw new WalletError('config_stale', 'config.json is older than the ledger has seen.', {
            owner: { say: 'Look at it, and accept it.', action: { kind: 'acceptConfig' } },
          });
        return ok('ledger', `The journal of ${seq} entries goes on from what the keystore remembers.`);
      }),
      ...(await lookAtLedgerTime(open, asking.nowMs)),
      await check('factor', async () => {
        const factors = await readFactors(open);
        if (factors.length > 0)
          return ok('factor', `Proves the owner: ${factors.map(({ label }) => label).join(', ')}.`);
        return missingFactor();
      }),
      await check('owners', () => checkUpOwners(open)),
      await check('frozen', async () => frozenOf((await open.head()).frozen)),
      ...(await lookAtSubscriptions(open, asking.nowMs)),
      ...(config === null
        ? []
        : [await check('dry run', () => checkUpQuote(open, lowerLimits(config, env), asking))]),
    ];
  } catch (error) {
    return [failed('ledger', error)];
  } finally {
    await ledger?.close();
  }
}

/** Ledger time that a fast clock left ahead: limits free nothing until the true time has caught up (T30). */
async function lookAtLedgerTime(ledger: Ledger, nowMs: number): Promise<Check[]> {
  const aheadMs = (await ledger.head()).timeMs - nowMs;
  if (aheadMs <= CLOCK_OFF_MS_MAX) return [];
  return [
    {
      name: 'ledger time',
      state: 'warn',
      says: `The ledger’s time is ${sayTime(aheadMs)} ahead of this computer's clock, as after a clock that was fast: until then no limit frees anything.`,
      mend: { say: 'If the clock is right, set the ledger’s time back.', action: { kind: 'rebaseLedger' } },
    },
  ];
}

/**
 * Subscriptions of agents that may do nothing any more: the key that the seller has is the chain's, and takes on until it is
 * ended there. Nothing where there is none.
 */
async function lookAtSubscriptions(ledger: Ledger, nowMs: number): Promise<Check[]> {
  const name = 'subscriptions';
  try {
    const checks: Check[] = [];
    for (const { id, agent, origin } of await ledger.commitments()) {
      const bar = await ledger.agents.barOf(agent, nowMs);
      if (bar === null) continue;
      const why = bar === 'expired' ? 'whose time is over' : `which is ${bar}`;
      checks.push({
        name,
        state: 'warn',
        says: `${new URL(origin).host} may still take by the subscription ${id} of agent ${agent}, ${why}.`,
        mend: { say: 'End it, unless it is still wanted.', action: { kind: 'cancelCommitment', id } },
      });
    }
    return checks;
  } catch (error) {
    return [failed(name, error)];
  }
}

/** The check of a wallet that was never made: one line says it all. */
export function isNotSetUp(home: string): boolean {
  try {
    checkHome(home);
    readConfigUnauthenticated(home);
    return false;
  } catch (error) {
    return isWalletError(error) && error.code === notSetUp(home).code;
  }
}
