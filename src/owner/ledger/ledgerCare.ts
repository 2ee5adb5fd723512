import { chmodSync } from 'node:fs';
import type { Config } from '../../config/settings.js';
import { isWalletError } from '../../errors/walletError.js';
import type { UnlockedWallet } from '../../keys/keystore.js';
import type { Ledger } from '../../ledger/ledger.js';
import { ledgerStoreIn } from '../../ledger/stores.js';
import { AUTHORIZATION_WINDOW_MAX_SEC } from '../../payment/intent.js';
import { DEFAULT_AGENT } from '../../money/agent.js';
import type { AnyAttempt } from '../../ledger/attempts/withdrawal.js';
import { networksOf } from '../../wallet/agentAddress.js';
import { isContinued, rememberLedger } from '../../wallet/checkpoint.js';
import { readClock, refuseWrong } from '../../wallet/clock/clockCheck.js';
import { ClockWatch } from '../../wallet/clock/clockWatch.js';
import { createNet } from '../../net/send.js';
import type { EndpointAnswer } from '../../payment/challenge.js';
import { BitcoinRate } from '../../wallet/bitcoinRate.js';
import { openLedger } from '../../wallet/engine.js';
import { settleAttempt } from '../../wallet/settle/settlement.js';
import { isMarkedFrozen } from '../../wallet/freezeMark.js';
import { compareWithChain, settlementPlaceOf, LOOK_MS_MAX } from './chainAudit.js';
import { lacksFactors, rememberFactors, restoreFactors } from '../auth/factorMemory.js';
import { readChain } from './chainImport.js';
import { keepLostChannel } from './lostChannels.js';
import { provedConfig } from '../ownerConfig.js';
import { unlockAsAnyone, unlockAsOwner, type OwnerOptions, type OwnerOperation } from '../auth/ownerAuth.js';

/** The longest window of a cap: older payments count nowhere. */
const COUNTED_SEC = 30 * 86_400;
/** A clock a little behind the chain's must not end the wait too soon. */
const CLOCK_MARGIN_SEC = 60;
const REBUILD: OwnerOperation = {
  what: 'Rebuilding the ledger',
  action: { kind: 'rebuildLedger' },
  mendsLedger: true,
  // It frees nothing: what was spent is counted from the chain, the owners and their quorum come back with it, and two of them
  // have to accept the config that is there and to let agents act.
  alone: 'always',
};

/** How far a rebuilding has come. */
export interface Rebuilding {
  readonly state: 'waiting' | 'done' | 'sound';
  /** When it can be finished, ms since 1970; null otherwise. */
  readonly readyAtMs: number | null;
  /** Payments that came in from the chain. */
  readonly imported: number;
  /** Payments that had been released, and that the chain was proved to show: they are captured again. */
  readonly recaptured: number;
  /** What was not looked at or not proved: one sentence for each. */
  readonly notes: readonly string[];
  /** Whether the wallet is frozen now: until a rebuilding ends, and beyond that where the owner froze it. */
  readonly frozen: boolean;
  /** Where the ledger that was replaced is kept, or null. */
  readonly keptAs: string | null;
  /** Agents that were suspended because the ledger is an older copy. */
  readonly suspended: readonly string[];
}

/**
 * Begins a rebuilding, or finishes one that has waited long enough; a ledger that is sound and the keystore's own is
 * left alone. What the lost ledger signed can settle for as
 * long as an authorization lives, so the wallet stays frozen until then; after it the chain shows all there is.
 *
 * Throws `owner_proof_needed`, `rpc_unavailable`, `config_*`, `home_*` and the codes of the keystore.
 */
export async function rebuildLedger(options: OwnerOptions): Promise<Rebuilding> {
  const keys = await unlockAsOwner(options, REBUILD);
  const clock = new ClockWatch(options.now);
  const usable = await openUsable(options, keys, clock);
  const sound = usable === null ? null : await lookOver(options, usable, keys);
  if (sound === null) return rebuildOver(options, keys, usable, clock);
  await usable?.close();
  return sound;
}

