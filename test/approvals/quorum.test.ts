import { chmodSync, cpSync, existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeAll, beforeEach, afterAll, expect, test } from 'vitest';
import Database from 'better-sqlite3';
import { runCli } from '../../src/cli/cli.js';
import { fakeIo } from '../../src/cli/terminal/io.fixture.js';
import { readConfigUnauthenticated } from '../../src/config/configFile.js';
import { StoreKeystore } from '../../src/keys/keystore.js';
import { addPassphrase, listFactors, removeFactor } from '../../src/owner/auth/ownerFactors.js';
import { forgetFactor, rememberFactors } from '../../src/owner/auth/factorMemory.js';
import { storedFactor } from '../../src/owner/auth/ownerFactor.js';
import { unlockAsAnyone, type OwnerOptions } from '../../src/owner/auth/ownerAuth.js';
import { rebuildLedger } from '../../src/owner/ledger/ledgerCare.js';
import { addAgent, resumeAgent, suspendAgent } from '../../src/owner/ownerAgents.js';
import { addAdminClient } from '../../src/owner/adminClients.js';
import { acceptConfigEdit, changeConfig, withLedger } from '../../src/owner/ownerConfig.js';
import { freezeWallet, unfreezeWallet } from '../../src/owner/ownerFreeze.js';
import { endPauses } from '../../src/owner/ownerPauses.js';
import { openActs } from '../../src/owner/ownerActs.js';
import { openSettings } from '../../src/owner/ownerSettings.js';
import {
  findProposal,
  listOwnersEntries,
  readOwners,
  setQuorum,
  withdrawProposal,
} from '../../src/owner/owners.js';
import { markBackedUp } from '../../src/owner/setUp/backedUp.js';
import { setUpWallet } from '../../src/owner/setUp/setUp.js';
import { pageActs } from '../../src/treasury/pageActs.js';
import { Engine } from '../../src/wallet/engine.js';
import { QuickStore } from '../support/quickStore.js';
import { makeQuickWallet } from '../support/quickWallet.js';
import { quickFactorOf } from './owner.js';

const UNLOCKING = 'what every agent can read';
const PASSPHRASES = {
  owner: 'the first owner says yes',
  bob: 'bob says yes to it too',
  carol: 'carol as well says yes',
};
type Person = keyof typeof PASSPHRASES;

let folder: string;
let untouched: string;
let home: string;
let aheadMs = 0;
let made = 0;

beforeAll(async () => {
  folder = mkdtempSync(join(tmpdir(), 'purser-quorum-'));
  untouched = join(folder, 'untouched');
  await makeQuickWallet(untouched, UNLOCKING);
  home = untouched;
  const keys = await unlockAsAnyone(as('owner'));
  await withLedger(as('owner'), keys, async (ledger) => {
    for (const [at, name] of (['owner', 'bob'] as const).entries()) {
      const named = { id: `fac_${String(at).padStart(20, '0')}`, label: `${name}’s own` };
      const factor = quickFactorOf(PASSPHRASES[name], name === 'owner' ? named : { ...named, owner: name });
      const [first] = await ledger.factors.list();
      const use =
        first === undefined
          ? null
          : { id: first.id, before: first.record, record: first.record, clearsTries: null };
      await ledger.factors.add(storedFactor(factor), use, Date.now());
    }
    await rememberFactors(keys, ledger);
  });
  await expect(setQuorum(as('owner'), 2)).rejects.toMatchObject({
    owner: { action: { kind: 'showRecoveryPhrase' } },
  });
  await markBackedUp(home, Date.now());
  await setQuorum(as('owner'), 2);
});
afterAll(() => rmSync(folder, { recursive: true, force: true }));
beforeEach(() => {
  aheadMs = 0;
  home = join(folder, `home ${(made += 1)}`);
  cpSync(untouched, home, { recursive: true });
  chmodSync(home, 0o700);
});
afterEach(() => rmSync(home, { recursive: true, force: true }));

function as(person: Person | null): OwnerOptions {
  const passphrase = (): Promise<string> => Promise.resolve(UNLOCKING);
  const factor = (): Promise<string | null> => Promise.resolve(person === null ? null : PASSPHRASES[person]);
  const auth = { passphrase, atTerminal: true, factor };
  return { home, now: () => Date.now() + aheadMs, passphrase, auth };
}

