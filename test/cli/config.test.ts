import { createHash } from 'node:crypto';
import { copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, beforeEach, describe, expect, it } from 'vitest';
import { makeScratch, type Run, type Scratch } from './program.js';

let scratch: Scratch;
let config: string;
beforeAll(async () => {
  scratch = makeScratch({ here: true });
  config = join(scratch.home, 'config.json');
  await scratch.makeWallet();
});
afterAll(() => scratch.remove());

/** As a server or an agent with a shell has it: the keys open, and no owner is there. */
const unlocked = (): { env: Record<string, string> } => ({
  env: { PURSER_PASSPHRASE_FILE: scratch.passphraseFile },
});
const byAgent = (...args: string[]): Promise<Run> => scratch.purser(args, unlocked());
const byOwner = (...args: string[]): Promise<Run> =>
  scratch.purser([...args, '--passphrase-file', scratch.passphraseFile]);
const valueOf = async (key: string): Promise<unknown> =>
  (await scratch.json(['config', 'get', key]))['value'];
const parsed = ({ out }: Run): Record<string, unknown> => JSON.parse(out) as Record<string, unknown>;

describe('config get', () => {
  it('shows one value alone, or every key, without unlocking', async () => {
    expect(await scratch.purser(['config', 'get', 'limits.per_call_usd'])).toEqual({
      exit: 0,
      out: '0.50\n',
      err: '',
    });
    const all = await scratch.purser(['config', 'get']);
    expect(all.out).toMatch(/^limits\.per_call_usd +0\.50$/m);
    expect(all.out).toMatch(
      /^networks\.enabled +\["eip155:84532","solana:EtWTRABZaYq6iMfeYKouRu166VU2xqa1","eip155:42431"\]$/m,
    );
    expect(await scratch.json(['config', 'get'])).toMatchObject({
      values: { 'limits.per_call_usd': '0.50', 'hosts.allow': '[]' },
    });
  });

  it('lists the keys where there is none by that name', async () => {
    const run = await scratch.purser(['config', 'get', 'limits.per_week_usd']);
    expect(run.exit).toBe(2);
    for (const key of [
      'limits.per_call_usd',
      'limits.hosts.<host>.per_day_usd',
      'networks.<caip2>.rpc_url',
    ]) {
      expect(run.err).toContain(key);
    }
  });
});

it('config path says where the file is', async () => {
  expect(await scratch.purser(['config', 'path'])).toEqual({ exit: 0, out: `${config}\n`, err: '' });
});

