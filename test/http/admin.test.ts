import { dirname } from 'node:path';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { Challenges } from '../../src/approvals/challenge.js';
import { askedQuestion, SoftwareAuthenticator } from '../../src/approvals/fixtures.js';
import { beginPasskey, makePasskeyFactor } from '../../src/approvals/passkey.js';
import { setKey } from '../../src/config/change.js';
import { createConfig, updateConfig } from '../../src/config/configFile.js';
import { ADMIN_ROLES, type AdminRole } from '../../src/config/value/adminClient.js';
import { hashToken } from '../../src/money/agent.js';
import { captured, newLedger, T0, testMac } from '../../src/ledger/sqlite/fixtures.js';
import { storedFactor } from '../../src/owner/auth/ownerFactor.js';
import { makeTemplateAgent } from '../../src/owner/newAgent.js';
import { openActs } from '../../src/owner/ownerActs.js';
import { budgetStates } from '../../src/owner/ownerBudgets.js';
import { openSettings } from '../../src/owner/ownerSettings.js';
import { makeAdminApi, type AdminApi } from '../../src/server/admin/adminApi.js';
import type { AdminParts } from '../../src/server/admin/parts.js';
import { adminRoutes } from '../../src/server/admin/routes.js';
import { MemoryInbox } from '../web/memoryInbox.js';
import { startFixture, TOKENS } from './fixture.js';

const PAGE = { origin: 'https://wallet.example', rpId: 'wallet.example' };
const DIGEST = 'a'.repeat(64);
const tokenOf = (role: string): string => `adm_${role.padEnd(43, '-')}`;

const world = newLedger();
const { ledger } = world;
const home = dirname(world.path);
const device = Object.assign(new SoftwareAuthenticator(0), PAGE);
let nowMs = T0;
const inbox = new MemoryInbox(() => nowMs);
const settings = openSettings({
  ...{ home, ledger, configMac: testMac('config'), now: () => nowMs, remember: () => undefined },
});
const keys = {
  secretKind: 'phrase' as const,
  mac: (purpose: string, data: string) => testMac(purpose)(data),
  evmAddress: async (index = 0) => Promise.resolve(`0x${String(index).padStart(40, '0')}` as const),
  solanaAddress: async (index = 0) => Promise.resolve(`sol${index}`),
};
const done: string[] = [];
const parts: AdminParts = {
  ...{ ledger, settings, inbox, now: () => nowMs, config: async () => Promise.resolve(settings.config()) },
  acts: openActs(
    ledger,
    () => nowMs,
    async ({ kind, subject }) => {
      const run = async () => Promise.resolve({ message: `${done.push(`${kind} ${subject}`)}` });
      return Promise.resolve({
        isOwners: true,
        pair: { action: null },
        act: { what: `${kind} ${subject}`, details: [] },
        run,
      });
    },
  ),
  budgets: () => budgetStates(ledger, settings.config(), nowMs),
  readStatement: async (period) => Promise.resolve({ period, accounts: [] }),
  addAgent: (spec) => makeTemplateAgent({ home, keys, ledger, now: () => nowMs }, spec),
  freeze: async () => void (await ledger.freeze(nowMs)),
  suspend: async (agent) => void (await ledger.agents.change(agent, { act: 'suspend' }, nowMs)),
};
let api: AdminApi;

/** Sets the settings as their owner did. */
async function set(values: Readonly<Record<string, string>>): Promise<void> {
  const { version } = await updateConfig(home, testMac('config'), (config) =>
    Object.entries(values).reduce((next, [key, value]) => setKey(next, key, value).config, config),
  );
  await ledger.noteConfigVersion(version, nowMs);
}
const client = (role: string, until = '2026-12-31'): string =>
  JSON.stringify([role, until, hashToken(tokenOf(role))]);

beforeAll(async () => {
  await ledger.agents.change('ada', { act: 'add', index: 1, tokenHash: hashToken('x') }, nowMs);
  await captured(ledger, { nowMs, agent: 'ada', labels: { team: 'search' } });
  await createConfig(home, testMac('config'), { walletId: 'wal_1', keystore: 'file', testnet: true });
  const roles = ADMIN_ROLES.map((role) => [`admin.clients.${role}.access`, client(role)]);
  await set({ 'admin.on': 'true', 'owner_page.url': PAGE.origin, ...Object.fromEntries(roles) });
  const challenges = new Challenges();
  const { challengeId, options } = await beginPasskey(challenges, { factors: [], at: PAGE, nowMs });
  const factor = await makePasskeyFactor(
    challenges,
    { challengeId, response: device.register(options) },
    { nowMs },
  );
  await ledger.factors.add(storedFactor(factor), null, nowMs);
  inbox.factorRecords.push(factor);
  api = makeAdminApi('0.0.0-test', () => parts);
});
afterAll(() => world[Symbol.dispose]());