const WAITS = { code: 'second_owner_needed' };
const raise = (person: Person, usd = '6.00') => changeConfig(as(person), 'limits.per_day_usd', usd);
const perDay = (): bigint => readConfigUnauthenticated(home).limits.perDayUsdMicros;
const acts = async () =>
  (await listOwnersEntries(as(null), 9)).map(({ act, by }) =>
    [act, ...by.map(({ owner }) => owner)].join(' '),
  );

/** Copies what the wallet's folder has of the ledger, and gives the way to put it back. */
function keepLedger(): () => void {
  const kept = join(folder, `kept ${made}`);
  cpSync(home, kept, { recursive: true });
  return () => {
    for (const name of ['purser.db', 'purser.db-wal', 'purser.db-shm']) {
      rmSync(join(home, name), { force: true });
      if (existsSync(join(kept, name))) cpSync(join(kept, name), join(home, name));
    }
  };
}

test('what one owner loosens waits for another one, is done once, and the journal names both', async () => {
  const before = perDay();
  await expect(raise('owner')).rejects.toMatchObject(WAITS);
  await expect(raise('owner')).rejects.toMatchObject(WAITS);
  expect(perDay()).toBe(before);
  expect(await readOwners(as(null))).toMatchObject({
    quorum: 2,
    owners: [{ name: 'owner' }, { name: 'bob' }],
    proposals: [{ by: { owner: 'owner' }, what: 'Set limits.per_day_usd, which loosens the wallet' }],
  });
  // Another amount is another act, and to tighten waits for nobody.
  await expect(raise('bob', '7.00')).rejects.toMatchObject(WAITS);
  await changeConfig(as(null), 'limits.per_call_usd', '0.10');
  expect(await raise('bob')).toMatchObject({ after: '6.00' });
  expect(perDay()).toBe(6_000_000n);
  expect(await acts()).toEqual([
    'allowed owner bob',
    'proposed bob',
    'proposed owner',
    'quorum owner',
    'allowed owner',
  ]);
});

test('what would be shown otherwise by now is not what was proposed', async () => {
  await expect(raise('owner')).rejects.toMatchObject(WAITS);
  await changeConfig(as(null), 'limits.per_day_usd', '1.00');
  await expect(raise('bob')).rejects.toMatchObject(WAITS);
  expect(perDay()).toBe(1_000_000n);
  expect((await readOwners(as(null))).proposals).toHaveLength(2);
});

test('to unfreeze, to let an agent act, to make one, and who may use the admin API take two', async () => {
  await expect(
    addAgent(as('owner'), 'ada', () => Promise.resolve(), { forMs: 3_600_000 }),
  ).rejects.toMatchObject(WAITS);
  // Its end is counted from another moment by now.
  aheadMs = 5_000;
  let token = '';
  const deliver = async (given: string): Promise<void> => Promise.resolve(void (token = given));
  expect(await addAgent(as('bob'), 'ada', deliver, { forMs: 3_600_000 })).toMatchObject({ state: 'active' });
  expect(token).not.toBe('');
  await suspendAgent(as(null), 'ada');
  await expect(resumeAgent(as('bob'), 'ada')).rejects.toMatchObject(WAITS);
  expect(await resumeAgent(as('owner'), 'ada')).toMatchObject({ changed: true });
  const client = { name: 'ops', role: 'operator', days: 5 };
  await expect(addAdminClient(as('owner'), client, deliver)).rejects.toMatchObject(WAITS);
  const [asked] = (await readOwners(as(null))).proposals;
  expect(JSON.parse(asked?.action ?? '')).toMatchObject({ kind: 'addAdminClient', days: 5 });
  // The day has changed by now.
  aheadMs = 23 * 3_600_000;
  expect(await addAdminClient(as('bob'), client, deliver)).toMatchObject({ name: 'ops' });

  await expect(unfreezeWallet(as('owner'))).rejects.toMatchObject(WAITS);
  // Whoever froze it meanwhile did not know of that proposal.
  await freezeWallet(as(null));
  await expect(unfreezeWallet(as('bob'))).rejects.toMatchObject(WAITS);
  expect(await unfreezeWallet(as('owner'))).toBe(true);
});

