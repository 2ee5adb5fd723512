import type { Page as Tab } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { getKey } from '../../src/config/change.js';
import { readConfigUnauthenticated } from '../../src/config/configFile.js';
import { storedFactor } from '../../src/owner/auth/ownerFactor.js';
import { captured, T0 } from '../../src/ledger/sqlite/fixtures.js';
import { FRIEND, HOSTILE, startDeskOwner, tellSome, type DeskOwner } from './deskOwner.js';
import { Enrolment } from '../../src/approvals/enrolment.js';
import {
  addAuthenticator,
  goTo,
  keepPicture,
  NO_CHROMIUM,
  PASSPHRASE,
  passphraseFactor,
  startBrowser,
  type Owner,
} from './owner.js';

/** A visit of the desk without a browser: its base, its cookie and the token of its forms. */
interface Guest {
  readonly base: string;
  /** What its browser sends with each form. */
  readonly headers: Record<string, string>;
  get(path: string): Promise<Response>;
  post(path: string, fields?: Record<string, string>): Promise<Response>;
}

async function letIn({ page, origin }: DeskOwner): Promise<Guest> {
  const landed = await fetch(page.ticket('/home').url);
  const cookie = landed.headers.getSetCookie()[0]?.split(';')[0] ?? '';
  const base = /url=(\/v\/[0-9a-f]+)\/home/.exec(await landed.text())?.[1] ?? '';
  const get = (path: string) => fetch(origin + base + path, { headers: { cookie }, redirect: 'manual' });
  const headers = { cookie, origin, 'content-type': 'application/x-www-form-urlencoded' };
  return {
    ...{ base, get, headers },
    post: async (path, fields = {}) => {
      const token = /data-token="([^"]+)"/.exec(await (await get('/home')).text())?.[1] ?? '';
      return fetch(origin + base + path, {
        method: 'POST',
        headers,
        body: new URLSearchParams({ token, ...fields }),
        redirect: 'manual',
      });
    },
  };
}

