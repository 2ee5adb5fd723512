// How long a client waits for the tools, beside a bare server bundled in the same way, and what an installation costs.
import { execFileSync, spawn } from 'node:child_process';
import {
  cpSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';
import { setTimeout as delay } from 'node:timers/promises';
import { Client } from '@modelcontextprotocol/client';
import { StdioClientTransport } from '@modelcontextprotocol/client/stdio';
import { startSandbox } from '../sandbox/world.ts';
import { createTestWallet } from '../test/support/testWallet.js';
import { line, sampleOf, timed, type Sample } from './percentile.js';

const ROOT = fileURLToPath(new URL('..', import.meta.url));
/** Both are started by turns, so that a busy moment of the machine meets both. */
const RUNS = 25;
/** The first runs fill the compile caches. */
const WARM_UP = 3;
const INSTALLS = 3;
const MIB = 2 ** 20;

interface Start {
  readonly ms: number;
  readonly residentMib: number | null;
}

/** Starts a server and ends it when it has listed its tools. */
async function start(command: string, args: readonly string[], env: NodeJS.ProcessEnv): Promise<Start> {
  const begun = performance.now();
  const child = spawn(command, args, { env, stdio: ['pipe', 'pipe', 'inherit'] });
  const ended = new Promise((resolve) => child.once('close', resolve));
  const send = (message: object): boolean =>
    child.stdin.write(`${JSON.stringify({ jsonrpc: '2.0', ...message })}\n`);
  const clientInfo = { name: 'bench', version: '1.0.0' };
  send({
    id: 1,
    method: 'initialize',
    params: { protocolVersion: '2025-11-25', capabilities: {}, clientInfo },
  });
  send({ method: 'notifications/initialized' });
  send({ id: 2, method: 'tools/list' });
  for await (const text of createInterface({ input: child.stdout })) {
    const answer = JSON.parse(text) as { id?: number; result?: { tools?: unknown[] } };
    if (answer.id !== 2) continue;
    if ((answer.result?.tools?.length ?? 0) === 0) throw new Error('A server listed no tools.');
    const ms = performance.now() - begun;
    const residentMib = residentOf(child.pid ?? 0);
    child.stdin.end();
    await ended;
    return { ms, residentMib };
  }
  throw new Error(`${command} ended before it listed its tools.`);
}

/** Memory in use by a process; null where the system does not say so in a file. */
function residentOf(pid: number): number | null {
  try {
    const kib = /^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1];
    return kib === undefined ? null : Number(kib) / 1024;
  } catch {
    return null;
  }
}

/** The bare server, bundled with the same settings and started through a file that keeps compiled code as ours does. */
async function bundleBare(folder: string): Promise<string> {
  await build({
    absWorkingDir: ROOT,
    entryPoints: { main: 'bench/bareServer.ts' },
    outdir: join(folder, 'dist'),
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'node',
    target: 'node22.14',
    mainFields: ['module', 'main'],
    minifySyntax: true,
    minifyWhitespace: true,
  });
  writeFileSync(join(folder, 'package.json'), '{"type":"module"}');
  const cache = JSON.stringify(join(folder, 'cache'));
  const program = join(folder, 'bare.js');
  writeFileSync(
    program,
    `import { enableCompileCache } from 'node:module';\nenableCompileCache(${cache});\nawait import('./dist/main.js');\n`,
  );
  return program;
}

function bytesIn(folder: string): number {
  return readdirSync(folder, { recursive: true, withFileTypes: true })
    .filter((entry) => entry.isFile())
    .reduce((sum, entry) => sum + statSync(join(entry.parentPath, entry.name)).size, 0);
}

async function benchStart(folder: string): Promise<void> {
  const bare = await bundleBare(folder);
  const { NODE_EXTRA_CA_CERTS: _slow, ...inherited } = process.env;
  const env = {
    ...inherited,
    HOME: folder,
    XDG_CACHE_HOME: join(folder, 'cache'),
    PURSER_HOME: join(folder, 'wallet'),
  };
  const [ours, theirs]: [Start[], Start[]] = [[], []];
  for (let run = -WARM_UP; run < RUNS; run++) {
    const [our, their] = [
      await start(process.execPath, [join(ROOT, 'bin', 'purser.js')], env),
      await start(process.execPath, [bare], env),
    ];
    if (run < 0) continue;
    ours.push(our);
    theirs.push(their);
  }
  const [our, their] = [ours, theirs].map((runs) => sampleOf(runs.map(({ ms }) => ms))) as [
    ReturnType<typeof sampleOf>,
    ReturnType<typeof sampleOf>,
  ];
  console.log('Spawn to tools/list, both bundled, both with a compile cache; ms: p50, p95, runs');
  console.log(line('bare MCP server with one tool', their));
  console.log(line('purser', our));
  console.log(`  purser / bare, p50: ${(our.p50 / their.p50).toFixed(2)} (aim: at most 1.5)`);
  const resident = ours.flatMap(({ residentMib }) => residentMib ?? []);
  const bareResident = theirs.flatMap(({ residentMib }) => residentMib ?? []);
  if (resident.length === 0) console.log('  memory: this system does not tell it\n');
  else {
    const [mine, its] = [sampleOf(resident).p50.toFixed(0), sampleOf(bareResident).p50.toFixed(0)];
    console.log(`  resident once listed, p50: ${mine} MiB; bare: ${its} MiB (aim: at most 80)\n`);
  }
}

