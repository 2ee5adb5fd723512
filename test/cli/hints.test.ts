import { execFileSync } from 'node:child_process';
import {
  chmodSync,
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { setImmediate } from 'node:timers';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { runCli } from '../../src/cli/cli.js';
import { commands } from '../../src/cli/commands.js';
import { ownerCommand } from '../../src/cli/line/line.js';
import { fakeIo } from '../../src/cli/terminal/io.fixture.js';
import type { OwnerAction } from '../../src/errors/ownerAction.js';
import type { Run } from './program.js';
import { leaveLedgerAt } from '../support/aheadLedger.js';
import { makeQuickWallet } from '../support/quickWallet.js';

type Kind = OwnerAction['kind'];

const UNLOCKING = 'canary tortoise passphrase';
const FACTOR = 'the owner alone knows this one';
const BASE_SEPOLIA = 'eip155:84532';
const DEAD_RPC = 'http://127.0.0.1:9';
/** Takes away what stands on the terminal's line. */
const CLEAR_LINE = '\r\u001b[K';
/** Hints lead on to hints: first what to do, then with what proves the owner. */
const HOPS_MAX = 3;

let folder: string;
const files = { unlocking: '', factor: '' };
let made = 0;
/** A wallet that nobody has touched; each test has a copy: its making costs more than most commands. */
let untouched: string;

beforeAll(async () => {
  // Quotes and spaces: what is printed has to survive the shell.
  folder = join(mkdtempSync(join(tmpdir(), 'purser-hints-')), "Ann Lee's $HOME");
  mkdirSync(folder);
  files.unlocking = join(folder, 'unlocking');
  files.factor = join(folder, 'factor');
  writeFileSync(files.unlocking, UNLOCKING, { mode: 0o600 });
  writeFileSync(files.factor, FACTOR, { mode: 0o600 });
  untouched = join(folder, 'untouched');
  await makeQuickWallet(untouched, UNLOCKING);
  const { agent } = placeAt(untouched);
  await agent('config', 'set', `networks.${BASE_SEPOLIA}.rpc_url`, DEAD_RPC, ...unlocked());
});

afterAll(() => rmSync(join(folder, '..'), { recursive: true, force: true }));

/** One wallet and who acts on it. */
interface Place {
  readonly home: string;
  /** Runs a command as a program would: nobody types. */
  agent(...args: string[]): Promise<Run>;
  /** Runs a command as the owner does in a terminal: they type what they are asked for. */
  person(args: readonly string[]): Promise<Run>;
  path(name: string): string;
}

function makePlace({ empty = false } = {}): Place {
  const home = join(folder, `home ${(made += 1)}`);
  if (!empty) {
    cpSync(untouched, home, { recursive: true });
    chmodSync(home, 0o700);
  }
  return placeAt(home, { empty });
}

function placeAt(home: string, { empty = false } = {}): Place {
  const env = {
    PURSER_HOME: home,
    HOME: folder,
    ...(empty ? {} : { PURSER_PASSPHRASE_FILE: files.unlocking }),
  };
  return {
    home,
    path: (name) => join(home, '..', name),
    agent: async (...args) => {
      const io = { ...fakeIo({ env }), now: Date.now };
      io.typed.end();
      const exit = await runCli(args, io);
      return { exit, out: io.out(), err: io.err() };
    },
    person: async (args) => {
      const io = { ...fakeIo({ env, terminal: true }), now: Date.now };
      // Raw mode begins a question: what is written next is its words.
      let asks = false;
      io.typed.setRawMode = (raw) => void (asks = raw);
      const stderr = {
        ...io.stderr,
        write: (chunk: string | Uint8Array) => {
          io.stderr.write(chunk);
          const text = Buffer.from(chunk as Uint8Array).toString();
          // On a slow machine a line that says that the command goes on is taken away first.
          if (!asks || text === CLEAR_LINE) return;
          asks = false;
          const answer = answerTo(text);
          setImmediate(() => io.typed.write(`${answer}\n`));
        },
      };
      const exit = await runCli(args, { ...io, stderr });
      return { exit, out: io.out(), err: io.err() };
    },
  };
}

const unlocked = (): string[] => ['--passphrase-file', files.unlocking];

let typedLast = '';

/** What the owner types. */
function answerTo(question: string): string {
  if (question !== 'The same again: ') typedLast = firstAnswerTo(question);
  return typedLast;
}

function firstAnswerTo(question: string): string {
  if (/owner passphrase.*: $/i.test(question)) return FACTOR;
  if (/passphrase.*: $/i.test(question)) return UNLOCKING;
  if (/recovery phrase.*: $/i.test(question)) return phrase;
  if (question.startsWith('Choose 1 or 2')) return '2';
  return question.endsWith('[y/N] ') ? 'y' : '';
}

let phrase = '';

/** The last command that a run printed, of those with these words, with its blanks filled in. */
function hintIn(
  { out, err }: Run,
  { blanks = {}, says = '' }: Partial<Pick<Hint, 'blanks' | 'says'>> = {},
): string | null {
  const printed = [...`${out}\n${err}`.matchAll(/Run: (.*)$/gm)]
    .map(([, command]) => command ?? '')
    .findLast((command) => command.includes(says));
  if (printed === undefined) return null;
  const known = {
    '--factor-file FILE': `--factor-file ${sh(files.factor)}`,
    '--passphrase-file FILE': `--passphrase-file ${sh(files.unlocking)}`,
    ...blanks,
  };
  return Object.entries(known).reduce((text, [blank, value]) => text.replace(blank, value), printed);
}

function sh(word: string): string {
  return `'${word.replaceAll("'", `'\\''`)}'`;
}

/** The arguments that a real shell hands to the program. */
function argumentsOf(command: string): string[] {
  const program = `npx() { shift 2; printf '%s\\0' "$@"; }; purser() { printf '%s\\0' "$@"; }`;
  return execFileSync('bash', ['--norc', '-c', `${program}; ${command}`], { encoding: 'utf8' })
    .split('\0')
    .slice(0, -1);
}

/** Does what a hint says, and what the one that this leads to says, until something is no refusal any more. */
async function follow(place: Place, hint: string): Promise<Run> {
  let command = hint;
  for (let hop = 1; ; hop++) {
    const run = await place.person(argumentsOf(command));
    const next = hintIn(run);
    // Another command's hint is of another state.
    if (run.exit === 0 || next === null || !isSame(command, next) || hop === HOPS_MAX) return run;
    command = next;
  }
}

function isSame(one: string, other: string): boolean {
  const [first, second] = [one, other].map((command) => argumentsOf(command).slice(0, 4).join(' '));
  return first === second;
}

/** The words of a command line that the table of commands does not know; a missing argument is one too. */
function unknownIn(line: readonly string[]): string[] {
  const row = commands.find(({ name }) => line.join(' ').startsWith(name));
  if (row === undefined) return [...line];
  const rest = line.slice(row.name.split(' ').length);
  const unknown: string[] = [];
  let given = 0;
  for (let i = 0; i < rest.length; i++) {
    const word = rest[i] ?? '';
    const flag = row.flags?.find(({ flags }) => new RegExp(`${word}(?= |$)`).test(flags));
    if (!word.startsWith('--')) given += 1;
    else if (flag === undefined) unknown.push(word);
    else if (flag.flags.includes('<')) i += 1;
  }
  const args = row.args ?? [];
  const required = args.filter(({ name }) => name.startsWith('<')).length;
  const most = args.some(({ name }) => name.includes('...')) ? Infinity : args.length;
  return given < required || given > most ? [...unknown, `${given} arguments`] : unknown;
}

test('the check of a command line by the table finds what the table does not have', () => {
  expect(unknownIn(['config', 'put', 'a', '1'])).not.toEqual([]);
  expect(unknownIn(['reconcile', '--wait'])).toEqual(['--wait']);
  expect(unknownIn(['factor', 'remove'])).toEqual(['0 arguments']);
  expect(unknownIn(['fund', '--agent', 'bob', '--wait'])).toEqual([]);
});

/** A state in which the product prints a hint of this kind, and what following it comes to. */
interface Hint {
  /** Ends with a run that prints the hint. */
  readonly when: (place: Place) => Promise<Run>;
  /** The words that its command begins with. */
  readonly says: string;
  readonly blanks?: Readonly<Record<string, string>>;
  /** Throws unless the state is mended. */
  readonly mends?: (place: Place, first: Run) => Promise<void>;
  /** Where following it ends for want of money, of a network or of hardware: what is said then. */
  readonly until?: RegExp;
  readonly empty?: boolean;
}

const again =
  (expected: number, ...args: string[]) =>
  async (place: Place): Promise<void> => {
    const run = await place.agent(...args);
    expect(run.exit, run.err).toBe(expected);
  };

const addBob = (place: Place): Promise<Run> =>
  place.agent('agents', 'add', 'bob', '--token-file', place.path(`token ${made}`), ...unlocked());

/** Every kind, so that a new one does not compile before it has its state here. */
const HINTS: Readonly<Record<Kind, Hint | { readonly onlyParses: OwnerAction; readonly why: string }>> = {
  setUp: {
    empty: true,
    when: (place) => place.agent('limits'),
    says: 'init',
    mends: again(0, 'config', 'get'),
  },
  restoreWallet: {
    when: async (place) => {
      const { out } = await place.person(['backup']);
      const [, ...lines] = out.split('\n');
      phrase = [...lines.join('\n').matchAll(/\d+ ([a-z]+)/g)].map(([, word]) => word).join(' ');
      rmSync(join(place.home, 'keystore.json'));
      return place.agent('init', '--yes', '--keystore', 'file', '--testnet', '--offline', ...unlocked());
    },
    says: 'init --restore-stdin',
    // The keys are back; what the ledger holds is proved by the chain.
    until: /The keystore remembers no ledger.*Run: .* ledger rebuild/s,
    mends: (place) => Promise.resolve(expect(existsSync(join(place.home, 'keystore.json'))).toBe(true)),
  },
  setSetting: {
    when: (place) => place.agent('config', 'set', 'limits.per_call_usd', '6', ...unlocked()),
    says: 'config set ceilings.per_call_usd 6.00',
    mends: async (place) => again(0, 'config', 'set', 'limits.per_call_usd', '6', ...unlocked())(place),
  },
  chooseSetting: {
    when: (place) => place.agent('config', 'add', 'limits.per_day_usd', '3', ...unlocked()),
    says: 'config set limits.per_day_usd',
    blanks: { VALUE: '3.00' },
    mends: async (place) => {
      expect((await place.agent('config', 'get', 'limits.per_day_usd')).out).toContain('3.00');
    },
  },
  addToSetting: {
    when: (place) => place.agent('quote', 'http://127.0.0.1:9/paid'),
    says: 'config add net.allow_private 127.0.0.1:9',
    mends: async (place) => {
      const run = await place.agent('quote', 'http://127.0.0.1:9/paid', '--json');
      expect(JSON.parse(run.out)).toMatchObject({ code: 'unreachable' });
    },
  },
  removeFromSetting: {
    when: async (place) => {
      await place.agent('config', 'add', 'hosts.deny', 'dear.example');
      return place.agent('config', 'remove', 'hosts.deny', 'dear.example');
    },
    says: 'config remove hosts.deny dear.example --passphrase-file',
    mends: async (place) => {
      expect((await place.agent('config', 'get', 'hosts.deny')).out).not.toContain('dear.example');
    },
  },
  addBudget: {
    onlyParses: { kind: 'addBudget', name: 'research', perMonthUsd: '100', parent: 'company' },
    why: 'a new budget only narrows, so nobody is asked for a factor',
  },
  setBudget: {
    when: async (place) => {
      await place.agent('budgets', 'add', 'research', '--per-month', '10', ...unlocked());
      return place.agent('budgets', 'set', 'research', '--per-month', '20');
    },
    says: 'budgets set research --per-month 20',
    mends: async (place) => {
      expect((await place.agent('budgets')).out).toMatch(/research +30 days +20\.00/);
    },
  },
  moveBudget: {
    when: async (place) => {
      await place.agent('budgets', 'add', 'other', '--per-month', '10', ...unlocked());
      await place.agent('budgets', 'move', '--agent', 'default', '--to', 'other', ...unlocked());
      return place.agent('budgets', 'move', '--agent', 'default', '--to', 'none');
    },
    says: 'budgets move --agent default --to none',
    mends: async (place) => {
      expect((await place.agent('budgets')).out).not.toContain('Agents in');
    },
  },
  removeBudget: {
    when: async (place) => {
      await place.agent('budgets', 'add', 'spare', '--total', '1', '--until', '2099-01-31', ...unlocked());
      return place.agent('budgets', 'remove', 'spare');
    },
    says: 'budgets remove spare',
    mends: async (place) => {
      expect((await place.agent('budgets')).out).not.toContain('spare');
    },
  },
  acceptConfig: {
    when: (place) => {
      const file = join(place.home, 'config.json');
      writeFileSync(
        file,
        readFileSync(file, 'utf8').replace('"per_call_usd": "0.50"', '"per_call_usd": "0.40"'),
      );
      return place.agent('limits');
    },
    says: 'config accept',
    mends: again(0, 'limits'),
  },
  applyPolicy: {
    when: async (place) => {
      const file = place.path(`policy ${made}.json`);
      const { out } = await place.agent('policy', 'export');
      writeFileSync(file, out.replace('"limits.per_day_usd": "5.00"', '"limits.per_day_usd": "6.00"'));
      return place.agent('policy', 'apply', file);
    },
    says: 'policy apply',
    mends: async (place) => {
      expect((await place.agent('config', 'get', 'limits.per_day_usd')).out).toContain('6.00');
    },
  },
  addFactor: {
    when: (place) => place.agent('factor', 'add', 'passphrase', ...unlocked()),
    says: 'factor add passphrase --factor-file',
    mends: async (place) => {
      expect((await place.agent('factor', 'list')).out).toContain('passphrase');
    },
  },
  confirmProposal: {
    onlyParses: { kind: 'confirmProposal', id: 'prp_0123456789abcdef0123' },
    why: 'it takes two owners; the quorum’s own test has them',
  },
  setQuorum: { onlyParses: { kind: 'setQuorum', owners: 2 }, why: 'it takes two owners, as above' },
  listFactors: { onlyParses: { kind: 'listFactors' }, why: 'a stored factor has to be damaged' },
  removeFactor: {
    when: async (place) => {
      await place.person(['factor', 'add', 'passphrase']);
      const { factors } = JSON.parse((await place.agent('factor', 'list', '--json')).out) as {
        factors: readonly { readonly id: string }[];
      };
      return place.agent('factor', 'remove', factors[0]?.id ?? '');
    },
    says: 'factor remove fac_',
    mends: async (place) => {
      expect((await place.agent('factor', 'list')).out).toContain('no factor');
    },
  },
  unfreeze: {
    when: async (place) => {
      await place.agent('freeze');
      return place.agent('unfreeze');
    },
    says: 'unfreeze --passphrase-file',
    mends: async (place) => {
      expect((await place.agent('balance', '--json')).out).toContain('"frozen": false');
    },
  },
  endPause: {
    when: (place) => place.agent('pauses', 'end', 'seller.example:8443'),
    says: 'pauses end seller.example:8443 --passphrase-file',
    // A pause needs a seller that cheated; that the owner is asked for and believed is what can be seen here.
    until: /No seller by that name is paused/,
  },
  approve: {
    onlyParses: { kind: 'approve', id: 'apv_0123456789abcdef0123' },
    why: 'a question needs a seller; the webhook’s own test has one',
  },
  addChannel: {
    when: (place) => place.agent('notify', 'add', 'screen', '--kind', 'desktop'),
    says: 'notify add screen --kind desktop --passphrase-file',
    mends: async (place) => {
      expect((await place.agent('notify')).out).toContain('the desktop of this machine');
    },
  },
  removeChannel: {
    when: async (place) => {
      await place.agent('notify', 'add', 'screen', '--kind', 'desktop', ...unlocked());
      return place.agent('notify', 'remove', 'screen');
    },
    says: 'notify remove screen --passphrase-file',
    mends: async (place) => {
      expect((await place.agent('notify')).out).toContain('No channels yet');
    },
  },
  addAdminClient: {
    when: (place) => place.agent('admin', 'add', 'ops', '--role', 'viewer'),
    says: 'admin add ops --role viewer --days 90 --passphrase-file',
    mends: async (place) => {
      expect((await place.agent('admin')).out).toContain('ops  viewer');
    },
  },
  removeAdminClient: {
    onlyParses: { kind: 'removeAdminClient', name: 'ops' },
    why: 'whoever can open the keys may take a client away',
  },
  openApprovals: { onlyParses: { kind: 'openApprovals' }, why: 'it serves a page until it is interrupted' },
  fund: { onlyParses: { kind: 'fund', agent: 'bob', network: BASE_SEPOLIA }, why: 'it waits for money' },
  showAddress: {
    onlyParses: { kind: 'showAddress', network: BASE_SEPOLIA },
    why: 'it needs a chain to say so',
  },
  checkUp: { onlyParses: { kind: 'checkUp' }, why: 'the keystore has to be locked' },
  withdraw: {
    when: (place) =>
      place.agent(
        ...['withdraw', '--to', '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed', '--usd', '1', '--yes'],
        ...['--asset', 'USDC', '--include-held', '--agent', 'default'],
      ),
    says: 'withdraw --to 0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed --usd 1 --asset USDC --include-held --agent default',
    until: /RPC|does not answer/,
  },
  setAllowance: {
    onlyParses: { kind: 'setAllowance', network: 'eip155:84532', asset: 'USDC', usd: '5', agent: 'default' },
    why: 'a transaction needs a chain, see test/rails/permit2',
  },
  reconcile: { onlyParses: { kind: 'reconcile' }, why: 'a payment that stays open needs a chain' },
  audit: { onlyParses: { kind: 'audit' }, why: 'the ledger has to be damaged' },
  rebuildLedger: {
    when: (place) => {
      rmSync(join(place.home, 'purser.db'));
      return place.agent('balance');
    },
    says: 'ledger rebuild',
    until: /frozen|RPC/,
  },
  rebaseLedger: {
    when: async (place) => {
      await leaveLedgerAt(place.home, UNLOCKING, Date.now() + 48 * 3_600_000);
      return place.agent('doctor');
    },
    says: 'ledger rebase',
    // The true time has to be known for that, and no RPC answers here.
    until: /The true time could not be had/,
  },
  restoreLedger: {
    when: async (place) => {
      const copy = place.path(`copy ${made}.db`);
      await place.agent('ledger', 'backup', copy);
      return place.agent('ledger', 'restore', copy);
    },
    says: 'ledger restore',
    until: /frozen|RPC/,
  },
  moveLedger: {
    when: (place) => place.agent('ledger', 'move', '--to', 'postgres://purser@127.0.0.1:9/wallets'),
    says: 'ledger move --to',
    until: /database cannot be asked/,
  },
  listAgents: {
    when: (place) => place.agent('balance', '--agent', 'nobody'),
    says: 'agents list',
    mends: again(0, 'agents'),
  },
  addAgent: {
    when: (place) => place.agent('agents', 'add', 'ann'),
    says: 'agents add ann --passphrase-file',
    mends: async (place) => {
      expect((await place.agent('agents')).out).toContain('ann');
    },
  },
  resumeAgent: {
    when: async (place) => {
      await addBob(place);
      await place.agent('agents', 'suspend', 'bob');
      return place.agent('pay', 'https://seller.example/', '--max-usd', '1', '--agent', 'bob');
    },
    says: 'agents resume bob',
    mends: async (place) => {
      expect((await place.agent('agents', 'show', 'bob', '--json')).out).toContain('"active"');
    },
  },
  prolongAgent: {
    when: async (place) => {
      await place.agent('agents', 'add', 'tim', '--for', '1h', ...unlocked());
      return place.agent('agents', 'prolong', 'tim', '--for', '7d');
    },
    says: 'agents prolong tim --for 7d --passphrase-file',
    mends: async (place) => {
      expect((await place.agent('agents', 'show', 'tim')).out).toContain('Until');
    },
  },
  rotateAgent: {
    when: async (place) => {
      await addBob(place);
      return place.agent('agents', 'rotate', 'bob');
    },
    says: 'agents rotate bob --passphrase-file',
    mends: again(0, 'agents'),
  },
  sweepAgent: {
    when: async (place) => {
      await addBob(place);
      return place.agent('agents', 'sweep', 'bob', '--yes');
    },
    says: 'agents sweep bob',
    until: /RPC|does not answer/,
  },
  removeAgent: {
    when: async (place) => {
      await addBob(place);
      return place.agent('agents', 'remove', 'bob');
    },
    says: 'agents remove bob',
    until: /RPC|does not answer/,
  },
  fundAgent: {
    when: async (place) => {
      await addBob(place);
      return place.agent('agents', 'fund', 'bob', '--usd', '1.50', '--yes');
    },
    says: 'agents fund bob --usd 1.50',
    until: /RPC|does not answer/,
  },
  showRecoveryPhrase: {
    when: (place) => place.agent('backup'),
    says: 'backup',
    // The words that it asks for are on the owner's paper.
    until: /doctor reminds you/,
  },
  syncCatalogs: {
    when: async (place) => {
      await place.agent('config', 'set', 'discovery.sources', `["${DEAD_RPC}/list"]`, ...unlocked());
      return place.agent('doctor');
    },
    says: 'catalog sync',
    until: /./,
  },
  installClient: {
    onlyParses: { kind: 'installClient', clients: ['zed'] },
    why: 'it starts the client’s server',
  },
  changePassphrase: { onlyParses: { kind: 'changePassphrase' }, why: 'the owner gives the new one' },
  connectLightning: {
    onlyParses: { kind: 'connectLightning' },
    why: 'the owner pastes what reaches their wallet',
  },
  countLightning: {
    onlyParses: { kind: 'countLightning', id: 'pay_0123456789abcdef0123' },
    why: 'a Lightning wallet has to be gone',
  },
  closeChannel: {
    onlyParses: { kind: 'closeChannel', id: 'ent_0123456789abcdef0123' },
    why: 'a seller has to have taken a deposit',
  },
  cancelCommitment: {
    onlyParses: { kind: 'cancelCommitment', id: 'pay_0123456789abcdef0123' },
    why: 'an agent has to have subscribed',
  },
  uninstallClient: {
    onlyParses: { kind: 'uninstallClient', client: 'zed' },
    why: 'a client has to start it',
  },
  pinClients: { onlyParses: { kind: 'pinClients' }, why: 'a client has to start another version' },
  takeNewest: { onlyParses: { kind: 'takeNewest' }, why: 'there has to be a newer version' },
};

for (const [kind, hint] of Object.entries(HINTS) as [Kind, (typeof HINTS)[Kind]][]) {
  if ('onlyParses' in hint) {
    test(`${kind}: its command is one that there is (${hint.why})`, () => {
      const place = { env: { PURSER_HOME: folder }, platform: 'linux', version: '1.2.3' } as const;
      const words = argumentsOf(ownerCommand(hint.onlyParses, place));
      if (kind === 'takeNewest') words.unshift('--home', folder);
      const [, , ...line] = words;
      expect(unknownIn(line)).toEqual([]);
    });
    continue;
  }
  test(`${kind}: its command, as a shell reads it, does what the hint says`, async () => {
    const place = makePlace({ empty: hint.empty === true });
    const first = await hint.when(place);
    const printed = hintIn(first, hint);
    expect(printed, `${first.out}\n${first.err}`).not.toBeNull();
    const last = await follow(place, printed ?? '');
    if (hint.until === undefined) expect(last.exit, `${last.out}\n${last.err}`).toBe(0);
    else expect(`${last.out}\n${last.err}`).toMatch(hint.until);
    await hint.mends?.(place, first);
  });
}
