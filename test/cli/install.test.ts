import { spawnSync } from 'node:child_process';
import {
  chmodSync,
  chownSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  statSync,
  symlinkSync,
  unlinkSync,
  utimesSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterEach, beforeEach, describe, expect, it } from 'vitest';
import { clients, findClient } from '../../src/clients/client.js';
import { formatOf } from '../../src/clients/files/formatOf.js';
import { installInto, uninstallFrom } from '../../src/clients/install.js';
import { findNode, launchOn, type Launch } from '../../src/clients/launch/launch.js';
import { userFolder, type Machine } from '../../src/clients/machine.js';
import { standInsIn } from '../../src/clients/otherEntries.js';
import { findPlaces, rowsOf } from '../../src/clients/place.js';
import { checkLaunch } from '../../src/clients/launch/selfCheck.js';
import { quicken } from '../support/quickWallet.js';
import {
  makeScratch,
  noTerminal,
  openTerminal,
  PASSPHRASE,
  runHere,
  runToEnd,
  spawnPurser,
  type Scratch,
} from './program.js';

let scratch: Scratch;
beforeEach(() => {
  scratch = makeScratch({ here: true });
});
afterEach(() => scratch.remove());

const launch: Launch = {
  command: '/usr/bin/env',
  args: ['npx', '-y', 'purser-mcp@1.2.3'],
  env: { PATH: '/bin' },
};

function standIn(url: string, name: string): Launch {
  return { ...launch, args: [...launch.args, 'mcp', url], name };
}

function machine(over: Partial<Machine> = {}): Machine {
  const env = { HOME: scratch.folder, PATH: '/nowhere' };
  return { platform: 'linux', env, execPath: '/usr/bin/node', version: '1.2.3', ...over };
}

/** Other people's servers, with all that a person puts around them. */
function others(format: string, key: string): string {
  if (format === 'toml')
    return `# mine\nmodel = "m" # best\n\n[${key}.other] # x\ncommand = "y"\nargs = [\n  "a", # one\n]\n\n[ui]\ndark = true\n`;
  if (format === 'yaml')
    return `# mine\nGOOSE_MODE: auto\n${key}:\n  # built in\n  developer:\n    enabled: true # yes\n    timeout: 5\n\nlast: 'one'\n`;
  if (format === 'json')
    return `{\n\t"${key}": {\n\t\t"other": {"command": "y", "args": [ "a" ]}\n\t},\n\t"last": [1,\n\t\t2]\n}`;
  return `// mine\n{\n  // theme\n  "theme": "x", /* dark */\n  "${key}": { // servers\n    // the other\n    "other": {"command": "y"} // end\n  },\n  "last": [1, 2]\n}\n`;
}

const files = (platform: 'linux' | 'darwin'): [id: string, platform: 'linux' | 'darwin'][] =>
  clients.map(({ id }) => [id, platform]);

describe.each([...files('linux'), ...files('darwin')])('%s on %s', (id, platform) => {
  const client = findClient(id)!;

  it('gets our entry in a new file, once, and loses file and entry together', async () => {
    const here = machine({ platform });
    const { file } = findPlaces(client, here)[0]!;
    const added = await installInto(client, file, launch, { machine: here, dryRun: false });
    expect(added).toMatchObject({ change: 'added', by: 'edit', copy: null, note: null });
    expect(readFileSync(file, 'utf8')).toContain('purser-mcp@1.2.3');
    expect(statSync(file).mode & 0o777).toBe(0o600);
    const once = readFileSync(file);
    expect(await installInto(client, file, launch, { machine: here, dryRun: false })).toMatchObject({
      change: 'none',
    });
    expect(readFileSync(file)).toEqual(once);
    expect(findPlaces(client, here)).toContainEqual({ file, there: true });
    expect(await uninstallFrom(client, file, { dryRun: false })).toMatchObject({ change: 'removed' });
    expect(readdirSync(dirname(file))).not.toContain(file.slice(dirname(file).length + 1));
  });

  it('keeps every letter of a file that is there, through two installs and an uninstall', async () => {
    const here = machine({ platform });
    const { file } = findPlaces(client, here)[0]!;
    const text = others(client.format, client.key[0]!);
    mkdirSync(dirname(file), { recursive: true });
    writeFileSync(file, text);
    chmodSync(file, 0o640);
    const added = await installInto(client, file, launch, { machine: here, dryRun: false });
    expect(added).toMatchObject({ change: 'added', copy: `${file}.purser-backup` });
    const lines = readFileSync(file, 'utf8').split('\n');
    // Every line of theirs is there, in its order.
    let at = -1;
    for (const line of text.split('\n')) {
      at = lines.indexOf(line, at + 1);
      expect(at, line).not.toBe(-1);
    }
    expect(readFileSync(`${file}.purser-backup`, 'utf8')).toBe(text);
    await installInto(client, file, launch, { machine: here, dryRun: false });
    await installInto(
      client,
      file,
      { ...launch, args: ['npx', '-y', 'purser-mcp@1.3.0'] },
      { machine: here, dryRun: false },
    );
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(await uninstallFrom(client, file, { dryRun: false })).toMatchObject({
      change: 'removed',
      copy: null,
    });
    expect(readFileSync(file, 'utf8')).toBe(text);
    expect(statSync(file).mode & 0o777).toBe(0o640);
    expect(readdirSync(dirname(file)).filter((name) => /purser|^\..*\.[0-9a-f]{12}$/.test(name))).toEqual([]);
  });

  it.each([[[0, 1, 2]], [[2, 1, 0]], [[1, 2, 0]]])(
    'is what it was, to the letter, when our entry and two paid servers are taken out in the order %j',
    async (order) => {
      const here = machine({ platform });
      const options = { machine: here, dryRun: false };
      const { file } = findPlaces(client, here)[0]!;
      const text = others(client.format, client.key[0]!);
      mkdirSync(dirname(file), { recursive: true });
      writeFileSync(file, text);
      const one = standIn('https://a.example/mcp', 'one');
      const launches = [launch, one, standIn('https://b.example/mcp', 'two')];
      for (const each of launches)
        expect(await installInto(client, file, each, options)).toMatchObject({ change: 'added' });
      expect(await installInto(client, file, one, options)).toMatchObject({ change: 'none' });
      const there = (await standInsIn(client, file)).map(({ name, url }) => [name, url]);
      expect(there.sort()).toEqual([
        ['one', 'https://a.example/mcp'],
        ['two', 'https://b.example/mcp'],
      ]);
      // A name that another server has is not taken from it.
      expect(await installInto(client, file, standIn('https://c.example/mcp', 'two'), options)).toMatchObject(
        { change: 'refused', note: expect.stringContaining('another server') as string },
      );
      for (const i of order) {
        const { name } = launches[i]!;
        const done = await uninstallFrom(client, file, { dryRun: false, ...(name && { name }) });
        expect(done).toMatchObject({ change: 'removed' });
      }
      expect(readFileSync(file, 'utf8')).toBe(text);
      expect(readdirSync(dirname(file)).filter((name) => name.includes('purser'))).toEqual([]);
    },
  );
});

