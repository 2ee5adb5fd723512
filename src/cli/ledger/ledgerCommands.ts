import type { CommandEntry } from '../command.js';
import { JSON_FLAG, OPENS, OWNS } from '../terminal/flags.js';

/** What was paid. */
export const ledgerListCommands = [
  {
    name: 'ledger list',
    group: 'Look',
    isDefault: true,
    summary: 'List payments, newest first, or their totals. Same as ledger.',
    details:
      'Needs no keys. Times are local; --json and --csv give UTC. An instant is an ISO 8601 date or time, or an age: 30m, 24h, 7d. A statement has an opening balance, what came in, payments, withdrawals, moves between your agents and a closing balance, by network; it reads the chains where the keys open, remembers how far, and names what is not explained.',
    flags: [
      {
        flags: '--view <view>',
        summary:
          'entries (default), by_host, by_agent, by_day, by_session, by_category, by_label.NAME (by the values of one label), lost (what brought nothing, by host) or statement (a month that adds up).',
      },
      { flags: '--month <month>', summary: 'The month of a statement, as YYYY-MM. Default: this one.' },
      { flags: '--since <instant>', summary: 'Payments from this instant on.' },
      { flags: '--until <instant>', summary: 'Payments before this instant.' },
      { flags: '--host <host>', summary: 'Payments to one host.' },
      { flags: '--agent <name>', summary: 'Payments of one agent. Default: all agents.' },
      { flags: '--state <state>', summary: 'held, signed, sent, unknown, captured or released.' },
      { flags: '--limit <n>', summary: 'Number of rows. Default 20, at most 200.' },
      { flags: '--cursor <cursor>', summary: 'Continue after the page that printed this cursor.' },
      { flags: '--follow', summary: 'Print payments as they come and change, until Ctrl-C.' },
      { flags: '--csv', summary: 'Print CSV.' },
      { flags: '--beancount', summary: 'Print a statement as a book of Beancount.' },
      JSON_FLAG,
    ],
    examples: [
      'ledger',
      'ledger --view statement --month 2026-11',
      'ledger --since 7d --view by_host',
      'ledger --view by_label.team --since 30d --csv',
      'ledger --view lost',
      'ledger --follow',
      'ledger --state unknown --json',
    ],
    load: () => import('./ledgerList.js'),
  },
  {
    name: 'ledger show',
    group: 'Look',
    summary: 'Show one payment. Asks the chain first if it is not settled.',
    args: [{ name: '<id>', summary: 'A payment id.' }],
    flags: OPENS,
    examples: ['ledger show pay_0123456789abcdef0123'],
    load: () => import('./ledgerShow.js'),
  },
] as const satisfies readonly CommandEntry[];

/** Keeping the ledger true and safe. */
export const ledgerCareCommands = [
  {
    name: 'reconcile',
    group: 'Stop and check',
    summary: 'Ask the chain about every open payment.',
    flags: OPENS,
    examples: ['reconcile'],
    load: () => import('./reconcile.js'),
  },
  {
    name: 'ledger backup',
    group: 'Stop and check',
    summary: 'Copy the ledger to a file while it is in use.',
    args: [{ name: '<file>', summary: 'A new file.' }],
    flags: OPENS,
    examples: ['ledger backup purser-2026-11-20.db'],
    load: () => import('./ledgerBackup.js'),
  },
  {
    name: 'ledger restore',
    group: 'Stop and check',
    summary: 'Replace a lost or damaged ledger with a backup. Requires owner authentication.',
    details:
      'The wallet is then frozen for about eleven minutes, while payments signed since the backup can still settle. After that, ledger rebuild counts them from the chain and ends the freeze.',
    args: [{ name: '<file>', summary: 'A file written by ledger backup.' }],
    flags: OWNS,
    examples: ['ledger restore purser-2026-11-20.db'],
    load: () => import('./ledgerRestore.js'),
  },
  {
    name: 'ledger move',
    group: 'Stop and check',
    summary: 'Move the ledger to PostgreSQL, for many servers, or back. Requires owner authentication.',
    details:
      'Stop the wallet first: nothing can be written during the move. Every row is read back, compared and checked against the journal before the ledger is used from there. Give the password in a file, never in the address. A host other than this one needs TLS with a valid certificate. For a second server, copy the wallet’s folder to it.',
    flags: [
      {
        flags: '--to <where>',
        summary:
          'postgres://user@host/database, with ?schema= and &sslrootcert= as needed; or file, for a file of the wallet’s folder.',
      },
      {
        flags: '--password-file <file>',
        summary: 'File with the password of the database. It stays there: each start reads it.',
      },
      ...OWNS,
    ],
    examples: [
      'ledger move --to postgres://purser@db.example.com/wallets --password-file /etc/purser/db',
      'ledger move --to file',
    ],
    load: () => import('./ledgerMove.js'),
  },
  {
    name: 'ledger rebuild',
    group: 'Stop and check',
    summary:
      'Rebuild a lost ledger from the chain: payments of the last 30 days. Requires owner authentication.',
    details:
      'Run it twice. The first run freezes the wallet, because payments in the lost ledger can still settle for about eleven minutes. The second run counts what the chain shows and ends the freeze. The old ledger file is kept beside the new one.',
    flags: OWNS,
    examples: ['ledger rebuild'],
    load: () => import('./ledgerRebuild.js'),
  },
  {
    name: 'ledger rebase',
    group: 'Stop and check',
    summary:
      'Set the ledger’s time back to the true time after a clock was fast. Requires owner authentication.',
    details:
      'A clock that was fast leaves the ledger’s time ahead, and no limit frees anything until the true time has caught up. This begins again from now. Nobody knows any more when each payment was made, so everything captured in the last 30 days counts in every limit from now on: limits of a day are free again after a day, limits of 30 days after 30. The clock of this computer has to be right by the time of your RPCs.',
    flags: OWNS,
    examples: ['ledger rebase'],
    load: () => import('./ledgerRebase.js'),
  },
  {
    name: 'audit',
    group: 'Stop and check',
    summary:
      'Check every row of the ledger against its journal and against the chain. Exit code 1 if anything differs.',
    flags: [...OPENS, { flags: '--offline', summary: 'Do not ask the chain.' }],
    examples: ['audit --json'],
    load: () => import('./audit.js'),
  },
] as const satisfies readonly CommandEntry[];
