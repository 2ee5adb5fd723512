import { isInstalled, type Launch } from './launch.js';

/** What an entry of a client's file says of our server, in whichever client's words. */
export interface WrittenLaunch extends Launch {
  /** Whether the person switched it off. */
  readonly off: boolean;
}

/**
 * Reads how an entry starts a server: `command` and `args`, or `cmd` and `args`, or one list; `env`, `envs` or
 * `environment`. Null where it starts no program: a server over HTTP, or nothing that is known here.
 */
export function launchIn(entry: unknown): WrittenLaunch | null {
  if (typeof entry !== 'object' || entry === null) return null;
  const fields = entry as Readonly<Record<string, unknown>>;
  const [command, ...args] = [fields['command'] ?? fields['cmd'], fields['args'] ?? []]
    .flat()
    .filter((word) => typeof word === 'string');
  if (command === undefined || command === '') return null;
  const variables = Object.entries(fields['env'] ?? fields['envs'] ?? fields['environment'] ?? {});
  const env = Object.fromEntries(variables.filter(([, value]) => typeof value === 'string'));
  const off = fields['enabled'] === false || fields['disabled'] === true;
  return { ...outside({ command, args, env }), off };
}

/** What a launch by `launchFrom` starts outside of its client's sandbox; any other as it is. */
function outside(launch: Launch): Launch {
  if (launch.command !== 'flatpak-spawn' || launch.args[0] !== '--host') return launch;
  const words = launch.args.slice(1);
  const at = words.findIndex((word) => !word.startsWith('--'));
  const [command, ...args] = at === -1 ? [] : words.slice(at);
  if (command === undefined) return launch;
  const env = words.slice(0, at).flatMap((word) => {
    const [, name, value] = /^--env=([^=]+)=(.*)$/s.exec(word) ?? [];
    return name === undefined || value === undefined ? [] : [[name, value] as const];
  });
  return { command, args, env: { ...launch.env, ...Object.fromEntries(env) } };
}

/** Where an entry reaches a server over HTTP, by any client's word for it; null for one that starts a program. */
export function addressIn(entry: unknown): string | null {
  const { url, serverUrl, httpUrl, uri } = (entry ?? {}) as Readonly<Record<string, unknown>>;
  const address = url ?? serverUrl ?? httpUrl ?? uri;
  return typeof address === 'string' ? address : null;
}

/** The package as an entry names it: `purser-mcp`, with a version where one is pinned, or a tarball's path. */
export function specIn({ command, args }: Pick<Launch, 'command' | 'args'>): string | null {
  return [command, ...args].find((word) => /^(?:purser-mcp(?:@.+)?$|file:)/.test(word)) ?? null;
}

/** Whether a launch starts an installed package by the path of its program, so that npm and not we choose its version. */
export function startsInstalled({ command, args }: Pick<Launch, 'command' | 'args'>): boolean {
  return [command, ...args].some(isInstalled);
}

/** The MCP server that a launch has us stand for (`purser mcp URL`); null for any other launch. */
export function standsFor({ command, args }: Pick<Launch, 'command' | 'args'>): string | null {
  const words = [command, ...args];
  const at = words.findIndex((word) => specIn({ command: word, args: [] }) !== null || isInstalled(word));
  return at !== -1 && words[at + 1] === 'mcp' ? (words[at + 2] ?? null) : null;
}

/** The version that an entry pins, in any client's shape; null where it names none of ours. */
export function pinOf(entry: unknown): string | null {
  const launch = launchIn(entry);
  const spec = launch === null ? null : specIn(launch);
  return /^purser-mcp@(.+)$/.exec(spec ?? '')?.[1] ?? null;
}

/** Where a pinned version stands beside another; `other` where either is no version. */
export function compareVersions(pin: string | null, version: string): 'older' | 'same' | 'newer' | 'other' {
  const parts = (text: string): number[] | null =>
    /^\d+\.\d+\.\d+/.exec(text)?.[0].split('.').map(Number) ?? null;
  const [one, other] = [parts(pin ?? ''), parts(version)];
  if (one === null || other === null) return 'other';
  const differing = one.findIndex((part, i) => part !== other[i]);
  if (differing === -1) return 'same';
  return (one[differing] ?? 0) > (other[differing] ?? 0) ? 'newer' : 'older';
}
