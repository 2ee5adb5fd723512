import { WalletError } from '../errors/walletError.js';
import type { CliIo } from './terminal/io.js';

/** A flag of a command, as commander spells it: `-H, --header <line...>`. */
export interface CommandFlag {
  readonly flags: string;
  readonly summary: string;
  /** Turns what a person types into what the command takes, such as a network's name into its CAIP-2 name. */
  readonly read?: (text: string) => string;
}

/** A positional argument; `[name]` may be left out, `<name>` may not. */
export interface CommandArgument {
  readonly name: string;
  readonly summary: string;
}

/** The headings under which help and README list the commands. */
export type CommandGroup =
  'Set up' | 'Agents' | 'Fund' | 'Serve' | 'Pay' | 'Approve' | 'Look' | 'Stop and check';

/** One command: all that parsing, help and README need to know of it. */
export interface CommandRow {
  /** The words a person types, such as `config set`. */
  readonly name: string;
  /** The name with its arguments, such as `config set <key> <value>`. */
  readonly usage: string;
  readonly group: CommandGroup;
  readonly summary: string;
  /** More sentences, where the summary leaves something open. */
  readonly details?: string;
  readonly args?: readonly CommandArgument[];
  readonly flags?: readonly CommandFlag[];
  readonly examples: readonly string[];
  /** Runs where a group is named without one of its commands: `ledger` is `ledger list`. */
  readonly isDefault?: boolean;
  /** Text below the help that is costly to make. */
  readonly appendix?: () => Promise<string>;
  /** Loaded when the command runs, so that help and version wait for nothing. */
  readonly load: () => Promise<CommandModule>;
}

/** A row as its room writes it: the usage is made from the name and the arguments. */
export type CommandEntry = Omit<CommandRow, 'usage'>;

/** What a command's file exports. */
export interface CommandModule {
  /** Runs the command; answers its exit code. Errors thrown are told by the caller. */
  run(call: CommandCall): Promise<number>;
}

/** One run of a command. */
export interface CommandCall {
  readonly io: CliIo;
  /** Absolute path of the wallet's folder; it may not exist. */
  readonly home: string;
  readonly args: readonly (string | undefined)[];
  readonly flags: Flags;
  /** Every command there is. */
  readonly commands: readonly CommandRow[];
  /** The proposal that is to be confirmed by what is run, and none other. */
  readonly confirms?: string | undefined;
  /** Runs another command line, in the same wallet, to confirm a proposal; there where a command line was run. */
  readonly confirm?: (argv: readonly string[], proposalId: string) => Promise<number>;
  /** Whether this Purser has a command of that name. */
  readonly has: (command: string) => boolean;
}

/** The flags a person gave, by their long name in camel case. */
export class Flags {
  readonly #values: Readonly<Record<string, unknown>>;

  constructor(values: Readonly<Record<string, unknown>>) {
    this.#values = values;
  }

  has(name: string): boolean {
    return this.#values[name] === true;
  }

  text(name: string): string | undefined {
    const value = this.#values[name];
    return typeof value === 'string' ? value : undefined;
  }

  list(name: string): readonly string[] {
    const value = this.#values[name];
    return Array.isArray(value) ? (value as string[]) : [];
  }

  /** A whole number; throws `bad_input` for anything else. */
  count(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (!/^\d{1,9}$/.test(text)) {
      const flag = `--${name.replace(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
      throw new WalletError('bad_input', `${flag} must be a whole number.`);
    }
    return Number(text);
  }
}
