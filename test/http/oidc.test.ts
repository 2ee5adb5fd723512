import { createHmac } from 'node:crypto';
import { createServer, type Server } from 'node:http';
import { once } from 'node:events';
import { dirname } from 'node:path';
import type { AddressInfo } from 'node:net';
import {
  exportJWK,
  exportSPKI,
  generateKeyPair,
  SignJWT,
  type CryptoKey,
  type JWK,
  type JWTPayload,
} from 'jose';
import { afterAll, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import { setKey } from '../../src/config/change.js';
import { createConfig, updateConfig } from '../../src/config/configFile.js';
import { initialSettings, type Config } from '../../src/config/settings.js';
import { newLedger, T0, testMac } from '../../src/ledger/sqlite/fixtures.js';
import { openActs } from '../../src/owner/ownerActs.js';
import { openSettings } from '../../src/owner/ownerSettings.js';
import { makeAdminApi } from '../../src/server/admin/adminApi.js';
import { OidcTokens, type OidcVerdict } from '../../src/server/admin/oidc.js';
import { AdminKeeper } from '../../src/server/adminKeeper.js';
import type { Engine } from '../../src/wallet/engine.js';
import type { AdminParts } from '../../src/server/admin/parts.js';
import { MemoryInbox } from '../web/memoryInbox.js';

const AUDIENCE = 'purser';
const NOW_SEC = T0 / 1000;
const WRONG = 'wrong';

/** An issuer on this machine, with keys of its own. */
class Issuer {
  readonly #server: Server;
  readonly keys = new Map<
    string,
    { readonly jwk: JWK; readonly secret: CryptoKey; readonly open: CryptoKey }
  >();
  /** What was asked of it. */
  readonly asked: string[] = [];
  /** What it answers in the place of its documents. */
  broken: ((path: string) => { readonly status: number; readonly body: string } | null) | null = null;
  /** Holds its answers back. */
  gate: Promise<void> = Promise.resolve();
  url = '';

  constructor() {
    this.#server = createServer((request, response) => {
      const path = request.url ?? '';
      this.asked.push(path);
      void this.gate.then(() => {
        const { status, body } = this.broken?.(path) ?? this.#answer(path);
        response.writeHead(status, { 'content-type': 'application/json' }).end(body);
      });
    });
  }

  async start(port = 0): Promise<this> {
    this.#server.listen(port, '127.0.0.1');
    await once(this.#server, 'listening');
    this.url = `http://127.0.0.1:${(this.#server.address() as AddressInfo).port}`;
    return this;
  }

  async stop(): Promise<void> {
    this.#server.closeAllConnections();
    this.#server.close();
    await once(this.#server, 'close');
  }

  async addKey(kid: string, alg = 'ES256'): Promise<void> {
    const { publicKey, privateKey } = await generateKeyPair(alg, { extractable: true });
    const jwk = { ...(await exportJWK(publicKey)), kid, alg, use: 'sig' };
    this.keys.set(kid, { jwk, secret: privateKey, open: publicKey });
  }

  async token(
    over: Readonly<Record<string, unknown>> = {},
    { kid = 'one', alg = 'ES256', by = kid }: { kid?: string; alg?: string; by?: string } = {},
  ): Promise<string> {
    const key = this.keys.get(by);
    if (key === undefined) throw new Error(`There is no key ${by}`);
    const claims = {
      ...{ iss: this.url, aud: AUDIENCE, sub: 'ann', iat: NOW_SEC, exp: NOW_SEC + 300 },
      ...{ groups: ['staff', 'wallet-ops'] },
      ...over,
    };
    return new SignJWT(claims as JWTPayload).setProtectedHeader({ alg, kid }).sign(key.secret);
  }

  #answer(path: string): { readonly status: number; readonly body: string } {
    if (path === '/.well-known/openid-configuration')
      return { status: 200, body: JSON.stringify({ issuer: this.url, jwks_uri: `${this.url}/keys` }) };
    if (path === '/keys')
      return { status: 200, body: JSON.stringify({ keys: [...this.keys.values()].map(({ jwk }) => jwk) }) };
    return { status: 404, body: '{}' };
  }
}