/** The fields of answers that a test goes on with. */
interface Answer {
  readonly http: number;
  readonly digest: string;
  readonly challenge_id: string;
  readonly options: { readonly challenge: string };
  readonly approvals: unknown;
  readonly acts: readonly Readonly<Record<'client' | 'role' | 'act' | 'subject', string>>[];
}

/** What an operation answers, which is what its own schema says it is. */
async function call(
  role: AdminRole | null,
  path: string,
  body?: object,
  token = tokenOf(role ?? ''),
): Promise<Answer> {
  const response = await api.fetch(
    new Request(`http://wallet.test/admin/v1${path}`, {
      method: body === undefined ? 'GET' : 'POST',
      headers: role === null && token === tokenOf('') ? {} : { Authorization: `Bearer ${token}` },
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
    }),
  );
  const json = (await response.json()) as object;
  if (response.status === 200) {
    const method = body === undefined ? 'get' : 'post';
    const [where = ''] = path.split('?');
    const route = adminRoutes.find(
      (one) =>
        one.method === method && new RegExp(`^${one.path.replaceAll(/\{\w+\}/g, '[^/]+')}$`).test(where),
    );
    expect(route?.answer.safeParse(json).error).toBeUndefined();
  } else {
    expect(response.headers.get('content-type')).toBe('application/problem+json');
    expect(json).toMatchObject({ status: response.status });
  }
  expect(response.headers.get('access-control-allow-origin')).toBeNull();
  return { http: response.status, ...json } as Answer;
}

test('a role reads, stops and tightens what it may, and all it did is in the journal with its name', async () => {
  expect(await call('viewer', '/health')).toMatchObject({ status: 'ok', captured_24h_usd: '0.01' });
  expect(await call('viewer', '/agents')).toMatchObject({
    agents: [{ name: 'default' }, { name: 'ada', state: 'active' }],
  });
  expect(await call('viewer', '/payments?agent=ada&limit=1')).toMatchObject({
    payments: [{ agent: 'ada', captured_usd: '0.01' }],
  });
  for (const by of ['agent', 'label.team'])
    expect(await call('viewer', `/totals?by=${by}&agent=ada`)).toMatchObject({
      totals: [{ key: by === 'agent' ? 'ada' : 'search', payments: 1, captured_usd: '0.01' }],
    });
  for (const by of ['label.', 'label.Team', 'url', `label.x"`])
    expect(await call('viewer', `/totals?by=${encodeURIComponent(by)}`)).toMatchObject({ http: 400 });
  expect(await call('viewer', '/statements/2026-06')).toMatchObject({ accounts: [] });
  expect(await call('viewer', '/freeze', {})).toMatchObject({ http: 403, code: 'role_too_low' });
  const tighter = { changes: [{ key: 'limits.per_day_usd', value: '4' }] };
  expect(await call('viewer', '/limits/tighten', tighter)).toMatchObject({ http: 403 });
  expect(await call('operator', '/limits/tighten', tighter)).toMatchObject({
    changes: [{ before: '5.00', after: '4.00', direction: 'tightens' }],
  });
  expect(await call('operator', '/budgets/research', { total_usd: '10' })).toMatchObject({ http: 200 });
  expect(await call('operator', '/agents/ada/budget', { budget: 'research' })).toMatchObject({ http: 200 });
  expect(await call('viewer', '/budgets')).toMatchObject({
    budgets: [{ name: 'research', agents: ['ada'], lines: [{ max_usd: '10.00' }] }],
  });
  expect(await call('operator', '/agents/ada/suspend', {})).toMatchObject({ http: 200 });
  expect((await ledger.agents.find('ada'))?.state).toBe('suspended');
  expect(await call('operator', '/freeze', {})).toMatchObject({ http: 200 });
  expect((await ledger.head()).frozen).toBe(true);
  const { acts } = await call('viewer', '/acts');
  expect(acts.map(({ client: who, role, act, subject }) => [who, role, act, subject])).toEqual([
    ['operator', 'operator', 'freeze', ''],
    ['operator', 'operator', 'suspendAgent', 'ada'],
    ['operator', 'operator', 'moveAgent', 'ada research'],
    ['operator', 'operator', 'setBudget', 'research {"total_usd":"10"}'],
    ['operator', 'operator', 'tightenLimits', 'limits.per_day_usd=4'],
  ]);
  expect((await ledger.audit()).findings).toEqual([]);
});

