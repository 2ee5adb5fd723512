import { readConfigUnauthenticated } from '../../config/configFile.js';
import { WalletError } from '../../errors/walletError.js';
import { ledgerInput, parseInput, type LedgerInput } from '../../wallet/input.js';
import { readLedger, type EntryView } from '../../wallet/ledgerView.js';
import type { Outcome } from '../../wallet/answer/outcome.js';
import { openLedgerWithoutKeys } from '../../owner/ownerFreeze.js';
import type { CommandCall } from '../command.js';
import { layCsv } from '../terminal/output/csv.js';
import { minuteOf, printOutcome, printLines, widthOf } from '../terminal/output/show.js';
import { layTable } from '../terminal/output/table.js';
import { pastInstant } from '../terminal/output/when.js';

/** Lists payments, or totals of them. Needs no keys. */
export async function run({ io, home, flags }: CommandCall): Promise<number> {
  const named = {
    view: flags.text('view')?.replaceAll('-', '_'),
    since: instantFlag(flags.text('since'), io.now()),
    until: instantFlag(flags.text('until'), io.now()),
    host: flags.text('host'),
    state: flags.text('state'),
    limit: flags.count('limit'),
    cursor: flags.text('cursor'),
  };
  if (flags.has('json') && flags.has('csv'))
    throw new WalletError('bad_input', 'Give --json or --csv, not both.');
  const given = Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
  const input: LedgerInput = parseInput(ledgerInput, given);
  const ledger = await openLedgerWithoutKeys(home);
  try {
    const result = await readLedger(
      ledger,
      async () => readConfigUnauthenticated(home),
      flags.text('agent'),
      input,
    );
    if (flags.has('json')) printOutcome(io, result);
    else if (flags.has('csv')) io.stdout.write(csvOf(result));
    else printTable(io, result);
  } finally {
    await ledger.close();
  }
  return 0;
}

function instantFlag(text: string | undefined, nowMs: number): string | undefined {
  return text === undefined ? undefined : (pastInstant(text, nowMs) ?? text);
}

interface GroupView {
  readonly key: string;
  readonly payments: number;
  readonly captured_usd: string;
  readonly held_usd: string;
  readonly first: string;
  readonly last: string;
}

function printTable(io: CommandCall['io'], result: Outcome): void {
  const width = widthOf(io.stdout);
  const entries = result['entries'] as readonly EntryView[] | undefined;
  const groups = result['groups'] as readonly GroupView[] | undefined;
  const lines = entries === undefined ? layGroups(groups ?? [], width) : layEntries(entries, width);
  if (lines.length > 1) printLines(io.stdout, lines);
  if (entries?.some((entry) => stateWord(entry) === UNCONFIRMED) === true) {
    printLines(io.stderr, [
      `${UNCONFIRMED} is the word of the seller or of one RPC, not confirmed by the chain yet.`,
    ]);
  }
  const cursor = result['next_cursor'];
  const more = typeof cursor === 'string' ? ` For more: --cursor ${cursor}` : '';
  printLines(io.stderr, [
    `${lines.length > 1 ? `${lines.length - 1} shown.` : 'Nothing in the ledger for this.'}${more}`,
  ]);
}

function layEntries(entries: readonly EntryView[], width: number): string[] {
  const columns = [
    { title: 'TIME (UTC)' },
    { title: 'USD', align: 'right' },
    { title: 'STATE' },
    { title: 'HOST', flexible: true },
    { title: 'ID' },
  ] as const;
  const rows = entries.map((entry) => [
    minuteOf(entry.time),
    entry.usd,
    stateWord(entry),
    entry.kind === 'withdrawal' ? `withdrawn to ${entry.pay_to}` : entry.host,
    entry.id,
  ]);
  return layTable(columns, rows, width);
}

const UNCONFIRMED = 'captured?';

/** One word a state; `captured` alone means that the chain has shown it. */
function stateWord({ state, confirmed }: EntryView): string {
  return state === 'captured' && !confirmed ? UNCONFIRMED : state;
}

function layGroups(groups: readonly GroupView[], width: number): string[] {
  const columns = [
    { title: 'KEY', flexible: true },
    { title: 'PAYMENTS', align: 'right' },
    { title: 'CAPTURED USD', align: 'right' },
    { title: 'HELD USD', align: 'right' },
    { title: 'LAST (UTC)' },
  ] as const;
  const rows = groups.map((group) => [
    group.key,
    String(group.payments),
    group.captured_usd,
    group.held_usd,
    minuteOf(group.last),
  ]);
  return layTable(columns, rows, width);
}

/** The columns of `--csv`, by the names that `--json` has. */
const ENTRY_COLUMNS = [
  'kind',
  'time',
  'id',
  'state',
  'confirmed',
  'usd',
  'amount_atomic',
  'asset',
  'network',
  'pay_to',
  'tx',
  'method',
  'url',
  'host',
  'agent',
  'session',
  'note',
  'reason',
] as const;
const GROUP_COLUMNS = ['key', 'payments', 'captured_usd', 'held_usd', 'first', 'last'] as const;

function csvOf(result: Outcome): string {
  const entries = result['entries'] as readonly EntryView[] | undefined;
  if (entries !== undefined)
    return layCsv(
      ENTRY_COLUMNS,
      entries.map((entry) => cellsOf(entry, ENTRY_COLUMNS)),
    );
  const groups = result['groups'] as readonly GroupView[];
  return layCsv(
    GROUP_COLUMNS,
    groups.map((group) => cellsOf(group, GROUP_COLUMNS)),
  );
}

function cellsOf<Row extends object>(row: Row, columns: readonly (keyof Row)[]): (string | null)[] {
  return columns.map((name) => {
    const value = row[name];
    return value === null || value === undefined ? null : String(value);
  });
}