async function rebuildOver(
  options: OwnerOptions,
  keys: UnlockedWallet,
  usable: Ledger | null,
  clock: ClockWatch,
): Promise<Rebuilding> {
  const config = provedConfig(options.home, keys);
  // What comes in from the chain counts by its time, which a clock that is wrong would make old (T30).
  refuseWrong(await readClock(clock, config, networksOf(config, keys)));
  const ledger = usable ?? (await beginAnew(options, keys, config, clock));
  try {
    const isOlder = usable !== null && !(await isContinued(usable, keys));
    if (await wasFrozenByOwner(options.home, keys)) await ledger.freeze(options.now());
    await ledger.beginRebuild(options.now());
    await restoreFactors(keys, ledger, options.now());
    // Which config was the last one, and whether the default agent might act, went with the ledger, and one owner rebuilds it:
    // so two of them say what holds.
    const isLost = usable === null || isOlder;
    const takesTwo = isLost && (await ledger.owners.quorum()) > 1;
    const suspended = isLost ? await suspendAgents(ledger, { withDefault: takesTwo }, options.now()) : [];
    if (takesTwo) await ledger.noteConfigVersion(config.version + 1, options.now());
    await rememberRebuilt(keys, ledger);
    await rememberFactors(keys, ledger);
    const keptAs = usable === null ? ledgerStoreIn(options.home).keptAs : null;
    return { ...(await finishWhenReady(options, keys, config, ledger, keptAs)), suspended };
  } finally {
    await ledger.close();
  }
}

/** Whether the owner had frozen the wallet, by what an older or a new ledger does not take along. */
async function wasFrozenByOwner(home: string, keys: UnlockedWallet): Promise<boolean> {
  const kept = await keys.readAnchor().catch((error: unknown) => {
    if (isWalletError(error) && error.code === 'keystore_unreadable') return null;
    throw error;
  });
  return kept?.isFrozen === true || isMarkedFrozen(home);
}

/**
 * What there is to say of a ledger that needs no rebuilding: none is under way, it continues what the keystore remembers,
 * and the chain shows no payment that it does not know (in a restored wallet those of before are not counted yet). Null
 * where it needs one. What was released falsely is captured again (T32).
 */
async function lookOver(
  options: OwnerOptions,
  ledger: Ledger,
  keys: UnlockedWallet,
): Promise<Rebuilding | null> {
  if ((await ledger.rebuildingSinceMs()) !== null) return null;
  if (!(await isContinued(ledger, keys)) || (await lacksFactors(keys, ledger))) return null;
  const compared = await compareWithChain(provedConfig(options.home, keys), keys, ledger, options.now());
  if (compared.unknown > 0) return null;
  await rememberLedger(keys, ledger);
  return {
    state: 'sound',
    readyAtMs: null,
    imported: 0,
    recaptured: compared.recaptured.length,
    notes: [...compared.notes, ...compared.findings.map(({ says }) => says)],
    frozen: (await ledger.head()).frozen,
    keptAs: null,
    suspended: [],
  };
}

/**
 * Suspends the further agents of an older copy: a suspension, a removal or a new token since is not in it, so it is for
 * the owner to say again who may act. A ledger begun anew knows none of them for the same reason.
 */
async function suspendAgents(
  { agents }: Ledger,
  { withDefault }: { readonly withDefault: boolean },
  nowMs: number,
): Promise<string[]> {
  const active = (await agents.list()).filter(
    ({ name, state }) => (withDefault || name !== DEFAULT_AGENT) && state === 'active',
  );
  for (const { name } of active) await agents.change(name, { act: 'suspend' }, nowMs);
  return active.map(({ name }) => name);
}

/** The ledger that is there, where it is this wallet's own and sound; null where a new one has to be begun. */
async function openUsable(
  options: OwnerOptions,
  keys: UnlockedWallet,
  clock: ClockWatch,
): Promise<Ledger | null> {
  if (!(await ledgerStoreIn(options.home).exists())) return null;
  let ledger: Ledger | undefined;
  try {
    ledger = await openLedger(options, keys, clock);
    if ((await ledger.audit()).findings.length === 0) return ledger;
  } catch (error) {
    if (!isWalletError(error) || !UNUSABLE.includes(error.code)) throw error;
  }
  await ledger?.close();
  return null;
}

const UNUSABLE: readonly string[] = ['ledger_damaged', 'ledger_foreign', 'ledger_older', 'ledger_missing'];

async function beginAnew(
  options: OwnerOptions,
  keys: UnlockedWallet,
  config: Config,
  clock: ClockWatch,
): Promise<Ledger> {
  const store = ledgerStoreIn(options.home);
  await store.setAside();
  await store.create({
    mac: (data) => keys.mac('ledger', data),
    nowMs: options.now(),
    configVersion: config.version,
  });
  return openLedger(options, keys, clock);
}

