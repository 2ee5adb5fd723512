import { clients } from '../../clients/client.js';
import type { CommandEntry } from '../command.js';
import { AGENT_FLAG, JSON_FLAG, OPENS, PASSPHRASE_FLAG } from '../terminal/flags.js';

/** Adding Purser to MCP clients and taking it out. */
export const installCommands = [
  {
    name: 'install',
    group: 'Set up',
    summary: 'Create a wallet if there is none, and add Purser to your MCP clients.',
    details: `Clients: ${clients.map(({ id }) => id).join(', ')}. Without a name, the clients found on this machine are offered. Purser uses the client's own command where there is one. Otherwise it edits the client's file and keeps a copy beside it.`,
    args: [{ name: '[client...]', summary: 'Client names. Default: every client found on this machine.' }],
    flags: [
      { flags: '--dry-run', summary: 'Show what would change without changing anything.' },
      { flags: '--yes', summary: 'Ask nothing: use every client found and the given flags.' },
      { flags: '--no-init', summary: 'Do not create a wallet.' },
      { flags: '--no-check', summary: 'Skip the test start of the server.' },
      {
        flags: '--unattended',
        summary:
          'For runs that nobody watches, such as codex exec: the client asks before no payment, and waits for the server.',
      },
      {
        flags: '--keystore <where>',
        summary: 'For a new wallet: keychain or file. Default: keychain, or a file where none answers.',
      },
      {
        flags: '--passphrase-file <file>',
        summary: 'File with the unlock passphrase of a file keystore. Its path is written to the clients.',
      },
      { flags: '--testnet', summary: 'For a new wallet: use test networks only, no real money.' },
      {
        flags: '--set <key=value...>',
        summary: 'For a new wallet: a setting such as limits.per_day_usd=3. Repeatable.',
      },
      {
        flags: '--mcp <url>',
        summary:
          'Add a paid MCP server instead: clients start purser mcp with this URL, and its tools are paid within your limits.',
      },
      { flags: '--name <name>', summary: 'With --mcp: what the clients call it. Default: by its host.' },
      { flags: '--max-usd <usd>', summary: 'With --mcp: most that one call may cost.' },
      {
        flags: '--package <spec>',
        summary: 'What npx starts, such as a path to a tarball. Default: this version.',
      },
      JSON_FLAG,
    ],
    examples: [
      'install',
      'install claude-desktop cursor',
      'install claude-code --mcp https://mcp.example.com/mcp --name example',
      'install codex --yes --keystore file --passphrase-file ~/.purser-pass',
      'install --dry-run',
    ],
    load: () => import('./install.js'),
  },
  {
    name: 'uninstall',
    group: 'Set up',
    summary: 'Remove Purser from your MCP clients. The wallet stays.',
    args: [{ name: '[client...]', summary: 'Client names. Default: every client that has Purser.' }],
    flags: [
      {
        flags: '--mcp <url>',
        summary: 'Remove only what install --mcp added for this URL. Default: everything of Purser.',
      },
      { flags: '--dry-run', summary: 'Show what would change without changing anything.' },
      { flags: '--yes', summary: 'Ask nothing.' },
      ...OPENS,
    ],
    examples: ['uninstall', 'uninstall cursor --dry-run', 'uninstall --mcp https://mcp.example.com/mcp'],
    load: () => import('./uninstall.js'),
  },
  {
    name: 'upgrade',
    group: 'Set up',
    summary: 'Make your MCP clients start this version.',
    details:
      'Clients are set to the version that runs this command: npx -y purser-mcp@latest upgrade takes the newest. A client that starts a newer version is left alone.',
    flags: [
      { flags: '--dry-run', summary: 'Show what would change without changing anything.' },
      { flags: '--no-check', summary: 'Skip the test start of the server.' },
      {
        flags: '--package <spec>',
        summary: 'What npx starts, such as a path to a tarball. Default: this version.',
      },
      JSON_FLAG,
    ],
    examples: ['upgrade', 'upgrade --dry-run'],
    load: () => import('./upgrade.js'),
  },
] as const satisfies readonly CommandEntry[];

