import { cpSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Page as Tab } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Challenges } from '../../../src/approvals/challenge.js';
import type { PasskeyFactor } from '../../../src/approvals/factor.js';
import { beginPasskey, makePasskeyFactor } from '../../../src/approvals/passkey.js';
import { scratchFolder } from '../../../src/ledger/sqlite/fixtures.js';
import { COPY_FILE } from '../../../src/ledger/postgres/copy.js';
import { placeUrl } from '../../../src/ledger/postgres/place.js';
import { hashToken } from '../../../src/money/agent.js';
import { rememberFactors } from '../../../src/owner/auth/factorMemory.js';
import { unlockAsAnyone } from '../../../src/owner/auth/ownerAuth.js';
import { storedFactor } from '../../../src/owner/auth/ownerFactor.js';
import { moveLedger } from '../../../src/owner/ledger/ledgerMove.js';
import { addAgent, suspendAgent } from '../../../src/owner/ownerAgents.js';
import { changeConfig, withLedger } from '../../../src/owner/ownerConfig.js';
import { readOwners } from '../../../src/owner/owners.js';
import { rememberLedger } from '../../../src/wallet/checkpoint.js';
import { addOwners } from '../../approvals/owner.js';
import { startOwnerProcess } from '../../approvals/ownerProcess.js';
import { Served } from '../../http/served.js';
import { NO_POSTGRES, TestPostgres } from '../../support/postgres.js';
import { makeQuickWallet, ownerOf } from '../../support/quickWallet.js';
import { TEST_PASSPHRASE } from '../../support/testPassphrase.js';
import { addAuthenticator, NO_CHROMIUM, startBrowser } from '../../web/owner.js';

const PAGE = { origin: 'https://wallet.example', rpId: 'wallet.example' };
const TOKEN = `adm_${'o'.repeat(43)}`;
const none = (): Promise<void> => Promise.resolve();

/** The same wallet on a second machine: its folder, without what the first one computes on. */
function copyHome(home: string, second: string): string {
  mkdirSync(second, { mode: 0o700 });
  cpSync(home, second, { recursive: true });
  for (const end of ['', '-wal', '-shm']) rmSync(join(second, `${COPY_FILE}${end}`), { force: true });
  return second;
}

