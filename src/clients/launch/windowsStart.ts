import { accessSync, constants } from 'node:fs';
import { pathsOf, type Machine } from '../machine.js';
import type { Launch } from './launch.js';

/** What Node is to start for a launch. */
interface Start {
  readonly file: string;
  readonly args: readonly string[];
  /** Whether the words are quoted already, for cmd; Node quotes them otherwise. */
  readonly isQuoted: boolean;
}

/** Endings that Windows tries in this order for a name without one; only the first two start without cmd. */
const ENDINGS = ['.exe', '.com', '.cmd', '.bat'] as const;
/** What cmd reads between its words; a caret in front takes that from it. */
const CMD_SIGNS = /[()[\]%!^"`<>&|;, *?]/g;

/**
 * What to start for a launch, as the clients do. On Windows `npx` is a batch file, which Node starts through cmd alone;
 * clients add that by themselves, so that an entry which names `npx` is in order there too.
 */
export function startOf({ command, args, env }: Launch, machine: Machine): Start {
  const direct: Start = { file: command, args, isQuoted: false };
  if (machine.platform !== 'win32') return direct;
  const found = findOnWindows(command, {
    ...machine,
    env: { ...machine.env, ...(env['PATH'] === undefined ? {} : { PATH: env['PATH'] }) },
  });
  if (found === null || !/\.(?:cmd|bat)$/i.test(found)) return { ...direct, file: found ?? command };
  const shell = machine.env['ComSpec'] || 'cmd.exe';
  // `/s` takes off one pair of quotes around all of it, and nothing else.
  const line = [escapeSigns(found), ...args.map(quoteForBatch)].join(' ');
  return { file: shell, args: ['/d', '/s', '/c', `"${line}"`], isQuoted: true };
}

/** The file that Windows starts for a name; null where there is none. */
function findOnWindows(command: string, machine: Machine): string | null {
  const paths = pathsOf(machine);
  const endings = paths.extname(command) === '' ? ENDINGS : [''];
  const folders = paths.isAbsolute(command)
    ? ['']
    : (machine.env['PATH'] ?? machine.env['Path'] ?? '').split(paths.delimiter).filter((one) => one !== '');
  for (const folder of folders) {
    for (const ending of endings) {
      const file = folder === '' ? command + ending : paths.join(folder, command + ending);
      try {
        accessSync(file, constants.F_OK);
        return file;
      } catch {
        // The next one.
      }
    }
  }
  return null;
}

/**
 * A word for a batch file: quoted as programs split their command line, and each sign of cmd's kept from cmd twice, since
 * the batch file hands its words on through cmd once more.
 */
export function quoteForBatch(word: string): string {
  const escaped = word.replace(/(\\*)("|$)/g, (_all, slashes: string, end: string) =>
    end === '"' ? `${slashes}${slashes}\\"` : `${slashes}${slashes}`,
  );
  return escapeSigns(escapeSigns(`"${escaped}"`));
}

function escapeSigns(text: string): string {
  return text.replace(CMD_SIGNS, '^$&');
}
