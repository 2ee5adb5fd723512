import { readConfigUnauthenticated } from '../../config/configFile.js';
import { isWalletError, WalletError } from '../../errors/walletError.js';
import { openMovements } from '../../ledger/stores.js';
import { knownAddresses } from '../../owner/knownAddresses.js';
import { openLedgerWithoutKeys } from '../../owner/ownerFreeze.js';
import { lookForMoney } from '../../treasury/statement/lookForMoney.js';
import { notedOwnPlaces, ownPlaces } from '../../treasury/statement/ownPlaces.js';
import { monthName, monthOf, readStatement, type Statement } from '../../treasury/statement/readStatement.js';
import type { AccountStatement } from '../../treasury/statement/statement.js';
import type { CommandCall } from '../command.js';
import { printLines, widthOf } from '../terminal/output/show.js';
import { layTable } from '../terminal/output/table.js';
import { localMinute } from '../../text/localTime.js';
import { lookOptions } from '../terminal/wallet.js';
import { openQuietly } from '../watch/glance.js';
import { balance, change, lineWords, STATEMENT_FILES, type StatementFile } from './statementFile.js';

/** How long the chains are read for; what is more is read at the next look. */
const LOOK_MS_MAX = 60_000;

/** Shows a month: the opening balance, what came and went, and the closing balance. Reads the chains where the keys open. */
export async function run(call: CommandCall): Promise<number> {
  const { io, home, flags } = call;
  const file = fileOf(call);
  const month = flags.text('month') ?? monthName(io.now());
  const period = monthOf(month);
  if (period === null) throw new WalletError('bad_input', 'A month is written YYYY-MM.');
  const book = openMovements(home);
  try {
    const { statement, notes } = await read(call, book, period);
    printLines(io.stderr, notes);
    if (file !== null) io.stdout.write(STATEMENT_FILES[file].write(statement));
    else if (statement.accounts.length === 0) printLines(io.stderr, [`Nothing came or went in ${month}.`]);
    else printLines(io.stdout, layStatements(call, statement));
  } finally {
    book.close();
  }
  return 0;
}

function fileOf({ flags }: CommandCall): StatementFile | null {
  const asked = (['csv', 'json', 'beancount'] as const).filter((name) => flags.has(name));
  if (asked.length > 1) throw new WalletError('bad_input', 'Give one of --json, --csv and --beancount.');
  const other = ['since', 'until', 'host', 'agent', 'state', 'limit', 'cursor'].find(
    (name) => flags.text(name) !== undefined,
  );
  if (other !== undefined || flags.has('follow'))
    throw new WalletError(
      'bad_input',
      `A statement is of a whole month: it goes with --month, not with --${other ?? 'follow'}.`,
    );
  return asked[0] ?? null;
}

async function read(
  call: CommandCall,
  book: ReturnType<typeof openMovements>,
  period: Statement['period'],
): Promise<{ readonly statement: Statement; readonly notes: readonly string[] }> {
  const { io, home } = call;
  const say = (ms: number): string => localMinute(new Date(ms).toISOString());
  const engine = await openQuietly(call);
  if (!isWalletError(engine)) {
    try {
      const { ledger, keys } = engine;
      const config = await engine.config();
      const look = await lookForMoney(
        { config, keys, ledger, book, now: io.now },
        AbortSignal.timeout(LOOK_MS_MAX),
      );
      const places = await ownPlaces(config, keys, ledger);
      return { statement: await readStatement({ ledger, book }, places, period, say), notes: look.notes };
    } finally {
      await engine.close();
    }
  }
  const ledger = await openLedgerWithoutKeys(home);
  try {
    const { agents } = await knownAddresses(lookOptions(call));
    const places = notedOwnPlaces(readConfigUnauthenticated(home), agents);
    const notes = [`The chains were not read: ${engine.shortMessage}`];
    return { statement: await readStatement({ ledger, book }, places, period, say), notes };
  } finally {
    await ledger.close();
  }
}

function layStatements({ io }: CommandCall, { accounts }: Statement): string[] {
  const width = io.stdout.isTTY === true ? widthOf(io.stdout) : Number.MAX_SAFE_INTEGER;
  return accounts.flatMap((account, i) => [...(i === 0 ? [] : ['']), ...layAccount(account, width)]);
}

function layAccount(account: AccountStatement, width: number): string[] {
  const { label, symbol, decimals, openingAtomic, closingAtomic, lines, notes, fromMs, toMs } = account;
  const at = (ms: number): string => localMinute(new Date(ms).toISOString());
  const rows = [
    [at(fromMs), balance(openingAtomic, decimals), '', 'opening balance'],
    ...lines.map((line) => [
      at(line.atMs),
      line.kind === 'move'
        ? `(${balance(line.amountAtomic, decimals)})`
        : change(line.changeAtomic, decimals),
      line.agent ?? '',
      lineWords(line),
    ]),
    [at(toMs), balance(closingAtomic, decimals), '', 'closing balance'],
  ];
  const columns = [
    { title: 'TIME' },
    { title: symbol, align: 'right' },
    { title: 'AGENT' },
    { title: 'WHAT', flexible: true },
  ] as const;
  return [label, ...layTable(columns, rows, width), ...notes.map((note) => `Note: ${note}`)];
}