describe('where clients keep their files', () => {
  const paths = (id: string, here: Machine): string[] =>
    rowsOf(findClient(id)!, here).flatMap(({ files: all }) => all);
  const windows: Machine = {
    platform: 'win32',
    env: {
      USERPROFILE: 'C:\\Users\\ann',
      APPDATA: 'D:\\Roam',
      LOCALAPPDATA: 'C:\\Users\\ann\\AppData\\Local',
    },
    execPath: 'C:\\Program Files\\nodejs\\node.exe',
    version: '1.2.3',
  };

  it('on Windows', () => {
    expect(paths('claude-desktop', windows)).toEqual([
      'D:\\Roam\\Claude\\claude_desktop_config.json',
      'C:\\Users\\ann\\AppData\\Local\\Packages\\Claude_*\\LocalCache\\Roaming\\Claude\\claude_desktop_config.json',
    ]);
    const first = (id: string): string => paths(id, windows)[0]!;
    expect(first('claude-code')).toBe('C:\\Users\\ann\\.claude.json');
    expect(first('cursor')).toBe('C:\\Users\\ann\\.cursor\\mcp.json');
    expect(first('vscode')).toBe('D:\\Roam\\Code\\User\\mcp.json');
    expect(first('windsurf')).toBe('C:\\Users\\ann\\.codeium\\windsurf\\mcp_config.json');
    expect(first('codex')).toBe('C:\\Users\\ann\\.codex\\config.toml');
    expect(first('gemini-cli')).toBe('C:\\Users\\ann\\.gemini\\settings.json');
    expect(first('zed')).toBe('D:\\Roam\\Zed\\settings.json');
    expect(first('cline')).toBe('C:\\Users\\ann\\.cline\\data\\settings\\cline_mcp_settings.json');
    expect(first('goose')).toBe('D:\\Roam\\Block\\goose\\config\\config.yaml');
    expect(first('opencode')).toBe('C:\\Users\\ann\\.config\\opencode\\opencode.jsonc');
  });

  it('on macOS and Linux, and where variables move them', () => {
    const mac = machine({ platform: 'darwin', env: { HOME: '/Users/ann' } });
    expect(paths('claude-desktop', mac)).toEqual([
      '/Users/ann/Library/Application Support/Claude/claude_desktop_config.json',
    ]);
    expect(paths('vscode', mac)).toEqual(['/Users/ann/Library/Application Support/Code/User/mcp.json']);
    expect(paths('zed', mac)).toEqual(['/Users/ann/.config/zed/settings.json']);
    const moved = {
      HOME: '/h',
      XDG_CONFIG_HOME: '/x',
      CODEX_HOME: '/c',
      CLAUDE_CONFIG_DIR: '/k',
      CLINE_DATA_DIR: 'rel',
    };
    const linux = machine({ env: moved });
    expect(paths('codex', linux)).toEqual(['/c/config.toml']);
    expect(paths('claude-code', linux)).toEqual(['/k/.claude.json']);
    expect(paths('goose', linux)).toEqual(['/x/goose/config.yaml']);
    expect(paths('cline', linux)[0]).toBe('/h/.cline/data/settings/cline_mcp_settings.json');
    expect(paths('cline', linux)).toContain(
      '/x/Code/User/globalStorage/saoudrizwan.claude-dev/settings/cline_mcp_settings.json',
    );
  });

  it('finds the store’s Claude on Windows by its folder, and opencode’s file by the name it has', () => {
    const here = machine({ platform: 'darwin' });
    const folder = join(scratch.folder, '.config', 'opencode');
    mkdirSync(folder, { recursive: true });
    writeFileSync(join(folder, 'opencode.json'), '{}');
    expect(findPlaces(findClient('opencode')!, here)).toEqual([
      { file: join(folder, 'opencode.json'), there: true },
    ]);
    const store = {
      ...findClient('claude-desktop')!,
      places: {
        darwin: [],
        win32: [],
        linux: [{ folder: '{home}/Packages/Claude_*/Roaming', files: ['c.json'] }],
      },
    };
    mkdirSync(join(scratch.folder, 'Packages', 'Claude_x1', 'Roaming'), { recursive: true });
    expect(findPlaces(store, machine())).toEqual([
      { file: join(scratch.folder, 'Packages', 'Claude_x1', 'Roaming', 'c.json'), there: true },
    ]);
  });

  it('starts with what is at one path everywhere, and brings a PATH of its own', () => {
    const wallet = { spec: 'purser-mcp@1.2.3', env: { PURSER_HOME: '/w' } };
    const node = join(scratch.folder, '.nvm', 'versions', 'node', 'v24.1.0', 'bin');
    mkdirSync(node, { recursive: true });
    writeFileSync(join(node, 'node'), '');
    const versioned = machine({ execPath: join(node, 'node') });
    expect(findNode(versioned)).toMatchObject({ passing: true });
    const current = join(scratch.folder, '.nvm', 'current');
    symlinkSync(dirname(node), current);
    const found = findNode(versioned);
    expect(found.passing).toBe(false);
    expect(found.folders.slice(0, 2)).toEqual([join(current, 'bin'), node]);
    const { command, args, env } = launchOn(versioned, found, wallet);
    expect([command, ...args]).toEqual(['/usr/bin/env', 'npx', '-y', 'purser-mcp@1.2.3']);
    expect(env['PATH']).toMatch(/^\/.*:\/usr\/bin(:|$)/);
    expect(env['PURSER_HOME']).toBe('/w');
    expect(launchOn(windows, findNode(windows), wallet)).toMatchObject({
      command: 'C:\\Program Files\\nodejs\\node.exe',
      args: ['C:\\Program Files\\nodejs\\node_modules\\npm\\bin\\npx-cli.js', '-y', 'purser-mcp@1.2.3'],
    });
    expect(userFolder(windows)).toBe('C:\\Users\\ann');
  });
});

