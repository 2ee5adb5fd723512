import { homedir } from 'node:os';
import path from 'node:path';

/** What of a computer decides where its programs keep their files. */
export interface Machine {
  readonly platform: NodeJS.Platform;
  readonly env: Readonly<Record<string, string | undefined>>;
  /** Absolute path of the Node that runs. */
  readonly execPath: string;
  /** Version of this Purser. */
  readonly version: string;
}

/** The path rules of the machine, which need not be those of the computer that asks. */
export function pathsOf({ platform }: Pick<Machine, 'platform'>): path.PlatformPath {
  return platform === 'win32' ? path.win32 : path.posix;
}

/** The user's own folder. */
export function userFolder({ platform, env }: Pick<Machine, 'platform' | 'env'>): string {
  return (platform === 'win32' ? env['USERPROFILE'] : env['HOME']) || homedir();
}

/**
 * Writes out a path of the table of clients: `{home}`, `{appData}`, `{localAppData}`, `{xdg}` and the folders that
 * clients let a variable move. Slashes become the platform's own.
 */
export function expand(template: string, machine: Machine): string {
  const { env } = machine;
  const paths = pathsOf(machine);
  const home = userFolder(machine);
  const moved = (name: string, usual: string): string => {
    const value = env[name];
    // A relative path would depend on the folder that the client is started in.
    return value !== undefined && paths.isAbsolute(value) ? value : paths.join(home, usual);
  };
  const folders: Readonly<Record<string, () => string>> = {
    home: () => home,
    appData: () => moved('APPDATA', 'AppData/Roaming'),
    localAppData: () => moved('LOCALAPPDATA', 'AppData/Local'),
    xdg: () => moved('XDG_CONFIG_HOME', '.config'),
    claudeHome: () => moved('CLAUDE_CONFIG_DIR', ''),
    codexHome: () => moved('CODEX_HOME', '.codex'),
    clineData: () => moved('CLINE_DATA_DIR', '.cline/data'),
  };
  const text = template.replace(/\{(\w+)\}/g, (whole, name: string) => folders[name]?.() ?? whole);
  return paths.normalize(text);
}