let issuer: Issuer;
let tokens: OidcTokens;
const open: Issuer[] = [];

beforeEach(async () => {
  issuer = await new Issuer().start();
  open.push(issuer);
  await issuer.addKey('one');
  tokens = new OidcTokens();
});
afterAll(() => Promise.all(open.map((one) => one.stop())));

function configOf(values: Readonly<Record<string, string>> = {}): Config {
  const all = {
    'admin.oidc.issuer': issuer.url,
    'admin.oidc.audience': AUDIENCE,
    'admin.oidc.roles': '["viewer groups staff", "operator groups wallet-ops", "approver dept finance"]',
    ...values,
  };
  const initial: Config = {
    ...{ version: 1, walletId: 'w1', keystore: 'file', testnet: true },
    ...initialSettings(true),
  };
  return Object.entries(all).reduce((config, [key, value]) => setKey(config, key, value).config, initial);
}

const verify = (token: string, nowMs = T0, config = configOf()): Promise<OidcVerdict> =>
  tokens.verify(config, token, nowMs);

describe('a token of the owner’s issuer', () => {
  test('is the highest role that its claims give, by its subject', async () => {
    expect(await verify(await issuer.token())).toEqual({
      ...{ name: 'oidc:ann', role: 'operator', until: new Date(T0 + 300_000).toISOString() },
    });
    expect(await verify(await issuer.token({ groups: 'staff' }))).toMatchObject({ role: 'viewer' });
    expect(await verify(await issuer.token({ dept: 'finance' }))).toMatchObject({ role: 'approver' });
    for (const groups of [[], ['Staff'], ['staff '], null, { staff: true }, 'staff,wallet-ops'])
      expect(await verify(await issuer.token({ groups }))).toBe(WRONG);
    for (const sub of ['', 'a b', 'ann\u202e', 'x'.repeat(256)])
      expect(await verify(await issuer.token({ sub }))).toBe(WRONG);
    // Its keys were asked for once.
    expect(issuer.asked).toEqual(['/.well-known/openid-configuration', '/keys']);
  });

  test('is for this audience, of this issuer, of its time, and no older than a day', async () => {
    expect(await verify(await issuer.token({ aud: ['other', AUDIENCE] }))).toMatchObject({
      role: 'operator',
    });
    for (const over of [
      { aud: 'other' },
      { aud: undefined },
      { iss: 'https://elsewhere.example' },
      { iss: `${issuer.url}/` },
      { exp: NOW_SEC - 61 },
      { exp: undefined },
      { iat: undefined },
      { sub: undefined },
      { nbf: NOW_SEC + 61 },
      { iat: NOW_SEC + 61 },
      { iat: NOW_SEC - 24 * 3_600 - 61, exp: NOW_SEC + 300 },
    ])
      expect([over, await verify(await issuer.token(over))]).toEqual([over, WRONG]);
    // Whatever end it names.
    expect(await verify(await issuer.token({ exp: 1e15 }))).toMatchObject({
      until: new Date(T0 + 24 * 3_600_000).toISOString(),
    });
    const token = await issuer.token();
    expect(await verify(token, T0 + 360_000 - 1)).toMatchObject({ role: 'operator' });
    expect(await verify(token, T0 + 361_000)).toBe(WRONG);
    expect(await verify(token, T0 - 61_000)).toBe(WRONG);
  });

  test('is signed by a key of the issuer’s, and by no trick with one', async () => {
    await issuer.addKey('rsa', 'RS256');
    const token = await issuer.token({}, { kid: 'rsa', alg: 'RS256' });
    expect(await verify(token)).toMatchObject({ role: 'operator' });
    const encode = (value: object): string => Buffer.from(JSON.stringify(value)).toString('base64url');
    const [, claims = '', signature = ''] = token.split('.');
    // alg none, in each spelling, with and without what was signed before.
    for (const alg of ['none', 'None', 'NONE', '', undefined])
      for (const end of ['', signature])
        expect(await verify(`${encode({ alg, kid: 'rsa' })}.${claims}.${end}`)).toBe(WRONG);
    // HS256 with the public key as the secret, as PEM and as it stands in the set.
    const rsa = issuer.keys.get('rsa');
    if (rsa === undefined) throw new Error('unreachable');
    for (const secret of [await exportSPKI(rsa.open), JSON.stringify(rsa.jwk), rsa.jwk.n ?? '']) {
      const body = `${encode({ alg: 'HS256', kid: 'rsa' })}.${claims}`;
      const mac = createHmac('sha256', secret).update(body).digest('base64url');
      expect(await verify(`${body}.${mac}`)).toBe(WRONG);
    }
    // Another key under a known name, and a claim that was changed.
    await issuer.addKey('other');
    expect(await verify(await issuer.token({}, { kid: 'one', by: 'other' }))).toBe(WRONG);
    const changed = encode({
      ...(JSON.parse(Buffer.from(claims, 'base64url').toString()) as object),
      sub: 'bob',
    });
    expect(await verify([token.split('.')[0], changed, signature].join('.'))).toBe(WRONG);
    // A key that comes with the token is nobody's.
    const stranger = await generateKeyPair('ES256', { extractable: true });
    const jwk = await exportJWK(stranger.publicKey);
    const own = await new SignJWT({ iss: issuer.url, aud: AUDIENCE, sub: 'ann', groups: ['staff'] })
      .setIssuedAt(NOW_SEC)
      .setExpirationTime(NOW_SEC + 300)
      .setProtectedHeader({ alg: 'ES256', kid: 'one', jwk, jku: 'http://127.0.0.1:1/keys' } as never)
      .sign(stranger.privateKey);
    expect(await verify(own)).toBe(WRONG);
    for (const text of ['..', 'a.b.c', `${'a'.repeat(9_000)}.b.c`]) expect(await verify(text)).toBe(WRONG);
  });

  test('opens nothing where the owner did not say whom it is for, or what it gives', async () => {
    const token = await issuer.token();
    for (const off of [
      { 'admin.oidc.issuer': 'none' },
      { 'admin.oidc.audience': 'none' },
      { 'admin.oidc.roles': '[]' },
    ])
      expect(await verify(token, T0, configOf(off))).toBe(WRONG);
    expect(issuer.asked).toEqual([]);
    for (const claim of ['aud', 'iss', 'scope'])
      expect(() => configOf({ 'admin.oidc.roles': `["owner ${claim} ${AUDIENCE}"]` })).toThrow('a claim');
    for (const url of ['http://id.example', 'https://u@id.example', 'https://id.example/?a=b', 'id.example'])
      expect(() => configOf({ 'admin.oidc.issuer': url })).toThrow('https URL');
  });
});

