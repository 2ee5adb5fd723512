import { spawn } from 'node:child_process';
import { createHmac } from 'node:crypto';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { build } from 'esbuild';
import fc from 'fast-check';
import { afterEach, beforeEach, describe, expect, test } from 'vitest';
import type { WalletError } from '../errors/walletError.js';
import { getKey, setKey } from './change.js';
import {
  acceptConfig,
  configReader,
  createConfig,
  readConfig,
  readConfigUnauthenticated,
  reviewConfig,
  updateConfig,
  type Mac,
  withConfigLock,
} from './configFile.js';
import { ACCEPTED_FILE, CONFIG_FILE, CONFIG_LOCK } from './home.js';

const mac: Mac = (data) => createHmac('sha256', 'key of this test').update(data).digest();
const IDENTITY = { walletId: 'w_1', keystore: 'file', testnet: false } as const;

let home: string;
let file: string;
beforeEach(() => {
  home = mkdtempSync(path.join(tmpdir(), 'purser-config-'));
  file = path.join(home, CONFIG_FILE);
});
afterEach(() => {
  rmSync(home, { recursive: true });
});

const set = (key: string, value: string) =>
  updateConfig(home, mac, (config) => setKey(config, key, value).config);
const edit = (from: string | RegExp, to: string) => {
  const text = readFileSync(file, 'utf8');
  const edited = text.replace(from, to);
  if (edited === text) throw new Error('nothing was edited');
  writeFileSync(file, edited);
};

async function refusal(act: () => unknown): Promise<WalletError> {
  try {
    await act();
  } catch (error) {
    return error as WalletError;
  }
  throw new Error('nothing was refused');
}

