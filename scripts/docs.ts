// Writes what is generated in the documents and manifests, or with --check says which is not what the code says.
// Run through scripts/typescript.js: it imports the sources themselves.
import { readFileSync, writeFileSync } from 'node:fs';
import { format, resolveConfig } from 'prettier';
import { fileURLToPath } from 'node:url';
import { clients } from '../src/clients/client.js';
import { deepLinks } from '../src/clients/deepLink.js';
import { commands } from '../src/cli/commands.js';
import { describeKeys } from '../src/config/change.js';
import { policySchema } from '../src/config/policy.js';
import { CODES } from '../src/errors/codes.js';
import { tools } from '../src/mcp/tools.js';
import { ASSETS } from '../src/money/asset.js';
import { findNetwork } from '../src/money/network.js';
import { openApi } from '../src/server/admin/openApi.js';
import { THREATS } from '../test/adversary/role.ts';
import { LIGHTNING_ATTACKS, LIGHTNING_THREATS } from '../test/adversary/lightning/table.ts';
import { OPERATOR_ATTACKS, OPERATOR_THREATS } from '../test/adversary/operators/table.ts';
import { CHANNEL_ATTACKS } from '../test/adversary/channels/table.ts';
import { SESSION_ATTACKS, SESSION_THREATS } from '../test/adversary/sessions/table.ts';
import { ATTACKS, CONTROLS } from '../test/adversary/table.ts';

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const cells = (row: readonly string[]): string =>
    `| ${row.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |`;
  return [cells(head), cells(head.map(() => '---')), ...rows.map(cells)].join('\n');
}

function firstSentence(text: string): string {
  return /^.*?[.](?=\s|$)/s.exec(text)?.[0].replace(/\s+/g, ' ') ?? text;
}

/** Of sellers, and of the operators of a chain. */
const ALL_ATTACKS: readonly { readonly threat: string }[] = [
  ...ATTACKS,
  ...OPERATOR_ATTACKS,
  ...LIGHTNING_ATTACKS,
  ...SESSION_ATTACKS,
  ...CHANNEL_ATTACKS,
];

/** Lists by their name between the markers of a document. */
const lists: Readonly<Record<string, () => string>> = {
  clients: () => clients.map(({ id, label }) => `${label} (\`${id}\`)`).join(', ') + '.',
  links: () =>
    deepLinks(version)
      .map(({ client, webUrl }) => `[Add to ${client}](${webUrl})`)
      .join(' · '),
  tools: () =>
    table(
      ['tool', 'does', 'reads only'],
      tools.map(({ name, description, annotations }) => [
        `\`${name}\``,
        firstSentence(description),
        annotations.readOnlyHint ? 'yes' : 'no',
      ]),
    ),
  commands: () =>
    table(
      ['command', 'does'],
      commands.map(({ usage, summary }) => [`\`purser ${usage}\``, summary]),
    ),
  config: () =>
    table(
      ['key', 'starts at', 'what it does'],
      describeKeys().map(({ key, initial, doc }) => [`\`${key}\``, initial, doc]),
    ),
  codes: () =>
    table(
      ['code', 'means', 'retry'],
      Object.entries(CODES).map(([code, { summary, retry }]) => [`\`${code}\``, summary, retry]),
    ),
  score: () =>
    `**${ALL_ATTACKS.length} attacks, all beaten; ${CONTROLS.length} honest shapes, all paid.** By threat: [docs/threats.md](docs/threats.md).`,
  attacks: () =>
    table(
      ['#', 'attacks', 'about'],
      Object.entries({ ...THREATS, ...OPERATOR_THREATS, ...LIGHTNING_THREATS, ...SESSION_THREATS }).map(
        ([threat, words]) => [
          threat,
          String(ALL_ATTACKS.filter((attack) => attack.threat === threat).length),
          words,
        ],
      ),
    ),
  assets: () =>
    table(
      ['network', 'assets'],
      [...new Set(ASSETS.map(({ network }) => network))].map((caip2) => [
        `${findNetwork(caip2)?.label ?? caip2} (\`${caip2}\`)`,
        ASSETS.filter(({ network }) => network === caip2)
          .map(({ symbol }) => symbol)
          .join(', '),
      ]),
    ),
};

/** Where each list stands. */
const places: Readonly<Record<string, readonly string[]>> = {
  'README.md': ['clients', 'links', 'tools', 'score'],
  'docs/commands.md': ['commands'],
  'docs/settings.md': ['config'],
  'docs/codes.md': ['codes'],
  'docs/networks.md': ['assets'],
  'docs/threats.md': ['attacks'],
};

function fill(text: string, path: string, names: readonly string[]): string {
  return names.reduce((filled, name) => {
    const [begin, end] = [`<!-- begin ${name}, generated -->`, `<!-- end ${name} -->`];
    const [from, to] = [filled.indexOf(begin), filled.indexOf(end)];
    const list = lists[name];
    // A list that has no place would never be checked.
    if (from === -1 || to < from || list === undefined)
      throw new Error(`${path} has no place for the list ${name}.`);
    return `${filled.slice(0, from + begin.length)}\n\n${list()}\n\n${filled.slice(to)}`;
  }, text);
}

interface Manifest {
  server: { mcp_config: { args: string[]; platform_overrides: { win32: { args: string[] } } } };
  [field: string]: unknown;
}

/** The bundle's manifest with the version and the tools of this very source. */
function stampManifest(text: string): string {
  const manifest = JSON.parse(text) as Manifest;
  const { mcp_config } = manifest.server;
  mcp_config.args = ['-y', `${name}@${version}`];
  mcp_config.platform_overrides.win32.args = ['/c', 'npx', ...mcp_config.args];
  const described = tools.map((tool) => ({ name: tool.name, description: firstSentence(tool.description) }));
  return JSON.stringify({ ...manifest, version, tools: described });
}

/** The registry's entry with the version of this very source. */
function stampEntry(text: string): string {
  const entry = JSON.parse(text) as { packages: object[]; [field: string]: unknown };
  const packages = entry.packages.map((one) => ({ ...one, identifier: name, version }));
  return JSON.stringify({ ...entry, version, packages });
}

const root = new URL('../', import.meta.url);
const { name, version } = JSON.parse(readFileSync(new URL('package.json', root), 'utf8')) as {
  name: string;
  version: string;
};
const makers: Readonly<Record<string, (text: string) => string>> = {
  ...Object.fromEntries(
    Object.entries(places).map(([path, names]) => [path, (text: string) => fill(text, path, names)]),
  ),
  // The document that purser serve answers with, made of the schemas that read its requests.
  'docs/admin-api.json': () => JSON.stringify(openApi(version)),
  'manifest.json': stampManifest,
  'server.json': stampEntry,
  'docs/policy.schema.json': () => JSON.stringify(policySchema()),
};

const stale: string[] = [];
for (const [file, make] of Object.entries(makers)) {
  const path = fileURLToPath(new URL(file, root));
  const text = readFileSync(path, 'utf8');
  const made = await format(make(text), { ...(await resolveConfig(path)), filepath: path });
  if (made === text) continue;
  if (process.argv.includes('--check')) stale.push(file);
  else writeFileSync(path, made);
}
if (stale.length > 0) {
  console.error(`What is generated is out of date in ${stale.join(', ')}: npm run docs`);
  process.exitCode = 1;
}