describe('the owner’s desk', () => {
  let owner: DeskOwner;
  let guest: Guest;
  beforeAll(async () => {
    owner = await startDeskOwner();
    guest = await letIn(owner);
  });
  afterAll(() => owner[Symbol.asyncDispose]());

  test.each([
    '/home',
    '/payments',
    '/spending',
    '/sellers',
    '/sellers/takes.example.com',
    '/agents',
    '/agents/research',
    '/add-money',
    '/act?kind=unfreeze&subject=',
    '/money',
    '/money/csv',
    '/export/csv',
    '/notices',
    '/desk/changes',
    '/desk/events',
  ])('shows a stranger nothing at %s', async (path) => {
    const answer = await fetch(`${owner.origin}${guest.base}${path}`);
    expect(answer.status).toBe(403);
    expect(await answer.text()).not.toContain('example.com');
  });

  test('says at home what is there, what was spent, and on what', async () => {
    await expect.poll(async () => (await guest.get('/home')).text()).toContain('9.94 USDC to spend');
    const page = await (await guest.get('/home')).text();
    // A captured cent, a quarter, a lost cent, one sent and one held.
    expect(page).toContain('$0.29 of $5.00');
    expect(page).toContain('search.example.com');
  });

  test('shows at home what one owner proposed, whole, leads to it and lets it be withdrawn', async () => {
    const { owners } = owner.ledger;
    const act = {
      ...{ what: `Set limits.per_day_usd ${HOSTILE}`, details: ['from 5.00 to 6.00'], digest: 'd' },
      action: JSON.stringify({ kind: 'setSetting', key: 'limits.per_day_usd', value: '6.00' }),
    };
    await owners.setQuorum(2, { by: [], factorIds: [] }, Date.now());
    const by = { owner: 'alice', factor: null };
    const word = { act, by, owners: ['alice', 'bob'], use: null, needsQuorum: true, confirms: null };
    const { proposal } = (await owners.allow(word, Date.now())) as unknown as { proposal: { id: string } };
    const page = await (await guest.get('/home')).text();
    expect(page).toContain('Proposed by alice');
    expect(page).toContain('from 5.00 to 6.00');
    expect(page).not.toContain('<script>document');
    const [, way = ''] = /href="[^"]*(\/settings\/change\?[^"]*)">Look at it/.exec(page) ?? [];
    expect(await (await guest.get(way.replaceAll('&amp;', '&'))).text()).toContain('6.00');
    // A host and its port stand for an origin or several: the page ends the pause of one, so that is for the command.
    for (const [place, way] of [
      ['https://shop.example', 'kind=end_pause&amp;subject=https%3A%2F%2Fshop.example'],
      ['shop.example:443', 'pauses end shop.example:443'],
    ] as const) {
      const ending = {
        what: 'End it',
        details: [],
        digest: place,
        action: JSON.stringify({ kind: 'endPause', place }),
      };
      const asked = await owners.allow({ ...word, act: ending }, Date.now());
      expect(await (await guest.get('/home')).text()).toContain(way);
      if (asked.kind === 'proposed') await owners.withdraw(asked.proposal.id, null, Date.now());
    }
    const listed = { kind: 'addToSetting', key: 'hosts.allow', entry: 'shop.example' };
    const adding = { what: 'Add it', details: [], digest: 'list', action: JSON.stringify(listed) };
    const added = await owners.allow({ ...word, act: adding }, Date.now());
    expect(await (await guest.get('/home')).text()).toContain(
      'key=hosts.allow&amp;value=%5B%22shop.example%22%5D',
    );
    if (added.kind === 'proposed') await owners.withdraw(added.proposal.id, null, Date.now());
    expect((await guest.post(`/proposals/${proposal.id}/withdraw`)).status).toBe(303);
    expect(await owners.proposals(Date.now())).toEqual([]);
    expect(await (await guest.get('/home')).text()).not.toContain('Proposed by alice');
    await owners.setQuorum(1, { by: [], factorIds: [] }, Date.now());
  });

  test('finds payments by seller, agent and what they brought', async () => {
    const idsAt = async (query: string) =>
      [...(await (await guest.get(`/payments${query}`)).text()).matchAll(/payments\/(pay_\w+)"/g)].length;
    expect(await idsAt('')).toBe(5);
    expect(await idsAt('?host=search.example.com')).toBe(1);
    expect(await idsAt('?agent=research')).toBe(1);
    expect(await idsAt('?lost=1')).toBe(1);
    expect(await idsAt('?state=captured&agent=default')).toBe(2);
    expect(await idsAt('?host=nobody.example')).toBe(0);
  });

  test('tells a payment’s life, and gives the agent’s words back as text', async () => {
    const { payments } = await owner.ledger.listPayments({ host: 'takes.example.com' }, 1, null);
    const page = await (await guest.get(`/payments/${payments[0]?.id ?? ''}`)).text();
    expect(page).toContain('Proved by the chain');
    expect(page).toContain('brought an error');
    expect(page).toContain('&lt;script&gt;');
    // T43: what came is text, too.
    expect(page).toMatch(
      /What came[^]*HTTP 500, \d+ bytes, application\/json[^]*\{&quot;error&quot;:&quot;&lt;img src=x/,
    );
    expect(page).not.toContain('<img');
    expect(page).not.toContain('\u202E');
    expect((await guest.get('/payments/pay_none')).status).toBe(404);
  });

  test('exports the same payments in three forms', async () => {
    const csv = await (await guest.get('/export/csv?host=search.example.com')).text();
    const [head = '', row = '', rest] = csv.split('\r\n');
    expect(head).toMatch(/^kind,time,id,state/);
    expect(row).toContain('search.example.com');
    expect(rest).toBe('');
    const json = (await (await guest.get('/export/json')).json()) as { usd: string }[];
    expect(json.map(({ usd }) => usd).sort()).toEqual(['0.01', '0.01', '0.01', '0.01', '0.25']);
    const books = await (await guest.get('/export/beancount')).text();
    expect(books).toMatch(
      /Expenses:Agents:Research:Search-example-com {2}0\.25 USDC\n {2}Assets:Purser:\S+ {2}-0\.25 USDC/,
    );
    expect(books).not.toContain('\u202E');
    expect((await guest.get('/export/exe')).status).toBe(404);
  });

  test('states a month that adds up, says what the chain does not show, and gives it as files', async () => {
    const month = '/money?month=2026-06';
    const page = await (await guest.get(month)).text();
    expect(page).toContain('Opening balance');
    expect(page).toContain(`Came in from ${FRIEND}`);
    // Paid by the ledger's word alone: the made-up chain shows none of them.
    expect(page).toMatch(/Not explained \(pay_\w+\): The ledger has it paid, and the chain does not show/);
    expect(page).toContain('Times are in ');
    const csv = await (await guest.get('/money/csv?month=2026-06')).text();
    expect(csv.split('\r\n').at(-2)).toMatch(/^2026-06-01T.*,closing_balance,.*10000000/);
    expect(await (await guest.get('/money?month=2025-01')).text()).toContain('Nothing came or went');
    expect((await guest.get('/money/exe')).status).toBe(404);
  });

  test('shows what the owner was told, with a badge until it was seen', async () => {
    expect(await (await guest.get('/home')).text()).not.toContain('Notices (');
    await tellSome(owner.notices);
    expect(await (await guest.get('/home')).text()).toContain('Notices (2)');
    const page = await (await guest.get('/notices')).text();
    expect(page).toContain('takes.example.com took $0.01 from agent default and gave nothing for it.');
    // T43: a client's own word is text, and nothing else.
    expect(page).toContain('&lt;img src=x');
    expect(page).not.toContain('<img');
    expect(page).toContain('2 on the way');
    expect((await guest.post('/notices/seen', { up_to: '1' })).status).toBe(303);
    expect(await (await guest.get('/home')).text()).toContain('Notices (1)');
    await guest.post('/notices/seen', { up_to: '2' });
    expect(await (await guest.get('/notices')).text()).not.toContain('Mark all');
  });

  test('changes nothing by being looked at, and nothing without the token of its forms', async () => {
    const { seq } = await owner.ledger.head();
    const looks = ['/home', '/payments', '/sellers', '/agents', '/export/json', '/desk/changes', '/freeze'];
    for (const path of [...looks, '/agents/research/suspend']) await (await guest.get(path)).text();
    for (const path of ['/freeze', '/agents/research/suspend']) {
      const bare = await fetch(owner.origin + guest.base + path, { method: 'POST', headers: guest.headers });
      expect(bare.status).toBe(403);
    }
    expect([(await owner.ledger.head()).seq, owner.done]).toEqual([seq, []]);
  });

  test('changes a setting only as it was shown: tighter at once, looser with the factor alone', async () => {
    const KEY = 'limits.per_day_usd';
    const look = async (value: string) =>
      (await guest.get(`/settings/change?key=${KEY}&value=${value}`)).text();
    const fieldOf = (page: string, name: string) =>
      new RegExp(`name="${name}"\\s+value="([^"]*)"`).exec(page)?.[1] ?? '';
    const send = (page: string, more: Record<string, string> = {}) =>
      guest.post('/settings/change', {
        ...{ key: KEY, value: fieldOf(page, 'value'), digest: fieldOf(page, 'digest') },
        ...more,
      });
    const now = () => getKey(readConfigUnauthenticated(owner.home), KEY);
    expect(await (await guest.get('/settings')).text()).toContain(KEY);
    expect(now()).toBe('5.00');

    const tighter = await look('2.50');
    expect(tighter).toContain('This makes the wallet tighter');
    expect(tighter).toMatch(/from\s+5\.00\s+to\s+2\.50/);
    expect((await send(tighter, { digest: 'another' })).status).toBe(409);
    expect((await send(tighter, { value: '3' })).status).toBe(409);
    expect(now()).toBe('5.00');
    expect((await send(tighter)).status).toBe(303);
    expect(now()).toBe('2.50');
    // What was shown is gone: it was from 5.
    expect((await send(tighter)).status).toBe(409);

    expect(await look('4')).toContain('factor add');
    // Without a factor there is no form that names it, and nothing to send.
    expect((await send(await look('4'))).status).toBe(409);
    await owner.ledger.factors.add(storedFactor(await passphraseFactor()), null, T0);
    owner.inbox.factorRecords.push(await passphraseFactor());
    const looser = await look('4');
    expect(looser).toContain('Your owner passphrase');
    expect((await send(looser)).status).toBe(403);
    expect((await send(looser, { passphrase: 'not the one' })).status).toBe(403);
    expect(now()).toBe('2.50');
    expect((await send(looser, { passphrase: PASSPHRASE })).status).toBe(303);
    expect(now()).toBe('4.00');
    expect(await look('-1')).toContain('role="alert"');
    expect((await guest.get('/settings/change?key=limits.nothing')).status).toBe(400);
  });

  test('does an act only as it was shown, what is the owner’s with the factor, and shows a token once', async () => {
    const look = async (kind: string) =>
      (await guest.get(`/act?kind=${kind}&subject=research&back=/agents/research`)).text();
    const send = (page: string, kind: string, more: Record<string, string> = {}) =>
      guest.post('/act', {
        ...{ kind, subject: 'research', back: '/agents/research' },
        ...{ digest: /name="digest" value="([^"]*)"/.exec(page)?.[1] ?? '', ...more },
      });
    const rotate = await look('rotate_token');
    expect(rotate).toContain('Your owner passphrase');
    expect((await send(rotate, 'rotate_token')).status).toBe(403);
    expect((await send(rotate, 'rotate_token', { passphrase: 'not the one' })).status).toBe(403);
    // What was shown for one act proves no other.
    expect((await send(rotate, 'unfreeze', { passphrase: PASSPHRASE })).status).toBe(409);
    expect(owner.done).toEqual([]);
    const done = await (await send(rotate, 'rotate_token', { passphrase: PASSPHRASE })).text();
    expect(done).toContain('agt_research_secret');
    expect(done).toContain('data-changes=""');
    expect(await (await guest.get('/agents/research')).text()).not.toContain('agt_research_secret');
    const revoke = await look('revoke_entitlement');
    expect(revoke).not.toContain('Your owner passphrase');
    expect((await send(revoke, 'revoke_entitlement')).status).toBe(200);
    expect(owner.done).toEqual(['rotate_token research', 'revoke_entitlement research']);
    expect((await guest.get('/act?kind=pay&subject=all')).status).toBe(404);
    expect(await (await guest.get('/act?kind=unfreeze&subject=&back=//evil.example')).text()).toMatch(
      /href="\/v\/[0-9a-f]+\/home">Back/,
    );
    owner.done.length = 0;
  });

  test('lists what sellers may take over and over, with the way to end it', async () => {
    const page = await (await guest.get('/add-money')).text();
    expect(page).toMatch(
      /https:\/\/search\.example\.com[^]*0\.25 USDC every 30 days[^]*taken 0\.25 in 1\s+payment/,
    );
    expect(page).toMatch(/act\?kind=cancel_commitment&amp;subject=pay_\w+/);
  });

  test('tells of money that came while it was looked at', async () => {
    await expect.poll(async () => (await guest.get('/add-money')).text()).toContain('9.96 USDC');
    expect(await (await guest.get('/add-money')).text()).not.toContain('arrived on');
    owner.arrive(20_000_000n);
    owner.moveOn(11_000);
    await expect
      .poll(async () => (await guest.get('/add-money')).text())
      .toContain('20 USDC arrived on Base Sepolia for the agent default');
  });

  test('tells a page of what another process writes', async () => {
    using other = owner.openAgain();
    const events = await guest.get('/desk/events');
    const reader = events.body!.pipeThrough(new TextDecoderStream()).getReader();
    const next = async (): Promise<string> => {
      for (;;) {
        const { value = '', done } = await reader.read();
        if (done) throw new Error('The events ended.');
        if (value.includes('data:')) return value;
      }
    };
    const before = await next();
    const { configVersion } = await other.ledger.head();
    const over = { nowMs: T0 + 900_000, host: 'elsewhere.example.com', configVersion };
    await captured(other.ledger, over);
    expect(await next()).not.toBe(before);
    await reader.cancel();
    expect(await (await guest.get('/payments')).text()).toContain('elsewhere.example.com');
  });

  test('shows until when an agent may act, and leads to more time', async () => {
    // A desk of its own: by now ledger time is past the end of the brief one.
    await using desk = await startDeskOwner(async ({ agents }) => {
      const add = (name: string, index: number, untilMs: number) =>
        agents.change(name, { act: 'add', index, tokenHash: 'a'.repeat(64), untilMs }, T0);
      await add('brief', 801, T0 + 5 * 60_000);
      await add('longer', 802, T0 + 400 * 86_400_000);
    });
    const visitor = await letIn(desk);
    const page = async (path: string): Promise<string> =>
      (await (await visitor.get(path)).text()).replaceAll(/\s+/g, ' ');
    const over = await page('/agents/brief');
    expect(over).toContain('Its time is over since');
    expect(over).not.toContain('Stop brief');
    expect(over).toContain('kind=prolong_agent&amp;subject=brief+7d');
    expect(await page('/agents')).toMatch(/expired.*Give brief 7 days more/);
    const still = await page('/agents/longer');
    expect(still).toContain('It may act until');
    expect(still).toContain('Stop longer');
  });

  test('stops one agent, and all of them', async () => {
    expect((await guest.post('/agents/research/suspend')).status).toBe(303);
    expect(await (await guest.get('/agents')).text()).toContain('stopped');
    expect((await guest.post('/freeze')).status).toBe(303);
    expect(await (await guest.get('/home')).text()).toContain('The wallet is frozen');
    expect(owner.done).toEqual(['suspend research', 'freeze']);
  });
});

// Where there is no Chromium there is nothing to look with: see NO_CHROMIUM.
describe.skipIf(NO_CHROMIUM)('in a browser', () => {
  let browser: Awaited<ReturnType<typeof startBrowser>>;
  let tab: Tab;
  let owner: DeskOwner;
  const enrolment = new Enrolment({
    factors: async () => Promise.resolve([]),
    save: async (factor) => {
      await owner.ledger.factors.add(storedFactor(factor), null, T0);
      owner.inbox.factorRecords.push(factor);
    },
    ...{ label: 'this laptop', now: () => T0 },
  });
  beforeAll(async () => {
    browser = await startBrowser();
    tab = await browser.context.newPage();
    await addAuthenticator(tab);
    owner = await startDeskOwner(undefined, undefined, { enrolment });
  });
  afterAll(async () => {
    await browser[Symbol.asyncDispose]();
    await owner[Symbol.asyncDispose]();
  });

  test('shows what comes while it is looked at, in each tab, and runs nothing that it is shown', async () => {
    const other = await browser.context.newPage();
    await goTo(tab, owner.page.ticket('/home').url);
    await goTo(other, owner.page.ticket('/payments').url);
    await captured(owner.ledger, { nowMs: T0 + 600_000, host: 'fresh.example.com', reason: HOSTILE });
    await tab.getByText('fresh.example.com').first().waitFor();
    await other.getByText('fresh.example.com').first().waitFor();
    await other.getByRole('link', { name: /fresh\.example\.com/ }).click();
    await other.getByText('<script>document.title=2</script>').waitFor();
    expect(await other.title()).toBe('Purser: $0.01 to fresh.example.com');
    await other.close();
  });

  test('loosens by the passkey alone what was shown whole, tightens without, stops an agent and replaces its token', async () => {
    const perDay = () => getKey(readConfigUnauthenticated(owner.home), 'limits.per_day_usd');
    await goTo(tab, owner.page.ticket('/passkey').url);
    await tab.getByLabel('The code that your terminal shows').fill(enrolment.code);
    await tab.getByRole('button', { name: 'Make the passkey' }).click();
    await tab.getByText('The passkey is added').waitFor();

    await goTo(tab, owner.page.ticket('/settings').url);
    await tab.getByRole('link', { name: 'limits.per_day_usd' }).click();
    await tab.getByRole('link', { name: 'Twice: $10.00' }).click();
    await tab.getByText(/limits\.per_day_usd loosens\s+from\s+5\.00\s+to\s+10\.00/).waitFor();
    expect([perDay(), await tab.getByRole('button', { name: 'Change it', exact: true }).count()]).toEqual([
      '5.00',
      0,
    ]);
    await tab.getByRole('button', { name: 'Change it with a passkey' }).click();
    await tab.getByText('limits.per_day_usd is 10.00 now.').waitFor();
    expect(perDay()).toBe('10.00');

    await tab.getByRole('link', { name: 'Home' }).click();
    await tab.getByLabel('Limit of 24 hours, $', { exact: true }).fill('5');
    await tab.getByRole('button', { name: 'Change Limit of 24 hours, $' }).click();
    await tab.getByText('This makes the wallet tighter.').waitFor();
    await tab.getByRole('button', { name: 'Change it' }).click();
    await tab.getByText('$0.30 of $5.00').waitFor();

    await tab.getByRole('link', { name: 'Agents' }).click();
    await tab.getByRole('button', { name: 'Stop research' }).click();
    await tab.getByText('It is stopped: nothing is signed or sent for it.').waitFor();
    await tab.getByRole('link', { name: 'Give it a new one' }).click();
    await tab.getByRole('heading', { name: 'rotate_token research' }).waitFor();
    expect(owner.done).toEqual(['suspend research']);
    await tab.getByRole('button', { name: 'Do it with a passkey' }).click();
    await tab.getByText('agt_research_secret').waitFor();
    expect(owner.done).toEqual(['suspend research', 'rotate_token research']);
  });

  test('takes the word of a second owner, with a passkey of their own, on the page of another server', async () => {
    const perDay = () => getKey(readConfigUnauthenticated(owner.home), 'limits.per_day_usd');
    const bobs = new Enrolment({
      factors: async () => Promise.resolve([]),
      save: async (factor) => {
        const [{ id = '', record = '' } = {}] = await owner.ledger.factors.list();
        const use = { id, before: record, record, clearsTries: null };
        await owner.ledger.factors.add(storedFactor(factor), use, T0);
        again.inbox.factorRecords.push(factor);
      },
      ...{ label: 'bob’s laptop', owner: 'bob', now: () => T0 },
    });
    await using again: Owner = await owner.serveAgain({ enrolment: bobs });
    const other = await browser.context.newPage();
    await addAuthenticator(other);
    await goTo(other, again.page.ticket('/passkey').url);
    await other.getByLabel('The code that your terminal shows').fill(bobs.code);
    await other.getByRole('button', { name: 'Make the passkey' }).click();
    await other.getByText('The passkey is added').waitFor();
    const factorIds = (await owner.ledger.factors.list()).map(({ id }) => id);
    await owner.ledger.owners.setQuorum(2, { by: [], factorIds }, T0);

    await goTo(tab, owner.page.ticket('/settings').url);
    await tab.getByRole('link', { name: 'limits.per_day_usd' }).click();
    await tab.getByRole('link', { name: 'Twice: $10.00' }).click();
    await tab.getByRole('button', { name: 'Change it with a passkey' }).click();
    await tab.getByText(/Proposed by owner as prp_\w+/).waitFor();
    await keepPicture(tab, 'quorum/proposed');
    expect(perDay()).toBe('5.00');

    await goTo(other, again.page.ticket('/home').url);
    await other.getByText('Proposed by owner').waitFor();
    await keepPicture(other, 'quorum/waiting');
    await other.getByRole('link', { name: 'Look at it, and confirm it' }).click();
    await other.getByText(/limits\.per_day_usd loosens\s+from\s+5\.00\s+to\s+10\.00/).waitFor();
    await keepPicture(other, 'quorum/confirming');
    await other.getByRole('button', { name: 'Change it with a passkey' }).click();
    await other.getByText('$0.30 of $10.00').waitFor();
    expect(perDay()).toBe('10.00');
    expect(await other.getByText('Waiting for a second owner').count()).toBe(0);
    await keepPicture(other, 'quorum/done');
    await other.close();
    expect(
      (await owner.ledger.owners.entries(2)).map(({ act, by }) => [act, ...by.map((one) => one.owner)]),
    ).toEqual([
      ['allowed', 'owner', 'bob'],
      ['proposed', 'owner'],
    ]);
    await owner.ledger.owners.setQuorum(1, { by: [], factorIds }, T0);
  });

  test('agrees in each tab with what another server of the same wallet did', async () => {
    await using again = await owner.serveAgain();
    const other = await browser.context.newPage();
    await goTo(other, again.page.ticket('/home').url);
    await goTo(tab, owner.page.ticket('/payments').url);
    const seen = [tab, other].map((one) => one.getByText('both.example.com').first().waitFor());
    const { configVersion } = await owner.ledger.head();
    await captured(owner.ledger, { nowMs: T0 + 610_000, host: 'both.example.com', configVersion });
    await Promise.all(seen);
    await other.getByRole('button', { name: 'Freeze: stop all agents now' }).click();
    await other.getByText('The wallet is frozen').waitFor();
    await goTo(tab, owner.page.ticket('/home').url);
    await tab.getByText('The wallet is frozen').waitFor();
    await owner.ledger.unfreeze(T0 + 620_000);
    await Promise.all([tab, other].map((one) => one.getByRole('button', { name: /Freeze/ }).waitFor()));
    await other.close();
  });

  test('freezes by one button', async () => {
    await goTo(tab, owner.page.ticket('/home').url);
    await tab.getByRole('button', { name: 'Freeze: stop all agents now' }).click();
    await tab.getByText('The wallet is frozen').waitFor();
    expect((await owner.ledger.head()).frozen).toBe(true);
  });
});
