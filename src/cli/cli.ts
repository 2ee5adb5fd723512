import { Command, CommanderError, Option } from 'commander';
import { homeGiven, resolveHome } from '../config/home.js';
import { WalletError } from '../errors/walletError.js';
import { programName } from './line/program.js';
import { Flags, type CommandCall, type CommandFlag, type CommandRow } from './command.js';
import { commands } from './commands.js';
import type { CliIo } from './terminal/io.js';
import { refuseForeignHome } from './terminal/foreignHome.js';
import { painter } from './terminal/output/paint.js';
import { showWaiting } from './terminal/output/waiting.js';
import { refuseSecretArguments } from './terminal/input/secretArgument.js';

/** Exit code of a command line that cannot be read. */
const EXIT_USAGE = 2;
/** Lines of help break here unless the terminal is narrower. */
const HELP_WIDTH_MAX = 100;

const GROUPS: Readonly<Record<string, string>> = {
  allowance: 'For sellers that are paid through Permit2: what it may move.',
  admin: 'Let programs of yours look after the wallet by its admin API.',
  agents: 'Give each agent its own money, limits, token and off-switch.',
  budgets: 'Give agents an amount that they share.',
  policy: 'Keep what agents may spend as a file, and try it on past payments.',
  catalog: 'Fetch and choose the lists that discover searches.',
  config: 'Show and change the settings.',
  ledger: 'Show what was spent.',
  lightning: 'Connect the Lightning wallet that pays, and see it.',
  approvals: 'Answer what agents ask.',
  factor: 'What proves that you are the owner.',
  owners: 'Have two owners agree on what loosens the wallet.',
  entitlements: 'See what is prepaid, and end one.',
  phone: 'See and answer from your phone.',
  notify: 'Be told of what happens, by chat, mail, desktop or a program of yours.',
  channels: 'See the deposits that calls are paid out of, and close one.',
  commitments: 'See the subscriptions, and end one.',
  pauses: 'See which sellers are paused, and end a pause.',
};

/** Commands that wait for others all the time: a sign that they wait would say nothing. */
const WAITS: readonly string[] = [
  'serve',
  'connect',
  'mcp',
  'open',
  'config edit',
  'proxy',
  'run',
  'top',
  'phone serve',
  'phone add',
];
const WAITING_FLAGS: readonly string[] = ['wait', 'watch', 'follow'];

/** Codes with which commander says that it answered the person itself. */
const ANSWERED: readonly string[] = ['commander.helpDisplayed', 'commander.help', 'commander.version'];

/**
 * Runs one command line and answers its exit code (docs/design.md, "Tools"); it never throws and never ends the process.
 * `argv` is what stands behind the program's name. Without a command it shows the wallet at a glance on a terminal, and help
 * elsewhere.
 */
export async function runCli(argv: readonly string[], io: CliIo, confirms?: string): Promise<number> {
  // A reader such as `head` that leaves early is no fault of the command, least of all after it paid.
  for (const output of [io.stdout, io.stderr]) output.on?.('error', () => undefined);
  const chosen: Chosen = { exitCode: 0, row: undefined, io, confirms };
  try {
    const own = separateProgram(argv);
    refuseSecretArguments(own.includes('--') ? own.slice(0, own.indexOf('--')) : own);
    const [first, ...rest] = own;
    const isGlance = first === undefined && io.stdout.isTTY === true;
    const given = isGlance ? ['status'] : first === undefined || first === 'help' ? [...rest, '--help'] : own;
    return await parseAndRun(given, chosen);
  } catch (error) {
    const { printFailure } = await import('./terminal/output/failure.js');
    return printFailure(chosen.io, argv.includes('--json'), error);
  }
}

async function parseAndRun(argv: readonly string[], chosen: Chosen): Promise<number> {
  const { io } = chosen;
  const program = buildProgram(io, chosen);
  try {
    await program.parseAsync([...argv], { from: 'user' });
    return chosen.exitCode;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (!ANSWERED.includes(error.code)) throw usageError(error);
    if (chosen.row?.appendix !== undefined) io.stdout.write(await chosen.row.appendix());
    // `purser config` alone answers with help, and is no command.
    return error.code === 'commander.help' && error.exitCode !== 0 ? EXIT_USAGE : 0;
  }
}

/** The command whose arguments are another program's command line, and its flags that take a value. */
const RUN = 'run';
const RUN_VALUES: readonly string[] = ['--budget', '--for', '--agent', '--passphrase-file', '--home'];

/** Puts `--` before the program that `run` starts, so that `purser run claude -p hi` leaves the program its own flags. */
function separateProgram(argv: readonly string[]): readonly string[] {
  const words = argv[0] === '--home' ? 2 : 0;
  if (argv[words] !== RUN || argv.includes('--')) return argv;
  for (let at = words + 1; at < argv.length; at += 1) {
    const word = argv[at] ?? '';
    if (!word.startsWith('-')) return [...argv.slice(0, at), '--', ...argv.slice(at)];
    if (RUN_VALUES.includes(word)) at += 1;
  }
  return argv;
}

