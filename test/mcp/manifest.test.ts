import { execFileSync } from 'node:child_process';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { getMcpConfigForManifest, unpackExtension, v0_3, validateManifest } from '@anthropic-ai/mcpb';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { z } from 'zod';
import { CLIENT_LIMITS } from '../../src/wallet/clientLimits.js';
import { Agent, createPlace, type Place } from './purser.js';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

const read = (path: string): unknown => JSON.parse(readFileSync(join(ROOT, path), 'utf8'));
const { name, version, mcpName } = read('package.json') as Record<'name' | 'version' | 'mcpName', string>;
const manifest = v0_3.McpbManifestSchema.parse(read('manifest.json'));
const LIMIT_NAMES = Object.keys(CLIENT_LIMITS);

let place: Place;
beforeAll(async () => {
  place = createPlace();
  await place.init();
  // Nothing listens there: what is on chain does not matter here.
  const rpc = ['networks.eip155:84532.rpc_url', 'http://127.0.0.1:9'];
  await place.run('config', 'set', ...rpc, '--passphrase-file', place.passphraseFile);
});
afterAll(() => {
  place.remove();
});

/** What a client starts, as the maker of the format works it out from the manifest. */
async function started(userConfig: Record<string, string | number> = {}) {
  const systemDirs = {};
  const place = { extensionPath: '/extension', systemDirs, userConfig, pathSeparator: '/' };
  const config = await getMcpConfigForManifest({ manifest, ...place });
  if (config === undefined) throw new Error('The manifest starts nothing.');
  return config as { command: string; args: string[]; env: Record<string, string> };
}

describe('the bundle for desktop clients', () => {
  test('is valid, packs, and holds what it names and no compiled binary', async () => {
    expect(validateManifest(join(ROOT, 'manifest.json'))).toBe(true);
    const args = [join(ROOT, 'scripts', 'mcpb.ts'), place.folder];
    const mcpbPath =
      execFileSync(process.execPath, args, { encoding: 'utf8' }).trim().split('\n').at(-1) ?? '';
    expect(mcpbPath).toBe(join(place.folder, `purser-${version}.mcpb`));
    const outputDir = join(place.folder, 'unpacked');
    expect(await unpackExtension({ mcpbPath, outputDir, silent: true })).toBe(true);
    const files = readdirSync(outputDir, { recursive: true }).map(String).sort();
    expect(files).toEqual(['LICENSE', 'README.md', 'bin', 'bin/purser.js', 'manifest.json']);
    expect(files).toContain(manifest.server.entry_point);
  });

  test('names the server as the server names itself, in the version and with the tools that it has', async () => {
    const agent = await Agent.connect(place.env);
    try {
      expect(manifest.name).toBe(agent.client.getServerVersion()?.name);
      expect(manifest.version).toBe(version);
      const { tools } = await agent.client.listTools();
      expect(manifest.tools?.map((tool) => tool.name)).toEqual(tools.map((tool) => tool.name));
      for (const [i, tool] of tools.entries())
        expect(tool.description).toContain(manifest.tools?.[i]?.description);
    } finally {
      await agent.close();
    }
  });

  test('starts this very version by npx, since macOS refuses binaries in a bundle', async () => {
    const { command, args } = await started();
    expect(command).toBe('npx');
    expect(args).toEqual(['-y', `${name}@${version}`]);
    const onWindows = manifest.server.mcp_config.platform_overrides?.['win32'];
    expect(onWindows).toEqual({ command: 'cmd', args: ['/c', 'npx', ...args] });
  });

  test('asks its user for limits and for nothing else', async () => {
    const { user_config: asked = {}, server } = manifest;
    expect(Object.keys(server.mcp_config.env ?? {})).toEqual(LIMIT_NAMES);
    expect(Object.keys(asked)).toEqual(LIMIT_NAMES.map((key) => key.toLowerCase().replace('purser_', '')));
    for (const option of Object.values(asked)) {
      expect(option).toMatchObject({ type: 'string', required: false, default: 'none' });
      expect(option.sensitive).toBeUndefined();
    }
    const { env } = await started();
    expect(Object.values(env)).toEqual(LIMIT_NAMES.map(() => 'none'));
  });
});

describe('limits that a client gives', () => {
  /** What the wallet says of the limits under a client's own settings. */
  async function limitsWith(userConfig: Record<string, string>) {
    const { env } = await started(userConfig);
    const agent = await Agent.connect({ ...place.env, ...env });
    try {
      const { outcome } = await agent.call('wallet_balance', { network: 'eip155:84532' });
      const limits = (outcome['limits'] ?? []) as { name: string; max_usd: string }[];
      return { outcome, limits: Object.fromEntries(limits.map((line) => [line.name, line.max_usd])) };
    } finally {
      await agent.close();
    }
  }

  test('lower the owner’s, and never raise one', async () => {
    const { limits } = await limitsWith({ limit_per_call_usd: '0.10', limit_per_day_usd: '1000' });
    expect(limits).toMatchObject({
      'limits.per_call_usd': '0.10',
      'limits.per_session_usd': '2.00',
      'limits.per_day_usd': '5.00',
      'ceilings.per_call_usd': '5.00',
    });
  });

  test.each(['__encrypted__:c2VjcmV0', '${user_config.limit_per_day_usd}'])(
    'as %s, which a client failed to fill in, stop the wallet with a word for the owner',
    async (text) => {
      const { outcome } = await limitsWith({ limit_per_day_usd: text });
      expect(outcome).toMatchObject({ status: 'failed', code: 'config_invalid', money: 'none' });
      expect(outcome.tell_owner).toContain('PURSER_LIMIT_PER_DAY_USD');
      expect(JSON.stringify(outcome)).not.toContain('c2VjcmV0');
    },
  );
});

/** The parts of the registry's schema of 2025-12-11 that this server's entry has, and no others. */
const registryEntry = z.strictObject({
  $schema: z.literal('https://static.modelcontextprotocol.io/schemas/2025-12-11/server.schema.json'),
  name: z
    .string()
    .min(3)
    .max(200)
    .regex(/^[a-zA-Z0-9.-]+\/[a-zA-Z0-9._-]+$/),
  title: z.string().min(1).max(100),
  description: z.string().min(1).max(100),
  version: z.string().max(255),
  repository: z.strictObject({ url: z.url(), source: z.literal('github') }),
  packages: z
    .array(
      z.strictObject({
        registryType: z.literal('npm'),
        identifier: z.string(),
        version: z.string(),
        runtimeHint: z.literal('npx'),
        transport: z.strictObject({ type: z.literal('stdio') }),
        environmentVariables: z.array(
          z.strictObject({
            name: z.string().regex(/^PURSER_[A-Z_]+$/),
            description: z.string().min(1),
            isRequired: z.literal(false),
            format: z.enum(['string', 'filepath']),
          }),
        ),
      }),
    )
    .length(1),
});

test('the registry’s entry says what the package says', () => {
  const entry = registryEntry.parse(read('server.json'));
  const [first] = entry.packages;
  expect(entry.name).toBe(mcpName);
  expect(mcpName).toMatch(/^io\.github\.[\w-]+\/[\w-]+$/);
  expect([entry.version, first?.version]).toEqual([version, version]);
  expect(first?.identifier).toBe(name);
  expect((read('package.json') as { repository: { url: string } }).repository.url).toContain(
    entry.repository.url,
  );
  expect(first?.environmentVariables.map((variable) => variable.name)).toEqual([
    'PURSER_HOME',
    'PURSER_PASSPHRASE_FILE',
    ...LIMIT_NAMES,
  ]);
});