test('an operator makes agents of a template, no more and no other ones than its owner allowed', async () => {
  const terms = (...list: string[]): string => JSON.stringify(list);
  const crawler = terms('for=2d', 'agents=2', 'budget=research', 'limits.per_day_usd=0.75');
  const add = (name: string, more: object = {}, template = 'crawler', role: AdminRole = 'operator') =>
    call(role, `/templates/${template}/agents`, { name, ...more });
  expect(await add('c-1')).toMatchObject({ http: 400 });
  await set({
    'templates.crawler.terms': crawler,
    'templates.own.terms': terms('for=2d'),
    'agents.kept.limits.per_day_usd': '0.10',
  });
  expect(await add('c-1', {}, 'crawler', 'viewer')).toMatchObject({ http: 403, code: 'role_too_low' });
  // Without a number it is the owner who makes them.
  expect(await add('c-1', {}, 'own')).toMatchObject({ http: 403, code: 'factor_needed' });
  expect(await add('c-1', { for: '3d' })).toMatchObject({ http: 400 });
  expect(await add('kept')).toMatchObject({ http: 400, detail: expect.stringContaining('kept') as string });
  expect(await ledger.agents.find('kept')).toBeNull();
  const { token, until } = (await add('c-1')) as unknown as Record<'token' | 'until', string>;
  expect(Date.parse(until)).toBe(nowMs + 2 * 86_400_000);
  expect(await ledger.agents.ofToken(token, nowMs)).toBe('c-1');
  expect(await ledger.agents.ofToken(token, nowMs + 2 * 86_400_000)).toBeNull();
  expect(await ledger.agents.barOfToken(token, nowMs + 2 * 86_400_000)).toBe('expired');
  const { agents } = settings.config();
  expect(agents.budgets.get('c-1')).toBe('research');
  expect(agents.perDayUsdMicros.get('c-1')).toBe(750_000n);
  expect(await add('c-1')).toMatchObject({ http: 400 });
  expect(await add('c-2', { for: '1h' })).toMatchObject({ http: 200 });
  expect(await add('c-3')).toMatchObject({ http: 409, code: 'agents_full' });
  // One whose time is over makes room, but not in the same day: short ones in a row are no way around the number.
  const before = nowMs;
  nowMs += 2 * 3_600_000;
  expect(await add('c-4')).toMatchObject({ http: 409, code: 'agents_full' });
  nowMs += 23 * 3_600_000;
  expect(await add('c-4')).toMatchObject({ http: 200 });
  expect((await call('viewer', '/agents')) as unknown).toMatchObject({
    agents: [
      { name: 'default', until: null },
      { name: 'ada' },
      { name: 'c-1', state: 'active', budget: 'research', template: 'crawler' },
      { name: 'c-2', state: 'expired' },
      { name: 'c-4', state: 'active' },
    ],
  });
  const { acts } = await call('viewer', '/acts');
  expect(acts[0]).toMatchObject({ client: 'operator', act: 'addAgent', subject: 'c-4 crawler' });
  expect((await ledger.audit()).findings).toEqual([]);
  nowMs = before;
});

test('no token alone loosens anything: it takes the owner’s passkey over what was shown (T18, T20)', async () => {
  const looser = { key: 'limits.per_day_usd', value: '5' };
  for (const role of ADMIN_ROLES.slice(1)) {
    expect(await call(role, '/limits/tighten', { changes: [looser] })).toMatchObject({
      ...{ http: 403, code: 'owner_proof_needed' },
    });
    expect(await call(role, '/budgets/research', { total_usd: '11' })).toMatchObject({ http: 403 });
    // Nothing of a step is made where a part of it loosens.
    const both = [{ key: 'limits.per_call_usd', value: '0.1' }, looser];
    expect(await call(role, '/limits/tighten', { changes: both })).toMatchObject({ http: 403 });
  }
  const { digest } = await call('operator', '/limits/propose', looser);
  expect(await call('operator', '/limits/challenge', { ...looser, digest })).toMatchObject({ http: 403 });
  expect(await call('owner', '/limits/apply', { ...looser, digest })).toMatchObject({
    code: 'factor_needed',
  });
  const asked = await call('approver', '/limits/challenge', { ...looser, digest });
  const passkey = { challenge_id: asked.challenge_id, response: device.sign(asked.options) };
  // What was signed is for that very value.
  const more = { key: looser.key, value: '50' };
  const shown = await call('approver', '/limits/propose', more);
  expect(await call('approver', '/limits/apply', { ...more, digest: shown.digest, passkey })).toMatchObject({
    code: 'factor_wrong',
  });
  expect(await call('approver', '/limits/apply', { ...looser, digest, passkey })).toMatchObject({
    http: 403,
  });
  expect(settings.config().limits.perDayUsdMicros).toBe(4_000_000n);
  const again = await call('approver', '/limits/challenge', { ...looser, digest });
  const signed = { challenge_id: again.challenge_id, response: device.sign(again.options) };
  expect(await call('approver', '/limits/apply', { ...looser, digest, passkey: signed })).toMatchObject({
    changes: [{ after: '5.00', direction: 'loosens' }],
  });
  expect(settings.config().limits.perDayUsdMicros).toBe(5_000_000n);
  // A setting that is no limit, such as who hears of the wallet, is not there at all.
  expect(await call('owner', '/limits/propose', { key: 'admin.on', value: 'true' })).toMatchObject({
    http: 400,
  });
});