/** What a parse came to: the exit code of the command that ran, or the command whose help was shown. */
interface Chosen {
  exitCode: number;
  row: CommandRow | undefined;
  /** See {@link CommandCall.confirms}. */
  readonly confirms: string | undefined;
  /** What the command runs in: with the wallet that `--home` names. */
  io: CliIo;
}

function buildProgram(io: CliIo, chosen: Chosen): Command {
  const program = new Command(programName(io));
  const paint = painter(io, io.stdout);
  const width = Math.min(HELP_WIDTH_MAX, io.stdout.columns ?? HELP_WIDTH_MAX);
  program
    .description(
      'A wallet for coding agents: your agent can buy any API call, and can never spend more than you said.',
    )
    .usage('<command> [flags]')
    .version(io.version, '-V, --version', 'Print the version.')
    .helpOption('-h, --help', 'Show this, or the help of a command.')
    .helpCommand(false)
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      // Mistakes are told once, by whoever catches them, as text or as JSON.
      outputError: () => undefined,
      getOutHelpWidth: () => width,
      getOutHasColors: () => true,
    })
    .configureHelp({
      showGlobalOptions: false,
      styleTitle: (text) => paint('bold', text),
    });
  program.option('--home <folder>', 'The wallet’s folder. Default: PURSER_HOME, or the usual place.');
  for (const row of commands) addCommand(program, row, io, chosen);
  program.addHelpText(
    'after',
    '\nWith no command, and standard input not a terminal, it is the MCP server.\nPURSER_HOME moves the wallet; PURSER_PASSPHRASE_FILE names the file that unlocks it.',
  );
  return program;
}

function addCommand(program: Command, row: CommandRow, io: CliIo, chosen: Chosen): void {
  const words = row.name.split(' ');
  const parent = words.length === 1 ? program : groupOf(program, words[0] ?? '', row);
  const command = parent.command(words.at(-1) ?? '', { isDefault: row.isDefault === true });
  command
    .summary(row.summary)
    .description(row.details === undefined ? row.summary : `${row.summary}\n${row.details}`)
    .helpGroup(`${row.group}:`)
    .helpOption('-h, --help', 'Show this.');
  for (const { name, summary } of row.args ?? []) command.argument(name, summary);
  for (const flag of row.flags ?? []) command.addOption(optionOf(flag));
  command.addHelpText('after', () => {
    chosen.row = row;
    // The program's name is looked for on all of PATH: not for each command that nobody asks about.
    const examples = row.examples.map((example) => `  ${program.name()} ${example}`).join('\n');
    return `\nExamples:\n${examples}`;
  });
  command.action(async () => {
    const { run } = await row.load();
    const here = ioAt(io, command.optsWithGlobals()['home']);
    chosen.io = here;
    refuseForeignHome(here);
    const home = resolveHome(here.env, here.platform);
    const flags = new Flags(command.opts());
    const waits = WAITS.includes(row.name) || WAITING_FLAGS.some((flag) => flags.has(flag));
    const waiting = waits ? null : showWaiting(here, `purser ${row.name}`);
    const call: CommandCall = {
      io: waiting?.io ?? here,
      home,
      // One argument may stand for several.
      args: (command.processedArgs as unknown[]).flat() as string[],
      flags,
      commands,
      confirms: chosen.confirms,
      confirm: (argv, proposalId) => runCli(argv, here, proposalId),
      has: (name) => commands.some((other) => other.name === name),
    };
    try {
      chosen.exitCode = await run(call);
    } finally {
      waiting?.end();
    }
  });
}

/** The same process with another wallet, where one is named. */
function ioAt(io: CliIo, home: unknown): CliIo {
  if (typeof home !== 'string') return io;
  return { ...io, env: { ...io.env, PURSER_HOME: homeGiven(home, io.platform) } };
}

/** A flag that may be given again takes one value each time, so that an argument behind it stays one. */
function optionOf({ flags, summary, read = (text) => text }: CommandFlag): Option {
  const option = new Option(flags.replace('...', ''), summary);
  if (!flags.includes('<')) return option;
  if (!flags.includes('...')) return option.argParser((value: string) => read(value));
  return option.argParser((value: string, before: string[] | undefined) => [...(before ?? []), read(value)]);
}

function groupOf(program: Command, name: string, { group }: CommandRow): Command {
  const found = program.commands.find((command) => command.name() === name);
  if (found !== undefined) return found;
  return program
    .command(name)
    .usage('<command> [flags]')
    .description(GROUPS[name] ?? '')
    .helpGroup(`${group}:`)
    .helpCommand(false)
    .helpOption('-h, --help', 'Show this.');
}

/** Commander's sentence as one of ours: without its prefix, its hint kept. */
function usageError(error: CommanderError): WalletError {
  const text = error.message.replace(/^error: /, '').replaceAll('\n', ' ');
  const sentence = text.charAt(0).toUpperCase() + text.slice(1);
  return new WalletError('bad_input', /[.?)]$/.test(sentence) ? sentence : `${sentence}.`);
}
