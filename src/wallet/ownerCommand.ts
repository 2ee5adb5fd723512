import { accessSync, constants } from 'node:fs';
import { delimiter, join } from 'node:path';
import type { OwnerStep } from '../errors/walletError.js';

/** What the wallet needs to know of the machine to name a command that works there. */
export interface CommandPlace {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly platform: NodeJS.Platform;
  readonly version: string;
}

function isOnPath(name: string, { env, platform }: CommandPlace): boolean {
  const names = platform === 'win32' ? [`${name}.cmd`, `${name}.exe`] : [name];
  return (env['PATH'] ?? '')
    .split(delimiter)
    .filter((folder) => folder !== '')
    .some((folder) => names.some((file) => isExecutable(join(folder, file))));
}

function isExecutable(path: string): boolean {
  try {
    accessSync(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/**
 * The one place that words a command for a person: `purser …` where that is on PATH, else the `npx` call of this
 * very version, with the home that this wallet uses where it is not the default one.
 */
export function ownerCommand(args: string, place: CommandPlace): string {
  const program = isOnPath('purser', place) ? 'purser' : `npx -y purser-mcp@${place.version}`;
  const home = place.env['PURSER_HOME'];
  const prefix =
    home === undefined || home === '' || place.platform === 'win32' ? '' : `PURSER_HOME=${quote(home)} `;
  return `${prefix}${program} ${args}`;
}

function quote(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}

/** What to say to the owner, with the command on its end where there is one. */
export function tellOwner(step: OwnerStep | undefined, place: CommandPlace): string | null {
  if (step === undefined) return null;
  return step.command === undefined ? step.say : `${step.say} Run: ${ownerCommand(step.command, place)}`;
}
