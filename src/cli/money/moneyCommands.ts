import type { CommandEntry, CommandFlag } from '../command.js';
import {
  AGENT_FLAG,
  JSON_FLAG,
  NETWORK_FLAG,
  NETWORK_FLAG_ONE,
  OPENS,
  OWNS,
  UNLOCK_FLAG,
} from '../terminal/flags.js';

const CALL_FLAGS = [
  { flags: '-X, --method <method>', summary: 'HTTP method. Default: GET, or POST with --data.' },
  { flags: '-H, --header <line...>', summary: "A request header, 'Name: value'. Repeatable." },
  { flags: '-d, --data <text>', summary: 'Request body: text, @FILE, or - for standard input.' },
  { flags: '--timeout-ms <ms>', summary: 'Time limit for the whole call. Default 50000.' },
] as const satisfies readonly CommandFlag[];

/** Money in and out. */
export const fundCommands = [
  {
    name: 'address',
    group: 'Set up',
    summary: 'Print the address to fund on each network.',
    details:
      'Asks for nothing. While the keys are locked it prints the addresses noted beside the wallet and says that no key proved them. Send no money to those: prove them with --unlock first.',
    flags: [NETWORK_FLAG, AGENT_FLAG, UNLOCK_FLAG, ...OPENS],
    examples: ['address', 'address --network eip155:8453 --json'],
    load: () => import('./address.js'),
  },
  {
    name: 'fund',
    group: 'Fund',
    summary: 'Show where to send money, with a QR code, and optionally wait for it.',
    details:
      'Asks for nothing. While the keys are locked it shows the addresses noted beside the wallet, without a QR code, since no key proved them.',
    flags: [
      NETWORK_FLAG,
      AGENT_FLAG,
      UNLOCK_FLAG,
      { flags: '--wait', summary: 'Wait until money arrives, for at most one hour.' },
      {
        flags: '--sat <amount>',
        summary: 'Satoshi of an invoice that fills the connected Lightning wallet.',
      },
      ...OPENS,
    ],
    examples: ['fund', 'fund --network eip155:8453 --wait', 'fund --agent researcher --wait'],
    load: () => import('./fund.js'),
  },
  {
    name: 'withdraw',
    group: 'Fund',
    summary: 'Send money to an address of yours. Requires owner authentication.',
    details:
      'No agent can withdraw. A withdrawal counts toward no limit and works while the wallet is frozen. It needs no gas where the facilitator in withdrawals.facilitator_url supports the network. Otherwise your address pays the gas, including creating the recipient’s token account on Solana. Money held for open payments stays. If the command was interrupted, run it again: it continues the same transfer and never starts a second one.',
    flags: [
      { flags: '--to <address>', summary: 'Your own address, EVM or Solana.' },
      { flags: '--usd <usd>', summary: 'Amount in dollars, such as 12.50.' },
      { flags: '--all', summary: 'Everything that is not held, to the last unit.' },
      NETWORK_FLAG_ONE,
      {
        flags: '--asset <symbol>',
        summary: 'Which token, where a network has several. Default: the first.',
      },
      {
        flags: '--include-held',
        summary: 'Also take money held for open payments. Those payments then fail.',
      },
      { flags: '--off-curve', summary: 'Allow a Solana address that has no key, such as your vault.' },
      {
        flags: '--repeat',
        summary: 'Send again although the facilitator reported success. Use only if the money never arrived.',
      },
      { flags: '--yes', summary: 'Skip the confirmation prompt.' },
      AGENT_FLAG,
      ...OWNS,
    ],
    examples: [
      'withdraw --to 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed --usd 12.50',
      'withdraw --to 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed --all --network eip155:8453 --yes --factor-file F',
    ],
    load: () => import('./withdraw.js'),
  },
] as const satisfies readonly CommandEntry[];

