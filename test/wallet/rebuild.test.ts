import { copyFileSync, existsSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { SOLANA_DEVNET } from '../../sandbox/solana/chain.ts';
import { TEMPO_TESTNET } from '../../sandbox/tempo/chain.ts';
import { startSandbox, type Sandbox, type TempoWorld } from '../../sandbox/world.ts';
import { findNetwork } from '../../src/money/network.js';
import { compareWithChain } from '../../src/owner/ledger/chainAudit.js';
import { backupLedger, rebuildLedger, restoreLedger } from '../../src/owner/ledger/ledgerCare.js';
import type { CapScope } from '../../src/money/cap.js';
import { capLine } from '../../src/ledger/sqlite/fixtures.js';
import type { OwnerOptions } from '../../src/owner/auth/ownerAuth.js';
import { unfreezeWallet } from '../../src/owner/ownerFreeze.js';
import { StoreKeystore } from '../../src/keys/keystore.js';
import { changeConfig } from '../../src/owner/ownerConfig.js';
import { lookForMoney } from '../../src/treasury/foundMoney.js';
import { addAgent, listAgents, rotateToken, suspendAgent } from '../../src/owner/ownerAgents.js';
import { setUpWallet } from '../../src/owner/setUp/setUp.js';
import { checkClock } from '../../src/wallet/clock/clockCheck.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { withdraw } from '../../src/treasury/withdraw.js';
import { QuickStore } from '../support/quickStore.js';
import { TEST_PASSPHRASE } from '../support/testPassphrase.js';
import { attemptsIn } from '../support/books.js';
import { Patience } from '../support/patience.js';
import { anyCall, createTestWallet, type TestWallet } from '../support/testWallet.js';

/** An authorization's longest life and the margin of the rebuilding, with some to spare. */
const WAIT_SEC = 700;

let sandbox: Sandbox;
let test1: TestWallet;
/** How far chains and wallets are ahead of the machine: more with each test, for a chain that was reverted falls behind. */
let aheadMs = 0;
/** A chain of Tempo, once a test started one: nothing is paid there, and its time goes on all the same. */
let tempo: TempoWorld | undefined;
const patience = new Patience();

beforeAll(async () => {
  sandbox = await startSandbox();
});
afterAll(() => sandbox.stop());
beforeEach(async () => {
  test1 = await createTestWallet(sandbox, undefined, { now });
});
afterEach(() => test1.remove());

function now(): number {
  return Date.now() + aheadMs;
}

function owner(): OwnerOptions {
  const passphrase = async (): Promise<string> => TEST_PASSPHRASE;
  return { home: test1.home, now, passphrase, auth: { passphrase, atTerminal: false } };
}

function file(name: string): string {
  return join(test1.home, name);
}

function removeLedger(): void {
  for (const suffix of ['', '-wal', '-shm']) rmSync(file(`purser.db${suffix}`), { force: true });
}

async function pay(
  path: string,
  { agent = 'default', ...bound }: { agent?: string; timeout_ms?: number } = {},
) {
  const wallet = test1.open({ now, agent });
  const outcome = await wallet.pay(
    { url: `${sandbox.shop.url}${path}`, max_usd: '0.05', ...bound },
    anyCall(),
  );
  await wallet.close();
  return outcome;
}

async function later(): Promise<void> {
  await sandbox.chain.increaseTime(WAIT_SEC);
  await sandbox.chain.mine(3);
  sandbox.solana.increaseTime(WAIT_SEC);
  await tempo?.chain.increaseTime(WAIT_SEC);
  aheadMs += WAIT_SEC * 1000;
}

async function sessionUsed(): Promise<{ day: bigint; findings: unknown[] }> {
  const wallet = test1.open({ now });
  const engine = await wallet.engine();
  const [day = 0n] = await engine.ledger.usage([capLine()], now());
  const { findings } = await engine.ledger.audit();
  const compared = await compareWithChain(await engine.config(), engine.keys, engine.ledger, now());
  await wallet.close();
  return { day, findings: [...findings, ...compared.findings] };
}

/** What counts against lines of hosts and categories, and in the session that the agent has at its next call. */
async function usedOf(hosts: readonly string[], categories: readonly string[], agent = 'default') {
  const wallet = test1.open({ now });
  const engine = await wallet.engine();
  const { ledger } = engine;
  await checkClock(engine, await engine.config());
  const { id: sessionId } = await ledger.touchSession(agent, now());
  const used = (...scopes: CapScope[]): Promise<bigint[]> =>
    ledger.usage(
      scopes.map((scope) => capLine({ scope, windowSec: scope.kind === 'session' ? null : 86_400 })),
      now(),
    );
  const session = { kind: 'session', agent, sessionId } as const;
  const found = {
    hosts: await used(...hosts.map((host) => ({ kind: 'host', host }) as const)),
    categories: await used(...categories.map((category) => ({ kind: 'category', category }) as const)),
    session: (await used(session))[0],
    categoriesOfSession: await used(...categories.map((category) => ({ ...session, category }))),
  };
  await wallet.close();
  return found;
}

describe('a ledger that was deleted', () => {
  test('stops signing until it is rebuilt, and the caps then count what the chain shows', async () => {
    expect(await pay('/v2/json?n=1')).toMatchObject({ code: 'paid' });
    expect(await patience.measure(() => pay('/v1/json?n=2'))).toMatchObject({ code: 'paid' });
    // Sent, not settled yet: it settles after the ledger is gone.
    expect(await patience.lose((bound) => pay('/v2/text?fault=hang_settles_later&n=3', bound))).toMatchObject(
      { money: 'unknown' },
    );
    removeLedger();
    const signed = sandbox.shop.payments().length;
    expect(await pay('/v2/json?n=4')).toMatchObject({ code: 'ledger_missing', money: 'none' });

    expect(await rebuildLedger(owner())).toMatchObject({ state: 'waiting', imported: 0 });
    expect(await pay('/v2/json?n=5')).toMatchObject({ code: 'frozen', money: 'none' });
    await expect(unfreezeWallet(owner())).rejects.toMatchObject({ code: 'ledger_rebuilding' });
    await sandbox.shop.releasePending();
    expect(sandbox.shop.payments().length).toBe(signed);

    await later();
    expect(await rebuildLedger(owner())).toMatchObject({ state: 'done', imported: 3 });
    expect(await sessionUsed()).toEqual({ day: 30_000n, findings: [] });
    expect(await usedOf(['a.example.com', 'b.example.com:443'], ['maps'])).toEqual({
      hosts: [30_000n, 30_000n],
      categories: [30_000n],
      session: 30_000n,
      categoriesOfSession: [30_000n],
    });
    await later();
    await later();
    await later();
    // The session that the lost one may have been ends as any does; windows go on by the chain's time.
    expect(await usedOf([], ['maps'])).toMatchObject({
      categories: [30_000n],
      session: 0n,
      categoriesOfSession: [0n],
    });
    await expect(rebuildLedger(owner())).resolves.toMatchObject({ state: 'sound' });
  });
});

describe('a ledger of two chains and three agents that was deleted', () => {
  test('comes back from both: each payment at its agent, on its network, under every cap line', async () => {
    const solana = findNetwork(SOLANA_DEVNET)!;
    await test1.set('networks.enabled', JSON.stringify(['eip155:84532', SOLANA_DEVNET]));
    for (const name of ['ada', 'bob']) await addAgent(owner(), name, async () => Promise.resolve());
    const engine = await test1.open({ now }).engine();
    const paid: string[][] = [];
    for (const [i, agent] of ['default', 'ada', 'bob'].entries()) {
      const onBase = await engine.keys.evmAddress(i);
      const onSolana = await engine.forAgent(agent).addressOn(solana);
      if (i > 0) await sandbox.chain.fund(onBase, 1_000_000n);
      await sandbox.solana.fund(onSolana, 1_000_000n);
      for (const [chain, network, from] of [
        ['base', 'eip155:84532', onBase],
        ['solana', SOLANA_DEVNET, onSolana],
      ] as const) {
        const bought = await pay(`/v2/json?n=2${i}&chain=${chain}`, { agent });
        expect(bought).toMatchObject({ code: 'paid', payment: { network } });
        paid.push([agent, network, from]);
      }
    }
    await engine.close();
    removeLedger();
    expect(await rebuildLedger(owner())).toMatchObject({ state: 'waiting' });
    await later();
    expect(await rebuildLedger(owner())).toMatchObject({ state: 'done', imported: 6 });
    const { ledger } = await test1.open({ now }).engine();
    const rows = await attemptsIn({ ledger });
    expect(rows.map(({ agent, network, payFrom }) => [agent, network, payFrom]).sort()).toEqual(paid.sort());
    const lines = ['default', 'ada', 'bob'].map((agent) => capLine({ scope: { kind: 'agent', agent } }));
    expect(await ledger.usage(lines, now())).toEqual([20_000n, 20_000n, 20_000n]);
    expect(await sessionUsed()).toEqual({ day: 60_000n, findings: [] });
    expect(await usedOf(['a.example.com'], ['maps'])).toMatchObject({
      hosts: [60_000n],
      categories: [60_000n],
    });
    // Each agent's session is its own.
    for (const agent of ['default', 'ada', 'bob'])
      expect(await usedOf([], ['maps'], agent)).toMatchObject({
        session: 20_000n,
        categoriesOfSession: [20_000n],
      });
  });
});

describe('an older copy', () => {
  test('stops signing, and a rebuilding adds what it lacks', async () => {
    expect(await pay('/v2/json?n=1')).toMatchObject({ code: 'paid' });
    await backupLedger(owner(), file('copy.db'));
    await expect(backupLedger(owner(), file('copy.db'))).rejects.toMatchObject({ code: 'bad_input' });
    expect(await pay('/v2/json?n=2')).toMatchObject({ code: 'paid' });
    // A further wallet renews the keystore's checkpoint as it opens.
    await (await test1.open({ now }).engine()).close();
    removeLedger();
    copyFileSync(file('copy.db'), file('purser.db'));
    expect(await pay('/v2/json?n=3')).toMatchObject({ code: 'ledger_older', money: 'none' });

    expect(await rebuildLedger(owner())).toMatchObject({ state: 'waiting', keptAs: null });
    await later();
    expect(await rebuildLedger(owner())).toMatchObject({ state: 'done', imported: 1 });
    expect(await sessionUsed()).toEqual({ day: 20_000n, findings: [] });
  });
});

test('limits that were tightened are not undone by putting back config and ledger from before', async () => {
  await backupLedger(owner(), file('copy.db'));
  copyFileSync(file('config.json'), file('copy.json'));
  await changeConfig(owner(), 'limits.per_day_usd', '0.02');
  removeLedger();
  copyFileSync(file('copy.db'), file('purser.db'));
  copyFileSync(file('copy.json'), file('config.json'));
  expect(await pay('/v2/json?n=4')).toMatchObject({ code: 'ledger_older', money: 'none' });
});

describe('restore', () => {
  test('puts a backup in place of a damaged ledger and counts what came after it', async () => {
    expect(await pay('/v2/json?n=1')).toMatchObject({ code: 'paid' });
    await backupLedger(owner(), file('copy.db'));
    expect(await pay('/v2/json?n=2')).toMatchObject({ code: 'paid' });
    await expect(restoreLedger(owner(), file('nothing.db'))).rejects.toMatchObject({ code: 'not_found' });
    expect(await restoreLedger(owner(), file('copy.db'))).toMatchObject({ state: 'waiting' });
    expect(existsSync(file('purser.db.replaced'))).toBe(true);
    await later();
    expect(await rebuildLedger(owner())).toMatchObject({ state: 'done', imported: 1 });
    expect(await sessionUsed()).toEqual({ day: 20_000n, findings: [] });
  });
});

test('a rebuild takes for captured what the copy has released, and the chain shows', async () => {
  const lost = await patience.lose((bound) => pay('/v2/text?fault=hang_settles_later&n=61', bound));
  expect(lost).toMatchObject({ money: 'unknown' });
  const wallet = test1.open({ now });
  const { ledger } = await wallet.engine();
  const [open] = await attemptsIn({ ledger });
  await ledger.release(open?.id ?? '', 'expired_unused', now());
  await wallet.close();
  await backupLedger(owner(), file('copy.db'));
  await sandbox.shop.releasePending();
  expect(await restoreLedger(owner(), file('copy.db'))).toMatchObject({ state: 'waiting' });
  await later();
  expect(await rebuildLedger(owner())).toMatchObject({
    state: 'done',
    imported: 0,
    recaptured: 1,
    notes: [],
  });
  expect(await sessionUsed()).toEqual({ day: 10_000n, findings: [] });
});

describe('the comparison with the chain', () => {
  test('holds for what was paid, and leaves a claim that nothing proved yet to the reconciler', async () => {
    expect(await pay('/v2/json?n=1')).toMatchObject({ code: 'paid' });
    expect((await sessionUsed()).findings).toEqual([]);
    // A false receipt, taken at its word until the proof is in.
    expect(await pay('/v2/json?fault=false_receipt&n=2')).toMatchObject({ code: 'paid' });
    const wallet = test1.open({ now });
    const engine = await wallet.engine();
    const [claimed] = (await engine.ledger.listPayments({ state: 'captured' }, 1, null)).payments;
    expect(claimed).toMatchObject({ confirmed: false });
    expect((await sessionUsed()).findings).toEqual([]);
  });
});

describe('several agents', () => {
  const AGENTS = ['default', 'ada', 'bob'];
  const DOLLAR = 1_000_000n;
  const add = (name: string, options = owner()) => addAgent(options, name, async () => undefined);

  /** What counts for each agent and for the wallet, and what audit and chain say of it. */
  async function booksOf(wallet: Wallet) {
    const engine = await wallet.engine();
    const { ledger, keys } = engine;
    const lines = AGENTS.map((agent) => capLine({ scope: { kind: 'agent', agent } }));
    const used = await ledger.usage([...lines, capLine()], now());
    const audit = await ledger.audit();
    const compared = await compareWithChain(await engine.config(), keys, ledger, now());
    await wallet.close();
    const findings = [...audit.findings, ...compared.findings];
    return { used, withdrawals: audit.withdrawals, compared: compared.compared, findings };
  }

  const books = { used: [10_000n, 20_000n, 10_000n, 40_000n], withdrawals: 1, compared: 5, findings: [] };
  const rpcUrls = async () => {
    tempo = await sandbox.addTempo();
    await tempo.chain.increaseTime(Math.ceil(aheadMs / 1000));
    return {
      'eip155:84532': sandbox.rpcUrl,
      [SOLANA_DEVNET]: sandbox.solanaRpcUrl,
      [TEMPO_TESTNET]: tempo.rpc.url,
    };
  };

  /** Two agents beside the first one; one has its money from the first, which spends nothing. All of them buy. */
  async function buyAsAll() {
    const [ada, bob] = [await add('ada'), await add('bob')];
    await sandbox.chain.fund(bob.address, DOLLAR);
    const wallet = test1.open({ now });
    const engine = await wallet.engine();
    const funds = { to: ada.address, usdMicros: DOLLAR, takesHeld: false };
    const sent = await withdraw(engine, funds, async () => true, anyCall().signal);
    expect(sent?.withdrawal).toMatchObject({ confirmed: true });
    for (const [n, agent] of ['default', 'ada', 'ada', 'bob'].entries()) {
      const url = `${sandbox.shop.url}/v2/json?several=${n}`;
      const outcome = await wallet.forAgent(agent).pay({ url, max_usd: '0.05' }, anyCall());
      expect(outcome).toMatchObject({ code: 'paid' });
    }
    expect(await booksOf(wallet)).toEqual(books);
    return { ada, bob, secret: engine.keys.revealSecret() };
  }

  test('keep their addresses and what they spent where the ledger is lost, and where the config is', async () => {
    const { ada, bob } = await buyAsAll();
    removeLedger();
    expect(await rebuildLedger(owner())).toMatchObject({ state: 'waiting' });
    await later();
    expect(await rebuildLedger(owner())).toMatchObject({ state: 'done', imported: 5 });
    expect((await listAgents(owner())).map(({ name, state }) => [name, state])).toEqual([
      ['default', 'active'],
      ['ada', 'lost'],
      ['bob', 'lost'],
    ]);
    expect(await pay('/v2/json?several=5', { agent: 'ada' })).toMatchObject({ code: 'agent_unknown' });
    expect((await add('bob')).address).toBe(bob.address);
    expect((await add('ada')).address).toBe(ada.address);
    // Now the ledger alone knows whose keys are whose.
    rmSync(file('config.json'));
    const making = { keystore: 'file', testnet: true, rpcUrls: await rpcUrls() } as const;
    await setUpWallet({ ...owner(), ...making, secret: { kind: 'new' } });
    expect(await booksOf(test1.open({ now }))).toEqual(books);
    expect((await add('carl')).index).toBe(3);
  });

  test('come back on an empty machine in the order they were added in, and what they spent once it is rebuilt', async () => {
    const { ada, bob, secret } = await buyAsAll();
    const home = file('restored');
    const restored = { ...owner(), home };
    await new StoreKeystore(home, new QuickStore(home)).create(secret);
    const making = { keystore: 'file', testnet: true, rpcUrls: await rpcUrls() } as const;
    const made = await setUpWallet({ ...restored, ...making, secret: { kind: 'new' } });
    const { found } = await lookForMoney(made.config, made.keys, now());
    expect(found.map(({ index, address }) => [index, address]).sort()).toEqual([
      [0, test1.address],
      [1, ada.address],
      [2, bob.address],
    ]);
    expect((await add('ada', restored)).address).toBe(ada.address);
    expect((await add('bob', restored)).address).toBe(bob.address);
    const unknown = await booksOf(test1.open({ now, home }));
    expect(unknown).toMatchObject({ used: [0n, 0n, 0n, 0n], compared: 5 });
    expect(unknown.findings).toHaveLength(5);
    expect(await rebuildLedger(restored)).toMatchObject({ state: 'waiting', suspended: [] });
    await later();
    expect(await rebuildLedger(restored)).toMatchObject({ state: 'done', imported: 5 });
    expect(await booksOf(test1.open({ now, home }))).toEqual(books);
    expect(await rebuildLedger(restored)).toMatchObject({ state: 'sound' });
  });

  test('count what a copy has as held only: it was signed and paid a moment later', async () => {
    expect(await pay('/v2/json?several=7')).toMatchObject({ code: 'paid' });
    const engine = await test1.open({ now }).engine();
    const [paid] = await attemptsIn({ ledger: engine.ledger });
    if (paid?.kind !== 'payment') throw new Error('nothing was paid');
    // The copy is another home of the same keys, whose ledger comes as far as the hold.
    const home = file('held');
    await new StoreKeystore(home, new QuickStore(home)).create(engine.keys.revealSecret());
    const making = { keystore: 'file', testnet: true, rpcUrls: await rpcUrls() } as const;
    await setUpWallet({ ...owner(), home, ...making, secret: { kind: 'new' } });
    const copy = await test1.open({ now, home }).engine();
    const { ledger } = copy;
    const { version: configVersion } = await copy.config();
    const hold = await ledger.openHold({ ...paid, configVersion, capLines: [], rateLines: [], nowMs: now() });
    if (hold.kind !== 'held') throw new Error(`The hold ended as ${hold.kind}`);
    await ledger.release(hold.payment.id, 'never_signed', now());
    const restored = { ...owner(), home };
    expect(await rebuildLedger(restored)).toMatchObject({ state: 'waiting' });
    await later();
    expect(await rebuildLedger(restored)).toMatchObject({ state: 'done', imported: 1 });
    const counted = await booksOf(test1.open({ now, home }));
    expect(counted).toMatchObject({ used: [10_000n, 0n, 0n, 10_000n], compared: 1, findings: [] });
    expect(await rebuildLedger(restored)).toMatchObject({ state: 'sound', imported: 0, notes: [] });
  });

  test('that are stopped stay so: a copy of the ledger from before stops signing, and lets none of them act', async () => {
    await add('ada');
    await add('bob');
    await suspendAgent(owner(), 'bob');
    await backupLedger(owner(), file('copy.db'));
    await suspendAgent(owner(), 'ada');
    await rotateToken(owner(), 'ada', async () => undefined);
    removeLedger();
    copyFileSync(file('copy.db'), file('purser.db'));
    expect(await pay('/v2/json?several=6', { agent: 'ada' })).toMatchObject({ code: 'ledger_older' });
    expect(await restoreLedger(owner(), file('copy.db'))).toMatchObject({ suspended: ['ada'] });
    expect((await listAgents(owner())).map(({ state }) => state)).toEqual([
      'active',
      'suspended',
      'suspended',
    ]);
    expect(await rebuildLedger(owner())).toMatchObject({ state: 'waiting', suspended: [] });
  });
});
