import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { initialSettings } from '../src/config/settings.js';
import { captured, holdRequest, T0, testMac } from '../src/ledger/sqlite/fixtures.js';
import { openMovementFile } from '../src/ledger/sqlite/movements/movementFile.js';
import { openNoticeFile } from '../src/ledger/sqlite/notices/noticeFile.js';
import type { Ledger } from '../src/ledger/ledger.js';
import { findNetwork, type Caip2 } from '../src/money/network.js';
import { readStatement } from '../src/treasury/statement/readStatement.js';
import { SqliteLedger } from '../src/ledger/sqlite/sqliteLedger.js';
import { emptyInbox } from '../src/owner/emptyInbox.js';
import { openActs } from '../src/owner/ownerActs.js';
import { openSettings } from '../src/owner/ownerSettings.js';
import { startPage, type Page } from '../src/web/page.js';
import { seedLedger } from '../test/ledger/seed.js';
import { line, sampleOf, timed } from './percentile.js';

const PAYMENTS = 100_000;
const ROUNDS = 20;

const PATHS = [
  ['home', '/home'],
  ['payments, first page', '/payments'],
  ['payments of one seller', '/payments?host=api-7.example.com'],
  ['payments that brought nothing', '/payments?lost=1'],
  ['search that finds one', '/payments?words=id%3D500'],
  ['search that finds nothing', '/payments?words=nowhere'],
  ['spending by agent, days', '/spending'],
  ['spending by seller, weeks', '/spending?by=week&side=host'],
  ['spending by category, months', '/spending?by=month&side=category'],
  ['sellers, 30 days', '/sellers'],
  ['agents, yesterday', '/agents?time=yesterday'],
  ['one seller', '/sellers/api-7.example.com'],
  ['one agent', '/agents/default'],
  ['statement of a month', '/money'],
] as const;

const folder = mkdtempSync(join(tmpdir(), 'purser-bench-'));
const file = join(folder, 'purser.db');
seedLedger(file, { payments: PAYMENTS, days: 30, sessions: 1000, hosts: 200 });
const ledger = SqliteLedger.open(file, { mac: testMac() });
const book = openMovementFile(join(folder, 'movements.db'));
const { network, asset, payFrom } = holdRequest();
const places = [
  { network: findNetwork(network as Caip2)!, addresses: [{ agent: 'default', address: payFrom }] },
];
book.keep(
  {
    ...{
      network,
      asset,
      address: payFrom,
      fromBlock: 1n,
      fromMs: T0 - 31 * 86_400_000,
      toBlock: 2n,
      toMs: T0,
    },
    ...{ balanceAtomic: 0n, readBy: ['a', 'b'], isWhole: true, unread: [] },
  },
  [],
);
/** A page over the ledger as a process of its own has it. */
const pageOver = (ledger: Ledger): Promise<Page> =>
  startPage({
    inbox: emptyInbox(async () => Promise.resolve([])),
    now: () => T0,
    command: ({ kind }) => kind,
    desk: {
      ledger,
      config: async () =>
        Promise.resolve({
          ...initialSettings(true),
          ...{ version: 1, walletId: 'wal_1', keystore: 'file', testnet: true },
        }),
      readMoney: async () => Promise.resolve([]),
      notices: openNoticeFile(join(folder, 'notices.db'), T0),
      lookForMoney: async () => Promise.resolve({ isNews: false, notes: [] }),
      readStatement: (period, say) => readStatement({ ledger, book }, places, period, say),
      settings: openSettings({
        ...{ home: folder, ledger, configMac: testMac(), now: () => T0, remember: () => undefined },
      }),
      acts: openActs(
        ledger,
        () => T0,
        async () => Promise.reject(new Error('No act is done here.')),
      ),
      limitsOf: async () => Promise.resolve([]),
      budgets: async () => Promise.resolve([]),
      fundPlaces: async () => Promise.resolve([]),
      readFunds: async () => Promise.resolve([]),
      listCommitments: async () => Promise.resolve([]),
      readAnswer: async () => Promise.resolve(null),
      listBought: async () => Promise.resolve([]),
      listAgents: () => ledger.agents.list(),
      freeze: async () => Promise.resolve(),
      suspend: async () => Promise.resolve(),
    },
  });
const page = await pageOver(ledger);
try {
  const { get } = await letIn(page);
  console.log(
    `Pages of the desk over a month of ${PAYMENTS.toLocaleString('en')} payments; ms; p50, p95 and the number of runs (aim for the first paint: 150)\n`,
  );
  for (const [name, path] of PATHS) {
    const first = await timed(async () => void (await get(path)));
    const durations: number[] = [];
    for (let i = 0; i < ROUNDS; i++) durations.push(await timed(async () => void (await get(path))));
    console.log(`${line(name, sampleOf(durations))}   first ${first.toFixed(0)}`);
  }
  console.log('\nThe same, each behind a payment that changed the sums\n');
  for (const [name, path] of PATHS) {
    const durations: number[] = [];
    for (let i = 0; i < ROUNDS; i++) {
      await captured(ledger, { nowMs: T0, host: `api-${i}.example.com` });
      durations.push(await timed(async () => void (await get(path))));
    }
    console.log(line(name, sampleOf(durations)));
  }
  for (const kind of ['csv', 'json', 'beancount']) {
    let bytes = 0;
    const ms = await timed(async () => void (bytes = (await get(`/export/${kind}`)).length));
    console.log(`  all of it as ${kind}: ${(ms / 1000).toFixed(1)} s, ${(bytes / 1e6).toFixed(0)} MB`);
  }
  await agree();
} finally {
  await page.close();
  book.close();
  await ledger.close();
  rmSync(folder, { recursive: true, force: true });
}

/** Comes in, as a browser does. */
async function letIn({ port, ticket }: Page) {
  const landed = await fetch(ticket('/home').url);
  const cookie = landed.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  const base = /url=(\/v\/[0-9a-f]+)\/home/.exec(await landed.text())?.[1] ?? '';
  const ask = async (path: string): Promise<Response> => {
    const answer = await fetch(`http://localhost:${port}${base}${path}`, { headers: { cookie } });
    if (!answer.ok) throw new Error(`${path} answered ${answer.status}`);
    return answer;
  };
  return { ask, get: async (path: string): Promise<string> => (await ask(path)).text() };
}

/** How long it takes until two tabs of each of two servers are told of a payment that one of them made. */
async function agree(): Promise<void> {
  const other = SqliteLedger.open(file, { mac: testMac() });
  const second = await pageOver(other);
  const tabs = await Promise.all(
    [page, page, second, second].map(async (one) => {
      const { body } = await (await letIn(one)).ask('/desk/events?at=home');
      const reader = body!.pipeThrough(new TextDecoderStream()).getReader();
      const told = async (): Promise<void> => {
        while (!(await reader.read()).value?.includes('data:'));
      };
      await told();
      return { told, end: () => reader.cancel() };
    }),
  );
  const durations: number[] = [];
  for (let i = 0; i < ROUNDS; i++) {
    const told = tabs.map((tab) => tab.told());
    durations.push(
      await timed(async () => {
        await captured(other, { nowMs: T0, host: 'agree.example.com' });
        await Promise.all(told);
      }),
    );
  }
  console.log(`\nTwo servers, two tabs each, until all are told of a payment (aim: 1000)\n`);
  console.log(line('told', sampleOf(durations)));
  await Promise.all(tabs.map((tab) => tab.end()));
  await second.close();
  await other.close();
}
