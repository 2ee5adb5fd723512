import { execFile } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { createPlace, PROGRAM, type Place } from '../mcp/purser.js';
import { startTestWorld, type TestWorld } from '../support/world.js';
import { addAgents, Served, type FundedAgent } from './served.js';

const INSPECTOR = fileURLToPath(
  new URL(
    '../../node_modules/@modelcontextprotocol/inspector/clients/launcher/build/index.js',
    import.meta.url,
  ),
);

let world: TestWorld;
let place: Place;
let served: Served;
let agent: FundedAgent;
let home: string;
let passphraseFile: string;
beforeAll(async () => {
  place = createPlace();
  world = await startTestWorld();
  const wallet = await world.wallet();
  ({ home, passphraseFile } = wallet);
  [agent] = (await addAgents(world.sandbox, wallet.open(), ['looker'], 0n)) as [FundedAgent];
  served = await Served.start(wallet);
});
afterAll(async () => {
  await served.stop();
  served.removeLog();
  await world.stop();
  place.remove();
});

/** What the inspector prints for one method. */
async function inspect(target: readonly string[], method: readonly string[]): Promise<string> {
  const env = { ...place.env, PURSER_HOME: home, PURSER_PASSPHRASE_FILE: passphraseFile };
  const args = [INSPECTOR, '--cli', ...target, '--method', ...method];
  return (await promisify(execFile)(process.execPath, args, { env })).stdout;
}

test.each(['stdio', 'http', 'sse'] as const)(
  'the inspector lists and calls tools over %s',
  async (transport) => {
    const header = ['--header', `Authorization: Bearer ${agent.token}`];
    const target = {
      stdio: [
        process.execPath,
        PROGRAM,
        '-e',
        `PURSER_HOME=${home}`,
        '-e',
        `PURSER_PASSPHRASE_FILE=${passphraseFile}`,
      ],
      http: [served.url, '--transport', 'http', ...header],
      sse: [new URL('/sse', served.url).href, '--transport', 'sse', ...header],
    }[transport];
    const { tools } = JSON.parse(await inspect(target, ['tools/list'])) as { tools: { name: string }[] };
    expect(tools.map(({ name }) => name)).toContain('wallet_pay');
    const called = await inspect(target, ['tools/call', '--tool-name', 'wallet_ledger']);
    expect(JSON.parse(called)).toMatchObject({ structuredContent: { status: 'ok', entries: [] } });
  },
);