describe('config set', () => {
  it('tightens for anybody who can unlock', async () => {
    const run = await byAgent('config', 'set', 'limits.per_day_usd', '3', '--json');
    expect({ exit: run.exit, ...parsed(run) }).toMatchObject({
      exit: 0,
      key: 'limits.per_day_usd',
      before: '5.00',
      after: '3.00',
      direction: 'tightens',
    });
    expect(await valueOf('limits.per_day_usd')).toBe('3.00');
  });

  it('loosens for the owner alone: PURSER_PASSPHRASE_FILE is none', async () => {
    const before = readFileSync(config, 'utf8');
    const refused = await byAgent('config', 'set', 'limits.per_month_usd', '60', '--json');
    expect(refused.exit).toBe(3);
    expect(parsed(refused)).toMatchObject({
      status: 'refused',
      code: 'owner_proof_needed',
      retry: 'after_owner',
      money: 'none',
    });
    expect(parsed(refused)['tell_owner']).toContain(
      'config set limits.per_month_usd 60 --passphrase-file FILE',
    );
    expect(readFileSync(config, 'utf8')).toBe(before);
    expect(await byOwner('config', 'set', 'limits.per_month_usd', '60')).toMatchObject({ exit: 0 });
    expect(await valueOf('limits.per_month_usd')).toBe('60.00');
  });

  it.each([
    ['hosts.deny', '[]', '["evil.example"]'],
    ['net.allow_private', '["127.0.0.1:4021"]', '[]'],
    ['networks.eip155:84532.rpc_url', 'http://127.0.0.1:8545', 'none'],
    ['networks.enabled', '["eip155:84532","eip155:421614"]', '["eip155:84532"]'],
    ['limits.calls_per_minute', '60', '30'],
  ])('counts %s = %s as loosening', async (key, looser, first) => {
    await byOwner('config', 'set', key, first);
    expect(await byAgent('config', 'set', key, looser)).toMatchObject({ exit: 3 });
    expect(await byOwner('config', 'set', key, looser)).toMatchObject({ exit: 0 });
    await byOwner('config', 'set', key, first);
  });

  it('says which ceiling a cap is above, and how to make room', async () => {
    const run = await byOwner('config', 'set', 'limits.per_call_usd', '5.01', '--json');
    expect(run.exit).toBe(2);
    expect(parsed(run)).toMatchObject({ code: 'bad_input' });
    expect(parsed(run)['message']).toContain('ceilings.per_call_usd of $5.00');
    expect(parsed(run)['tell_owner']).toContain('config set ceilings.per_call_usd 5.01');
  });

  it.each([
    ['limits.per_call_usd', '-1'],
    ['limits.per_call_usd', '1e-1'],
    ['limits.per_call_usd', 'none'],
    ['limits.calls_per_minute', '1.5'],
    ['hosts.allow', 'api.example.com'],
    ['hosts.allow', '["https://api.example.com/"]'],
    ['net.allow_private', '["127.0.0.1"]'],
    ['networks.enabled', '["eip155:8453"]'],
    ['networks.eip155:84532.rpc_url', 'http://rpc.example.com'],
    ['version', '1'],
  ])('refuses %s = %s and leaves the file as it was', async (key, value) => {
    const before = readFileSync(config, 'utf8');
    expect(await byOwner('config', 'set', key, value)).toMatchObject({ exit: 2, out: '' });
    expect(readFileSync(config, 'utf8')).toBe(before);
  });

  it('sets and lifts a limit of one host', async () => {
    const key = 'limits.hosts.api.example.com.per_day_usd';
    expect(await byAgent('config', 'set', key, '1.00')).toMatchObject({ exit: 0 });
    const { limits } = parsed(await byOwner('limits', '--json')) as { limits: { name: string }[] };
    expect(limits.map(({ name }) => name)).toContain(key);
    expect(await byAgent('config', 'set', key, 'none')).toMatchObject({ exit: 3 });
    expect(await byOwner('config', 'set', key, 'none')).toMatchObject({ exit: 0 });
  });

  it('says that a wrong passphrase is wrong, and that a file is not there', async () => {
    writeFileSync(scratch.path('wrong'), 'not this one');
    const set = ['config', 'set', 'limits.per_day_usd', '2', '--json'];
    const wrong = await scratch.purser([...set, '--passphrase-file', scratch.path('wrong')]);
    expect({ exit: wrong.exit, code: parsed(wrong)['code'] }).toEqual({ exit: 6, code: 'wrong_passphrase' });
    const gone = await scratch.purser([...set, '--passphrase-file', scratch.path('gone')]);
    expect({ exit: gone.exit, code: parsed(gone)['code'] }).toEqual({ exit: 2, code: 'bad_input' });
    const unnamed = await scratch.purser(set, { env: { PURSER_PASSPHRASE_FILE: scratch.path('gone') } });
    expect({ exit: unnamed.exit, code: parsed(unnamed)['code'] }).toEqual({
      exit: 6,
      code: 'keystore_locked',
    });
    const none = await scratch.purser(set);
    expect({ exit: none.exit, code: parsed(none)['code'] }).toEqual({ exit: 6, code: 'keystore_locked' });
  });
});

