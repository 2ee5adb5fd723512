import type { CommandEntry, CommandFlag } from '../command.js';
import { AGENT_FLAG, LABEL_FLAG, OPENS } from '../terminal/flags.js';

const CALL_FLAGS = [
  { flags: '-X, --method <method>', summary: 'HTTP method. Default: GET, or POST with --data.' },
  { flags: '-H, --header <line...>', summary: "A request header, 'Name: value'. Repeatable." },
  { flags: '-d, --data <text>', summary: 'Request body: text, @FILE, or - for standard input.' },
  { flags: '--timeout-ms <ms>', summary: 'Time limit for the whole call. Default 50000.' },
] as const satisfies readonly CommandFlag[];

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
      'Prints the response to standard output and what happened to the money to standard error. In a terminal, a call above a cap asks you for approval on the spot. Ctrl-C cancels what was not sent yet; the answer to what was paid is still read and stored. Ctrl-C twice leaves at once.',
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
      LABEL_FLAG,
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
