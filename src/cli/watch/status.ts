import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { readConfigUnauthenticated } from '../../config/configFile.js';
import { CONFIG_FILE } from '../../config/home.js';
import { isWalletError } from '../../errors/walletError.js';
import { formatUsd } from '../../money/decimal.js';
import { isBackedUp } from '../../owner/setUp/backedUp.js';
import type { BalanceLine } from '../../wallet/balance.js';
import { isMarkedFrozen } from '../../wallet/freezeMark.js';
import type { CommandCall } from '../command.js';
import { shortPath } from '../install/clientReport.js';
import { commandLine } from '../line/commandLine.js';
import { showLine } from '../line/line.js';
import { programName } from '../line/program.js';
import type { CommandLine } from '../line/shell.js';
import { printReport } from '../terminal/output/show.js';
import { layPairs } from '../terminal/output/table.js';
import { countUnseen, readBooks, readOpened } from './glance.js';

/** Shows the state of the wallet at a glance and the commands that fit it. Asks for nothing; what is locked is said. */
export async function run(call: CommandCall): Promise<number> {
  const { io, home, flags } = call;
  const json = flags.has('json');
  if (!existsSync(join(home, CONFIG_FILE))) {
    const message = `There is no wallet in ${shortPath(io, home)} yet.`;
    return printReport(io, json, { message, wallet: null }, [
      message,
      '',
      ...layCommands(call, [
        [commandLine('install'), 'creates one and adds it to your MCP clients'],
        [commandLine('doctor'), 'checks this machine'],
      ]),
    ]);
  }
  const config = readConfigUnauthenticated(home);
  const [books, opened] = await Promise.all([readBooks(call), readOpened(call)]);
  const money = isWalletError(opened) ? null : opened.balances;
  const waiting = isWalletError(opened) ? null : opened.waiting;
  const frozen = books?.frozen === true || isMarkedFrozen(home);
  const cap = formatUsd(config.limits.perDayUsdMicros);
  const pairs: [string, string][] = [
    ...(frozen ? [['Frozen', 'nothing is signed or sent'] as [string, string]] : []),
    ...(isWalletError(opened)
      ? [['Money', `not looked at: ${opened.shortMessage}`] as [string, string]]
      : moneyPairs(opened.balances)),
    ...(books === null
      ? [['Spent', 'the ledger cannot be read'] as [string, string]]
      : [
          [
            'Spent in 24 h',
            `$${books.spentUsd} of $${cap} without asking${books.heldUsd === '0.00' ? '' : `, $${books.heldUsd} held`}`,
          ] as [string, string],
        ]),
    ['Waits for you', waitingWords(waiting)],
  ];
  const unseen = await countUnseen(call);
  const isEmpty = money !== null && money.every(({ on_chain: sum }) => sum !== null && !/[1-9]/.test(sum));
  const backedUp = isBackedUp(home);
  const next: [CommandLine, string][] = [
    ...(frozen ? [[commandLine('unfreeze'), 'lets agents pay again'] as [CommandLine, string]] : []),
    ...((waiting ?? 0) > 0 ? [[commandLine('open'), 'answers what waits'] as [CommandLine, string]] : []),
    ...((unseen ?? 0) > 0
      ? [[commandLine('notices'), 'shows what you were told'] as [CommandLine, string]]
      : []),
    ...(books === null ? [[commandLine('doctor'), 'says what is the matter'] as [CommandLine, string]] : []),
    ...(isEmpty
      ? [[commandLine('fund', [], { '--wait': true }), 'shows where to send money'] as [CommandLine, string]]
      : []),
    ...(backedUp
      ? []
      : [[commandLine('backup'), 'shows the words that alone bring it back'] as [CommandLine, string]]),
    [commandLine('ledger list'), 'what was bought'],
    ...(frozen ? [] : [[commandLine('freeze'), 'stops all agents at once'] as [CommandLine, string]]),
  ];
  const message = `The wallet in ${shortPath(io, home)}${config.testnet ? ', for test money' : ''}.`;
  const fields = {
    message,
    wallet: home,
    frozen,
    balances: money,
    spent_24h_usd: books?.spentUsd ?? null,
    per_day_usd: cap,
    held_usd: books?.heldUsd ?? null,
    open_payments: books?.open ?? null,
    waiting,
    unseen_notices: unseen,
    backed_up: backedUp,
  };
  return printReport(io, json, fields, [message, '', ...layPairs(pairs), '', ...layCommands(call, next)]);
}

function waitingWords(waiting: number | null): string {
  if (waiting === null) return 'not known while the wallet is locked';
  if (waiting === 0) return 'nothing';
  return waiting === 1 ? '1 question' : `${waiting} questions`;
}

function layCommands({ io }: CommandCall, commands: readonly (readonly [CommandLine, string])[]): string[] {
  const all = [`${programName(io)} --help`, 'lists every command'] as const;
  return layPairs([...commands.map(([line, what]) => [showLine(line, io), what] as const), all]);
}

function moneyPairs(money: readonly BalanceLine[]): [string, string][] {
  return money.map(({ label, asset, on_chain: sum }) => [
    label,
    sum === null ? 'its RPC does not answer' : `${sum} ${asset}`,
  ]);
}
