import { setTimeout as pause } from 'node:timers/promises';
import { readConfigUnauthenticated } from '../../config/configFile.js';
import { WalletError } from '../../errors/walletError.js';
import { ledgerInput, parseInput, type LedgerInput } from '../../wallet/input.js';
import type { Ledger } from '../../ledger/ledger.js';
import type { ReportFilter } from '../../ledger/books/report.js';
import { labelLine } from '../../payment/labels.js';
import { nearest } from '../../text/nearest.js';
import { cleanLine } from '../../text/untrusted.js';
import {
  filterOf,
  isLabelView,
  readLedger,
  viewEntry,
  type EntryView,
  type GroupView,
} from '../../wallet/ledgerView.js';
import type { Outcome } from '../../wallet/answer/outcome.js';
import { openLedgerWithoutKeys } from '../../owner/ownerFreeze.js';
import type { CommandCall } from '../command.js';
import { layCsv } from '../terminal/output/csv.js';
import { printOutcome, printLines, widthOf } from '../terminal/output/show.js';
import { layTable } from '../terminal/output/table.js';
import { localMinute } from '../../text/localTime.js';
import { pastInstant } from '../terminal/output/when.js';
import { untilInterrupted } from '../terminal/wallet.js';
import { layStatement, sayTotal, stateWord, UNCONFIRMED, withDelivery } from './statement.js';

/** How often the ledger is looked at while it is followed. */
const FOLLOW_MS = 500;
/** Hosts that a mistyped one is compared with. */
const HOSTS_MAX = 1000;

