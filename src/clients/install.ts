import { isWalletError, type WalletError } from '../errors/walletError.js';
import { entryName, type Client } from './client.js';
import {
  backupOf,
  keepCopy,
  readBackup,
  readBackups,
  readClientFile,
  removeBackups,
  removeClientFile,
  writeClientFile,
} from './files/clientFile.js';
import { unifiedDiff } from './files/diff.js';
import { refuse } from './files/format.js';
import { formatOf } from './files/formatOf.js';
import { launchFrom, type Launch } from './launch/launch.js';
import type { Machine } from './machine.js';
import { standInsIn } from './otherEntries.js';
import { runProgram } from './ownProgram.js';
import { findProgram } from './place.js';
import { lossIn, pasteFor, planInstall, planUninstall, readEntry, type Plan } from './plan.js';

/** What became of one client's file. */
export interface ClientChange {
  readonly client: string;
  readonly label: string;
  readonly file: string;
  readonly change: Plan['change'] | 'refused';
  /** Whether the client's own program did it, or an edit of its file. */
  readonly by: 'program' | 'edit';
  /** The copy from before that was kept beside the file. */
  readonly copy: string | null;
  /** One sentence more: why it was refused, or why its program was of no use. */
  readonly note: string | null;
  /** Our entry, to be written by hand where the file was refused as it is; null where that would not do. */
  readonly paste: string | null;
  readonly diff: string;
}

/** What a change needs to know. */
export interface ChangeOptions {
  readonly machine: Machine;
  /** Shows the change, and makes none. */
  readonly dryRun: boolean;
  /** Bound on a client's own program; tests shorten it. */
  readonly programMsMax?: number;
}

/** Puts our entry into one file of a client; a refusal is an answer, not an error. */
export async function installInto(
  client: Client,
  path: string,
  toStart: Launch,
  options: ChangeOptions,
): Promise<ClientChange> {
  const launch = launchFrom(path, toStart);
  const format = await formatOf(client.format);
  let text: string | null | undefined;
  const work = async (): Promise<ClientChange> => {
    const file = readClientFile(path);
    ({ text } = file);
    const plan = planInstall(client, format, file.text, launch);
    const diff = unifiedDiff(path, file.text, plan.text);
    const answer = (more: Partial<ClientChange> = {}): ClientChange => ({
      ...answerOf(client, path),
      change: plan.change,
      diff,
      ...more,
    });
    if (plan.change === 'none' || options.dryRun) return answer();
    if (plan.change === 'updated') {
      await writeClientFile(file, plan.text ?? '');
      return answer();
    }
    const copy = await keepCopy(file, launch.name);
    const tried = launch === toStart ? await runOwn(client, launch, options) : null;
    const after = tried === null ? file : readClientFile(path);
    const loss =
      file.text === null || after.text === null
        ? null
        : lossIn(client, format, file.text, after.text, entryName(launch));
    if (loss !== null) {
      // T44: what was somebody else's comes back, and our entry beside it.
      await writeClientFile(after, plan.text ?? '');
      return answer({ copy, note: `${client.program} left out ${loss}, so the file was edited instead.` });
    }
    // What its program leaves out, such as a timeout, is added to the entry that it made.
    const rest = tried === null ? plan : planInstall(client, format, after.text, launch, true);
    if (rest.change !== 'none') await writeClientFile(after, rest.text ?? '');
    return rest.change === 'added'
      ? answer({ copy, note: tried?.note ?? null })
      : answer({ copy, by: 'program' });
  };
  // Where the file was read and is left as it is, its owner gets what to write there.
  const byHand = (): string | null => (text === undefined ? null : pasteFor(client, format, text, launch));
  return answering(client, path, work, byHand);
}

/** Runs the client's own program where it has one; null where it has not. */
async function runOwn(
  client: Client,
  launch: Launch,
  { machine, programMsMax }: ChangeOptions,
): Promise<{ readonly note: string | null } | null> {
  const program = findProgram(client.program, machine);
  const args = client.add?.(client.entry(launch), launch);
  if (program === null || args === undefined) return null;
  const bound = programMsMax === undefined ? {} : { msMax: programMsMax };
  const run = await runProgram(program, args, { env: machine.env, ...bound });
  if (run.ended === 'well') return { note: `${client.program} reported success but added nothing.` };
  const how = { badly: 'refused', hung: 'did not answer', not_started: 'did not start' }[run.ended];
  return {
    note: `${client.program} ${how}${run.said === '' ? '' : ` (${run.said})`}, so its file was edited.`,
  };
}

/** Takes our entry out of one file of a client, the wallet's own or the one named; a refusal is an answer, not an error. */
export async function uninstallFrom(
  client: Client,
  path: string,
  { dryRun, name }: Pick<ChangeOptions, 'dryRun'> & { readonly name?: string },
): Promise<ClientChange> {
  return answering(client, path, async () => {
    const format = await formatOf(client.format);
    const file = readClientFile(path);
    const nothing: ClientChange = { ...answerOf(client, path), change: 'none' };
    if (file.text === null) return nothing;
    const [backup, backups] = [readBackup(file, name) ?? null, readBackups(file)];
    const taken = { backups, ...(name === undefined ? {} : { name }) };
    const plan = planUninstall(client, format, file.text, backup, taken);
    if (plan.change === 'none') return nothing;
    const diff = unifiedDiff(path, file.text, plan.text);
    if (!dryRun) {
      if (plan.text === null) removeClientFile(file);
      else await writeClientFile(file, plan.text);
      // The oldest copy leads back to the file as it was: all have done their work.
      const isAsBefore = plan.text === null || backups.includes(plan.text);
      if (isAsBefore && !(await hasEntryOfOurs(client, path))) removeBackups(file);
    }
    const copy = backup !== null && plan.text !== backup ? backupOf(file.target, name) : null;
    return { ...nothing, change: plan.change, copy, diff };
  });
}

async function hasEntryOfOurs(client: Client, path: string): Promise<boolean> {
  return (await entryIn(client, path)) !== undefined || (await standInsIn(client, path)).length > 0;
}

/** Our entry in a client's file; undefined if it has none. Throws `client_config`. */
export async function entryIn(client: Client, path: string): Promise<unknown> {
  return readEntry(client, await formatOf(client.format), readClientFile(path).text);
}

function answerOf({ id, label }: Client, file: string): ClientChange {
  return {
    client: id,
    label,
    file,
    change: 'none',
    by: 'edit',
    copy: null,
    note: null,
    paste: null,
    diff: '',
  };
}

async function answering(
  client: Client,
  path: string,
  work: () => Promise<ClientChange>,
  byHand: () => string | null = () => null,
): Promise<ClientChange> {
  try {
    return await work();
  } catch (error) {
    return refusal(client, path, asRefusal(error), byHand());
  }
}

/** An error as the refusal of a file. T44: whatever goes wrong with one client's file, the others are gone on with. */
function asRefusal(error: unknown): WalletError {
  if (isWalletError(error)) return error;
  const { code } = error as NodeJS.ErrnoException;
  return refuse(code === undefined ? 'it met a fault of Purser' : `it cannot be changed (${code})`, error);
}

function refusal(client: Client, path: string, error: WalletError, paste: string | null): ClientChange {
  return { ...answerOf(client, path), change: 'refused', note: error.shortMessage, paste };
}
