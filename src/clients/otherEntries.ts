import { resolve } from 'node:path';
import { SERVER_NAME, type Client } from './client.js';
import { readClientFile } from './files/clientFile.js';
import { formatOf } from './files/formatOf.js';
import { launchIn, specIn, standsFor, startsInstalled, type WrittenLaunch } from './launch/writtenLaunch.js';

/** An entry that starts our server, where `install` would not have put it. */
export interface OtherEntry {
  /** What it is called there. */
  readonly name: string;
  /** Absolute path of the file that it stands in. */
  readonly file: string;
  /** The project's folder, for an entry of one project alone; null for one of all projects. */
  readonly project: string | null;
  readonly launch: WrittenLaunch;
}

/** The most entries that are told of one file. */
const ENTRIES_MAX = 20;

/** The entries of a client's file in a project's folder; none where that is the client's usual file. */
export async function projectEntriesIn(
  client: Client,
  folder: string,
  usual: string,
): Promise<readonly OtherEntry[]> {
  if (client.projectFile === undefined) return [];
  const path = resolve(folder, client.projectFile);
  if (path === resolve(usual)) return [];
  try {
    const { text } = readClientFile(path);
    if (text === null) return [];
    const content = (await formatOf(client.format)).read(text);
    return serversAt(content, client.key, { project: folder, file: path }).slice(0, ENTRIES_MAX);
  } catch {
    return [];
  }
}

/**
 * Finds the entries of a client's file that start Purser under another name, or, in Claude Code's, for one project alone.
 * None where the file cannot be read: whoever looks at our own entry says so.
 */
export async function otherEntriesIn(client: Client, path: string): Promise<readonly OtherEntry[]> {
  try {
    const { text } = readClientFile(path);
    if (text === null) return [];
    const content = (await formatOf(client.format)).read(text);
    const { key } = client.shape?.(content) ?? client;
    const found = serversAt(content, key, { project: null, file: path }).filter(
      ({ name }) => name !== SERVER_NAME,
    );
    const projects = client.id === 'claude-code' ? objectAt(content, ['projects']) : {};
    for (const [folder, project] of Object.entries(projects)) {
      found.push(...serversAt(project, key, { project: folder, file: path }));
    }
    return found.slice(0, ENTRIES_MAX);
  } catch {
    return [];
  }
}

/** An entry that stands for a paid MCP server (`purser mcp URL`). */
export interface StandIn {
  readonly name: string;
  readonly url: string;
  readonly launch: WrittenLaunch;
}

/** The entries of a client's usual file that stand for paid MCP servers, in their order; none where it cannot be read. */
export async function standInsIn(client: Client, path: string): Promise<readonly StandIn[]> {
  try {
    const { text } = readClientFile(path);
    if (text === null) return [];
    const content = (await formatOf(client.format)).read(text);
    const { key } = client.shape?.(content) ?? client;
    return launchesAt(content, key).flatMap(({ name, launch }) => {
      const url = standsFor(launch);
      return url === null ? [] : [{ name, url, launch }];
    });
  } catch {
    return [];
  }
}

function serversAt(
  content: unknown,
  key: readonly string[],
  where: Pick<OtherEntry, 'project' | 'file'>,
): OtherEntry[] {
  return launchesAt(content, key).flatMap(({ name, launch }) =>
    // One that stands for a paid server is meant to be there beside ours.
    standsFor(launch) === null ? [{ name, launch, ...where }] : [],
  );
}

function launchesAt(content: unknown, key: readonly string[]): Omit<OtherEntry, 'project' | 'file'>[] {
  return Object.entries(objectAt(content, key)).flatMap(([name, entry]) => {
    const launch = launchIn(entry);
    return launch === null || !startsPurser(launch) ? [] : [{ name, launch }];
  });
}

/** Whether a launch starts our package, by npx or by the path of an installed one. */
function startsPurser(launch: WrittenLaunch): boolean {
  const spec = specIn(launch);
  if (spec !== null && (spec.startsWith('purser-mcp') || /purser-mcp[^/]*\.tgz$/.test(spec))) return true;
  return startsInstalled(launch);
}

function objectAt(content: unknown, key: readonly string[]): Readonly<Record<string, unknown>> {
  const value = key.reduce<unknown>(
    (at, name) => (at as Readonly<Record<string, unknown>> | null | undefined)?.[name],
    content,
  );
  return typeof value === 'object' && value !== null ? (value as Readonly<Record<string, unknown>>) : {};
}
