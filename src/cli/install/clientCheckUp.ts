import { existsSync } from 'node:fs';
import { backupOf } from '../../clients/files/clientFile.js';
import type { Launch } from '../../clients/launch/launch.js';
import { checkLaunch, type SelfCheck } from '../../clients/launch/selfCheck.js';
import { findStartFault } from '../../clients/launch/startFault.js';
import {
  addressIn,
  compareVersions,
  launchIn,
  specIn,
  startsInstalled,
  type WrittenLaunch,
} from '../../clients/launch/writtenLaunch.js';
import { readConfigUnauthenticated } from '../../config/configFile.js';
import { CONFIG_FILE, resolveHome } from '../../config/home.js';
import type { OwnerStep } from '../../errors/ownerAction.js';
import { isWalletError, type WalletError } from '../../errors/walletError.js';
import { ok, type Check } from '../../doctor/check.js';
import { clientAmounts } from '../../wallet/clientLimits.js';
import { findTargets, machineOf, type Target } from './clientChoice.js';
import { shortPath } from './clientReport.js';
import type { CommandCall } from '../command.js';
import { keptPassphraseFile, servedPassphrase } from '../setUp/passphrase.js';

/** What is to be said of an entry beside that it is there. */
type Finding = Required<Pick<Check, 'state' | 'says'>> & Pick<Check, 'mend'>;

/**
 * Looks at each client that is on this machine: whether Purser is in it, and whether it will start from what is
 * written there. Starts it for real where `starts` is set, each way of starting once. Changes nothing and never rejects.
 */
export async function checkUpClients(call: CommandCall, starts = false): Promise<Check[]> {
  const targets = (await findTargets(call.io, [])).filter(({ there, entry }) => there || entry !== undefined);
  const having = targets.filter(({ entry, fault }) => entry !== undefined || fault !== null);
  const tried = new Map<string, Promise<SelfCheck>>();
  const start = (launch: Launch): Promise<SelfCheck> => {
    const key = JSON.stringify([launch.command, launch.args, launch.env]);
    const known = tried.get(key) ?? checkLaunch(machineOf(call.io), launch);
    tried.set(key, known);
    return known;
  };
  const looked = await Promise.all(having.map((target) => lookAtClient(call, target, starts ? start : null)));
  const checks = [
    ...looked,
    ...targets.flatMap((target) => [...lookAtManaged(target), ...lookAtOthers(call, target)]),
  ];
  const without = targets.filter((target) => !having.includes(target)).map(({ client }) => client.label);
  if (targets.some(({ entry }) => entry !== undefined)) {
    if (without.length === 0) return checks;
    return [...checks, ok('other clients', `Purser is not in ${[...new Set(without)].join(', ')}.`)];
  }
  const says =
    without.length === 0
      ? 'No MCP client that is known here has Purser.'
      : `Purser is in no client yet; found here: ${[...new Set(without)].join(', ')}.`;
  return [
    ...checks,
    { name: 'clients', state: 'warn', says, mend: { say: 'Add it.', action: { kind: 'installClient' } } },
  ];
}

/** A client whose servers an administrator chooses does not start ours, whatever stands in the user's file. */
export function lookAtManaged({ client, managedBy }: Pick<Target, 'client' | 'managedBy'>): Check[] {
  if (managedBy === null) return [];
  const says = `${managedBy} decides which servers ${client.label} has; your own file is not read.`;
  const mend = { say: 'Ask whoever manages this computer to add purser there.' };
  return [{ name: `client ${client.label}, managed`, state: 'warn', says, mend }];
}

/** Entries that start Purser under another name, or for one project: they stay when ours is taken out. */
function lookAtOthers({ io }: CommandCall, { client, others }: Target): Check[] {
  if (others.length === 0) return [];
  const places = others.map(({ name, project, file }) => {
    const of = project === null ? '' : ` of the project ${shortPath(io, project)}`;
    return `in ${shortPath(io, file)} as "${name}"${of}`;
  });
  const says = `Purser is also ${places.join(', ')}.`;
  const mend = { say: 'Each entry starts a server of its own. Take out by hand those that you do not want.' };
  return [{ name: `client ${client.label}, other entries`, state: 'warn', says, mend }];
}