describe('the issuer’s keys', () => {
  test('a new one is taken when a token names it, and one that was taken back ends with the cache', async () => {
    const old = await issuer.token({ exp: NOW_SEC + 3_600 });
    expect(await verify(old)).toMatchObject({ role: 'operator' });
    issuer.keys.delete('one');
    await issuer.addKey('two');
    const fresh = await issuer.token({ exp: NOW_SEC + 3_600 }, { kid: 'two' });
    // Within half a minute the issuer is not asked again, whoever names what.
    expect(await verify(fresh, T0 + 29_000)).toBe(WRONG);
    expect(await verify(old, T0 + 29_000)).toMatchObject({ role: 'operator' });
    expect(await verify(fresh, T0 + 31_000)).toMatchObject({ role: 'operator' });
    expect(await verify(old, T0 + 31_000)).toBe(WRONG);
    issuer.keys.delete('two');
    expect(await verify(fresh, T0 + 31_000 + 599_000)).toMatchObject({ role: 'operator' });
    expect(await verify(fresh, T0 + 31_000 + 600_000)).toBe(WRONG);
  });

  test('a flood of unknown keys asks the issuer once in half a minute', async () => {
    await verify(await issuer.token());
    const floods = await Promise.all(
      Array.from({ length: 200 }, (_one, i) => issuer.token({}, { kid: `unknown-${i}`, by: 'one' })),
    );
    issuer.asked.length = 0;
    for (const nowMs of [T0 + 1_000, T0 + 31_000, T0 + 45_000]) {
      const verdicts = await Promise.all(floods.map((token) => verify(token, nowMs)));
      expect(new Set(verdicts)).toEqual(new Set([WRONG]));
    }
    expect(issuer.asked.filter((path) => path === '/keys')).toHaveLength(1);
    expect(await verify(await issuer.token(), T0 + 45_000)).toMatchObject({ role: 'operator' });
  });

  test('whoever comes while the keys are being read waits for them, and asks for none', async () => {
    const gate = Promise.withResolvers<undefined>();
    issuer.gate = gate.promise;
    const token = await issuer.token();
    const all = Promise.all(Array.from({ length: 20 }, () => verify(token)));
    gate.resolve(undefined);
    expect(new Set((await all).map((one) => typeof one === 'object' && one.role))).toEqual(
      new Set(['operator']),
    );
    expect(issuer.asked).toHaveLength(2);
  });

  test('serve for an hour where the issuer is away, and nobody comes in by none', async () => {
    const token = await issuer.token({ exp: NOW_SEC + 10 * 3_600 });
    issuer.broken = () => ({ status: 500, body: '' });
    expect(await verify(token)).toBe('unreachable');
    // Not asked again at once, though nothing is known.
    issuer.broken = null;
    expect(await verify(token, T0 + 1_000)).toBe('unreachable');
    expect(await verify(token, T0 + 31_000)).toMatchObject({ role: 'operator' });
    await issuer.stop();
    open.splice(open.indexOf(issuer), 1);
    expect(await verify(token, T0 + 31_000 + 3_599_000)).toMatchObject({ role: 'operator' });
    expect(await verify(token, T0 + 31_000 + 3_600_000)).toBe('unreachable');
  });

  test.each([
    ['names itself otherwise', '/.well-known/openid-configuration', '{"issuer":"https://x.example"}'],
    ['says where nothing is', '/.well-known/openid-configuration', '{'],
    ['answers with a redirect', '/keys', ''],
    ['answers with no JSON', '/keys', '<html>'],
    ['answers with no set', '/keys', '{"keys":1}'],
    ['answers without an end', '/keys', `{"keys":[${'0,'.repeat(200_000)}0]}`],
  ])('an issuer that %s has none', async (what, path, body) => {
    issuer.broken = (asked) =>
      asked === path ? { status: what.includes('redirect') ? 302 : 200, body } : null;
    expect(await verify(await issuer.token())).toBe('unreachable');
  });

  test('are asked for where the owner’s rules let the wallet go alone (T10)', async () => {
    const elsewhere = await new Issuer().start();
    open.push(elsewhere);
    issuer.broken = (path) =>
      path === '/keys'
        ? null
        : { status: 200, body: JSON.stringify({ issuer: issuer.url, jwks_uri: `${elsewhere.url}/keys` }) };
    expect(await verify(await issuer.token())).toBe('unreachable');
    expect(elsewhere.asked).toEqual([]);
  });
});