/** Serving a wallet, and reaching one that is served. */
export const serveCommands = [
  {
    name: 'serve',
    group: 'Serve',
    summary: 'Serve the wallet over HTTP to agents of other users, containers or machines.',
    details:
      'MCP is at /mcp (both protocol eras), the older HTTP+SSE at /sse. Each request carries the token of an agent (agents add). Non-loopback addresses require TLS. Sockets that systemd passes (LISTEN_FDS) are used instead of an own port. On a signal the server stops after the running calls have finished.',
    flags: [
      {
        flags: '--socket <path>',
        summary:
          'Unix socket to listen on, for the user and group that serve. Its folder must be writable by root or that user alone.',
      },
      {
        flags: '--port <port>',
        summary: 'Port to listen on; 0 takes any free port. Default 4402, unless there is a socket.',
      },
      { flags: '--host <host>', summary: 'Address to listen on. Default 127.0.0.1.' },
      {
        flags: '--allow-host <name...>',
        summary: 'Another host name that clients use. Repeatable.',
      },
      { flags: '--tls-cert <file>', summary: 'Certificate chain in PEM.' },
      { flags: '--tls-key <file>', summary: 'Its private key in PEM.' },
      {
        flags: '--behind-proxy',
        summary: 'A proxy in front terminates TLS: allow other machines without TLS here.',
      },
      {
        flags: '--owner-page <host:port>',
        summary: 'Serve your page too, as phone serve does: at owner_page.url, under the same certificate.',
      },
      { flags: '--health-port <port>', summary: 'Serve /health and Prometheus /metrics on this port.' },
      { flags: '--metrics-token-file <file>', summary: 'File with the bearer token that /metrics requires.' },
      { flags: '--log-file <file>', summary: 'Write the log to this file instead of standard error.' },
      ...OPENS,
    ],
    examples: [
      'serve --socket /run/purser/purser.sock',
      'serve --port 4402 --health-port 4403 --metrics-token-file F',
      'serve --host 0.0.0.0 --allow-host wallet.example.com --tls-cert C --tls-key K',
    ],
    load: () => import('./serve.js'),
  },
  {
    name: 'connect',
    group: 'Serve',
    summary: 'Bridge a stdio-only MCP client to a remote wallet.',
    details:
      'Forwards everything to the server and starts a new session if the old one is lost. Needs no wallet on this machine. Over http and a socket both ends prove by the token that they know it, without sending it; nothing is sent to a server that cannot.',
    flags: [
      { flags: '--url <url>', summary: 'URL of the served wallet, such as https://wallet.example.com/mcp.' },
      { flags: '--socket <path>', summary: 'Unix socket of the served wallet, instead of a URL.' },
      { flags: '--token-file <file>', summary: "File with the agent's token." },
    ],
    examples: [
      'connect --socket /run/purser/purser.sock --token-file ~/.purser-token',
      'connect --url http://127.0.0.1:4402/mcp --token-file ~/.purser-token',
    ],
    load: () => import('./connectServer.js'),
  },
  {
    name: 'mcp',
    group: 'Serve',
    summary: 'Stand in for a remote MCP server over stdio, and pay for its tools.',
    details:
      'Tools, resources and prompts pass through. A tool that asks for payment (by x402 or MPP over MCP) is paid within your limits and called again, once; its result says what happened to the money. install --mcp URL puts it into your MCP clients.',
    args: [{ name: '<url>', summary: 'URL of the MCP server (Streamable HTTP).' }],
    flags: [
      { flags: '--max-usd <usd>', summary: 'Most that one call may cost. Default: your limits alone.' },
      AGENT_FLAG,
      PASSPHRASE_FLAG,
    ],
    examples: ['mcp https://mcp.example.com/mcp', 'mcp https://mcp.example.com/mcp --max-usd 0.05'],
    load: () => import('./mcp.js'),
  },
] as const satisfies readonly CommandEntry[];

/** The check of everything. */
export const doctorCommands = [
  {
    name: 'doctor',
    group: 'Stop and check',
    summary: 'Check everything the wallet needs and say how to fix it. Exit code 1 if a check fails.',
    details:
      'Asks for nothing, changes nothing and pays nothing. It starts the server as each client does, and ends it again. The output contains no secret and can go into a bug report.',
    flags: [
      {
        flags: '--unlock',
        summary: 'Ask for the unlock passphrase where it is needed, to check what needs keys.',
      },
      { flags: '--quote <url>', summary: 'Also quote a GET of this URL. The request is really sent.' },
      { flags: '--no-start', summary: 'Do not start each client’s server to see whether it answers.' },
      ...OPENS,
    ],
    examples: ['doctor', 'doctor --json'],
    load: () => import('./doctor.js'),
  },
] as const satisfies readonly CommandEntry[];