test('an act of the owner’s and a yes take the passkey; a no takes an operator', async () => {
  const { digest } = await call('approver', '/unfreeze');
  expect(await call('approver', '/unfreeze', { digest })).toMatchObject({ http: 403, code: 'factor_needed' });
  expect(done).toEqual([]);
  const asked = await call('approver', '/unfreeze/challenge', { digest });
  const passkey = { challenge_id: asked.challenge_id, response: device.sign(asked.options) };
  expect(await call('approver', '/unfreeze', { digest: DIGEST, passkey })).toMatchObject({ http: 409 });
  expect(await call('approver', '/unfreeze', { digest, passkey })).toMatchObject({ http: 200 });
  expect(done).toEqual(['unfreeze ']);
  expect(await call('approver', '/agents/ada/rotate')).toMatchObject({ http: 403, code: 'role_too_low' });

  const waits = inbox.ask(askedQuestion());
  const { approvalId: id } = waits.question;
  const yes = { digest: waits.digest, answer: 'once' };
  expect((await call('viewer', '/approvals')).approvals).toMatchObject([{ id, usd: '0.75' }]);
  expect(await call('operator', `/approvals/${id}/approve`, yes)).toMatchObject({ code: 'role_too_low' });
  expect(await call('owner', `/approvals/${id}/approve`, yes)).toMatchObject({ code: 'factor_needed' });
  const challenge = await call('approver', `/approvals/${id}/challenge`, yes);
  const proof = { challenge_id: challenge.challenge_id, response: device.sign(challenge.options) };
  expect(await call('approver', `/approvals/${id}/approve`, { ...yes, passkey: proof })).toMatchObject({
    state: 'approved',
  });
  const other = inbox.ask(askedQuestion({ approvalId: 'apr_0f0f' }));
  const no = { digest: other.digest, answer: 'no' };
  expect(await call('viewer', '/approvals/apr_0f0f/deny', no)).toMatchObject({ http: 403 });
  expect(await call('operator', '/approvals/apr_0f0f/deny', no)).toMatchObject({ state: 'denied' });
});

