import type { CommandEntry } from '../command.js';
import { AGENT_FLAG, LABEL_FLAG, JSON_FLAG, PASSPHRASE_FLAG } from '../terminal/flags.js';

/** Paying for what any program asks. */
export const proxyCommands = [
  {
    name: 'run',
    group: 'Pay',
    summary: 'Run a program that asks a paid API through the wallet, within a budget of its own.',
    details:
      'Sets OPENAI_BASE_URL, ANTHROPIC_BASE_URL and their keys for the program; claude and codex need nothing more. The budget ends with the program, or with its time. Exit codes and signals pass through.',
    args: [{ name: '<program...>', summary: 'The program and its arguments.' }],
    flags: [
      {
        flags: '--budget <usd>',
        summary: 'The most it may spend, such as 2.00. Default: limits.per_session_usd.',
      },
      { flags: '--for <time>', summary: 'How long it may spend, such as 90m, 2h or 1d. Default: 1d.' },
      LABEL_FLAG,
      AGENT_FLAG,
      PASSPHRASE_FLAG,
    ],
    examples: [
      'run claude',
      'run --budget 2.00 --for 2h -- claude -p "What is new?"',
      'run --label team=search codex exec "Mend it"',
    ],
    load: () => import('./run.js'),
  },
  {
    name: 'proxy',
    group: 'Serve',
    summary: 'Pay for what other programs ask over HTTP, until it is stopped.',
    details:
      'Prints its URL and a token. Programs ask URL/TOKEN/https://host/path, or URL/TOKEN/NAME/path for an upstream set in proxy.upstreams; the token may also be the API key. The token is new at each start; those of agents are taken too. Pages in a browser are refused.',
    flags: [
      { flags: '--port <port>', summary: 'Port to listen on; 0 takes any free port. Default 4403.' },
      { flags: '--host <host>', summary: 'Address to listen on. Default 127.0.0.1.' },
      { flags: '--allow-host <name...>', summary: 'Another name that programs reach it by. Repeatable.' },
      { flags: '--tls-cert <file>', summary: 'Certificate chain, PEM.' },
      { flags: '--tls-key <file>', summary: 'Its private key, PEM.' },
      AGENT_FLAG,
      PASSPHRASE_FLAG,
      JSON_FLAG,
    ],
    examples: ['proxy', 'proxy --port 0 --json'],
    load: () => import('./proxy.js'),
  },
] as const satisfies readonly CommandEntry[];
