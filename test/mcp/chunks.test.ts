import { spawn } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { collectLicences } from '../../scripts/licences.ts';
import { makeBundle, type Bundle } from '../../scripts/bundle.ts';
import { createPlace, PROGRAM, type Place } from './purser.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

/** Packages that a server may load before it has listed its tools: the protocol and the schemas. */
const START_PACKAGES = ['@modelcontextprotocol/core', '@modelcontextprotocol/server', 'zod'];
/** Folders of ours that a list of tools needs nothing of. */
const LATER_FOLDERS = ['approvals', 'chain', 'cli', 'keys', 'ledger', 'net', 'policy', 'web', 'x402'];

/** Program text that has Node tell each file it loads, on stderr. */
const TRACE = `import { registerHooks } from 'node:module';
  import { writeSync } from 'node:fs';
  registerHooks({ load(url, context, next) { writeSync(2, 'loads ' + url + '\\n'); return next(url, context); } });`;

let place: Place;
let bundle: Bundle;
beforeAll(async () => {
  place = createPlace();
  await place.init();
  bundle = await makeBundle(ROOT);
});
afterAll(() => {
  place.remove();
});

/** What a chunk of the bundle was made of: packages by name, and our own files by their path. */
function partsOf(chunk: string): string[] {
  const inputs = bundle.metafile.outputs[`dist/${chunk}`]?.inputs;
  // Node is told the names of chunks; a name holds its hash, so it is that very chunk or none.
  if (inputs === undefined) throw new Error(`dist/ holds ${chunk}, which this source does not make.`);
  return Object.entries(inputs)
    .filter(([, { bytesInOutput }]) => bytesInOutput > 0)
    .map(([path]) => /^.*node_modules\/((?:@[^/]+\/)?[^/]+)/.exec(path)?.[1] ?? path);
}

/** Runs the program on these lines of stdin, and answers what it loaded and what it said. */
async function run(args: readonly string[], lines: readonly object[]) {
  const trace = `data:text/javascript,${encodeURIComponent(TRACE)}`;
  const child = spawn(process.execPath, ['--import', trace, PROGRAM, ...args], { env: place.env });
  let [said, told] = ['', ''];
  child.stdout.on('data', (chunk: Buffer) => (said += chunk.toString()));
  child.stderr.on('data', (chunk: Buffer) => (told += chunk.toString()));
  child.stdin.end(lines.map((message) => `${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`).join(''));
  await new Promise((resolve) => child.once('close', resolve));
  const chunks = [...told.matchAll(/^loads file:.*\/dist\/(\S+\.js)$/gm)].map(([, name = '']) => name);
  const parts = [...new Set(chunks.flatMap(partsOf))];
  return {
    said,
    packages: parts.filter((part) => !part.startsWith('src/')).sort(),
    // The words of a command line are a few kilobytes, which every face has at hand.
    folders: [...new Set(parts.flatMap((part) => /^src\/(cli\/line|\w+)\//.exec(part)?.[1] ?? []))],
  };
}

const clientInfo = { name: 'trace', version: '1.0.0' };
const OPEN = [
  { id: 1, method: 'initialize', params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo } },
  { method: 'notifications/initialized' },
];

describe('what is loaded', () => {
  test('a server that lists its tools has loaded the protocol and the schemas alone', async () => {
    const { said, packages, folders } = await run([], [...OPEN, { id: 2, method: 'tools/list' }]);
    expect(said).toContain('"wallet_pay"');
    expect(packages).toEqual(START_PACKAGES);
    for (const folder of LATER_FOLDERS) expect(folders).not.toContain(folder);
  });

  test('a call that reads the ledger loads no page, no network and no second chain', async () => {
    const call = { id: 2, method: 'tools/call', params: { name: 'wallet_ledger', arguments: {} } };
    const { said, packages } = await run([], [...OPEN, call]);
    expect(said).toContain('"entries"');
    expect(
      packages.filter((name) =>
        /hono|undici|@solana|@x402\/svm|simplewebauthn|pino|prom-client|server-legacy/.test(name),
      ),
    ).toEqual([]);
  });

  test('the version and the help of the command line wait for none of it', async () => {
    for (const flag of ['--version', '--help']) {
      expect((await run([flag], [])).packages).toEqual(['commander']);
    }
  });
});

test('the licence of every bundled package is kept', () => {
  const names = Object.keys(bundle.metafile.outputs).flatMap((path) => partsOf(path.slice('dist/'.length)));
  const packages = [...new Set(names.filter((name) => !name.startsWith('src/')))];
  const licences = collectLicences(ROOT, bundle.metafile);
  expect(packages.length).toBeGreaterThan(10);
  for (const name of packages) expect(licences).toContain(`\n${name} (`);
});