test('where it takes two owners, the passkey of one proposes and that of another one does it, once', async () => {
  const bobs = Object.assign(new SoftwareAuthenticator(0), PAGE);
  const challenges = new Challenges();
  const begun = await beginPasskey(challenges, { factors: [], at: PAGE, nowMs });
  const response = bobs.register(begun.options);
  const named = { nowMs, owner: 'bob', label: 'bob’s key' };
  const factor = await makePasskeyFactor(challenges, { challengeId: begun.challengeId, response }, named);
  const [first] = await ledger.factors.list();
  const { id: firstId = '', record = '' } = first ?? {};
  await ledger.factors.add(
    storedFactor(factor),
    { id: firstId, before: record, record, clearsTries: null },
    nowMs,
  );
  await ledger.owners.setQuorum(2, { by: [], factorIds: [firstId, factor.id] }, nowMs);
  const looser = { key: 'limits.per_day_usd', value: '6' };
  const apply = async (by: SoftwareAuthenticator) => {
    const { digest } = await call('operator', '/limits/propose', looser);
    const asked = await call('approver', '/limits/challenge', { ...looser, digest });
    const passkey = { challenge_id: asked.challenge_id, response: by.sign(asked.options) };
    return call('approver', '/limits/apply', { ...looser, digest, passkey });
  };
  for (let times = 0; times < 2; times++)
    expect(await apply(device)).toMatchObject({ http: 409, code: 'second_owner_needed' });
  expect(settings.config().limits.perDayUsdMicros).toBe(5_000_000n);
  expect(await call('viewer', '/owners')).toMatchObject({
    ...{ quorum: 2, proposals: [{ by: 'owner', what: expect.stringContaining(looser.key) as string }] },
  });
  expect(await apply(bobs)).toMatchObject({ changes: [{ after: '6.00' }] });
  expect(settings.config().limits.perDayUsdMicros).toBe(6_000_000n);
  const { acts } = (await call('viewer', '/owners/acts')) as unknown as { acts: readonly object[] };
  expect(acts.slice(0, 2)).toMatchObject([
    { act: 'allowed', by: [{ owner: 'owner' }, { owner: 'bob', factor: 'bob’s key' }] },
    { act: 'proposed', by: [{ owner: 'owner' }] },
  ]);
  const { digest } = await call('approver', '/unfreeze');
  const asked = await call('approver', '/unfreeze/challenge', { digest });
  const passkey = { challenge_id: asked.challenge_id, response: bobs.sign(asked.options) };
  const before = done.length;
  expect(await call('approver', '/unfreeze', { digest, passkey })).toMatchObject({ http: 409 });
  expect(done).toHaveLength(before);
  const [{ id }] = (await ledger.owners.proposals(nowMs)) as unknown as [{ id: string }];
  expect(await call('viewer', `/owners/proposals/${id}/withdraw`, {})).toMatchObject({ http: 403 });
  expect(await call('operator', `/owners/proposals/${id}/withdraw`, {})).toMatchObject({ http: 200 });
  expect(await call('operator', `/owners/proposals/${id}/withdraw`, {})).toMatchObject({ http: 404 });
  expect((await ledger.audit()).findings).toEqual([]);
});

test('a token that is unknown, removed, over or of an agent opens nothing, and calls are bounded', async () => {
  for (const token of ['', 'adm_x', 'x'.repeat(5_000), TOKENS.ada])
    expect(await call(null, '/health', undefined, token)).toMatchObject({ http: 401, code: 'token_wrong' });
  expect(await call('viewer', '/nothing')).toMatchObject({ http: 404 });
  expect(await call('operator', '/limits/tighten', { changes: [], more: 1 })).toMatchObject({ http: 400 });
  const large = { key: 'limits.per_day_usd', value: 'x'.repeat(70_000) };
  expect(await call('operator', '/limits/propose', large)).toMatchObject({ http: 413 });
  await set({
    'admin.clients.owner.access': 'none',
    'admin.clients.approver.access': client('approver', '2026-05-31'),
  });
  for (const role of ['owner', 'approver'] as const)
    expect(await call(role, '/health')).toMatchObject({ http: 401 });
  const statuses = [];
  for (let i = 0; i < 601; i++) statuses.push((await call('viewer', '/nothing')).http);
  expect(statuses.filter((status) => status === 429).length).toBeGreaterThan(0);
  nowMs += 60_000;
  expect(await call('viewer', '/health')).toMatchObject({ http: 200 });
  // T22: a server with old settings does not know who was removed since.
  await ledger.noteConfigVersion(settings.config().version + 1, nowMs);
  expect(await call('viewer', '/health')).toMatchObject({ http: 409, code: 'config_stale' });
  await set({ 'admin.on': 'false' });
  expect(await call('viewer', '/health')).toMatchObject({ http: 401 });
});

test('its door stands beside the agents’: neither’s token opens the other’s, and no foreign page comes in (T20)', async () => {
  const seen: string[] = [];
  let isOn = true;
  const { server, url, refused } = await startFixture({
    admin: async (request: Request) => {
      seen.push(request.headers.get('authorization') ?? '');
      return Promise.resolve(isOn ? new Response('admin', { status: 401 }) : null);
    },
  });
  const at = new URL('/admin/v1/health', url);
  const ask = (place: URL, headers: Record<string, string>) => fetch(place, { headers });
  expect(await (await ask(at, { Authorization: `Bearer ${TOKENS.ada}` })).text()).toBe('admin');
  expect((await ask(at, { Origin: 'https://elsewhere.example' })).status).toBe(403);
  expect(seen).toEqual([`Bearer ${TOKENS.ada}`]);
  expect((await ask(new URL(url), { Authorization: `Bearer ${tokenOf('owner')}` })).status).toBe(401);
  isOn = false;
  expect((await ask(at, {})).status).toBe(401);
  expect(refused).toEqual(['origin', 'token_wrong', 'token_missing']);
  await server.stop(Promise.resolve());
});