describe('a file that is odd', () => {
  const client = findClient('zed')!;
  const options = (): { machine: Machine; dryRun: boolean } => ({ machine: machine(), dryRun: false });
  const at = (text?: string): string => {
    const file = join(scratch.folder, 'settings.json');
    if (text !== undefined) writeFileSync(file, text);
    return file;
  };

  it('stays a link, and what it leads to is changed', async () => {
    const target = join(scratch.folder, 'dotfiles.json');
    writeFileSync(target, '{ "a": 1 }\n');
    symlinkSync(target, at());
    expect(await installInto(client, at(), launch, options())).toMatchObject({ change: 'added' });
    expect(lstatSync(at()).isSymbolicLink()).toBe(true);
    expect(readFileSync(target, 'utf8')).toContain('purser');
    await uninstallFrom(client, at(), { dryRun: false });
    expect(lstatSync(at()).isSymbolicLink()).toBe(true);
    expect(readFileSync(target, 'utf8')).toBe('{ "a": 1 }\n');
  });

  it.each<[string, (file: string) => void, RegExp]>([
    ['a syntax error', (file) => writeFileSync(file, '{"a": }'), /line 1/],
    ['no text', (file) => writeFileSync(file, Buffer.from([0x7b, 0xff, 0x7d])), /not UTF-8/],
    ['a folder', (file) => mkdirSync(file), /not a file/],
    ['read-only', (file) => writeFileSync(file, '{}', { mode: 0o400 }), /read-only/],
    ['a link to nothing', (file) => symlinkSync('/nowhere/x', file), /link to nothing/],
  ])('is left alone where it is %s', async (_what, make, says) => {
    make(at());
    const state = (): unknown => (lstatSync(at()).isFile() ? readFileSync(at()) : lstatSync(at()).mode);
    const before = state();
    const change = await installInto(client, at(), launch, options());
    expect(change).toMatchObject({ change: 'refused', note: expect.stringMatching(says) as string });
    expect(state()).toEqual(before);
    expect(existsSync(`${at()}.purser-backup`)).toBe(false);
    // Whoever made it read-only gets what to write there.
    if (_what === 'read-only') expect(change.paste).toContain('"purser": {');
  });

  it('and one that cannot be looked at ends nothing: the others go on (T44)', async () => {
    symlinkSync('.cursor', scratch.path('.cursor'));
    mkdirSync(scratch.path('.gemini'));
    const env = { PATH: '/nowhere' };
    const done = await scratch.purser(['install', '--yes', '--no-init', '--no-check'], { env });
    expect(done).toMatchObject({ exit: 0 });
    expect(done.out).toMatch(/Gemini CLI.*added/);
    const named = await scratch.purser(['install', 'cursor', 'gemini-cli', '--no-init', '--no-check'], {
      env,
    });
    expect(named).toMatchObject({ exit: 1 });
    expect(named.out).toMatch(
      /Cursor: its file is left as it was, for it cannot be (?:changed|read or written) \(ELOOP\)/,
    );
    expect(await scratch.purser(['uninstall', '--yes'], { env })).toMatchObject({
      out: expect.stringMatching(/Gemini CLI.*taken out/) as string,
    });
  });

  it('keeps its line ends, its tabs and its byte order mark', async () => {
    const text = '\uFEFF{\r\n\t"context_servers": {\r\n\t\t"a": {}\r\n\t}\r\n}\r\n';
    await installInto(client, at(text), launch, options());
    const now = readFileSync(at(), 'utf8');
    expect(now.replaceAll('\r\n', '')).not.toContain('\n');
    expect(now).toContain('\uFEFF{\r\n\t"context_servers": {\r\n\t\t"purser": {\r\n\t\t\t"command"');
    await uninstallFrom(client, at(), { dryRun: false });
    expect(readFileSync(at(), 'utf8')).toBe(text);
  });

  it.each([
    ['its copy', 1],
    ['the file', 2],
  ])('is whole when the process is killed as it puts %s in place', async (_what, at) => {
    const text = '// mine\n{\n  "context_servers": {}\n}\n';
    const file = join(scratch.folder, 'settings.json');
    writeFileSync(file, text);
    const child = fileURLToPath(new URL('./installCrash.child.ts', import.meta.url));
    const root = fileURLToPath(new URL('../..', import.meta.url));
    const args = ['--import', join(root, 'scripts/typescript.js'), child, file, String(at)];
    expect(spawnSync(process.execPath, args, { stdio: 'ignore' }).signal).toBe('SIGKILL');
    expect(readFileSync(file, 'utf8')).toBe(text);
    const left = readdirSync(scratch.folder).find((name) => /^\.settings\.json/.test(name))!;
    expect(left).toBeDefined();
    const old = new Date(Date.now() - 120_000);
    utimesSync(join(scratch.folder, left), old, old);
    // The next run is none the worse, and what was left over is gone.
    expect(await installInto(client, file, launch, options())).toMatchObject({ change: 'added' });
    expect(readdirSync(scratch.folder)).not.toContain(left);
    await uninstallFrom(client, file, { dryRun: false });
    expect(readFileSync(file, 'utf8')).toBe(text);
  });

  it('is in a home that nobody can write: told, and nothing else', async () => {
    // Root writes anywhere but here; Node's own way of making folders never ends in the second.
    for (const file of ['/sys/purser-nowhere/settings.json', '/proc/purser/nowhere/settings.json']) {
      const change = await installInto(client, file, launch, options());
      expect(change).toMatchObject({
        change: 'refused',
        note: expect.stringMatching(/cannot be read or written/) as string,
      });
    }
  });
});