test('an owner is no second one by another factor of theirs, and none is added or removed by one alone', async () => {
  const mine = { label: 'mine, too', owner: 'owner' };
  const given = (): Promise<string> => Promise.resolve(PASSPHRASES.carol);
  await expect(addPassphrase(as('owner'), given, mine)).rejects.toMatchObject(WAITS);
  expect(await addPassphrase(as('bob'), given, mine)).toMatchObject({ owner: 'owner' });
  await expect(raise('owner')).rejects.toMatchObject(WAITS);
  await expect(raise('carol')).rejects.toMatchObject(WAITS);
  const [, bobs] = await listFactors(as(null));
  await expect(removeFactor(as('owner'), bobs?.id ?? '')).rejects.toMatchObject(WAITS);
  // Nobody removes what leaves fewer owners than it takes.
  await expect(removeFactor(as('bob'), bobs?.id ?? '')).rejects.toMatchObject({ code: 'bad_input' });
  expect(await listFactors(as(null))).toHaveLength(3);
  await expect(
    addPassphrase(as('owner'), () => Promise.resolve(PASSPHRASES.bob), { owner: 'dan' }),
  ).rejects.toMatchObject(WAITS);
  await expect(
    addPassphrase(as('bob'), () => Promise.resolve(PASSPHRASES.bob), { owner: 'dan' }),
  ).rejects.toMatchObject({ code: 'bad_input' });
});

test('to need fewer owners takes as many as before; a wallet with one owner needs one', async () => {
  await expect(setQuorum(as('bob'), 1)).rejects.toMatchObject(WAITS);
  await expect(setQuorum(as('bob'), 3)).rejects.toMatchObject({ code: 'bad_input' });
  expect((await readOwners(as(null))).quorum).toBe(2);
  await setQuorum(as('owner'), 1);
  expect(await raise('bob')).toMatchObject({ after: '6.00' });
  const [, bobs] = await listFactors(as(null));
  await removeFactor(as('owner'), bobs?.id ?? '');
  await expect(setQuorum(as('owner'), 2)).rejects.toMatchObject({ code: 'bad_input' });
});

test('a keystore of another machine learns that the owners lowered the quorum, and takes no older ledger for that', async () => {
  const anchor = join(home, 'keystore-anchor.json');
  const putBack = keepLedger();
  await expect(setQuorum(as('bob'), 1)).rejects.toMatchObject(WAITS);
  const elsewhere = readFileSync(anchor);
  await setQuorum(as('owner'), 1);
  writeFileSync(anchor, elsewhere);
  expect(await raise('bob')).toMatchObject({ after: '6.00' });
  expect(readFileSync(anchor, 'utf8')).not.toContain('quorum');
  putBack();
  await expect(raise('bob', '7.00')).rejects.toMatchObject({ code: 'ledger_older' });
});

test('a process that looked before the quorum was raised has the keystore forget nothing of it', async () => {
  await expect(setQuorum(as('bob'), 1)).rejects.toMatchObject(WAITS);
  await setQuorum(as('owner'), 1);
  const keys = await unlockAsAnyone(as('owner'));
  await withLedger(as('owner'), keys, async (ledger) => {
    // So there is something to remember anew.
    await forgetFactor(keys, 'fac_00000000000000000001');
    const late: typeof keys = Object.create(keys, {
      changeFactors: {
        value: async (change: Parameters<typeof keys.changeFactors>[0]) => {
          await setQuorum(as('owner'), 2);
          await keys.changeFactors(change);
        },
      },
    }) as typeof keys;
    await rememberFactors(late, ledger);
  });
  expect(await keys.readFactors()).toContain('{"kind":"quorum","owners":2}');
});

test('what breaks off between the second word and the act is left undone, and takes both words anew', async () => {
  const deliver = (): Promise<void> => Promise.reject(new Error('the process ends here'));
  await expect(addAgent(as('owner'), 'ada', deliver)).rejects.toMatchObject(WAITS);
  await expect(addAgent(as('bob'), 'ada', deliver)).rejects.toThrow('the process ends here');
  expect((await readOwners(as(null))).proposals).toEqual([]);
  await expect(addAgent(as('bob'), 'ada', deliver)).rejects.toMatchObject(WAITS);
});

test('a proposal is over after a day, and withdrawn by whoever can unlock the keys', async () => {
  await expect(raise('owner')).rejects.toMatchObject(WAITS);
  aheadMs = 24 * 3_600_000 + 60_000;
  await expect(raise('bob')).rejects.toMatchObject(WAITS);
  const [left] = (await readOwners(as(null))).proposals;
  expect(left).toMatchObject({ by: { owner: 'bob' } });
  await withdrawProposal(as(null), left?.id ?? '');
  await expect(findProposal(as(null), left?.id ?? '')).rejects.toMatchObject({ code: 'not_found' });
  await expect(raise('owner')).rejects.toMatchObject(WAITS);
});