async function finishWhenReady(
  options: OwnerOptions,
  keys: UnlockedWallet,
  config: Config,
  ledger: Ledger,
  keptAs: string | null,
): Promise<Omit<Rebuilding, 'suspended'>> {
  const sinceMs = (await ledger.rebuildingSinceMs()) ?? options.now();
  const readyAtMs = sinceMs + (AUTHORIZATION_WINDOW_MAX_SEC + CLOCK_MARGIN_SEC) * 1000;
  const begun = { readyAtMs, imported: 0, recaptured: 0, notes: [], frozen: true, keptAs };
  if (options.now() < readyAtMs) return { ...begun, state: 'waiting' };
  const { found, notes, deposits } = await readChain(config, keys, ledger, {
    now: options.now,
    sinceMs: sinceMs - COUNTED_SEC * 1000,
    untilMs: readyAtMs,
    bitcoin: await bitcoinNow(options, config),
  });
  const { imported, contradicted } = await ledger.finishRebuild(found, options.now());
  for (const deposit of deposits) await keepLostChannel(ledger, deposit, options.now());
  const proved = await proveLandings(config, keys, ledger, contradicted, options.now());
  await rememberRebuilt(keys, ledger);
  const { frozen } = await ledger.head();
  return {
    ...{ state: 'done', readyAtMs: null, imported, frozen, keptAs },
    recaptured: proved.recaptured,
    notes: [...notes, ...proved.notes],
  };
}

/** What a source of rates is told of who asks: nothing. */
const ASKER = 'rates';

/** What payments by Lightning are counted by: their dollars were in the ledger that was lost. */
async function bitcoinNow(
  options: OwnerOptions,
  config: Config,
): Promise<NonNullable<EndpointAnswer['bitcoin']>> {
  const net = createNet({
    ...{ allowPrivate: config.net.allowPrivate, proxy: config.net.proxy },
    version: ASKER,
  });
  try {
    return await new BitcoinRate(options.home).terms(config, net, options.now());
  } finally {
    await net.close();
  }
}

/** Takes for captured what was released falsely, where the chain proves it. */
async function proveLandings(
  config: Config,
  keys: UnlockedWallet,
  ledger: Ledger,
  contradicted: readonly AnyAttempt[],
  nowMs: number,
): Promise<Pick<Rebuilding, 'recaptured' | 'notes'>> {
  const place = settlementPlaceOf(config, keys, ledger, nowMs);
  const notes: string[] = [];
  for (const payment of contradicted) {
    const { attempt: after, message } = await settleAttempt(place, payment, AbortSignal.timeout(LOOK_MS_MAX));
    if (after.state !== 'captured') notes.push(`${payment.id} stays released. ${message}`);
  }
  return { recaptured: contradicted.length - notes.length, notes };
}

/** Has the keystore remember this ledger in place of whatever it remembers: the owner said so. */
async function rememberRebuilt(keys: UnlockedWallet, ledger: Ledger): Promise<void> {
  const checkpoint = await ledger.durableCheckpoint();
  if (checkpoint !== null) await keys.writeAnchor(checkpoint, 'rebuilt');
}

/** Copies the ledger into a file of the owner's, readable by nobody else. Throws `bad_input` where the name is taken. */
export async function backupLedger(options: OwnerOptions, path: string): Promise<void> {
  const keys = await unlockAsAnyone(options);
  const ledger = await openLedger(options, keys);
  try {
    await ledger.backup(path);
    chmodSync(path, 0o600);
  } finally {
    await ledger.close();
  }
}

/**
 * Puts a backup in the ledger's place, and begins a rebuilding over it: what was paid after the backup was taken is
 * counted from the chain before anything is signed again.
 *
 * Throws `not_found`, `owner_proof_needed`, `ledger_foreign` and `ledger_damaged` for a file that is no sound ledger of this
 * wallet; the ledger is then as it was.
 */
export async function restoreLedger(options: OwnerOptions, path: string): Promise<Rebuilding> {
  const keys = await unlockAsOwner(options, {
    what: `Restoring the ledger from ${path}`,
    action: { kind: 'restoreLedger', file: path },
    mendsLedger: true,
    alone: 'if_lost',
  });
  const store = ledgerStoreIn(options.home);
  await store.restore(path, (data) => keys.mac('ledger', data));
  const clock = new ClockWatch(options.now);
  const ledger = await openLedger(options, keys, clock);
  return { ...(await rebuildOver(options, keys, ledger, clock)), keptAs: store.keptAs };
}