describe.skipIf(NO_POSTGRES !== null)('two owners of a wallet whose ledger is in PostgreSQL', () => {
  let server: TestPostgres;
  beforeAll(async () => {
    server = await TestPostgres.start();
  });
  afterAll(() => server.stop());
  const move = async (home: string, name: string): Promise<void> => {
    const to = { url: placeUrl(server.place(name)), passwordFile: server.passwordFile };
    await moveLedger(ownerOf(home, TEST_PASSPHRASE), to);
  };

  test('of two second owners who confirm one proposal at the same instant, in two processes, one does it', async () => {
    using folder = scratchFolder();
    const home = join(folder.path, 'one');
    await makeQuickWallet(home, TEST_PASSPHRASE);
    await addAgent(ownerOf(home, TEST_PASSPHRASE), 'ada', none);
    await move(home, 'instant');
    const owner = ownerOf(home, TEST_PASSPHRASE);
    const passphrases = {
      owner: 'the first owner says yes',
      bob: 'bob says yes to it',
      carol: 'and so does carol',
    };
    await addOwners(owner, passphrases);
    const second = copyHome(home, join(folder.path, 'two'));
    const act = { do: 'rotate', name: 'ada' } as const;
    const first = await startOwnerProcess({ home, passphrase: passphrases.owner, act });
    expect(await first.answer).toMatchObject({ code: 'second_owner_needed' });
    // Both have proved who they are, and stand right in front of the step that takes their word.
    const both = await Promise.all([
      startOwnerProcess({ home, passphrase: passphrases.bob, act, stopsAtLook: 2 }),
      startOwnerProcess({ home: second, passphrase: passphrases.carol, act, stopsAtLook: 2 }),
    ]);
    await Promise.all(both.map((one) => one.untilStopped()));
    for (const one of both) one.goOn();
    const answers = await Promise.all(both.map((one) => one.answer));
    expect(answers.map((answer) => answer?.code).sort()).toEqual(['done', 'second_owner_needed']);
    const tokens = answers.flatMap((answer) => answer?.tokens ?? []);
    expect(tokens).toHaveLength(1);
    await withLedger(owner, await unlockAsAnyone(owner), async (ledger) => {
      expect(await ledger.agents.ofToken(tokens[0] ?? '', Date.now())).toBe('ada');
      const allowed = (await ledger.owners.entries(9)).filter(
        ({ act: kind, by }) => kind === 'allowed' && by.length > 1,
      );
      expect(allowed).toHaveLength(1);
      expect((await ledger.audit()).findings).toEqual([]);
    });
  });

  describe.skipIf(NO_CHROMIUM)('at the admin API of two servers, with passkeys of a browser', () => {
    const folder = scratchFolder();
    let browser: Awaited<ReturnType<typeof startBrowser>>;
    const servers: Served[] = [];
    let homes: readonly string[];
    let alice: Tab;
    let bob: Tab;

    /** A browser's tab at the owner's page, with a passkey of its own: the page itself is not what this is about. */
    async function openTab(): Promise<Tab> {
      const tab = await browser.context.newPage();
      await addAuthenticator(tab);
      await tab.route(`${PAGE.origin}/**`, (route) =>
        route.fulfill({ contentType: 'text/html', body: 'The page.' }),
      );
      await tab.goto(`${PAGE.origin}/`);
      return tab;
    }
    /** Has the browser's own passkey answer. It does so in the tab that is in front alone. */
    async function ask(tab: Tab, verb: string, reader: string, options: unknown): Promise<unknown> {
      await tab.bringToFront();
      const publicKey = `PublicKeyCredential.${reader}(${JSON.stringify(options)})`;
      return tab.evaluate<unknown>(
        `navigator.credentials.${verb}({ publicKey: ${publicKey} }).then((given) => given.toJSON())`,
      );
    }
    async function enrol(tab: Tab, owner: string, known: readonly PasskeyFactor[]): Promise<PasskeyFactor> {
      const challenges = new Challenges();
      const { challengeId, options } = await beginPasskey(challenges, {
        factors: known,
        at: PAGE,
        nowMs: Date.now(),
      });
      const response = await ask(tab, 'create', 'parseCreationOptionsFromJSON', options);
      const named = { nowMs: Date.now(), label: `${owner}’s key`, ...(owner === 'owner' ? {} : { owner }) };
      return makePasskeyFactor(challenges, { challengeId, response }, named);
    }
    /** The browser's answer to a challenge. */
    const sign = (tab: Tab, options: unknown): Promise<unknown> =>
      ask(tab, 'get', 'parseRequestOptionsFromJSON', options);

    interface Told extends Record<string, unknown> {
      readonly http: number;
      readonly digest: string;
    }
    async function call(at: number, path: string, body?: object): Promise<Told> {
      const response = await fetch(`${servers[at]?.origin ?? ''}/admin/v1${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { authorization: `Bearer ${TOKEN}`, 'content-type': 'application/json' },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      });
      return { http: response.status, ...((await response.json()) as { digest: string }) };
    }
    /** What an owner's client sends for an act that it was shown, signed and not sent yet. */
    async function word(at: number, path: string, tab: Tab): Promise<object> {
      const { digest } = await call(at, path);
      const asked = await call(at, `${path}/challenge`, { digest });
      const response = await sign(tab, asked['options']);
      return { digest, passkey: { challenge_id: asked['challenge_id'], response } };
    }
    const act = async (at: number, path: string, tab: Tab): Promise<Told> =>
      call(at, path, await word(at, path, tab));
    const stateOf = async (at: number): Promise<unknown> => {
      const { agents } = (await call(at, '/agents')) as unknown as {
        agents: { name: string; state: string }[];
      };
      return agents.find(({ name }) => name === 'ada')?.state;
    };
    const waiting = async (at: number): Promise<number> =>
      ((await call(at, '/owners'))['proposals'] as readonly unknown[]).length;

    beforeAll(async () => {
      const home = join(folder.path, 'one');
      await makeQuickWallet(home, TEST_PASSPHRASE);
      const options = ownerOf(home, TEST_PASSPHRASE);
      await addAgent(options, 'ada', none);
      for (const [key, value] of [
        ['networks.eip155:84532.rpc_url', 'http://127.0.0.1:9'],
        ['admin.on', 'true'],
        ['owner_page.url', PAGE.origin],
        ['admin.clients.ops.access', JSON.stringify(['owner', '2099-12-31', hashToken(TOKEN)])],
      ] as const)
        await changeConfig(options, key, value);
      await move(home, 'servers');
      browser = await startBrowser();
      alice = await openTab();
      bob = await openTab();
      const first = await enrol(alice, 'owner', []);
      const second = await enrol(bob, 'bob', [first]);
      const keys = await unlockAsAnyone(options);
      await withLedger(options, keys, async (ledger) => {
        await ledger.factors.add(storedFactor(first), null, Date.now());
        const { record } = storedFactor(first);
        const use = { id: first.id, before: record, record, clearsTries: null };
        await ledger.factors.add(storedFactor(second), use, Date.now());
        await ledger.owners.setQuorum(2, { by: [], factorIds: [first.id, second.id] }, Date.now());
        await rememberFactors(keys, ledger);
        await rememberLedger(keys, ledger);
      });
      homes = [home, copyHome(home, join(folder.path, 'two'))];
      const passphraseFile = join(folder.path, 'unlocks');
      writeFileSync(passphraseFile, TEST_PASSPHRASE, { mode: 0o600 });
      for (const one of homes) servers.push(await Served.start({ home: one, passphraseFile }));
    });
    afterAll(async () => {
      for (const served of servers) {
        await served.stop('SIGKILL');
        served.removeLog();
      }
      await browser[Symbol.asyncDispose]();
      folder[Symbol.dispose]();
    });

    test('one owner proposes at one server, another one confirms at the other, it is done once, and both know', async () => {
      for (const at of [0, 1]) await expect.poll(async () => (await call(at, '/health')).http).toBe(200);
      await suspendAgent(ownerOf(homes[0] ?? '', TEST_PASSPHRASE), 'ada');
      expect([await stateOf(0), await stateOf(1)]).toEqual(['suspended', 'suspended']);
      const path = '/agents/ada/resume';
      // A token alone loosens nothing, and neither does one owner at both servers.
      const { digest } = await call(0, path);
      expect(await call(0, path, { digest })).toMatchObject({ http: 403, code: 'factor_needed' });
      for (const at of [0, 1])
        expect(await act(at, path, alice)).toMatchObject({ http: 409, code: 'second_owner_needed' });
      expect([await waiting(0), await waiting(1), await stateOf(0)]).toEqual([1, 1, 'suspended']);
      const said = await word(1, path, bob);
      expect(await call(1, path, said)).toMatchObject({ http: 200 });
      expect([await stateOf(0), await stateOf(1)]).toEqual(['active', 'active']);
      expect([await waiting(0), await waiting(1)]).toEqual([0, 0]);
      // What was signed is spent, at either server.
      for (const at of [0, 1]) expect((await call(at, path, said)).http).toBeGreaterThanOrEqual(400);
      for (const at of [0, 1])
        expect(await call(at, '/owners/acts')).toMatchObject({
          acts: expect.arrayContaining([
            expect.objectContaining({
              act: 'allowed',
              by: [
                { owner: 'owner', factor: 'owner’s key' },
                { owner: 'bob', factor: 'bob’s key' },
              ],
            }),
          ]) as unknown,
        });
    });

    test('one word that comes by both servers at the same moment has a token replaced once', async () => {
      const path = '/agents/ada/rotate';
      expect(await act(0, path, alice)).toMatchObject({ http: 409 });
      const words = [await word(0, path, bob), await word(1, path, bob)];
      const told = await Promise.all(words.map((said, at) => call(at, path, said)));
      const tokens = told.flatMap(({ token }) => (typeof token === 'string' ? [token] : []));
      expect(tokens).toHaveLength(1);
      expect(told.filter(({ http }) => http === 200)).toHaveLength(1);
      const options = ownerOf(homes[1] ?? '', TEST_PASSPHRASE);
      await withLedger(options, await unlockAsAnyone(options), async (ledger) => {
        expect(await ledger.agents.ofToken(tokens[0] ?? '', Date.now())).toBe('ada');
        expect((await ledger.audit()).findings).toEqual([]);
      });
    });

    test('a freeze at one server ends what waits at the other, and two owners lift it', async () => {
      // What was left over of the test before, or a new one: the freeze ends it.
      await act(0, '/agents/ada/rotate', alice);
      expect(await call(1, '/freeze', {})).toMatchObject({ http: 200 });
      expect([await waiting(0), await waiting(1)]).toEqual([0, 0]);
      expect(await act(0, '/unfreeze', bob)).toMatchObject({ http: 409, code: 'second_owner_needed' });
      // The folder that has the mark of the freeze is where it is lifted.
      expect(await act(1, '/unfreeze', alice)).toMatchObject({ http: 200 });
      const options = ownerOf(homes[1] ?? '', TEST_PASSPHRASE);
      expect((await readOwners(options)).proposals).toEqual([]);
      await withLedger(options, await unlockAsAnyone(options), async (ledger) => {
        expect((await ledger.head()).frozen).toBe(false);
      });
    });
  });
});