describe('a client’s own program', () => {
  const client = findClient('claude-code')!;
  let file: string;
  let bin: string;
  beforeEach(() => {
    file = join(scratch.folder, '.claude.json');
    bin = join(scratch.folder, 'bin');
    mkdirSync(bin);
    writeFileSync(file, '{"numStartups": 1}');
  });
  const install = (script: string, programMsMax = 20_000) => {
    writeFileSync(join(bin, 'claude'), `#!/bin/sh\n${script}\n`, { mode: 0o755 });
    const here = machine({ env: { HOME: scratch.folder, PATH: bin } });
    return installInto(client, file, launch, { machine: here, dryRun: false, programMsMax });
  };
  const entry = (): unknown =>
    (JSON.parse(readFileSync(file, 'utf8')) as { mcpServers: { purser: unknown } }).mcpServers.purser;
  const wanted = { type: 'stdio', command: '/usr/bin/env', args: launch.args, env: launch.env };

  it('is used where it does the work, and sees no shell', async () => {
    const args = join(scratch.folder, 'args');
    const change = await install(
      `for a in "$@"; do echo "$a" >> '${args}'; done\necho "{\\"numStartups\\": 2, \\"mcpServers\\": {\\"purser\\": $6}}" > '${file}'`,
    );
    expect(change).toMatchObject({ change: 'added', by: 'program', note: null });
    expect(entry()).toEqual(wanted);
    expect(readFileSync(args, 'utf8').split('\n').slice(0, 5)).toEqual([
      'mcp',
      'add-json',
      '--scope',
      'user',
      'purser',
    ]);
  });

  it.each([
    [
      'fails',
      'echo "no such \u001b[31mthing" >&2; exit 3',
      /claude refused \(no such \[31mthing\), so its file was edited/,
    ],
    ['does nothing', 'exit 0', /reported success but added nothing/],
    [
      'adds half of it',
      `echo '{"numStartups": 1, "mcpServers": {"purser": {"command": "/usr/bin/env"}}}' > "$HOME/.claude.json"`,
      null,
    ],
  ])('that %s is made up for', async (_how, script, says) => {
    const change = await install(script);
    expect(change.change).toBe('added');
    if (says === null) expect(change).toMatchObject({ by: 'program' });
    else expect(change).toMatchObject({ by: 'edit', note: expect.stringMatching(says) as string });
    expect(entry()).toEqual(wanted);
    expect(readFileSync(`${file}.purser-backup`, 'utf8')).toBe('{"numStartups": 1}');
  });

  it('that drops what others wrote is undone, and the file is edited instead (T44)', async () => {
    const change = await install(`echo '{"mcpServers": {"purser": {"command": "x"}}}' > '${file}'`);
    expect(change).toMatchObject({
      change: 'added',
      by: 'edit',
      note: 'claude left out the key numStartups, so the file was edited instead.',
    });
    expect(JSON.parse(readFileSync(file, 'utf8'))).toEqual({
      numStartups: 1,
      mcpServers: { purser: wanted },
    });
  });

  it('that hangs is ended, with what it started, and made up for', async () => {
    const pid = join(scratch.folder, 'pid');
    const change = await install(`/bin/sleep 600 & echo $! > '${pid}'; wait`, 1500);
    expect(change).toMatchObject({ by: 'edit', note: expect.stringMatching(/did not answer/) as string });
    expect(entry()).toEqual(wanted);
    const started = Number(readFileSync(pid, 'utf8'));
    await expect
      .poll(() => existsSync(`/proc/${started}/cmdline`) && readFileSync(`/proc/${started}/cmdline`, 'utf8'))
      .toBeFalsy();
  });

  it('that breaks the file is told, with the copy from before kept', async () => {
    const change = await install(`echo '{"half' > '${file}'; exit 1`);
    expect(change).toMatchObject({ change: 'refused' });
    expect(readFileSync(`${file}.purser-backup`, 'utf8')).toBe('{"numStartups": 1}');
  });
});

describe('the command', () => {
  const flags = (): string[] => [
    '--yes',
    '--keystore',
    'file',
    '--passphrase-file',
    scratch.passphraseFile,
    '--testnet',
    '--no-check',
  ];
  const env = { PATH: '/nowhere' };

  it('makes the wallet, sets limits, adds it everywhere, twice, and takes it out', async () => {
    mkdirSync(join(scratch.folder, '.cursor'));
    mkdirSync(join(scratch.folder, '.codex'));
    const set = ['--set', 'limits.per_day_usd=3', '--set', 'limits.per_call_usd=0.10'];
    const run = await scratch.purser(['install', ...flags(), ...set], { env });
    expect(run).toMatchObject({ exit: 0 });
    expect(run.out).toMatch(/Cursor.*added.*\.cursor\/mcp\.json/);
    await quicken(scratch.home, PASSPHRASE);
    expect(run.out).toMatch(
      /send test USDC to one of these.*\n +0x[0-9a-fA-F]{40} on Base Sepolia or Tempo testnet\n +[1-9A-HJ-NP-Za-km-z]{32,44} on Solana devnet\n/,
    );
    expect(await scratch.json(['config', 'get', 'limits.per_day_usd'])).toMatchObject({ value: '3.00' });
    const { mcpServers } = JSON.parse(readFileSync(scratch.path('.cursor/mcp.json'), 'utf8')) as {
      mcpServers: { purser: Launch };
    };
    expect(mcpServers.purser.env).toMatchObject({
      PURSER_HOME: scratch.home,
      PURSER_PASSPHRASE_FILE: scratch.passphraseFile,
    });
    for (const name of ['.cursor/mcp.json', '.codex/config.toml']) {
      expect(readFileSync(scratch.path(name), 'utf8')).not.toContain(PASSPHRASE);
    }
    const again = await scratch.purser(['install', ...flags()], { env });
    expect(again).toMatchObject({ exit: 0 });
    expect(again.out).toMatch(/as it was/);

    // An older pin is moved, a newer one is left alone.
    const toml = scratch.path('.codex/config.toml');
    writeFileSync(toml, readFileSync(toml, 'utf8').replace(/purser-mcp@[\d.]+/, 'purser-mcp@0.0.1'));
    const json = scratch.path('.cursor/mcp.json');
    writeFileSync(json, readFileSync(json, 'utf8').replace(/purser-mcp@[\d.]+/, 'purser-mcp@99.0.0'));
    const upgraded = await scratch.json(['upgrade', '--no-check'], { env });
    expect(upgraded['changes']).toMatchObject([{ client: 'codex', change: 'updated' }]);
    expect(readFileSync(toml, 'utf8')).toContain(`purser-mcp@${String(upgraded['version'])}`);
    expect(readFileSync(toml, 'utf8')).toContain('PURSER_PASSPHRASE_FILE');
    expect(readFileSync(json, 'utf8')).toContain('purser-mcp@99.0.0');

    // Nothing unlocks it here: what is in it cannot be told, and no RPC is asked.
    const out = await scratch.purser(['uninstall', '--yes'], { env });
    expect(out).toMatchObject({ exit: 0 });
    expect(out.out).toContain('The wallet stays');
    expect(out.out).toMatch(/could not be told now: .* balance\n/);
    expect(existsSync(json)).toBe(false);
    expect(existsSync(toml)).toBe(false);
    expect(existsSync(join(scratch.home, 'config.json'))).toBe(true);
  });

  it('adds a paid MCP server under a name, and takes that one out alone', async () => {
    mkdirSync(join(scratch.folder, '.cursor'));
    const file = scratch.path('.cursor/mcp.json');
    const before = '{"mcpServers": {"mine": {"command": "x"}}}';
    writeFileSync(file, before);
    await scratch.purser(['install', 'cursor', ...flags()], { env });
    const withOwn = readFileSync(file, 'utf8');
    const mcp = ['--mcp', 'https://mcp.shop.example/mcp?a=1'];
    const more = ['--max-usd', '0.05', ...flags()];
    expect(await scratch.purser(['install', 'cursor', ...mcp, ...more], { env })).toMatchObject({ exit: 0 });
    const { mcpServers } = JSON.parse(readFileSync(file, 'utf8')) as { mcpServers: Record<string, Launch> };
    expect(Object.keys(mcpServers).sort()).toEqual(['mine', 'purser', 'shop-example']);
    expect(mcpServers['shop-example']!.args.slice(-4)).toEqual([
      ...['mcp', 'https://mcp.shop.example/mcp?a=1', '--max-usd', '0.05'],
    ]);
    expect(mcpServers['shop-example']!.env).toEqual(mcpServers['purser']!.env);
    writeFileSync(
      file,
      readFileSync(file, 'utf8').replace(/(purser-mcp@)[\d.]+(?="\s*,\s*"mcp")/, '$10.0.1'),
    );
    await scratch.json(['upgrade', '--no-check'], { env });
    expect(readFileSync(file, 'utf8')).not.toContain('purser-mcp@0.0.1');
    expect(await scratch.purser(['uninstall', ...mcp, '--yes'], { env })).toMatchObject({ exit: 0 });
    expect(readFileSync(file, 'utf8')).toBe(withOwn);
    await scratch.purser(['install', 'cursor', ...mcp, ...more, '--name', 'Shop'], { env });
    expect(readFileSync(file, 'utf8')).toContain('"Shop"');
    await scratch.purser(['uninstall', '--yes'], { env });
    expect(readFileSync(file, 'utf8')).toBe(before);
    expect(readdirSync(scratch.path('.cursor'))).toEqual(['mcp.json']);
  });

  it.each([
    ['a URL that is none', ['--mcp', 'shop.example']],
    ['a URL with a user', ['--mcp', 'https://u:p@shop.example/mcp']],
    ['the wallet’s own name', ['--mcp', 'https://shop.example/mcp', '--name', 'Purser']],
    ['a name that clients do not take', ['--mcp', 'https://shop.example/mcp', '--name', 'a b']],
    ['a name without a server', ['--name', 'shop']],
  ])('takes no paid server by %s', async (_what, args) => {
    mkdirSync(join(scratch.folder, '.cursor'));
    const run = await scratch.purser(['install', 'cursor', ...args, '--yes', '--no-init'], { env });
    expect(run).toMatchObject({ exit: 2, out: '' });
    expect(readdirSync(scratch.path('.cursor'))).toEqual([]);
  });

  it('shows a change and makes none with --dry-run', async () => {
    mkdirSync(join(scratch.folder, '.cursor'));
    writeFileSync(scratch.path('.cursor/mcp.json'), '{\n  "mcpServers": {}\n}\n');
    const run = await scratch.purser(['install', '--dry-run'], { env });
    expect(run).toMatchObject({ exit: 0, err: '' });
    expect(run.out).toContain('+++ ');
    expect(run.out).toMatch(/^\+ {4}"purser": \{$/m);
    expect(readFileSync(scratch.path('.cursor/mcp.json'), 'utf8')).toBe('{\n  "mcpServers": {}\n}\n');
    expect(existsSync(scratch.home)).toBe(false);
    expect(readdirSync(scratch.path('.cursor'))).toEqual(['mcp.json']);
  });

  it.each([
    ['an unknown client', ['install', 'frob', '--yes'], 2, /no client known here: claude-desktop, /],
    ['no client here', ['install', '--yes'], 2, /No MCP client was found/],
    ['no terminal and no --yes', ['install', 'cursor'], 2, /needs --yes/],
    [
      'no keychain',
      ['install', 'cursor', '--yes', '--keystore', 'keychain'],
      6,
      /install cursor --keystore file --yes/,
    ],
  ])('says what is missing: %s', async (_what, args, exit, says) => {
    // The keychain is sought in the environment of the process itself.
    const bus = scratch.env({ ...env, DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere' });
    const run = await (exit === 6 ? runToEnd(spawnPurser(args, bus)) : runHere(args, bus));
    expect(run).toMatchObject({ exit, out: '' });
    expect(run.err).toMatch(says);
    expect(existsSync(scratch.path('.cursor'))).toBe(false);
  });

  it('tells a file that it left alone, changes the others, and ends with 1', async () => {
    mkdirSync(join(scratch.folder, '.cursor'));
    mkdirSync(join(scratch.folder, '.gemini'));
    writeFileSync(scratch.path('.cursor/mcp.json'), '{ half');
    const run = await scratch.purser(['install', '--yes', '--no-init', '--no-check'], { env });
    expect(run).toMatchObject({ exit: 1 });
    expect(run.out).toMatch(/Cursor.*NOT CHANGED/);
    expect(run.out).toMatch(/Cursor: its file is left as it was, for line 1/);
    expect(run.out).toMatch(/Gemini CLI.*added/);
    expect(readFileSync(scratch.path('.cursor/mcp.json'), 'utf8')).toBe('{ half');
    expect(run.out).not.toContain('by hand');
    // What parses and is written otherwise comes with what to write there.
    mkdirSync(join(scratch.folder, '.codex'));
    writeFileSync(scratch.path('.codex/config.toml'), 'mcp_servers = { }\n');
    const codex = await scratch.purser(['install', 'codex', '--no-init', '--no-check'], { env });
    expect(codex).toMatchObject({ exit: 1 });
    expect(codex.out).toMatch(
      /Codex: to add it by hand, write this under mcp_servers:\npurser = \{ command = /,
    );
    unlinkSync(scratch.path('.cursor/mcp.json'));
  });
});

/** Only root can become another user; elsewhere there is no second one to try it with. */
const canSwitch = process.getuid?.() === 0 && existsSync('/usr/bin/setpriv');
describe.skipIf(!canSwitch)(
  `another user’s files${canSwitch ? '' : ' (skipped: needs root and setpriv)'}`,
  () => {
    const UID = 64_410;

    it('by sudo in their home nothing is made, and it is said why', async () => {
      mkdirSync(scratch.path('theirs'));
      chownSync(scratch.path('theirs'), UID, UID);
      const env = { HOME: scratch.path('theirs'), SUDO_UID: String(UID), PURSER_HOME: '' };
      const run = await scratch.purser(['install', 'cursor', '--yes', '--keystore', 'file'], { env });
      expect(run).toMatchObject({ exit: 6, out: '' });
      expect(run.err).toMatch(/as root, by sudo, in .*theirs/);
      expect(run.err).toContain('without sudo');
      expect(readdirSync(scratch.path('theirs'))).toEqual([]);
    });

    it('a client’s folder that only root can enter is told, and the next one is gone on with (T44)', async () => {
      const home = scratch.path('theirs');
      for (const folder of ['.cursor', '.gemini', '.codeium'])
        mkdirSync(join(home, folder), { recursive: true });
      for (const path of [home, join(home, '.gemini')]) chownSync(path, UID, UID);
      chmodSync(join(home, '.cursor'), 0o700);
      chmodSync(join(home, '.codeium'), 0o700);
      chmodSync(scratch.folder, 0o755);
      const here = machine({ env: { HOME: home, PATH: '/nowhere' } });
      // The editors of text are loaded before: the checkout may be in a folder of root's own.
      await formatOf('jsonc+');
      await formatOf('jsonc');
      const told: string[] = [];
      process.seteuid!(UID);
      try {
        for (const id of ['cursor', 'windsurf', 'gemini-cli']) {
          const [place] = findPlaces(findClient(id)!, here);
          const done = await installInto(findClient(id)!, place!.file, launch, {
            machine: here,
            dryRun: false,
          });
          told.push(`${id} ${done.change} ${done.note}`);
        }
      } finally {
        process.seteuid!(0);
      }
      expect(told).toEqual([
        expect.stringMatching(/^cursor refused it cannot be .*EACCES/),
        expect.stringMatching(/^windsurf refused it cannot be .*EACCES/),
        'gemini-cli added null',
      ]);
    });
  },
);

describe('the look whether it starts', () => {
  const program = fileURLToPath(new URL('../../bin/purser.js', import.meta.url));
  const direct = (env: Record<string, string> = {}): Launch => ({
    command: process.execPath,
    args: [program],
    env,
  });

  it('starts the server with nothing but the launch’s own PATH, and lists its tools', async () => {
    const env = { PURSER_HOME: scratch.home, XDG_CACHE_HOME: scratch.env()['XDG_CACHE_HOME']! };
    const check = await checkLaunch(machine(), direct(env));
    expect(check).toMatchObject({
      starts: true,
      tools: 7,
      wallet: { message: expect.stringContaining('no wallet') as string },
    });
  });

  it.each<[string, Launch, RegExp]>([
    ['is not there', { command: '/nowhere/env', args: [], env: {} }, /did not start \(ENOENT\)/],
    [
      'ends',
      { command: '/bin/sh', args: ['-c', 'echo no node here >&2; exit 127'], env: {} },
      /exit code 127.*no node here/,
    ],
  ])('says why where it %s', async (_what, bad, says) => {
    expect(await checkLaunch(machine(), bad)).toMatchObject({
      starts: false,
      said: expect.stringMatching(says) as string,
    });
  });

  it('does not wait for ever', async () => {
    const deaf = { command: '/bin/sh', args: ['-c', 'cat > /dev/null'], env: { PATH: '/usr/bin:/bin' } };
    expect(await checkLaunch(machine(), deaf, { msMax: 300 })).toEqual({
      starts: false,
      said: 'it did not answer in 0.3 s',
      hint: null,
    });
  });
});

const why = noTerminal();
describe.skipIf(why !== null)(`on a terminal${why === null ? '' : ` (skipped: ${why})`}`, () => {
  it('asks which clients, where the keys go, for limits and a factor, and says what to do next', async () => {
    mkdirSync(join(scratch.folder, '.cursor'));
    mkdirSync(join(scratch.folder, '.gemini'));
    const env = scratch.env({ PATH: '/usr/bin:/bin', DBUS_SESSION_BUS_ADDRESS: 'unix:path=/nowhere' });
    const person = openTerminal(['install', '--testnet', '--no-check'], env);
    await person.sees('1  Cursor');
    await person.sees('Enter for all');
    person.type('1\r');
    await person.sees('Keep its keys in a file instead');
    person.type('\r');
    await person.sees('Passphrase for the keystore');
    person.type(`${PASSPHRASE}\r`);
    await person.sees('The same again: ');
    person.type(`${PASSPHRASE}\r`);
    await person.sees('Change one?');
    person.type('y\r');
    await person.sees('limits.per_call_usd [0.50]: ');
    person.type('0.20\r');
    for (const key of ['session', 'day', 'month']) {
      await person.sees(`limits.per_${key}_usd`);
      person.type('\r');
    }
    await person.sees('Owner passphrase, not the one of the keystore');
    person.type('\r');
    await person.sees('A passkey instead');
    person.type('\r');
    await person.sees('Keep it there?');
    person.type('y\r');
    const { exit, screen } = await person.end();
    expect(exit).toBe(0);
    expect(screen).toContain('Fund it');
    expect(screen).not.toContain(PASSPHRASE);
    expect(statSync(join(scratch.home, 'passphrase')).mode & 0o777).toBe(0o600);
    const text = readFileSync(scratch.path('.cursor/mcp.json'), 'utf8');
    expect(text).toContain(join(scratch.home, 'passphrase'));
    expect(text).not.toContain(PASSPHRASE);
    expect(existsSync(scratch.path('.gemini/settings.json'))).toBe(false);
    expect(await scratch.json(['config', 'get', 'limits.per_call_usd'])).toMatchObject({ value: '0.20' });
  });

  it('Ctrl-C behind the making of the wallet says that the wallet is there', async () => {
    mkdirSync(join(scratch.folder, '.cursor'));
    const args = ['install', 'cursor', '--testnet', '--keystore', 'file', '--no-check'];
    const person = openTerminal(args, scratch.env({ PATH: '/usr/bin:/bin' }));
    await person.sees('Passphrase for the keystore');
    person.type(`${PASSPHRASE}\r`);
    await person.sees('The same again: ');
    person.type(`${PASSPHRASE}\r`);
    await person.sees('Change one?');
    person.type('\u0003');
    const { exit, screen } = await person.end();
    expect(exit).toBe(1);
    expect(screen.replace(/\s+/g, ' ')).toContain('The new wallet in ~/home stays; no client was changed.');
    expect(screen).not.toContain('nothing was changed');
    expect(existsSync(join(scratch.home, 'config.json'))).toBe(true);
    expect(existsSync(scratch.path('.cursor/mcp.json'))).toBe(false);
  });

  it('install asks for a missing passphrase again, takes a second try, and keeps it by Enter', async () => {
    await scratch.makeWallet();
    mkdirSync(join(scratch.folder, '.codex'));
    const env = scratch.env({ PATH: '/usr/bin:/bin' });
    const silent = await scratch.purser(['install', 'codex', '--yes', '--no-check'], { env });
    expect(silent.err).toMatch(/stays locked in clients.*install --passphrase-file FILE/);
    const person = openTerminal(['install', 'codex', '--no-check'], env);
    await person.sees('Keep it there? [Y/n]');
    person.type('\r');
    await person.sees('Unlock passphrase (it opens the keystore): ');
    person.type('wrong\r');
    await person.sees('does not open the keystore. Unlock passphrase, once more');
    person.type(`${PASSPHRASE}\r`);
    await person.sees('Will it run unattended?');
    person.type('y\r');
    const { exit, screen } = await person.end();
    expect(exit).toBe(0);
    expect(screen).toContain('default_tools_approval_mode = "approve"');
    expect(screen).toContain('It pays without asking you, within your limits');
    const kept = join(scratch.home, 'passphrase');
    expect(statSync(kept).mode & 0o777).toBe(0o600);
    expect(readFileSync(kept, 'utf8')).toBe(`${PASSPHRASE}\n`);
    expect(readFileSync(scratch.path('.codex/config.toml'), 'utf8')).toMatch(/required = true/);
    // The command line reads it as the clients do; what is the owner's alone does not.
    expect(await scratch.purser(['address'])).toMatchObject({ exit: 0, err: '' });
    expect(await scratch.purser(['config', 'set', 'limits.per_day_usd', '40'])).toMatchObject({ exit: 3 });
  });
});