describe('the file', () => {
  test('reads back as it was written, all settings in it, for its owner alone', async () => {
    const created = await createConfig(home, mac, IDENTITY);
    expect(created).toMatchObject({ ...IDENTITY, version: 1 });
    expect(readConfig(home, mac)).toEqual(created);
    expect(readConfigUnauthenticated(home)).toEqual(created);
    if (process.platform !== 'win32') expect(lstatSync(file).mode & 0o777).toBe(0o600);
    const { code, ...content } = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    expect(code).toMatch(/^[\w-]{43}$/);
    expect(content).toEqual({
      version: 1,
      wallet_id: 'w_1',
      keystore: 'file',
      testnet: false,
      admin: { on: false, oidc: { issuer: 'none', audience: 'none', roles: [] } },
      limits: {
        per_call_usd: '0.50',
        per_session_usd: '2.00',
        per_day_usd: '5.00',
        per_month_usd: '50.00',
        calls_per_minute: 30,
        ask_floor_usd: '0.05',
        deposit_usd: '0.00',
        commitment_usd: '0.00',
      },
      ceilings: {
        per_call_usd: '5.00',
        per_session_usd: '20.00',
        per_day_usd: '50.00',
        per_month_usd: '500.00',
      },
      approvals: { elicitation_max_usd: '2.00', wait_s: 45, webhook_url: 'none' },
      owner_page: { url: 'none' },
      notices: { money_low_usd: '1.00', quiet_hours: 'none' },
      hosts: { allow: [], deny: [] },
      net: { allow_private: [], proxy: 'none' },
      files: { send_from: ['home', 'temp', 'working'] },
      networks: { enabled: ['eip155:8453', 'solana:5eykt4UsFv8P8NJdTREpY1vzqKqZKvdp', 'eip155:4217'] },
      lightning: { max_fee_sat: 10, max_fee_percent: 1 },
      rates: { source: 'none' },
      withdrawals: { facilitator_url: 'https://facilitator.payai.network' },
      payouts: { addresses: [] },
      allowances: { permit_usd: '1.00' },
      pay_ahead: 'fixed',
      telemetry: { otlp_url: 'none' },
      discovery: { sources: expect.arrayContaining([]) as unknown, remote_search: false },
      proxy: { default_upstream: 'none' },
    });
  });

  test('keeps every key, each change one version up, and no change none', async () => {
    await createConfig(home, mac, { ...IDENTITY, testnet: true });
    const values = {
      'limits.per_call_usd': '0.123456',
      'limits.calls_per_minute': '7',
      'limits.hosts.__proto__.per_day_usd': '1.00',
      'ceilings.hosts.[::1]:4021.per_day_usd': '2.00',
      'hosts.allow': '["a.example","xn--bcher-kva.example"]',
      'net.allow_private': '["127.0.0.1:4021"]',
      'networks.enabled': '["eip155:421614","eip155:84532"]',
      'networks.eip155:84532.rpc_url': 'http://127.0.0.1:8545',
    };
    for (const [key, value] of Object.entries(values)) await set(key, value);
    const config = readConfig(home, mac);
    expect(config.version).toBe(9);
    for (const [key, value] of Object.entries(values)) expect(getKey(config, key)).toBe(value);
    expect(await set('limits.calls_per_minute', '7')).toEqual(config);
    expect(readConfig(home, mac).version).toBe(9);
    expect(readdirSync(home).sort()).toEqual([ACCEPTED_FILE, CONFIG_FILE]);
  });

  test('keeps a rate by hand as text, and sources as a list of two hosts or more, each with its pointer', async () => {
    await createConfig(home, mac, { ...IDENTITY, testnet: true });
    const [one, other] = ['https://a.example/price#/USD', 'https://b.example/v2#/data/amount'];
    for (const value of ['65000.00', JSON.stringify([one, other]), 'none']) {
      await set('rates.source', value);
      expect(getKey(readConfig(home, mac), 'rates.source')).toBe(value);
    }
    const wrong = [
      [one],
      [one, one],
      [one, 'https://a.example/v2#/x'],
      [one, 'https://b.example/v2'],
      [one, 'ftp://b.example/#/x'],
    ];
    for (const value of ['0.10', '-1', '65e3', '', ...wrong.map((urls) => JSON.stringify(urls))])
      await expect(set('rates.source', value), value).rejects.toMatchObject({ code: 'bad_input' });
  });

  test('may leave settings out, and may be laid out otherwise', async () => {
    const created = await createConfig(home, mac, IDENTITY);
    const json = JSON.parse(readFileSync(file, 'utf8')) as Record<string, unknown>;
    writeFileSync(file, JSON.stringify(Object.fromEntries(Object.entries(json).reverse())));
    expect(readConfig(home, mac)).toEqual(created);
    const { version, wallet_id, keystore, testnet } = json;
    writeFileSync(file, JSON.stringify({ version, wallet_id, keystore, testnet }));
    expect(readConfigUnauthenticated(home)).toEqual(created);
  });

  test('is never made over another, nor where there is no home', async () => {
    await createConfig(home, mac, IDENTITY);
    const before = readFileSync(file, 'utf8');
    const error = await refusal(() => createConfig(home, mac, { ...IDENTITY, walletId: 'w_2' }));
    expect(error.code).toBe('already_set_up');
    expect(readFileSync(file, 'utf8')).toBe(before);
    const nowhere = path.join(home, 'none');
    expect((await refusal(() => createConfig(nowhere, mac, IDENTITY))).code).toBe('not_set_up');
  });

  test('stays as it was when a change throws', async () => {
    await createConfig(home, mac, IDENTITY);
    const before = readFileSync(file, 'utf8');
    expect((await refusal(() => set('limits.per_call_usd', '6'))).code).toBe('bad_input');
    expect(readFileSync(file, 'utf8')).toBe(before);
    expect(existsSync(path.join(home, CONFIG_LOCK))).toBe(false);
  });
});