/** Lists payments, or totals of them. Needs no keys. */
export async function run(call: CommandCall): Promise<number> {
  const { io, home, flags } = call;
  if (flags.text('view') === 'statement') return (await import('./ledgerStatement.js')).run(call);
  if (flags.text('month') !== undefined || flags.has('beancount'))
    throw new WalletError('bad_input', '--month and --beancount go with --view statement.');
  const shown = flags.text('view');
  const byAgent = shown?.replaceAll('-', '_') === 'by_agent';
  // The name of a label may have a hyphen of its own.
  const byLabel = shown !== undefined && isLabelView(shown) ? shown : undefined;
  const named = {
    view: byAgent || byLabel !== undefined ? undefined : shown?.replaceAll('-', '_'),
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
  const { view, ...input }: LedgerInput = parseInput(ledgerInput, given);
  const agent = flags.text('agent');
  const ledger = await openLedgerWithoutKeys(home);
  try {
    if (flags.has('follow')) return await follow(call, ledger, filterOf(agent, input));
    const asked = {
      ...input,
      ...(byAgent ? { view: 'by_agent' as const } : view === undefined ? {} : { view }),
      ...(byLabel === undefined ? {} : { view: byLabel }),
    };
    const result = await readLedger(ledger, async () => readConfigUnauthenticated(home), agent, asked);
    if (flags.has('json')) printOutcome(io, result);
    else if (flags.has('csv')) io.stdout.write(csvOf(result));
    else await printTable(io, ledger, result, filterOf(agent, input));
  } finally {
    await ledger.close();
  }
  return 0;
}

/** Prints payments as they come and change, until Ctrl-C; the newest first page is where it begins. */
async function follow({ io, flags }: CommandCall, ledger: Ledger, filter: ReportFilter): Promise<number> {
  if (flags.has('csv') || flags.text('view') !== undefined)
    throw new WalletError(
      'bad_input',
      '--follow prints payments as they come: it goes with neither --csv nor --view.',
    );
  const seen = new Map<string, string>();
  const isJson = flags.has('json');
  let isFirst = true;
  await untilInterrupted(async (signal) => {
    for (;;) {
      const page = await ledger.listAttempts(filter, flags.count('limit') ?? FOLLOWED_ROWS, null);
      const entries = page.attempts.map(viewEntry).reverse();
      const news = entries.filter((entry) => seen.get(entry.id) !== markOf(entry));
      for (const entry of news) seen.set(entry.id, markOf(entry));
      if (isJson) for (const entry of news) io.stdout.write(`${JSON.stringify(entry)}\n`);
      else printLines(io.stdout, layStatement(io, await withDelivery(ledger, news), isFirst));
      if (news.length > 0) isFirst = false;
      if (signal.aborted) return;
      await pause(FOLLOW_MS, undefined, { signal }).catch(() => undefined);
      if (signal.aborted) return;
    }
  });
  return 0;
}

/** Rows that a follower looks at each time: more than begin between two looks. */
const FOLLOWED_ROWS = 50;

/** What a payment has to say anew once it changes. */
function markOf({ state, confirmed, tx }: EntryView): string {
  return `${state} ${confirmed} ${tx ?? ''}`;
}

function instantFlag(text: string | undefined, nowMs: number): string | undefined {
  return text === undefined ? undefined : (pastInstant(text, nowMs) ?? text);
}

async function printTable(
  io: CommandCall['io'],
  ledger: Ledger,
  result: Outcome,
  filter: ReportFilter,
): Promise<void> {
  const entries = result['entries'] as readonly EntryView[] | undefined;
  const groups = (result['groups'] as readonly GroupView[] | undefined) ?? [];
  // A pipe gets its rows whole.
  const width = io.stdout.isTTY === true ? widthOf(io.stdout) : Number.MAX_SAFE_INTEGER;
  const shown = entries?.length ?? groups.length;
  if (entries !== undefined) printLines(io.stdout, layStatement(io, await withDelivery(ledger, entries)));
  else if (groups.length > 0) printLines(io.stdout, layGroups(groups, width));
  if (entries?.some((entry) => stateWord(entry) === UNCONFIRMED) === true) {
    printLines(io.stderr, [
      `${UNCONFIRMED} is the word of the seller or of one RPC, not confirmed by the chain yet.`,
    ]);
  }
  const cursor = result['next_cursor'];
  const more = typeof cursor === 'string' ? ` For more: --cursor ${cursor}` : '';
  if (shown === 0) {
    printLines(io.stderr, [`Nothing in the ledger for this.${await meantHost(ledger, filter.host)}${more}`]);
    return;
  }
  printLines(io.stderr, [`${shown} shown. ${await sayTotal(ledger, filter)}${more}`]);
}

/** The host of the ledger that a mistyped one is near to, as a question; empty where none is. */
async function meantHost(ledger: Ledger, host: string | undefined): Promise<string> {
  if (host === undefined) return '';
  const hosts = (await ledger.groupPayments('by_host', {}, HOSTS_MAX)).map(({ key }) => key);
  const meant = hosts.includes(host) ? undefined : nearest(host, hosts);
  return meant === undefined ? '' : ` Did you mean ${cleanLine(meant, 255)}?`;
}

function layGroups(groups: readonly GroupView[], width: number): string[] {
  const columns = [
    { title: 'KEY', flexible: true },
    { title: 'PAYMENTS', align: 'right' },
    { title: 'CAPTURED USD', align: 'right' },
    { title: 'HELD USD', align: 'right' },
    { title: 'LOST USD', align: 'right' },
    { title: 'LAST' },
  ] as const;
  const rows = groups.map((group) => [
    group.key === '' ? '(no label)' : group.key,
    String(group.payments),
    group.captured_usd,
    group.held_usd,
    group.lost_usd,
    localMinute(group.last),
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
  'delivery',
  'note',
  'reason',
  'labels',
] as const;
const GROUP_COLUMNS = [
  'key',
  'payments',
  'delivered',
  'captured_usd',
  'held_usd',
  'lost_usd',
  'first',
  'last',
] as const;

function csvOf(result: Outcome): string {
  const entries = result['entries'] as readonly EntryView[] | undefined;
  if (entries !== undefined)
    return layCsv(
      ENTRY_COLUMNS,
      entries.map((entry) => cellsOf({ ...entry, labels: labelLine(entry.labels) }, ENTRY_COLUMNS)),
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
