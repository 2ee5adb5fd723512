import { existsSync, mkdtempSync, readFileSync, rmSync, statSync, symlinkSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { StoreKeystore } from '../../src/keys/keystore.js';
import { parseEvmKey } from '../../src/keys/secret/secret.js';
import { addAgent } from '../../src/owner/ownerAgents.js';
import { setUpWallet } from '../../src/owner/setUp/setUp.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { runHere, type Run } from '../cli/program.js';
import { journalOf, signaturesIn } from '../support/books.js';
import { QuickStore } from '../support/quickStore.js';
import { ownerOf } from '../support/quickWallet.js';
import { TEST_PASSPHRASE } from '../support/testPassphrase.js';
import type { TestWallet } from '../support/testWallet.js';
import { startTestWorld, type TestWorld } from '../support/world.js';
import { envOf } from './crew.js';

let world: TestWorld;
let mine: TestWallet;
let wallet: Wallet;
let folder: string;

beforeAll(async () => {
  world = await startTestWorld();
  mine = await world.wallet();
  wallet = mine.open();
  folder = mkdtempSync(join(tmpdir(), 'purser-agents-'));
});
afterAll(async () => {
  rmSync(folder, { recursive: true, force: true });
  await world.stop();
});

const asAnyone = (...args: string[]): Promise<Run> => runHere(args, envOf(mine));
const asOwner = (...args: string[]): Promise<Run> =>
  asAnyone(...args, '--passphrase-file', mine.passphraseFile);
const jsonOf = ({ out }: Run): Record<string, unknown> => JSON.parse(out) as Record<string, unknown>;

describe('a token', () => {
  const owns = async (token: unknown): Promise<string | null> => wallet.agentOfToken(String(token));

  test.each(['add', 'rotate'])('of agents %s is shown once, or goes into a new file alone', async (act) => {
    const file = join(folder, `${act}.token`);
    const named = act === 'add' ? ['ann', 'ben'] : ['ann', 'ann'];
    const shown = jsonOf(await asOwner('agents', act, named[0] ?? '', '--json'));
    expect(await owns(shown['token'])).toBe('ann');
    const kept = await asOwner('agents', act, named[1] ?? '', '--token-file', file, '--json');
    expect(kept).toMatchObject({ exit: 0 });
    const token = readFileSync(file, 'utf8').trim();
    expect(await owns(token)).toBe(named[1]);
    expect(statSync(file).mode & 0o777).toBe(0o600);
    expect(kept.out + kept.err).not.toContain(token);
    expect(jsonOf(kept)).toMatchObject({ token_file: file });
    if (act === 'rotate') expect(await owns(shown['token'])).toBeNull();
    const listed = await asAnyone('agents', 'list', '--json');
    expect(listed.out).not.toContain(token);
    // A file that is there stays as it is, and the token that is good stays good.
    expect(await asOwner('agents', 'rotate', 'ann', '--token-file', file)).toMatchObject({ exit: 2 });
    expect(readFileSync(file, 'utf8').trim()).toBe(token);
    expect(await owns(token)).toBe(named[1]);
  });

  test('is written nowhere where it comes to open nothing, nor through a link', async () => {
    const [file, link, target] = ['taken', 'link', 'target'].map((name) => join(folder, name)) as [
      string,
      string,
      string,
    ];
    expect(await asOwner('agents', 'add', 'ann', '--token-file', file)).toMatchObject({ exit: 2 });
    expect(await asAnyone('agents', 'rotate', 'ann', '--token-file', file)).toMatchObject({ exit: 3 });
    symlinkSync(target, link);
    expect(await asOwner('agents', 'rotate', 'ann', '--token-file', link)).toMatchObject({ exit: 2 });
    expect([existsSync(file), existsSync(target)]).toEqual([false, false]);
  });
});

test.each([
  ['time', '["for=9d","limits.per_day_usd=1"]'],
  ['settings', '["for=7d","limits.per_day_usd=2"]'],
])('a template whose %s changed while its owner was asked makes nobody', async (_what, after) => {
  const set = (terms: string) => asOwner('config', 'set', 'templates.late.terms', terms);
  expect(await set('["for=7d","limits.per_day_usd=1"]')).toMatchObject({ exit: 0 });
  const changed = vi.fn(() => set(after));
  const passphrase = async (): Promise<string> => {
    if (changed.mock.calls.length === 0) expect(await changed()).toMatchObject({ exit: 0 });
    return TEST_PASSPHRASE;
  };
  const owner = { ...ownerOf(mine.home, TEST_PASSPHRASE), auth: { passphrase, atTerminal: false } };
  const deliver = vi.fn(() => Promise.resolve());
  await expect(addAgent(owner, 'late', deliver, { template: 'late' })).rejects.toMatchObject({
    code: 'owner_proof_needed',
  });
  expect(deliver).not.toHaveBeenCalled();
  expect(changed).toHaveBeenCalledOnce();
});

test('a template gives a new agent its settings and its time, which the owner alone prolongs', async () => {
  const set = (key: string, value: string) => asOwner('config', 'set', key, value);
  expect(await set('budgets.crawling.total_usd', '3')).toMatchObject({ exit: 0 });
  const terms = '["for=7d","budget=crawling","limits.per_day_usd=0.75"]';
  expect(await asAnyone('config', 'set', 'templates.crawler.terms', terms)).toMatchObject({ exit: 3 });
  expect(await set('templates.crawler.terms', terms)).toMatchObject({ exit: 0 });
  const add = ['agents', 'add', 'crawler-1', '--template', 'crawler'];
  expect(await asAnyone(...add)).toMatchObject({ exit: 3 });
  expect(await asOwner(...add, '--for', '8d')).toMatchObject({ exit: 2 });
  expect(await asOwner('agents', 'add', 'crawler-1', '--template', 'none-such')).toMatchObject({ exit: 2 });
  const made = jsonOf(await asOwner(...add, '--for', '8h', '--json'));
  expect(made).toMatchObject({ agent: 'crawler-1', template: 'crawler', state: 'active' });
  const until = Date.parse(String(made['until']));
  expect(Math.abs(until - Date.now() - 8 * 3_600_000)).toBeLessThan(300_000);
  expect(jsonOf(await asAnyone('agents', 'show', 'crawler-1', '--json'))).toMatchObject({
    limits: { 'agents.crawler-1.budget': 'crawling', 'agents.crawler-1.limits.per_day_usd': '0.75' },
  });
  // A template is what is given to new agents: who was made keeps what they have.
  expect(await set('templates.crawler.terms', 'none')).toMatchObject({ exit: 0 });
  expect((await asAnyone('agents', 'show', 'crawler-1')).out).toContain('agents.crawler-1.budget  crawling');
  const prolong = ['agents', 'prolong', 'crawler-1', '--for', '7d'];
  expect(await asAnyone(...prolong)).toMatchObject({ exit: 3 });
  const longer = jsonOf(await asOwner(...prolong, '--json'));
  expect(Date.parse(String(longer['until']))).toBe(until + 7 * 86_400_000);
  expect(await asOwner('agents', 'prolong', 'default', '--for', '7d')).toMatchObject({ exit: 2 });

  const { ledger } = await wallet.engine();
  const last = { act: 'add', index: 900, tokenHash: 'a'.repeat(64), untilMs: Date.now() + 1 } as const;
  await ledger.agents.change('brief', last, Date.now());
  await vi.waitFor(async () =>
    expect((await asAnyone('agents', 'show', 'brief')).out).toContain('brief is expired'),
  );
  const paid = await asAnyone('pay', world.url('/v2/json'), '--max-usd', '1', '--agent', 'brief');
  expect(paid).toMatchObject({ exit: 3 });
  expect(paid.out + paid.err).toMatch(/The time of the agent brief is over.*agents prolong brief --for/s);
});

test('a wallet of one imported key has one agent, and says what has more', async () => {
  const home = join(folder, 'imported');
  const options = ownerOf(home, TEST_PASSPHRASE);
  await new StoreKeystore(home, new QuickStore(home)).create(parseEvmKey(`0x${'5b'.repeat(32)}`));
  await setUpWallet({ ...options, keystore: 'file', testnet: true, secret: { kind: 'new' } });
  await expect(addAgent(options, 'ann', async () => undefined)).rejects.toMatchObject({
    code: 'bad_input',
    message: expect.stringMatching(/one imported key.*recovery phrase/) as unknown,
    owner: { action: { kind: 'setUp' } },
  });
});

describe('the owner', () => {
  test('sends an agent money from the first one’s address, and reads its balance though it is suspended', async () => {
    const before = await world.sandbox.chain.balanceOf(mine.address);
    const fund = ['agents', 'fund', 'ann', '--usd', '1.5', '--yes', '--passphrase-file', mine.passphraseFile];
    // Whichever agent the owner's shell names.
    const funded = await runHere(fund, { ...envOf(mine), PURSER_AGENT: 'ann' });
    expect(funded).toMatchObject({ exit: 0 });
    expect(before - (await world.sandbox.chain.balanceOf(mine.address))).toBe(1_500_000n);
    expect(await asAnyone('agents', 'suspend', 'ann')).toMatchObject({ exit: 0 });
    const entries = journalOf(mine.home).length;
    const read = await asAnyone('balance', '--agent', 'ann', '--json');
    expect(jsonOf(read)).toMatchObject({
      status: 'ok',
      agent: 'ann',
      agent_state: 'suspended',
      balances: [{ on_chain: '1.5', held: '0' }],
    });
    expect((await asAnyone('balance', '--agent', 'ann')).out).toContain('ann is suspended');
    expect(journalOf(mine.home)).toHaveLength(entries);
    const url = world.url('/v2/json');
    expect(await asAnyone('pay', url, '--max-usd', '1', '--agent', 'ann')).toMatchObject({ exit: 3 });
    expect(await asAnyone('balance', '--agent', 'nobody')).toMatchObject({ exit: 6 });
  });

  test('removes an agent, whose money comes back; anyone else only with it left where it is', async () => {
    const signed = signaturesIn(mine.home);
    const refused = await asAnyone('agents', 'remove', 'ann', '--json');
    expect([refused.exit, jsonOf(refused)]).toMatchObject([3, { code: 'owner_proof_needed', money: 'none' }]);
    expect(signaturesIn(mine.home)).toBe(signed);
    const removed = jsonOf(await asOwner('agents', 'remove', 'ann', '--json'));
    expect(removed).toMatchObject({
      state: 'removed',
      swept: [{ amount: '1.5', amount_atomic: '1500000', asset: 'USDC', to: mine.address }],
    });
    expect(await world.sandbox.chain.balanceOf(mine.address)).toBe(10_000_000n);
    const left = await asAnyone('agents', 'remove', 'ben', '--leave-money');
    expect(left).toMatchObject({ exit: 0, out: expect.stringContaining('ben is removed') as unknown });
  });
});