async function benchInstall(folder: string): Promise<void> {
  const packed = execFileSync('npm', ['pack', '--ignore-scripts', '--silent', '--pack-destination', folder], {
    cwd: ROOT,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  }).trim();
  const tarball = join(folder, packed);
  const times: number[] = [];
  let installed = 0;
  let kept = 0;
  for (let run = 0; run < INSTALLS; run++) {
    const cache = join(folder, `npm-${run}`);
    mkdirSync(cache);
    const copy = join(folder, `purser-${run}.tgz`);
    cpSync(tarball, copy);
    const env = {
      ...process.env,
      npm_config_cache: cache,
      npm_config_update_notifier: 'false',
      npm_config_loglevel: 'error',
      XDG_CACHE_HOME: join(folder, `compiled-${run}`),
      PURSER_HOME: join(folder, 'wallet'),
    };
    const { ms } = await start('npx', ['-y', `--package=${copy}`, '--', 'purser'], env);
    times.push(ms / 1000);
    installed = bytesIn(join(cache, '_npx'));
    kept = bytesIn(cache);
  }
  console.log('npx from the tarball with an empty cache, to tools/list; s: p50, p95, runs');
  console.log(line('purser', sampleOf(times)));
  console.log(
    `  tarball ${(statSync(tarball).size / MIB).toFixed(1)} MiB; installed ${(installed / MIB).toFixed(1)} MiB (aim: at most 40); with npm's own copies ${(kept / MIB).toFixed(1)} MiB`,
  );
  console.log('  (aim: at most 4 s; two packages are fetched from the registry that npm is set to)');
}

/** How long an agent thinks before its first call: less than any model takes for one. */
const THINK_MS = 2_000;
const FIRST_CALLS = 8;

/** Paid calls of a server that has just started: the first one, after a moment or at once, and the second. */
async function benchFirstCall(): Promise<void> {
  const sandbox = await startSandbox();
  const test = await createTestWallet(sandbox, 10_000_000n);
  const env = {
    ...process.env,
    PURSER_HOME: test.home,
    PURSER_PASSPHRASE_FILE: test.passphraseFile,
  } as Record<string, string>;
  const durations = { first: [] as number[], second: [] as number[], atOnce: [] as number[] };
  for (let run = 0; run < 2 * FIRST_CALLS; run++) {
    const client = new Client({ name: 'bench', version: '0' });
    const args = [join(ROOT, 'bin', 'purser.js')];
    await client.connect(
      new StdioClientTransport({ command: process.execPath, args, env, stderr: 'ignore' }),
    );
    await client.listTools();
    const pay = (call: number): Promise<number> =>
      timed(async () => {
        const url = `${sandbox.shop.url}/v2/price/0.001?run=${run}&call=${call}`;
        const result = await client.callTool({ name: 'wallet_pay', arguments: { url, max_usd: '0.001' } });
        const { code } = (result.structuredContent ?? {}) as { code?: unknown };
        if (code !== 'paid') throw new Error(`A call of the bench was not paid: ${String(code)}`);
      });
    const thinks = run % 2 === 0;
    if (thinks) await delay(THINK_MS);
    const first = await pay(1);
    if (thinks) {
      durations.first.push(first);
      durations.second.push(await pay(2));
    } else durations.atOnce.push(first);
    await client.close();
  }
  await test.remove();
  await sandbox.stop();
  const [first, second, atOnce] = [durations.first, durations.second, durations.atOnce].map(sampleOf) as [
    Sample,
    Sample,
    Sample,
  ];
  console.log('Paid calls over stdio after a start, keys in a file; ms: p50, p95, runs');
  console.log(line(`first call, ${THINK_MS / 1000} s after the tools were listed`, first));
  console.log(line('second call', second));
  console.log(line('first call, as soon as the tools were listed', atOnce));
  console.log(`  first / second, p50: ${(first.p50 / second.p50).toFixed(2)} (aim: at most 1.2)\n`);
}

const folder = mkdtempSync(join(tmpdir(), 'purser-startup-'));
try {
  console.log(`Node ${process.version}, ${process.platform}\n`);
  await benchStart(folder);
  await benchFirstCall();
  await benchInstall(folder);
} finally {
  rmSync(folder, { recursive: true, force: true });
}