async function lookAtClient(
  call: CommandCall,
  target: Target,
  start: ((launch: Launch) => Promise<SelfCheck>) | null,
): Promise<Check> {
  const { client, file, entry, fault } = target;
  const name = `client ${client.label}`;
  const at = shortPath(call.io, file);
  if (fault !== null) {
    // Our copy beside it tells that we were in it.
    const state = existsSync(backupOf(file)) ? 'fail' : 'warn';
    const says = `${at} cannot be read: ${fault}.`;
    return { name, state, says, mend: { say: `Mend ${at} by hand, then look again.` } };
  }
  const mend: OwnerStep = {
    say: 'Write the entry anew.',
    action: { kind: 'installClient', clients: [client.id] },
  };
  const launch = launchIn(entry);
  if (launch === null) {
    const address = addressIn(entry);
    if (address !== null)
      return ok(name, `Reaches a server over HTTP, by ${at}; what that server has is not looked at.`);
    return {
      name,
      state: 'fail',
      says: `The entry in ${at} starts no program.`,
      mend: {
        say: `Take purser out of ${at} by hand, then add it.`,
        action: { kind: 'installClient', clients: [client.id] },
      },
    };
  }
  const startFault = await findStartFault(launch, machineOf(call.io));
  const trial = startFault === null && !launch.off && start !== null ? await start(launch) : null;
  const findings = [
    ...(startFault === null
      ? []
      : [{ state: 'fail', says: `It will not start: ${startFault}.`, mend } as const]),
    ...findingsOf(trial, mend),
    ...lookAtVersion(call, launch),
    ...(await lookAtEnvironment(call, target, launch)),
    ...(launch.off ? [{ state: 'warn', says: 'It is switched off in the client.' } as const] : []),
  ];
  const worst = findings.find(({ state }) => state === 'fail') ?? findings[0];
  const version =
    specIn(launch) ?? (startsInstalled(launch) ? 'the installed package' : 'a program of your own');
  const ready = trial?.starts === true ? [`It starts, in ${trial.ms} ms.`] : [];
  const says = [`${at} starts ${version}.`, ...ready, ...findings.map((finding) => finding.says)].join(' ');
  if (worst === undefined) return ok(name, says);
  return { name, state: worst.state, says, ...(worst.mend === undefined ? {} : { mend: worst.mend }) };
}

function findingsOf(trial: SelfCheck | null, mend: OwnerStep): Finding[] {
  if (trial === null) return [];
  if (!trial.starts) {
    const says = `It does not start: ${trial.said}.`;
    return [{ state: 'fail', says, mend: trial.hint === null ? mend : { say: `${trial.hint}.` } }];
  }
  // What the wallet itself lacks has lines of its own; that a client cannot open what opens here has not.
  return trial.wallet === null ? [] : [{ state: 'warn', says: `It answers: ${trial.wallet.message}` }];
}

function lookAtVersion({ io }: CommandCall, launch: WrittenLaunch): Finding[] {
  const spec = specIn(launch);
  const mend: OwnerStep = { say: 'Pin this version.', action: { kind: 'pinClients' } };
  if (spec === 'purser-mcp')
    return [
      { state: 'warn', says: 'It pins no version: what starts may change from one day to the next.', mend },
    ];
  const place = compareVersions(spec?.slice('purser-mcp@'.length) ?? null, io.version);
  if (place !== 'older') return [];
  return [{ state: 'warn', says: `This is ${io.version}, which is newer.`, mend }];
}

/** The wallet's folder that an entry's variables name, or why they name none. */
function homeIn(...[env, platform]: Parameters<typeof resolveHome>): string | WalletError {
  try {
    return resolveHome(env, platform);
  } catch (error) {
    if (isWalletError(error)) return error;
    throw error;
  }
}

/** Looks at the variables that the entry sets: the wallet's folder, the file that unlocks it, lower limits. */
async function lookAtEnvironment(
  { io, home }: CommandCall,
  { client }: Target,
  { env }: WrittenLaunch,
): Promise<Finding[]> {
  const { HOME, USERPROFILE } = io.env;
  const theirs = homeIn({ HOME, USERPROFILE, ...env }, io.platform);
  if (typeof theirs !== 'string') {
    const mend: OwnerStep = {
      say: 'Write the entry anew.',
      action: { kind: 'installClient', clients: [client.id] },
    };
    return [{ state: 'fail', says: theirs.shortMessage, mend }];
  }
  if (theirs !== home) {
    const there = existsSync(`${theirs}/${CONFIG_FILE}`);
    const says = `It uses another wallet, ${shortPath(io, theirs)}${there ? '' : ', which was never made'}; this looks at ${shortPath(io, home)}.`;
    return [
      {
        state: 'warn',
        says,
        mend: {
          say: 'If it is not meant to, take the entry out and install again.',
          action: { kind: 'uninstallClient', client: client.id },
        },
      },
    ];
  }
  return [...(await lookAtPassphrase(home, env, client.id)), ...lookAtLimits(env)];
}

async function lookAtPassphrase(home: string, env: WrittenLaunch['env'], id: string): Promise<Finding[]> {
  const mend: OwnerStep = {
    say: `Have install ask for the passphrase, in a terminal: it keeps it in ${keptPassphraseFile(home)}, which only you can read. Or give it a file of your own by --passphrase-file.`,
    action: { kind: 'installClient', clients: [id] },
  };
  try {
    if (readConfigUnauthenticated(home).keystore !== 'file') return [];
    const warnings: string[] = [];
    const passphrase = await servedPassphrase(env, home, (line) => warnings.push(line));
    if (passphrase !== null) return warnings.map((says) => ({ state: 'warn', says }));
    return [
      {
        state: 'warn',
        says: 'It names no file with the unlock passphrase and none is kept, so the wallet stays locked in it.',
        mend,
      },
    ];
  } catch (error) {
    // A home or a config that cannot be read has lines of its own.
    return isWalletError(error) && error.code === 'keystore_locked'
      ? [{ state: 'fail', says: error.shortMessage, mend }]
      : [];
  }
}

function lookAtLimits(env: WrittenLaunch['env']): Finding[] {
  try {
    clientAmounts(env);
    return [];
  } catch (error) {
    if (!isWalletError(error)) throw error;
    return [
      {
        state: 'fail',
        says: error.shortMessage,
        ...(error.owner === undefined ? {} : { mend: error.owner }),
      },
    ];
  }
}
