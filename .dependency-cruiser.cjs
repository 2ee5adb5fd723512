/**
 * The import arrows of docs/design.md, lowest room first. A room may import what stands below it, and nothing beside it
 * unless it is named here.
 */
const leaves = ['errors', 'text', 'platform'];
const pure = [...leaves, 'money', 'payment', 'protocols'];
const middle = ['clients', 'policy', 'config', 'ledger', 'keys', 'approvals', 'net', 'chain', 'discovery'];
const belowRails = [...pure, ...middle];
const belowWallet = [...belowRails, 'rails'];
const faces = ['mcp', 'cli', 'server', 'web', 'proxy'];

function only(from, ...allowed) {
  return {
    name: `${from}-imports`,
    comment: `src/${from} may import ${allowed.length === 0 ? 'nothing else of src' : allowed.join(', ')}.`,
    severity: 'error',
    from: { path: `^src/${from}/`, pathNot: '\\.test\\.ts$' },
    to: { path: '^src/', pathNot: `^src/(${[from, ...allowed].join('|')})/` },
  };
}

module.exports = {
  forbidden: [
    only('errors'),
    only('text', 'errors'),
    only('platform', 'errors'),
    only('money', 'errors', 'text'),
    only('payment', 'errors', 'text', 'money'),
    only('protocols', 'errors', 'text', 'money', 'payment'),
    ...middle.map((folder) => only(folder, ...pure)),
    only('rails', ...belowRails),
    only('wallet', ...belowWallet),
    only('owner', ...belowWallet, 'wallet'),
    only('treasury', ...belowWallet, 'wallet', 'owner'),
    only('doctor', ...belowWallet, 'wallet', 'owner'),
    only('telemetry', ...belowWallet, 'wallet'),
    ...faces.map((folder) =>
      only(folder, ...belowWallet, 'wallet', 'owner', 'treasury', 'doctor', 'telemetry', ...faces),
    ),
    {
      name: 'pure-layers-do-no-io',
      comment:
        'errors, text, money, payment, protocols and policy do no I/O: hashing and buffers are all they take from Node.',
      severity: 'error',
      from: { path: '^src/(errors|text|money|payment|protocols|policy)/', pathNot: '\\.test\\.ts$' },
      to: { dependencyTypes: ['core'], pathNot: '^(node:)?(crypto|buffer)$' },
    },
    {
      name: 'sqlite-in-ledger-only',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(ledger/sqlite|discovery/index)/' },
      to: { path: 'better-sqlite3' },
    },
    {
      name: 'sqlite-behind-the-ledger',
      comment:
        'The ledger is its interfaces; stores.ts alone names the stores behind them. PostgreSQL computes with SQLite.',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: ['^src/ledger/(sqlite|postgres)/', '^src/ledger/stores\\.ts$', '\\.test\\.ts$'],
      },
      to: { path: '^src/ledger/sqlite/' },
    },
    {
      name: 'postgres-behind-the-ledger',
      severity: 'error',
      from: {
        path: '^src/',
        pathNot: ['^src/ledger/postgres/', '^src/ledger/stores\\.ts$', '\\.test\\.ts$'],
      },
      to: { path: '(^src/ledger/postgres/|node_modules/pg/)' },
    },
    {
      name: 'secrets-in-keys-only',
      severity: 'error',
      from: { path: '^src/', pathNot: ['^src/keys/', '\\.test\\.ts$'] },
      to: { path: '(viem/(_esm/)?accounts|@scure/bip39|@napi-rs/keyring)' },
    },
    {
      name: 'undici-in-net-only',
      comment: 'net is the only way to a URL that an agent or a seller names.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/net/' },
      to: { path: 'node_modules/undici' },
    },
    {
      name: 'telemetry-on-demand',
      comment: 'What sends traces is loaded where the owner named a collector, and nowhere else.',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/telemetry/' },
      to: {
        path: '(^src/telemetry/|node_modules/@opentelemetry/)',
        dynamic: false,
        dependencyTypesNot: ['type-only'],
      },
    },
    {
      name: 'mcp-above-wallet',
      severity: 'error',
      from: { path: '^src/', pathNot: '^src/(mcp|server|web)/' },
      to: { path: '@modelcontextprotocol/' },
    },
    {
      name: 'purchase-above-call',
      comment: 'A purchase is made of a call: what a call needs, it finds without one.',
      severity: 'error',
      from: { path: '^src/wallet/(answer|approval|body|call|entitlement|settle)/' },
      to: { path: '^src/wallet/purchase/' },
    },
    {
      name: 'no-cycles',
      severity: 'error',
      from: {},
      // A cycle of which one arrow is a type alone is none when the program runs.
      to: { circular: true, viaOnly: { dependencyTypesNot: ['type-only'] } },
    },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    enhancedResolveOptions: {
      exportsFields: ['exports'],
      conditionNames: ['import', 'node', 'default', 'types'],
    },
  },
};