describe('what cannot be used', () => {
  test.each([
    ['an absent file', () => rmSync(file), 'not_set_up', 'There is no wallet in'],
    [
      'a folder in its place',
      () => (rmSync(file), mkdirSync(file, { mode: 0o700 })),
      'home_unusable',
      '(EISDIR)',
    ],
    ['broken JSON', () => edit('"hosts": {', '"hosts": {,'), 'config_invalid', 'cannot be read: line '],
    ['a stray word', () => edit('"keystore":', 'keystore:'), 'config_invalid', 'line 4: Expected'],
    ['a list', () => writeFileSync(file, '[]'), 'config_invalid', 'it must hold one JSON object'],
    ['text', () => writeFileSync(file, '"x"'), 'config_invalid', 'it must hold one JSON object'],
    ['no version', () => edit('"version": 1', '"version": 0'), 'config_invalid', 'version must be'],
    ['a strange keystore', () => edit('"file"', '"cloud"'), 'config_invalid', 'keystore must be'],
    [
      'an unknown key',
      () => edit('per_call_usd', 'per_cal_usd'),
      'config_invalid',
      'limits.per_cal_usd is not a setting',
    ],
    [
      'a value for a section',
      () => edit(/"net": \{[^}]*\}/, '"net": 7'),
      'config_invalid',
      'net is not a setting',
    ],
    [
      'a number for dollars',
      () => edit('"0.50"', '0.5'),
      'config_invalid',
      'limits.per_call_usd must be dollars',
    ],
    [
      'a key too deep',
      () => edit('"0.50"', '{"a":{"b":{"c":1}}}'),
      'config_invalid',
      'per_call_usd.a.b is not a setting',
    ],
    [
      'one host twice',
      () => edit('"limits": {', '"limits": {"hosts":{"a.b":{"per_day_usd":"1"},"A.b":{"per_day_usd":"2"}},'),
      'config_invalid',
      'limits.hosts.a.b.per_day_usd is set twice',
    ],
    [
      'a cap above its ceiling',
      () => edit('"0.50"', '"5.01"'),
      'config_invalid',
      'limits.per_call_usd of $5.01 is above',
    ],
    ['networks of both kinds', () => edit('eip155:8453', 'eip155:84532'), 'config_invalid', 'a test network'],
    ['a flood', () => writeFileSync(file, ' '.repeat(300_000)), 'config_invalid', 'larger than 256 KiB'],
    [
      'a chasm',
      () =>
        writeFileSync(
          file,
          `{"version":1,"wallet_id":"w","keystore":"file","testnet":false,"a":${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}}`,
        ),
      'config_invalid',
      'a.a.a.a is not a setting',
    ],
  ])('%s says what is wrong', async (_name, spoil, code, words) => {
    await createConfig(home, mac, IDENTITY);
    spoil();
    const error = await refusal(() => readConfig(home, mac));
    expect(error.code).toBe(code);
    expect(error.shortMessage).toContain(words);
    expect(error.money).toBe('none');
    expect(await refusal(() => readConfigUnauthenticated(home))).toMatchObject({ code });
  });

  test.skipIf(process.platform === 'win32')(
    'a file that others can read is refused with its mend',
    async () => {
      await createConfig(home, mac, IDENTITY);
      chmodSync(file, 0o644);
      const error = await refusal(() => readConfig(home, mac));
      expect(error.code).toBe('home_unsafe');
      expect(error.shortMessage).toContain(`chmod 600 ${file}`);
    },
  );
});

