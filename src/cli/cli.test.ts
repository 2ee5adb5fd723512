import { describe, expect, it } from 'vitest';
import { runCli } from './cli.js';
import { commands } from './commands.js';
import { fakeIo } from './terminal/io.fixture.js';

async function run(argv: string[], terminal = false) {
  const io = fakeIo({ terminal, env: { PURSER_HOME: '/nonexistent/purser-home' } });
  const exit = await runCli(argv, io);
  return { exit, out: io.out(), err: io.err() };
}

const ESCAPE = '\u001b';

describe('help', () => {
  it('says of every group of commands what it is for', async () => {
    const { out } = await run(['--help']);
    const groups = new Set(commands.flatMap(({ name }) => (name.includes(' ') ? [name.split(' ')[0]] : [])));
    expect(groups.size).toBeGreaterThan(5);
    for (const group of groups) expect(out).toMatch(new RegExp(`^ {2}${group} {2,}\\S`, 'm'));
  });

  it.each([[[]], [['--help']], [['-h']], [['help']]])('lists every command for %j', async (argv) => {
    const { exit, out, err } = await run(argv);
    expect({ exit, err }).toEqual({ exit: 0, err: '' });
    for (const { name } of commands) expect(out).toContain(name.split(' ')[0]);
  });

  it.each(commands.map((row) => [row.name, row] as const))(
    'of %s explains every argument and flag, and gives an example',
    async (name, row) => {
      const { exit, out } = await run([...name.split(' '), '--help']);
      expect(exit).toBe(0);
      const flat = out.replace(/\s+/g, ' ');
      expect(flat).toContain(row.summary);
      for (const { name: argument, summary: doc } of row.args ?? []) {
        expect(flat).toContain(argument.replace(/[<>[\]]/g, ''));
        expect(flat).toContain(doc);
      }
      for (const { flags, summary } of row.flags ?? []) {
        expect(flat).toContain(flags.replace('...', ''));
        expect(flat).toContain(summary);
      }
      for (const example of row.examples) expect(out).toContain(`npx -y purser-mcp@1.2.3 ${example}`);
      expect(row.examples.length).toBeGreaterThan(0);
    },
  );

  it('of config set lists every key of the table', async () => {
    const { out } = await run(['config', 'set', '--help']);
    const { describeKeys } = await import('../config/change.js');
    for (const { key, doc } of describeKeys()) {
      expect(out).toContain(key);
      expect(out).toContain(doc);
    }
  });

  it('has colours on a terminal only, and none where NO_COLOR is set', async () => {
    expect((await run(['--help'], true)).out).toContain(ESCAPE);
    expect((await run(['--help'])).out).not.toContain(ESCAPE);
    const io = fakeIo({ terminal: true, env: { NO_COLOR: '1' } });
    await runCli(['--help'], io);
    expect(io.out()).not.toContain(ESCAPE);
  });
});

it('prints the version alone', async () => {
  expect(await run(['--version'])).toEqual({ exit: 0, out: '1.2.3\n', err: '' });
});

describe('a command line that cannot be read', () => {
  it.each([
    [['frobnicate'], /unknown command/i],
    [['balanc'], /did you mean balance/i],
    [['config'], /usage: npx -y purser-mcp@1\.2\.3 config/i],
    [['config', 'frob'], /unknown command/i],
    [['address', 'extra'], /too many arguments/i],
    [['address', '--frob'], /unknown option/i],
    [['quote'], /missing required argument 'url'/i],
    [['pay'], /--quote ID/],
    [['pay', 'https://x.example'], /--max-usd/],
    [['ledger', '--limit', 'x'], /--limit must be a whole number/],
    [['ledger', '--json', '--csv'], /not both/],
    [['init', '--keystore', 'paper', '--yes'], /keychain or file/],
    [['init'], /needs --yes/],
  ])('%j is told on stderr with exit code 2', async (argv, says) => {
    const { exit, out, err } = await run(argv);
    expect({ exit, told: says.test(argv.includes('--json') ? out : err) }).toEqual({ exit: 2, told: true });
  });

  it('is JSON on stdout where JSON was asked for', async () => {
    const { exit, out, err } = await run(['address', '--frob', '--json']);
    expect({ exit, err }).toEqual({ exit: 2, err: '' });
    expect(JSON.parse(out)).toMatchObject({
      status: 'failed',
      code: 'bad_input',
      money: 'none',
      retry: 'never',
    });
  });

  it('never brings a control character of an argument to the terminal (T27)', async () => {
    const { err } = await run([`x${ESCAPE}[2J\u202E`]);
    expect(err).toContain('x[2J');
    expect(err).not.toContain(ESCAPE);
    expect(err).not.toContain('\u202E');
  });
});

describe('before any wallet was made', () => {
  const reading = [
    ['address'],
    ['balance'],
    ['limits'],
    ['ledger'],
    ['ledger', 'show', 'pay_1'],
    ['config', 'get'],
  ];
  it.each([...reading, ['freeze'], ['unfreeze'], ['reconcile'], ['audit'], ['quote', 'https://x.example']])(
    '%s %s %s says what the owner has to run, with exit code 6',
    async (...words) => {
      const argv = words.filter((word) => word !== undefined);
      const told = await run(argv);
      expect(told.exit).toBe(6);
      expect(told.err).toMatch(/There is no wallet .*init/s);
      const asJson = await run([...argv, '--json']);
      expect(asJson.exit).toBe(6);
      expect(JSON.parse(asJson.out)).toMatchObject({
        code: 'not_set_up',
        money: 'none',
        retry: 'after_owner',
      });
    },
  );
});