describe('at the API', () => {
  const world = newLedger();
  const { ledger } = world;
  const home = dirname(world.path);
  const settings = openSettings({
    ...{ home, ledger, configMac: testMac('config'), now: () => T0, remember: () => undefined },
  });
  const parts: AdminParts = {
    ...{ ledger, settings, inbox: new MemoryInbox(() => T0), now: () => T0 },
    config: async () => Promise.resolve(settings.config()),
    acts: openActs(
      ledger,
      () => T0,
      async ({ kind }) => {
        const run = async () => Promise.resolve({ message: kind });
        return Promise.resolve({
          isOwners: true,
          pair: { action: null },
          act: { what: kind, details: [] },
          run,
        });
      },
    ),
    budgets: async () => Promise.resolve([]),
    readStatement: async (period) => Promise.resolve({ period, accounts: [] }),
    addAgent: () => Promise.reject(new Error('not asked for here')),
    freeze: async () => void (await ledger.freeze(T0)),
    suspend: async () => Promise.resolve(),
  };
  const api = makeAdminApi('0.0.0-test', () => parts);
  const call = async (token: string, path: string, body?: object): Promise<Record<string, unknown>> => {
    const response = await api.fetch(
      new Request(`http://wallet.test/admin/v1${path}`, {
        method: body === undefined ? 'GET' : 'POST',
        headers: { Authorization: `Bearer ${token}` },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      }),
    );
    return { http: response.status, ...((await response.json()) as Record<string, unknown>) };
  };

  beforeAll(async () => {
    await createConfig(home, testMac('config'), { walletId: 'wal_1', keystore: 'file', testnet: true });
  });
  afterAll(() => world[Symbol.dispose]());

  test('it does what its role may, by its name in the journal, and is no factor', async () => {
    const values = {
      'admin.on': 'true',
      'admin.oidc.issuer': issuer.url,
      'admin.oidc.audience': AUDIENCE,
      'admin.oidc.roles': '["viewer groups staff", "owner groups bosses"]',
    };
    const { version } = await updateConfig(home, testMac('config'), (config) =>
      Object.entries(values).reduce((next, [key, value]) => setKey(next, key, value).config, config),
    );
    await ledger.noteConfigVersion(version, T0);
    const staff = await issuer.token();
    expect(await call(staff, '/health')).toMatchObject({ http: 200, status: 'ok' });
    expect(await call(staff, '/freeze', {})).toMatchObject({ http: 403, code: 'role_too_low' });
    const boss = await issuer.token({ sub: 'eve', groups: ['bosses'] });
    expect(await call(boss, '/freeze', {})).toMatchObject({ http: 200 });
    const { digest } = (await call(boss, '/unfreeze')) as unknown as { digest: string };
    expect(await call(boss, '/unfreeze', { digest })).toMatchObject({ http: 403, code: 'factor_needed' });
    const looser = { changes: [{ key: 'limits.per_day_usd', value: '50' }] };
    expect(await call(boss, '/limits/tighten', looser)).toMatchObject({
      http: 403,
      code: 'owner_proof_needed',
    });
    expect((await ledger.head()).frozen).toBe(true);
    const acts = (await call(boss, '/acts'))['acts'] as unknown[];
    expect(acts.at(-1)).toMatchObject({ client: 'oidc:eve', role: 'owner', act: 'freeze' });
    expect(await call(await issuer.token({ aud: 'other' }), '/health')).toMatchObject({
      ...{ http: 401, code: 'token_wrong' },
    });
    // There is an API where people alone are let in, and no client was made.
    const keeper = new AdminKeeper('0.0.0-test', async () => Promise.resolve(parts));
    keeper.over({ config: parts.config } as Engine);
    const health = new Request('http://wallet.test/admin/v1/health', {
      headers: { Authorization: `Bearer ${staff}` },
    });
    expect((await keeper.fetch(health.clone()))?.status).toBe(200);
    issuer.broken = () => ({ status: 500, body: '' });
    const away = makeAdminApi('0.0.0-test', () => parts);
    expect((await away.fetch(health.clone())).status).toBe(503);
    await updateConfig(
      home,
      testMac('config'),
      (config) => setKey(config, 'admin.oidc.issuer', 'none').config,
    );
    expect(await keeper.fetch(health)).toBeNull();
  });
});