test('an older copy of the ledger, with a proposal that was confirmed since, confirms nothing', async () => {
  await expect(raise('owner')).rejects.toMatchObject(WAITS);
  const putBack = keepLedger();
  await raise('bob');
  await changeConfig(as(null), 'limits.per_day_usd', '5.00');
  putBack();
  await expect(raise('bob')).rejects.toMatchObject({ code: 'ledger_older' });
});

test('a proposal that was edited in the database stops the wallet, and so does a quorum', async () => {
  await expect(raise('owner')).rejects.toMatchObject(WAITS);
  const edit = (key: string, from: string, to: string): void => {
    const db = new Database(join(home, 'purser.db'));
    const changed = db
      .prepare(`UPDATE register SET entries = replace(entries, ?, ?) WHERE entries LIKE ?`)
      .run(from, to, `%${key}%`).changes;
    db.close();
    expect(changed).toBe(1);
  };
  edit('proposals', '\\"owner\\"', '\\"bob\\"');
  await expect(raise('owner')).rejects.toMatchObject({ code: 'ledger_damaged' });
  edit('proposals', '\\"bob\\"', '\\"owner\\"');
  edit('quorum', '"quorum":"2"', '"quorum":"1"');
  await expect(raise('owner')).rejects.toMatchObject({ code: 'ledger_damaged' });
});

test('a folder whose ledger or config is made anew needs two owners all the same', async () => {
  for (const name of ['purser.db', 'purser.db-wal', 'purser.db-shm'])
    rmSync(join(home, name), { force: true });
  // One owner has it rebuilt, which frees nothing; the owners and their quorum come back with it.
  expect(await rebuildLedger(as('bob'))).toMatchObject({ state: 'waiting' });
  expect(await readOwners(as(null))).toMatchObject({
    quorum: 2,
    owners: [{ name: 'owner' }, { name: 'bob' }],
  });
  await expect(raise('bob')).rejects.toMatchObject(WAITS);

  const again = (person: Person) =>
    setUpWallet({ ...as(person), keystore: 'file', testnet: true, secret: { kind: 'new' } });
  for (const name of ['config.json', 'config.accepted.json']) rmSync(join(home, name));
  await expect(again('owner')).rejects.toMatchObject(WAITS);
  for (const name of ['purser.db', 'purser.db-wal', 'purser.db-shm'])
    rmSync(join(home, name), { force: true });
  await expect(again('owner')).rejects.toMatchObject(WAITS);
});

test('one owner who rebuilds a lost ledger brings no older config back with it, and lets no agent act again', async () => {
  await suspendAgent(as(null), 'default');
  const older = readFileSync(join(home, 'config.json'));
  await changeConfig(as(null), 'limits.per_day_usd', '1.00');
  writeFileSync(join(home, 'config.json'), older);
  for (const name of ['purser.db', 'purser.db-wal', 'purser.db-shm'])
    rmSync(join(home, name), { force: true });
  expect(await rebuildLedger(as('bob'))).toMatchObject({ state: 'waiting', suspended: ['default'] });
  await expect(resumeAgent(as('bob'), 'default')).rejects.toMatchObject(WAITS);
  await expect(changeConfig(as(null), 'limits.per_call_usd', '0.10')).rejects.toMatchObject({
    code: 'config_stale',
  });
  const accept = (person: Person) => acceptConfigEdit(as(person), () => Promise.resolve(true));
  await expect(accept('bob')).rejects.toMatchObject(WAITS);
  expect(await accept('owner')).not.toBeNull();
  // It went on: to have it finished asks for nothing more.
  await rebuildLedger(as('bob'));
  await changeConfig(as(null), 'limits.per_call_usd', '0.10');
});

test('a keystore whose memory of the quorum was edited or taken out is not believed', async () => {
  const file = join(home, 'keystore-anchor.json');
  const text = readFileSync(file, 'utf8');
  expect(text).toContain('{"kind":"quorum","owners":2}');
  writeFileSync(file, text.replace(',{"kind":"quorum","owners":2}', ''));
  await expect(raise('owner')).rejects.toMatchObject({ code: 'keystore_unreadable' });
});