describe('a list', () => {
  it('takes and gives up single entries, and loosening it is the owner’s', async () => {
    await byOwner('config', 'set', 'hosts.deny', '[]');
    expect(await byAgent('config', 'add', 'hosts.deny', 'a.example')).toMatchObject({ exit: 0 });
    expect(await byAgent('config', 'add', 'hosts.deny', 'b.example')).toMatchObject({ exit: 0 });
    expect(await valueOf('hosts.deny')).toBe('["a.example","b.example"]');
    expect(await byAgent('config', 'remove', 'hosts.deny', 'a.example')).toMatchObject({ exit: 3 });
    const mistyped = await byOwner('config', 'remove', 'hosts.deny', 'a.exmaple');
    expect(mistyped.exit).toBe(2);
    expect(mistyped.err).toContain('hosts.deny has no entry "a.exmaple". Did you mean a.example?');
    expect(await byOwner('config', 'remove', 'hosts.deny', 'a.example')).toMatchObject({ exit: 0 });
    expect(await byOwner('config', 'remove', 'hosts.deny', 'b.example')).toMatchObject({ exit: 0 });
    expect(await valueOf('hosts.deny')).toBe('[]');
  });

  it('takes the entry that a refused address names', async () => {
    const refused = await byAgent('pay', 'https://10.0.0.1/', '--max-usd', '0.01', '--json');
    const told = String(parsed(refused)['tell_owner']);
    const [, command = ''] = /(config add net\.allow_private \S+)$/.exec(told) ?? [];
    expect(command).toBe('config add net.allow_private 10.0.0.1:443');
    await byOwner('config', 'set', 'net.allow_private', '[]');
    expect(await byOwner(...command.split(' '))).toMatchObject({ exit: 0 });
    expect(await valueOf('net.allow_private')).toBe('["10.0.0.1:443"]');
    expect(await byOwner('config', 'remove', 'net.allow_private', '10.0.0.1:443')).toMatchObject({ exit: 0 });
  });
});