describe('an edit behind the owner’s back (T22)', () => {
  test('of any one byte is noticed', async () => {
    await createConfig(home, mac, IDENTITY);
    const original = readFileSync(file);
    const config = readConfig(home, mac);
    const codes = new Set<string>();
    fc.assert(
      fc.property(fc.nat(original.length - 1), fc.integer({ min: 1, max: 255 }), (at, flip) => {
        const edited = Buffer.from(original);
        edited[at] = (edited[at] ?? 0) ^ flip;
        writeFileSync(file, edited);
        try {
          // Blanks between values are no content.
          expect(readConfig(home, mac)).toEqual(config);
          codes.add('same');
        } catch (error) {
          codes.add((error as WalletError).code);
        }
      }),
      { numRuns: 2_000, seed: 3 },
    );
    expect([...codes].sort()).toEqual(['config_edited', 'config_invalid', 'same']);
  });

  test.each([
    ['a raised cap', () => edit('"0.50"', '"0.51"')],
    [
      'another network first',
      () => edit('[\n      "eip155:8453"', '[\n      "eip155:1",\n      "eip155:8453"'),
    ],
    ['the code taken out', () => edit(/,\n {2}"code".*/, '')],
    ['the code of nothing', () => edit(/"code": ".*"/, '"code": ""')],
    ['a version set back', () => edit('"version": 2', '"version": 1')],
    ['a setting taken out', () => edit(/ {4}"calls_per_minute": 30,\n/, '')],
  ])('%s stops the wallet until the owner accepts it', async (_name, spoil) => {
    await createConfig(home, mac, IDENTITY);
    await set('limits.per_session_usd', '1.9');
    spoil();
    const error = await refusal(() => readConfig(home, mac));
    expect(error).toMatchObject({ code: 'config_edited', owner: { action: { kind: 'acceptConfig' } } });
    expect((await refusal(() => set('limits.per_call_usd', '0.1'))).code).toBe('config_edited');
    expect(readConfigUnauthenticated(home).walletId).toBe('w_1');
  });

  test('is noticed at the next look of a reader that proved it before, and a change is seen', async () => {
    const created = await createConfig(home, mac, IDENTITY);
    const read = configReader(home, mac);
    expect(read()).toEqual(created);
    const changed = await set('limits.per_call_usd', '0.40');
    expect(read()).toEqual(changed);
    const before = readFileSync(file, 'utf8');
    edit('"0.40"', '"0.45"');
    expect(read).toThrow(expect.objectContaining({ code: 'config_edited' }));
    writeFileSync(file, before);
    expect(read()).toEqual(changed);
    chmodSync(file, 0o644);
    if (process.platform !== 'win32') expect(read).toThrow(expect.objectContaining({ code: 'home_unsafe' }));
  });

  test('a config of another wallet’s key is not ours', async () => {
    await createConfig(home, mac, IDENTITY);
    const foreign: Mac = (data) => createHmac('sha256', 'another key').update(data).digest();
    expect((await refusal(() => readConfig(home, foreign))).code).toBe('config_edited');
  });
});

describe('accepting an edit', () => {
  test('shows what changed, and counts the version up', async () => {
    await createConfig(home, mac, IDENTITY);
    await set('hosts.deny', '["evil.example"]');
    edit('"0.50"', '"0.75"');
    edit('"evil.example"', '');
    const review = reviewConfig(home, mac, 2);
    expect(review).toMatchObject({ authentic: false, comparedWith: 'accepted', versionKnown: 2 });
    expect(review.changes).toEqual([
      { key: 'limits.per_call_usd', before: '0.50', after: '0.75', direction: 'loosens' },
      { key: 'hosts.deny', before: '["evil.example"]', after: '[]', direction: 'loosens' },
    ]);
    const accepted = await acceptConfig(home, mac, review);
    expect(accepted).toMatchObject({
      version: 3,
      limits: { perCallUsdMicros: 750_000n },
      hosts: { deny: [] },
    });
    expect(readConfig(home, mac)).toEqual(accepted);
    expect(reviewConfig(home, mac, 3)).toMatchObject({ authentic: true, changes: [] });
  });

  test('accepts nothing that was not shown', async () => {
    await createConfig(home, mac, IDENTITY);
    edit('"0.50"', '"0.60"');
    const review = reviewConfig(home, mac, 1);
    edit('"0.60"', '"4.00"');
    expect((await refusal(() => acceptConfig(home, mac, review))).code).toBe('config_edited');
    expect((await refusal(() => readConfig(home, mac))).code).toBe('config_edited');
  });

  test('an old accepted copy cannot make an edit look like none', async () => {
    await createConfig(home, mac, IDENTITY);
    await set('limits.per_call_usd', '4');
    const generous = readFileSync(path.join(home, ACCEPTED_FILE));
    await set('limits.per_call_usd', '0.1');
    edit('"0.10"', '"4.00"');
    writeFileSync(path.join(home, ACCEPTED_FILE), generous);
    const review = reviewConfig(home, mac, 3);
    expect(review.comparedWith).toBe('initial');
    expect(review.changes).toEqual([
      { key: 'limits.per_call_usd', before: '0.50', after: '4.00', direction: 'loosens' },
    ]);
  });

  test.each([
    ['lost', () => rmSync(path.join(home, ACCEPTED_FILE))],
    ['edited', () => writeFileSync(path.join(home, ACCEPTED_FILE), readFileSync(file))],
    ['broken', () => writeFileSync(path.join(home, ACCEPTED_FILE), '{')],
  ])('works where the accepted copy is %s', async (_name, spoil) => {
    await createConfig(home, mac, IDENTITY);
    edit('"0.50"', '"0.20"');
    spoil();
    const review = reviewConfig(home, mac, 1);
    expect(review.comparedWith).toBe('initial');
    expect((await acceptConfig(home, mac, review)).version).toBe(2);
  });

  test('mends a config older than the ledger has seen', async () => {
    await createConfig(home, mac, IDENTITY);
    const old = readFileSync(file);
    await set('limits.per_call_usd', '0.1');
    writeFileSync(file, old);
    expect(readConfig(home, mac).version).toBe(1);
    const review = reviewConfig(home, mac, 7);
    expect(review).toMatchObject({ authentic: true, versionKnown: 7 });
    expect((await acceptConfig(home, mac, review)).version).toBe(8);
  });
});

