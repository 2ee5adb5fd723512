import type { ClientChange } from '../../clients/install.js';
import type { Launch, NodePlace } from '../../clients/launch/launch.js';
import { checkLaunch, type SelfCheck } from '../../clients/launch/selfCheck.js';
import { fetchedFrom } from '../../clients/launch/startHint.js';
import { findClient } from '../../clients/client.js';
import { userFolder } from '../../clients/machine.js';
import { commandLine } from '../line/commandLine.js';
import { showLine } from '../line/line.js';
import { cleanLine } from '../../text/untrusted.js';
import { machineOf } from './clientChoice.js';
import type { CliIo } from '../terminal/io.js';
import { printLines } from '../terminal/output/show.js';
import { layPairs } from '../terminal/output/table.js';

const NOTE_LENGTH_MAX = 400;

/** A path as a person writes it. */
export function shortPath(io: CliIo, path: string): string {
  const home = userFolder(io);
  return path.startsWith(`${home}/`) ? `~${path.slice(home.length)}` : path;
}

/** What became of each client, in lines: `dryRun` says what would. */
export function changeLines(io: CliIo, changes: readonly ClientChange[], dryRun: boolean): string[] {
  const words = dryRun
    ? {
        added: 'to add',
        updated: 'to update',
        removed: 'to take out',
        none: 'as it is',
        refused: 'NOT CHANGED',
      }
    : { added: 'added', updated: 'updated', removed: 'taken out', none: 'as it was', refused: 'NOT CHANGED' };
  const pairs = changes.map(
    ({ label, change, file, by }) =>
      [
        label,
        `${words[change]}${by === 'program' ? ' by its own program' : ''}: ${shortPath(io, file)}`,
      ] as const,
  );
  const notes = changes.flatMap(({ label, note, change }) => {
    if (note === null) return [];
    const text = change === 'refused' ? `its file is left as it was, for ${note}.` : note;
    return [cleanLine(`${label}: ${text}`, NOTE_LENGTH_MAX)];
  });
  const pastes = changes.flatMap(({ client, label, paste }) =>
    paste === null
      ? []
      : [
          '',
          `${label}: to add it by hand, write this under ${findClient(client)?.key.join('.') ?? ''}:`,
          ...paste.split('\n'),
        ],
  );
  const copies = changes.flatMap(({ copy }) => (copy === null ? [] : [copy]));
  const kept =
    copies.length === 0
      ? []
      : [
          `The file from before is beside it: ${shortPath(io, copies[0] ?? '')}${copies.length > 1 ? ', and so on' : ''}`,
        ];
  return [...layPairs(pairs), ...notes, ...kept, ...pastes];
}

/** Prints the diffs of a dry run: a client's file may hold anything (T27). */
export function printDiffs(io: CliIo, changes: readonly ClientChange[]): void {
  for (const { diff } of changes) printLines(io.stdout, diff.split('\n').map(nameUnseen));
}

/** What steers a screen or is not drawn on it: control, bidi and zero-width characters, line breaks but ours. */
const UNSEEN = /(?!\t)[\p{C}\p{Zl}\p{Zp}\p{Default_Ignorable_Code_Point}]/gu;

/**
 * A line in which what cannot be seen is named, such as `<U+202E>`: left out, the line would show another text than
 * the file has.
 */
export function nameUnseen(line: string): string {
  return line.replace(
    UNSEEN,
    (char) => `<U+${(char.codePointAt(0) ?? 0).toString(16).toUpperCase().padStart(4, '0')}>`,
  );
}

/** What to do in each changed client; with a launch, also what it does where nobody answers it. */
export function thenLines(io: CliIo, changes: readonly ClientChange[], launch: Launch | null): string[] {
  const done = changes.filter(({ change }) => change === 'added' || change === 'updated');
  const ids = [...new Set(done.map(({ client }) => client))];
  return ids.flatMap((id) => {
    const client = findClient(id);
    if (client === undefined) return [];
    const lines = [`${client.label}: ${client.then}`];
    if (launch === null || client.unattended === undefined) return lines;
    const { then, without } = client.unattended;
    const command = showLine(commandLine('install', [client.id], { '--unattended': true }), io);
    return [...lines, launch.unattended === true ? `  ${then}` : `  ${without} To let it: ${command}`];
  });
}

/** Starts the server once as the clients will, and says how that went. */
export async function checkAndTell(io: CliIo, launch: Launch, node: NodePlace): Promise<SelfCheck> {
  const from = fetchedFrom(launch, machineOf(io));
  // Named before, so that whoever waits for a registry that does not answer knows for whom.
  const fetching = from === null ? '' : `; npx may have to fetch it from ${from} first`;
  printLines(io.stderr, [`Starting the server once, as a client will${fetching} ...`]);
  const check = await checkLaunch(machineOf(io), launch);
  const lines = check.starts
    ? [
        `It starts, in ${check.ms} ms, with ${check.tools} tools.`,
        ...(check.wallet === null
          ? []
          : [cleanLine(`But: ${check.wallet.ownerMessage ?? check.wallet.message}`, NOTE_LENGTH_MAX)]),
      ]
    : [
        `It does NOT start: ${check.said}`,
        ...(check.hint === null ? [] : [cleanLine(`${check.hint}.`, NOTE_LENGTH_MAX)]),
        `What may be the matter: ${showLine(commandLine('doctor'), io)}`,
      ];
  if (node.passing) {
    lines.push(
      `The Node it starts with is of one version (${process.execPath}): when you remove that version, run install again.`,
    );
  }
  printLines(io.stderr, lines);
  return check;
}

/** What of the launch a person may want to see in JSON: all of it, since it holds no secret. */
export function jsonChanges(changes: readonly ClientChange[]): object[] {
  return changes.map(({ label: _, ...change }) => change);
}
