import { installInto, type ClientChange } from '../../clients/install.js';
import {
  compareVersions,
  launchIn,
  pinOf,
  specIn,
  startsInstalled,
} from '../../clients/launch/writtenLaunch.js';
import { PACKAGE } from '../line/program.js';
import { findTargets, launchFor, machineOf } from './clientChoice.js';
import { changeLines, checkAndTell, jsonChanges, printDiffs, thenLines } from './clientReport.js';
import type { CommandCall } from '../command.js';
import { printJson, printLines } from '../terminal/output/show.js';

function byPath(entry: unknown): boolean {
  const launch = launchIn(entry);
  return launch !== null && startsInstalled(launch);
}

/** Moves the version that clients start to the one that runs. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags } = call;
  const dryRun = flags.has('dryRun');
  const all = await findTargets(io, []);
  const having = all.filter(({ entry }) => entry !== undefined);
  const installed = having.filter(({ entry }) => byPath(entry));
  const newer = having.filter(({ entry }) => compareVersions(pinOf(entry), io.version) === 'newer');
  // What an entry tells of the wallet stays as it is: only the start is new.
  const { launch, node } = launchFor(call, null, undefined);
  const changes: ClientChange[] = [];
  for (const { client, file } of having.filter((one) => !newer.includes(one) && !installed.includes(one))) {
    changes.push(await installInto(client, file, launch, { machine: machineOf(io), dryRun }));
  }
  for (const { client, file, standIns } of all) {
    for (const { name, launch: there } of standIns) {
      const pin = compareVersions(specIn(there)?.slice(`${PACKAGE}@`.length) ?? null, io.version);
      if (pin === 'newer' || startsInstalled(there)) continue;
      const tail = there.args.slice(there.args.indexOf('mcp'));
      const standIn = { ...launch, args: [...launch.args, ...tail], name };
      changes.push(await installInto(client, file, standIn, { machine: machineOf(io), dryRun }));
    }
  }
  const isJson = flags.has('json');
  const notes = [
    ...newer.map(
      ({ client, entry }) => `${client.label} starts ${pinOf(entry)}, which is newer: left alone.`,
    ),
    ...installed.map(
      ({ client }) =>
        `${client.label} starts the installed package, which npm moves: npm install -g ${PACKAGE}@latest`,
    ),
  ];
  if (!isJson) {
    if (dryRun) printDiffs(io, changes);
    const lines =
      having.length + changes.length === 0 ? ['No client here has it.'] : changeLines(io, changes, dryRun);
    printLines(io.stdout, [...lines, ...notes]);
  }
  const moved = changes.some(({ change }) => change === 'updated');
  const check = moved && !dryRun && flags.has('check') ? await checkAndTell(io, launch, node) : null;
  const isWhole = changes.every(({ change }) => change !== 'refused') && check?.starts !== false;
  if (isJson) {
    const message = isWhole ? 'Done.' : 'Not all of it could be done.';
    const fields = { version: io.version, changes: jsonChanges(changes), left_alone: notes, check };
    printJson(io, {
      status: isWhole ? 'ok' : 'failed',
      code: isWhole ? 'ok' : 'client_config',
      message,
      ...fields,
    });
  } else if (!dryRun) printLines(io.stdout, thenLines(io, changes, null));
  return isWhole ? 0 : 1;
}