test('two owners say yes on two faces: a terminal and a page', async () => {
  const keys = await new StoreKeystore(home, new QuickStore(home, UNLOCKING)).unlock();
  const engine = await Engine.openWith(
    { ...as(null), version: '0.0.0-test', env: {}, platform: 'linux', ownerCommand: () => '' },
    keys,
  );
  try {
    const { ledger } = engine;
    const configMac = (data: string): Uint8Array => keys.mac('config', data);
    const settings = openSettings({ home, ledger, configMac, now: Date.now, remember: () => undefined });
    const proof = (person: Person) => ({ kind: 'passphrase', passphrase: PASSPHRASES[person] }) as const;
    const shown = settings.review('limits.per_day_usd', '6.00');
    await expect(settings.apply(shown, shown.digest, null)).rejects.toMatchObject({ code: 'factor_needed' });
    await expect(settings.apply(shown, shown.digest, proof('owner'))).rejects.toMatchObject(WAITS);
    await expect(settings.apply(shown, shown.digest, proof('owner'))).rejects.toMatchObject(WAITS);
    expect(await raise('bob')).toMatchObject({ after: '6.00' });

    const book = openActs(ledger, Date.now, pageActs(engine, new AbortController().signal));
    await freezeWallet(as(null));
    await expect(unfreezeWallet(as('bob'))).rejects.toMatchObject(WAITS);
    const order = { kind: 'unfreeze', subject: '' } as const;
    const review = await book.review(order);
    await expect(book.apply(order, review.digest, proof('bob'))).rejects.toMatchObject(WAITS);
    expect((await ledger.head()).frozen).toBe(true);
    await book.apply(order, review.digest, proof('owner'));
    expect((await ledger.head()).frozen).toBe(false);

    const pause = { kind: 'end_pause', subject: 'https://shop.example' } as const;
    const ending = await book.review(pause);
    await expect(book.apply(pause, ending.digest, proof('bob'))).rejects.toMatchObject(WAITS);
    expect(await endPauses(as('owner'), pause.subject)).toEqual([]);
  } finally {
    await engine.close();
  }
});

/** The program as owners run it, each with a file of their own. */
function startRuns() {
  const files = Object.fromEntries(
    Object.entries({ ...PASSPHRASES, unlocking: UNLOCKING }).map(([name, text]) => {
      const file = join(folder, name);
      writeFileSync(file, text, { mode: 0o600 });
      return [name, file];
    }),
  ) as Record<Person | 'unlocking', string>;
  const run = async (...args: string[]) => {
    const io = { ...fakeIo({ env: { PURSER_HOME: home, HOME: folder } }), now: Date.now };
    io.typed.end();
    const exit = await runCli([...args, '--passphrase-file', files.unlocking], io);
    return { exit, out: io.out(), err: io.err() };
  };
  return { files, run };
}

const idIn = (text: string): string => /prp_[0-9a-f]{20}/.exec(text)?.[0] ?? '';

test('the command line proposes, shows, confirms by its id what was proposed and nothing else, and logs who', async () => {
  const { files, run } = startRuns();
  const proposed = await run('config', 'set', 'limits.per_day_usd', '6.00', '--factor-file', files.owner);
  expect(proposed).toMatchObject({ exit: 4 });
  const id = idIn(proposed.err);
  expect(proposed.err).toContain('bob confirms it');
  expect(proposed.err).toContain(`owners confirm ${id}`);
  expect((await run('owners')).out).toContain('A loosening needs 2 owners; 2 have a factor.');
  const shown = await run('owners', 'show', id);
  expect(shown.out).toContain('limits.per_day_usd');
  expect(await run('owners', 'confirm', id, '--factor-file', files.owner)).toMatchObject({ exit: 4 });
  // The wallet changed: what the command would do is not what was proposed, and is not proposed in its place.
  await run('config', 'set', 'limits.per_day_usd', '1.00');
  expect(await run('owners', 'confirm', id, '--factor-file', files.bob)).toMatchObject({ exit: 3 });
  expect((await readOwners(as(null))).proposals).toHaveLength(1);
  await run('config', 'set', 'limits.per_day_usd', '2.00', '--factor-file', files.owner);
  const [, next] = (await readOwners(as(null))).proposals;
  expect(await run('owners', 'confirm', next?.id ?? '', '--factor-file', files.bob)).toMatchObject({
    exit: 0,
  });
  expect(perDay()).toBe(2_000_000n);
  expect((await run('owners', 'log')).out).toContain(
    'owner (owner’s own) and bob (bob’s own): Set limits.per_day_usd',
  );
  expect(await run('owners', 'withdraw', id)).toMatchObject({ exit: 0 });
  expect((await run('factor')).out).toContain('bob');
});

