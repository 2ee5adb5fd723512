import { WalletError } from '../../errors/walletError.js';
import type { CommandCall, CommandRow } from '../command.js';

/** The program that a shell completes: npx names it as an argument, which no shell asks us about. */
const PROGRAM = 'purser';

type Rows = readonly CommandRow[];

const SCRIPTS: Readonly<Record<string, (commands: Rows) => string>> = {
  bash: bashScript,
  // zsh runs bash's functions once it is told to.
  zsh: (commands) => `autoload -Uz bashcompinit && bashcompinit\n${bashScript(commands)}`,
  fish: fishScript,
};

/** Prints the script with which a shell completes commands and flags. Throws `bad_input` for another shell. */
export async function run({ io, args, commands }: CommandCall): Promise<number> {
  const script = SCRIPTS[args[0] ?? ''];
  if (script === undefined) throw new WalletError('bad_input', 'Name the shell: bash, zsh or fish.');
  io.stdout.write(script(commands));
  return Promise.resolve(0);
}

/** Long flags of a command, such as `--json`. */
function flagsOf(row: CommandRow): string[] {
  const own = (row.flags ?? []).flatMap(({ flags }) => /--[\w-]+/.exec(flags)?.[0] ?? []);
  return [...own, '--home', '--help'];
}

/** What may follow each path of words that is not yet a whole command: `config` is followed by `get`, `set` and so on. */
function nextWords(commands: Rows): Map<string, readonly string[]> {
  const next = new Map<string, readonly string[]>();
  for (const { name } of commands) {
    const [first = '', second] = name.split(' ');
    next.set('', [...new Set([...(next.get('') ?? []), first])]);
    if (second !== undefined) next.set(first, [...(next.get(first) ?? []), second]);
  }
  return next;
}

/** Every word is a name from our own table: letters and dashes, nothing that a shell would read otherwise. */
function bashScript(commands: Rows): string {
  const cases: string[] = [];
  for (const row of commands)
    cases.push(`    '${row.name}'|'${row.name} '*) words='${flagsOf(row).join(' ')}' ;;`);
  for (const [path, words] of nextWords(commands)) {
    const lone = commands.find(({ name, isDefault }) => isDefault === true && name.split(' ')[0] === path);
    const flags = lone === undefined || path === '' ? [] : flagsOf(lone);
    cases.push(`    '${path}') words='${[...words, ...flags].join(' ')}' ;;`);
  }
  return `_${PROGRAM}() {
  local current="\${COMP_WORDS[COMP_CWORD]}" typed='' words='' word
  for word in "\${COMP_WORDS[@]:1:COMP_CWORD-1}"; do
    case "$word" in -*) ;; *) typed="\${typed:+$typed }$word" ;; esac
  done
  case "$typed" in
${cases.join('\n')}
  esac
  COMPREPLY=($(compgen -W "$words" -- "$current"))
}
complete -o default -F _${PROGRAM} ${PROGRAM}
`;
}

function fishScript(commands: Rows): string {
  const next = nextWords(commands);
  const lines = [`complete -c ${PROGRAM} -f`];
  for (const word of next.get('') ?? []) {
    lines.push(`complete -c ${PROGRAM} -n __fish_use_subcommand -a ${word}`);
  }
  for (const [path, words] of next) {
    if (path === '') continue;
    const open = `__fish_seen_subcommand_from ${path}; and not __fish_seen_subcommand_from ${words.join(' ')}`;
    lines.push(`complete -c ${PROGRAM} -n '${open}' -a '${words.join(' ')}'`);
  }
  for (const row of commands) {
    const seen = row.name.split(' ').map((word) => `__fish_seen_subcommand_from ${word}`);
    for (const flag of flagsOf(row)) {
      lines.push(`complete -c ${PROGRAM} -n '${seen.join('; and ')}' -l ${flag.slice(2)}`);
    }
  }
  return `${lines.join('\n')}\n`;
}