describe('several processes', () => {
  /** A program of its own that makes changes, one after the other, each adding a host to hosts.deny. */
  const PROGRAM = `
    import { createHmac } from 'node:crypto';
    import { updateConfig, withConfigLock } from './configFile.js';
    import { setKey } from './change.js';
    const [home, name, count] = process.argv.slice(2);
    const mac = (data) => createHmac('sha256', 'key of this test').update(data).digest();
    if (name === 'die') {
      await withConfigLock(home, async () => { process.stdout.write('held\\n'); process.kill(process.pid, 'SIGKILL'); });
    }
    for (let index = 0; index < Number(count); index++) {
      await updateConfig(home, mac, (config) =>
        setKey(config, 'hosts.deny', JSON.stringify([...config.hosts.deny, name + index + '.example'])).config);
    }
  `;

  async function programFile(): Promise<string> {
    const outfile = path.join(home, 'program.mjs');
    const stdin = { contents: PROGRAM, resolveDir: import.meta.dirname, loader: 'ts' } as const;
    await build({ stdin, outfile, bundle: true, platform: 'node', format: 'esm', logLevel: 'error' });
    return outfile;
  }

  async function run(program: string, name: string, count: number): Promise<string> {
    const args = [program, home, name, String(count)];
    const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
    let errors = '';
    child.stderr.on('data', (chunk: Buffer) => (errors += chunk.toString()));
    const [exitCode, signal] = (await once(child, 'close')) as [number | null, string | null];
    return `${exitCode ?? signal}${errors}`;
  }

  test('changing at once lose none of their changes, over a dead one’s lock', async () => {
    await createConfig(home, mac, IDENTITY);
    const program = await programFile();
    expect(await run(program, 'die', 0)).toBe('SIGKILL');
    expect(readdirSync(path.join(home, CONFIG_LOCK))).toHaveLength(1);
    const names = ['a', 'b', 'c', 'd'];
    expect(await Promise.all(names.map((name) => run(program, name, 8)))).toEqual(['0', '0', '0', '0']);
    const config = readConfig(home, mac);
    expect(config.version).toBe(33);
    expect(config.hosts.deny).toEqual(
      names.flatMap((name) => Array.from({ length: 8 }, (_, index) => `${name}${index}.example`)).sort(),
    );
    expect(readdirSync(home).sort()).toEqual([ACCEPTED_FILE, CONFIG_FILE, 'program.mjs']);
  });

  test('one that hangs is named, and keeps its lock', async () => {
    const lock = path.join(home, CONFIG_LOCK);
    await withConfigLock(home, async () => {
      const error = await refusal(() => withConfigLock(home, () => Promise.reject(new Error('ran')), 20));
      expect(error.code).toBe('home_unusable');
      expect(error.shortMessage).toContain(`process ${process.pid},`);
      expect(error.owner?.say).toContain(lock);
      expect(readdirSync(lock)).toHaveLength(1);
    });
    expect(readdirSync(home)).toEqual([]);
  });

  test('within one process take turns too', async () => {
    let inside = 0;
    let most = 0;
    const turns = Array.from({ length: 10 }, () =>
      withConfigLock(home, async () => {
        most = Math.max(most, ++inside);
        await new Promise((resolve) => setImmediate(resolve));
        inside--;
      }),
    );
    await Promise.all(turns);
    expect(most).toBe(1);
  });
});
