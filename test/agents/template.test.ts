import { join } from 'node:path';
import { expect, test } from 'vitest';
import { readConfigUnauthenticated } from '../../src/config/configFile.js';
import { openKeystore } from '../../src/keys/keystore.js';
import { scratchFolder } from '../../src/ledger/sqlite/fixtures.js';
import { openLedger } from '../../src/wallet/engine.js';
import { makeQuickWallet, ownerOf } from '../support/quickWallet.js';
import { TEST_PASSPHRASE } from '../support/testPassphrase.js';
import { makeAgent, makeTemplateAgent } from '../../src/owner/newAgent.js';
import { changeConfig } from '../../src/owner/ownerConfig.js';

test('an agent of a template that found no more room leaves nothing in the settings', async () => {
  using folder = scratchFolder();
  const home = join(folder.path, 'wallet');
  await makeQuickWallet(home, TEST_PASSPHRASE);
  const owner = ownerOf(home, TEST_PASSPHRASE);
  await changeConfig(owner, 'budgets.crawling.per_day_usd', '5');
  await changeConfig(
    owner,
    'templates.crawler.terms',
    '["for=7d","agents=1","budget=crawling","limits.per_day_usd=0.05"]',
  );
  const keys = await openKeystore(
    { kind: 'file', home },
    { passphrase: () => Promise.resolve(TEST_PASSPHRASE) },
  ).unlock();
  const ledger = await openLedger({ home }, keys);
  const place = { home, keys, ledger, now: Date.now };
  const template = 'crawler';
  const late = makeAgent(
    place,
    { name: 'late', template, check: () => undefined, isOwners: false },
    // Between the look at the room and the step that adds it.
    async () => void (await makeTemplateAgent(place, { name: 'first', template })),
  );
  await expect(late).rejects.toMatchObject({ code: 'agents_full' });
  const { agents } = readConfigUnauthenticated(home);
  expect([agents.index, agents.perDayUsdMicros, agents.budgets].map((of) => [...of.keys()])).toEqual([
    ['first'],
    ['first'],
    ['first'],
  ]);
  await ledger.close();
});
