import { accessSync, constants, readFileSync, realpathSync } from 'node:fs';
import path from 'node:path';

/** What has to be known of the machine to name a command that works there. */
export interface CommandPlace {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly version: string;
}

/** The npm package, as `npx` and the clients' files name it. */
export const PACKAGE = 'purser-mcp';

/** How a person on any machine calls the newest version. */
export const NEWEST_PROGRAM = `npx -y ${PACKAGE}@latest`;

/** npx and npm scripts put these on PATH for what they start; the person's own shell has none of them. */
const PASSING_FOLDER = /[\\/]node_modules[\\/]\.bin[\\/]*$/;

/** How a person on this machine calls the program: `purser` where that is this very version, else through npx. */
export function programName(place: CommandPlace): string {
  const { delimiter, join } = place.platform === 'win32' ? path.win32 : path.posix;
  // A process of Windows has it under either name.
  const folders = (place.env['PATH'] ?? place.env['Path'] ?? '').split(delimiter);
  const names = place.platform === 'win32' ? ['purser.cmd', 'purser.exe'] : ['purser'];
  const found = folders
    .filter((folder) => folder !== '' && !PASSING_FOLDER.test(folder))
    .flatMap((folder) => names.map((name) => join(folder, name)))
    .find((file) => isExecutable(file));
  return found !== undefined && versionOf(found, place) === place.version
    ? 'purser'
    : `npx -y ${PACKAGE}@${place.version}`;
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** The version of the package that an installed program belongs to: npm links it, or on Windows writes a shim. */
function versionOf(program: string, { platform }: Pick<CommandPlace, 'platform'>): string | null {
  const { dirname, join } = platform === 'win32' ? path.win32 : path.posix;
  const manifests = [
    () => join(dirname(dirname(realpathSync(program))), 'package.json'),
    () => join(dirname(program), 'node_modules', PACKAGE, 'package.json'),
  ];
  for (const manifest of manifests) {
    try {
      const { name, version } = JSON.parse(readFileSync(manifest(), 'utf8')) as Record<string, unknown>;
      if (name === PACKAGE && typeof version === 'string') return version;
    } catch {
      // Not installed this way.
    }
  }
  return null;
}