describe('a config edited by hand', () => {
  beforeEach(() => copyFileSync(config, scratch.path('config.saved')));

  function edit(change: (json: { limits: Record<string, unknown>; [key: string]: unknown }) => void): void {
    const json = JSON.parse(readFileSync(config, 'utf8')) as { limits: Record<string, unknown> };
    change(json);
    writeFileSync(config, JSON.stringify(json));
  }

  it('stops everything until the owner, who is shown what changed, accepts it', async () => {
    edit(({ limits }) => (limits['per_call_usd'] = '4.50'));
    for (const command of [
      ['limits'],
      ['balance'],
      ['config', 'set', 'limits.per_day_usd', '1'],
      ['pay', 'https://x.example', '--max-usd', '1'],
    ]) {
      const run = await byAgent(...command, '--json');
      expect({ exit: run.exit, code: parsed(run)['code'] }, command.join(' ')).toEqual({
        exit: 6,
        code: 'config_edited',
      });
    }
    expect(await byAgent('config', 'accept', '--yes')).toMatchObject({ exit: 3 });

    const unsure = await byOwner('config', 'accept');
    expect(unsure.exit).toBe(2);
    expect(unsure.err).toMatch(/limits\.per_call_usd loosens\n +from +0\.50\n +to +4\.50\n/);
    expect(await byAgent('limits', '--json')).toMatchObject({ exit: 6 });

    const accepted = await byOwner('config', 'accept', '--yes', '--json');
    expect({ exit: accepted.exit, ...parsed(accepted) }).toMatchObject({
      exit: 0,
      accepted: true,
      changes: [{ key: 'limits.per_call_usd', before: '0.50', after: '4.50', direction: 'loosens' }],
    });
    expect(await byAgent('limits')).toMatchObject({ exit: 0 });
    const again = await byOwner('config', 'accept', '--json');
    expect({ exit: again.exit, ...parsed(again) }).toMatchObject({ exit: 0, accepted: false });
    await byOwner('config', 'set', 'limits.per_call_usd', '0.50');
  });

  it('is named with its line where it is no JSON', async () => {
    writeFileSync(config, '{\n  "version": 1,\n  oops\n}');
    const run = await byAgent('config', 'get', '--json');
    expect({ exit: run.exit, code: parsed(run)['code'] }).toEqual({ exit: 6, code: 'config_invalid' });
    expect(parsed(run)['message']).toContain('line 3');
    expect(await scratch.purser(['freeze'])).toMatchObject({ exit: 0 });
    copyFileSync(scratch.path('config.saved'), config);
    expect(await byOwner('unfreeze')).toMatchObject({ exit: 0 });
  });

  it('is not accepted for another wallet, or for keys that are elsewhere', async () => {
    for (const [key, value] of [
      ['wallet_id', 'f'.repeat(32)],
      ['keystore', 'keychain'],
    ] as const) {
      edit((json) => (json[key] = value));
      const run = await byOwner('config', 'accept', '--yes', '--json');
      expect({ exit: run.exit, code: parsed(run)['code'] }, key).toEqual({ exit: 6, code: 'config_invalid' });
      copyFileSync(scratch.path('config.saved'), config);
    }
  });

  // T35: what is accepted was read, so nothing of it is cut, and what nobody reads is not accepted.
  it('is shown whole, lists and wide values too, with the hash of the file', async () => {
    const hosts = Array.from({ length: 12 }, (_, i) => `${'sub.'.repeat(40)}host-${i}.example`);
    hosts[7] = 'evil.example';
    const webhook = `https://hooks.example/${'x'.repeat(1_200)}/evil`;
    edit((json) => {
      json['hosts'] = { ...(json['hosts'] as object), allow: hosts };
      json['approvals'] = { ...(json['approvals'] as object), webhook_url: webhook };
    });
    const text = readFileSync(config, 'utf8');
    const { exit, err } = await byOwner('config', 'accept');
    expect(exit).toBe(2);
    for (const whole of [...hosts.map((host) => `+ ${host}\n`), webhook, 'from  nothing'])
      expect(err).toContain(whole);
    expect(err).not.toContain('…');
    expect(err).toContain(createHash('sha256').update(text).digest('hex'));
    copyFileSync(scratch.path('config.saved'), config);
  });

  it('of more than anybody reads is refused, with a way on, and stays unaccepted', async () => {
    for (const change of [
      ({ limits }: { limits: Record<string, unknown> }) => {
        const names = Array.from({ length: 1_000 }, (_, i) => [`h${i}.example`, { per_day_usd: '4.00' }]);
        limits['hosts'] = Object.fromEntries(names) as unknown;
      },
      (json: Record<string, unknown>) => {
        const allow = Array.from({ length: 1_000 }, (_, i) => `h${i}.example`);
        json['hosts'] = { ...(json['hosts'] as object), allow };
      },
    ]) {
      edit(change);
      const run = await byOwner('config', 'accept', '--yes', '--json');
      expect({ exit: run.exit, ...parsed(run) }).toMatchObject({ exit: 2, code: 'bad_input' });
      expect(parsed(run)['message']).toContain('too much to be read before a yes');
      expect(parsed(run)['tell_owner']).toContain('config.accepted.json');
      expect(await byAgent('limits', '--json')).toMatchObject({ exit: 6 });
      copyFileSync(scratch.path('config.saved'), config);
    }
  });

  it('put back to an older version is stale until it is accepted', async () => {
    expect(await byAgent('config', 'set', 'limits.per_session_usd', '1')).toMatchObject({ exit: 0 });
    copyFileSync(scratch.path('config.saved'), config);
    for (const command of [['limits'], ['config', 'set', 'limits.per_day_usd', '1']]) {
      const run = await byAgent(...command, '--json');
      expect({ exit: run.exit, code: parsed(run)['code'] }).toEqual({ exit: 6, code: 'config_stale' });
    }
    const shown = await byOwner('config', 'accept', '--yes');
    expect(shown.exit).toBe(0);
    expect(shown.err).toMatch(/limits\.per_session_usd loosens\n +from +1\.00\n +to +2\.00\n/);
    expect(await byAgent('limits')).toMatchObject({ exit: 0 });
  });
});

