import type { CommandSpec } from '../commands.js';
import type { CommandLine, Word } from './shell.js';

/** The words of a command that there is, such as `config set`. */
export type CommandName = CommandSpec['name'];

type SpecOf<Name extends CommandName> = Extract<CommandSpec, { readonly name: Name }>;

type FlagSpecOf<Name extends CommandName> =
  SpecOf<Name> extends { readonly flags: readonly { readonly flags: infer Flags extends string }[] }
    ? Flags
    : never;

/** `--method` of `-X, --method <method>`. */
type LongName<Spec extends string> = Spec extends `${string}--${infer Name} ${string}`
  ? `--${Name}`
  : Spec extends `${string}--${infer Name}`
    ? `--${Name}`
    : never;

/** What each flag of a command takes: a word, or nothing but its being there. */
type FlagsOf<Name extends CommandName> = {
  readonly [Spec in FlagSpecOf<Name> as LongName<Spec>]?:
    (Spec extends `${string} <${string}` ? Word : boolean) | undefined;
};

/**
 * A command line, by the table of commands: neither a command that there is not nor a flag that it does not take compiles.
 * Flags that are false or undefined are left out.
 */
export function commandLine<Name extends CommandName>(
  name: Name,
  args: readonly Word[] = [],
  flags: FlagsOf<Name> = {},
): CommandLine {
  const words: Word[] = [...name.split(' '), ...args];
  for (const [flag, value] of Object.entries(flags) as [string, Word | boolean | undefined][]) {
    if (value === undefined || value === false) continue;
    words.push(flag, ...(value === true ? [] : [value]));
  }
  return words as readonly Word[] as CommandLine;
}

/** The same with a file that the owner names: the commands that are theirs take both flags. */
export function withFile(line: CommandLine, flag: '--factor-file' | '--passphrase-file'): CommandLine {
  const words: readonly Word[] = [...line, flag, { blank: 'FILE' }];
  return words as CommandLine;
}