/** Paying as an agent does. */
export const payCommands = [
  {
    name: 'quote',
    group: 'Pay',
    summary: 'Show what an HTTP call costs. Pays nothing.',
    details: 'The request is really sent. An endpoint that asks for no payment runs it.',
    args: [{ name: '<url>', summary: 'Absolute https URL.' }],
    flags: [...CALL_FLAGS, AGENT_FLAG, ...OPENS],
    examples: ['quote https://api.example.com/search?q=x'],
    load: () => import('./quote.js'),
  },
  {
    name: 'pay',
    group: 'Pay',
    summary: 'Make an HTTP call and pay for it if the endpoint asks.',
    details:
      'Prints the response to standard output and what happened to the money to standard error. In a terminal, a call above a cap asks you for approval on the spot.',
    args: [{ name: '[url]', summary: 'Absolute https URL. Omit it with --quote.' }],
    flags: [
      { flags: '--max-usd <usd>', summary: 'The most this call may cost, such as 0.02.' },
      { flags: '--quote <id>', summary: 'Pay exactly this quote. Replaces the rest of the request.' },
      {
        flags: '--approval <id>',
        summary: 'Pay exactly what the owner approved. Replaces the rest of the request.',
      },
      ...CALL_FLAGS,
      { flags: '--idempotency-key <key>', summary: 'Calls with the same key are paid once.' },
      { flags: '--repeat', summary: 'Buy the same call again within a minute.' },
      { flags: '--reason <text>', summary: 'Why you pay. Stored in the ledger and shown to the owner.' },
      AGENT_FLAG,
      ...OPENS,
    ],
    examples: [
      'pay https://api.example.com/search?q=x --max-usd 0.02',
      `pay https://api.example.com/render -d '{"page":1}' --max-usd 0.10 > page.png`,
      'pay --quote quo_0123456789abcdef0123',
    ],
    load: () => import('./pay.js'),
  },
  {
    name: 'response',
    group: 'Pay',
    summary: 'Read or search a stored response.',
    args: [{ name: '<id>', summary: 'stored_id or payment id of the response.' }],
    flags: [
      { flags: '--offset <n>', summary: 'First character to show. Default 0.' },
      { flags: '--length <n>', summary: 'Number of characters. Default 8000, at most 20000.' },
      { flags: '--find <text>', summary: 'Show where this text occurs instead.' },
      AGENT_FLAG,
      ...OPENS,
    ],
    examples: ['response pay_0123456789abcdef0123 --find price'],
    load: () => import('./response.js'),
  },
] as const satisfies readonly CommandEntry[];

/** What there is. */
export const balanceCommands = [
  {
    name: 'status',
    group: 'Look',
    summary: 'Show the wallet at a glance: money, spending, what waits. Same as purser alone in a terminal.',
    details: 'Asks for nothing. What is locked is said.',
    flags: [JSON_FLAG],
    examples: ['status', 'status --json'],
    load: () => import('./status.js'),
  },
  {
    name: 'balance',
    group: 'Look',
    summary: 'Show what is on chain, held and spendable, and what is left of each limit.',
    flags: [
      NETWORK_FLAG,
      AGENT_FLAG,
      { flags: '--watch', summary: 'Show it anew every five seconds, until Ctrl-C.' },
      ...OPENS,
    ],
    examples: ['balance', 'balance --watch', 'balance --json'],
    load: () => import('./balance.js'),
  },
  {
    name: 'top',
    group: 'Look',
    summary:
      'Watch what agents spend, live: limits, agents, sellers, the newest payments. Keys: f freezes, q ends.',
    details: 'Asks for nothing. Where the wallet is locked it shows what the ledger says without keys.',
    flags: [],
    examples: ['top'],
    load: () => import('./top.js'),
  },
] as const satisfies readonly CommandEntry[];

/** Stopping payments, all or those to one seller. */
export const stopCommands = [
  {
    name: 'freeze',
    group: 'Stop and check',
    summary: 'Stop all signing and sending at once, in every process. Needs no keys.',
    flags: [JSON_FLAG],
    examples: ['freeze'],
    load: () => import('./freeze.js'),
  },
  {
    name: 'unfreeze',
    group: 'Stop and check',
    summary: 'Let agents pay again. Requires owner authentication.',
    flags: OWNS,
    examples: ['unfreeze'],
    load: () => import('./unfreeze.js'),
  },
  {
    name: 'pauses list',
    group: 'Stop and check',
    isDefault: true,
    summary: 'List paused sellers. Same as pauses.',
    details:
      'A seller that takes a payment and asks for another, or claims one that never settled, is not paid for ten minutes, and longer each time it happens again.',
    flags: OPENS,
    examples: ['pauses'],
    load: () => import('./pausesList.js'),
  },
  {
    name: 'pauses end',
    group: 'Stop and check',
    summary: 'End a seller’s pause. Requires owner authentication.',
    args: [{ name: '<host>', summary: 'A host, a host:port, or an origin as shown by pauses list.' }],
    flags: OWNS,
    examples: ['pauses end api.example.com'],
    load: () => import('./pausesEnd.js'),
  },
] as const satisfies readonly CommandEntry[];