describe('freeze', () => {
  it('needs no keys, and only the owner lifts it', async () => {
    expect(await scratch.json(['freeze'])).toMatchObject({ frozen: true, changed: true });
    expect(await scratch.json(['freeze'])).toMatchObject({ frozen: true, changed: false });
    expect(await scratch.json(['limits', '--passphrase-file', scratch.passphraseFile])).toMatchObject({
      frozen: true,
    });
    const refused = await byAgent('unfreeze', '--json');
    expect({ exit: refused.exit, code: parsed(refused)['code'] }).toEqual({
      exit: 3,
      code: 'owner_proof_needed',
    });
    expect(await byOwner('unfreeze')).toMatchObject({ exit: 0 });
    expect(await scratch.json(['limits', '--passphrase-file', scratch.passphraseFile])).toMatchObject({
      frozen: false,
    });
  });
});

describe('reading commands of a wallet that nobody unlocks', () => {
  it('the ledger is there all the same', async () => {
    expect(await scratch.json(['ledger'])).toMatchObject({ status: 'ok', entries: [], next_cursor: null });
    for (const view of ['by_host', 'by_day', 'by_session', 'by_category']) {
      expect(await scratch.json(['ledger', '--view', view])).toMatchObject({ groups: [] });
    }
    expect(await scratch.purser(['ledger', '--csv'])).toMatchObject({ exit: 0 });
  });

  it.each([
    ['--view', 'by_week'],
    ['--state', 'lost'],
    ['--since', 'yesterday'],
    ['--limit', '0'],
    ['--limit', '201'],
  ])('%s %s is refused in words', async (...flag) => {
    const run = await scratch.purser(['ledger', ...flag, '--json']);
    expect(run.exit).toBe(2);
    expect(parsed(run)).toMatchObject({ code: 'bad_input' });
  });

  it.each([['balance'], ['limits'], ['reconcile'], ['audit'], ['quote', 'https://x.example']])(
    '%s says how to unlock',
    async (...args) => {
      const run = await scratch.purser([...args.filter(Boolean), '--json']);
      expect({ exit: run.exit, code: parsed(run)['code'] }).toEqual({ exit: 6, code: 'keystore_locked' });
      expect(parsed(run)['tell_owner']).toContain('PURSER_PASSPHRASE_FILE');
    },
  );
});

describe('audit', () => {
  it('exits 1 and names what differs once a byte of the ledger is flipped', async () => {
    expect(
      await scratch.json(['audit', '--offline', '--passphrase-file', scratch.passphraseFile]),
    ).toMatchObject({
      status: 'ok',
      findings: [],
    });
    const ledger = join(scratch.home, 'purser.db');
    copyFileSync(ledger, scratch.path('ledger.saved'));
    const bytes = readFileSync(ledger);
    // The first journal entry tells of the ledger's id; one letter of it changes.
    const place = bytes.lastIndexOf('led_');
    bytes[place + 4] = (bytes[place + 4] ?? 0) ^ 1;
    writeFileSync(ledger, bytes);
    const run = await byOwner('audit', '--offline', '--json');
    expect(run.exit).toBe(1);
    expect(parsed(run)).toMatchObject({ status: 'failed', code: 'ledger_damaged' });
    expect((parsed(run)['findings'] as unknown[]).length).toBeGreaterThan(0);
    copyFileSync(scratch.path('ledger.saved'), ledger);
    expect(await byOwner('audit', '--offline')).toMatchObject({ exit: 0 });
  });

  it('is no audit where the ledger is gone', async () => {
    const ledger = join(scratch.home, 'purser.db');
    copyFileSync(ledger, scratch.path('ledger.saved'));
    rmSync(ledger);
    const run = await byOwner('audit', '--offline', '--json');
    expect({ exit: run.exit, code: parsed(run)['code'] }).toEqual({ exit: 6, code: 'ledger_missing' });
    copyFileSync(scratch.path('ledger.saved'), ledger);
  });
});
