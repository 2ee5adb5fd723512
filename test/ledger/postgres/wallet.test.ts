import { cpSync, existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { scratchFolder } from '../../../src/ledger/sqlite/fixtures.js';
import { placeUrl } from '../../../src/ledger/postgres/place.js';
import { checkUpLocally } from '../../../src/doctor/checkUp.js';
import { freezeWallet, openLedgerWithoutKeys, unfreezeWallet } from '../../../src/owner/ownerFreeze.js';
import { addAgent, listAgents } from '../../../src/owner/ownerAgents.js';
import { backupLedger } from '../../../src/owner/ledger/ledgerCare.js';
import { moveLedger } from '../../../src/owner/ledger/ledgerMove.js';
import { makeQuickWallet, ownerOf } from '../../support/quickWallet.js';
import { NO_POSTGRES, TestPostgres } from '../../support/postgres.js';
import { TEST_PASSPHRASE } from '../../support/testPassphrase.js';

describe.skipIf(NO_POSTGRES !== null)('a wallet whose ledger is in PostgreSQL', () => {
  let server: TestPostgres;
  beforeAll(async () => {
    server = await TestPostgres.start();
  });
  afterAll(() => server.stop());

  test('is moved by its owner, serves on two machines, is checked, backed up and moved back', async () => {
    using folder = scratchFolder();
    const [home, second] = [join(folder.path, 'one'), join(folder.path, 'two')];
    await makeQuickWallet(home, TEST_PASSPHRASE);
    const owner = ownerOf(home, TEST_PASSPHRASE);
    const to = { url: placeUrl(server.place('team')), passwordFile: server.passwordFile };
    await expect(
      moveLedger({ ...owner, auth: { ...owner.auth, passphrase: async () => null } }, to),
    ).rejects.toMatchObject({ code: 'owner_proof_needed' });
    await expect(moveLedger(owner, { ...to, url: 'postgres://u:secret@127.0.0.1/d' })).rejects.toMatchObject({
      code: 'bad_input',
    });
    expect(await moveLedger(owner, to)).toMatchObject({ payments: 0, keptAs: join(home, 'purser.db.moved') });
    expect(existsSync(join(home, 'purser.db'))).toBe(false);

    // A second machine has the folder, and none of what the first one computes on.
    mkdirSync(second, { mode: 0o700 });
    cpSync(home, second, { recursive: true });
    for (const end of ['', '-wal', '-shm']) rmSync(join(second, `ledger-copy.db${end}`), { force: true });
    const other = ownerOf(second, TEST_PASSPHRASE);
    await addAgent(owner, 'ann', () => Promise.resolve());
    expect((await listAgents(other)).map(({ name }) => name)).toContain('ann');
    expect(await freezeWallet(other)).toMatchObject({ changed: true, ledgerFault: null });
    const locked = await openLedgerWithoutKeys(home);
    expect((await locked.head()).frozen).toBe(true);
    await locked.close();
    expect(await unfreezeWallet(other)).toBe(true);

    const look = async () => {
      const { checks } = await checkUpLocally({ home, now: Date.now, env: {}, passphrase: owner.passphrase });
      return checks.find(({ name }) => name === 'database');
    };
    expect(await look()).toMatchObject({
      state: 'warn',
      says: expect.stringMatching(/no standby/) as string,
    });
    await server.query(`ALTER SYSTEM SET synchronous_standby_names TO 'near'`);
    await server.query('SELECT pg_reload_conf()');
    expect(await look()).toMatchObject({ state: 'ok', says: expect.stringMatching(/\(near\)/) as string });
    await server.query('ALTER SYSTEM RESET synchronous_standby_names');
    await server.query('SELECT pg_reload_conf()');

    const copy = join(folder.path, 'backup.db');
    await backupLedger(owner, copy);
    expect(existsSync(copy)).toBe(true);

    expect(await moveLedger(other, null)).toMatchObject({ payments: 0, keptAs: null });
    expect((await listAgents(other)).map(({ name }) => name)).toContain('ann');
    // The first machine finds that the ledger has gone, and says so.
    await expect(listAgents(owner)).rejects.toMatchObject({ code: 'ledger_missing' });
    writeFileSync(join(home, 'ledger.json'), '{');
    await expect(listAgents(owner)).rejects.toMatchObject({ code: 'home_unusable' });
  });
});