test('a withdrawal is confirmed by its id with all that was said of it', async () => {
  const { files, run } = startRuns();
  // A network that there is not: what the owners allowed ends before anybody is asked for money.
  const to = '0x5aAeb6053F3E94C9b9A09f33669435E7Ef1BeAed';
  const order = ['withdraw', '--to', to, '--usd', '1', '--network', 'eip155:424242', '--yes'];
  const plain = await run(...order, '--factor-file', files.owner);
  const again = await run(...order, '--repeat', '--factor-file', files.owner);
  expect([plain.exit, again.exit]).toEqual([4, 4]);
  expect(idIn(again.err)).not.toBe(idIn(plain.err));
  expect((await run('owners', 'show', idIn(again.err))).out).toMatch(/withdraw --to .* --repeat/);
  const confirmed = await run('owners', 'confirm', idIn(again.err), '--yes', '--factor-file', files.bob);
  expect(confirmed.err).toContain('eip155:424242');
  const [last] = await listOwnersEntries(as(null), 1);
  expect(last).toMatchObject({ act: 'allowed', by: [{ owner: 'owner' }, { owner: 'bob' }] });
  expect((await readOwners(as(null))).proposals.map(({ id }) => id)).toEqual([idIn(plain.err)]);
});

test('what moves between agents is confirmed with what was said of it, and is another act without', async () => {
  const { files, run } = startRuns();
  const fund = (...more: string[]) => run('agents', 'fund', 'ada', '--usd', '1', '--yes', ...more);
  const network = ['--network', 'eip155:424242'];
  const first = await fund(...network, '--factor-file', files.owner);
  expect(await fund(...network, '--repeat', '--factor-file', files.bob)).toMatchObject({ exit: 4 });
  expect((await run('owners', 'show', idIn(first.err))).out).toContain('--network eip155:424242');
  expect(
    await run('agents', 'sweep', 'ada', '--yes', '--include-held', '--factor-file', files.bob),
  ).toMatchObject({
    exit: 4,
  });
  expect((await readOwners(as(null))).proposals.map(({ details }) => details.join())).toEqual([
    expect.stringContaining('From the agent: default,Network: eip155:424242'),
    expect.stringContaining('Sends again'),
    expect.stringContaining(
      'From the agent: ada,Network: whichever has the money,Coin: USDC, or the one that is there,Also money that is held',
    ),
  ]);
});

test('a new passphrase is given by who confirms it, and the proposal says so', async () => {
  const { files, run } = startRuns();
  const add = (...more: string[]) => run('factor', 'add', 'passphrase', '--owner', 'dan', ...more);
  const proposed = await add('--current-factor-file', files.owner);
  expect(proposed).toMatchObject({ exit: 4 });
  expect(proposed.err).toContain(
    'bob gives the same command, and the new passphrase to it: so let the owner confirm it whose passphrase it will be',
  );
  const confirm = ['owners', 'confirm', idIn(proposed.err), '--factor-file', files.bob];
  expect(await run(...confirm, '--new-factor-file', files.carol)).toMatchObject({ exit: 0 });
  expect((await run('factor')).out).toContain('dan');
  // By the very command, too.
  writeFileSync(files.carol, 'and one more that nobody has', { mode: 0o600 });
  expect((await add('--current-factor-file', files.owner)).exit).toBe(4);
  expect(await add('--factor-file', files.carol, '--current-factor-file', files.bob)).toMatchObject({
    exit: 0,
  });
  expect((await readOwners(as(null))).owners[2]?.factors).toHaveLength(2);
});

test('a channel, whose secret no proposal holds, is added by the same command', async () => {
  const { files, run } = startRuns();
  const add = (file: string) =>
    run('notify', 'add', 'hook', '--kind', 'webhook', '--url', 'http://127.0.0.1:9/x', '--factor-file', file);
  const proposed = await add(files.owner);
  expect(proposed).toMatchObject({ exit: 4 });
  expect(proposed.err).toContain('bob gives the same command, with all that was given to it');
  const refused = await run('owners', 'confirm', idIn(proposed.err), '--factor-file', files.bob);
  expect(refused).toMatchObject({ exit: 2 });
  expect(refused.err).toContain('give the command that was given first');
  expect(await add(files.bob)).toMatchObject({ exit: 0 });
});
