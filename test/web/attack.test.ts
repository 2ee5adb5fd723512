import type { OwnerAction } from '../../src/errors/ownerAction.js';
import { execFile } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { createServer } from 'node:http';
import {
  connect,
  createServer as createTcpServer,
  type Server as TcpServer,
  type AddressInfo,
  type Socket,
} from 'node:net';
import { networkInterfaces } from 'node:os';
import { promisify } from 'node:util';
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest';
import { Confirmation } from '../../src/approvals/confirmation.js';
import { Enrolment } from '../../src/approvals/enrolment.js';
import type { Approval } from '../../src/approvals/inbox.js';
import { SoftwareAuthenticator } from '../../src/approvals/fixtures.js';
import { beginPasskey, makePasskeyFactor } from '../../src/approvals/passkey.js';
import { Challenges } from '../../src/approvals/challenge.js';
import { serveOnMachine } from '../../src/web/door/machineServer.js';
import { startPage } from '../../src/web/page.js';
import { MemoryInbox } from './memoryInbox.js';
import { freshQuestion, PASSPHRASE, passphraseFactor, startOwner, type Owner } from './owner.js';
import { cookieOf, postForm, send, visitAsAgent, visitWith, type Agent, type Reply } from './request.js';

let owner: Owner;
let agent: Agent;
let asked: Approval;
let path: string;

beforeEach(async () => {
  owner = await startOwner();
  owner.inbox.factorRecords.push(await passphraseFactor());
  asked = owner.inbox.ask(freshQuestion());
  path = `/approvals/${asked.question.approvalId}`;
  agent = await visitAsAgent(owner.page);
});
afterEach(async () => owner[Symbol.asyncDispose]());

const state = async (): Promise<string | undefined> =>
  (await owner.inbox.show(asked.question.approvalId))?.state;

/** A yes as the page's own form sends it. */
const yes = (over: Record<string, string> = {}): Record<string, string> => ({
  digest: asked.digest,
  answer: 'once',
  passphrase: PASSPHRASE,
  ...over,
});

test('the form of the page, sent whole, is a yes: what is refused below is refused for its one difference', async () => {
  const reply = await agent.post(path, yes());
  expect(reply.status).toBe(303);
  expect(reply.headers.location).toBe(`${agent.base}?done=${asked.question.approvalId}`);
  expect(await state()).toBe('approved');
});

describe('an agent with a shell', () => {
  test('reads what is asked, and nothing secret', async () => {
    const { body, status } = await agent.get('');
    expect(status).toBe(200);
    expect(body).toContain('Pay $0.75 to api.example.com?');
    const [factor] = owner.inbox.factorRecords;
    if (factor?.kind !== 'passphrase') throw new Error('The test has a passphrase.');
    for (const secret of [factor.data.key, factor.data.salt, PASSPHRASE]) expect(body).not.toContain(secret);
  });

  test('cannot say yes without the factor', async () => {
    expect((await agent.post(path, yes({ passphrase: '' }))).status).toBe(403);
    expect((await agent.post(path, yes({ passphrase: 'the unlock passphrase' }))).status).toBe(403);
    const passkey = JSON.stringify(new SoftwareAuthenticator(owner.page.port).sign({ challenge: 'AAAA' }));
    expect((await agent.post(path, yes({ passkey, challenge_id: '00' }))).status).toBe(403);
    expect((await agent.post(path, yes({ passkey: '{', challenge_id: '00' }))).status).toBe(403);
    expect((await agent.post(path, { digest: asked.digest, passphrase: PASSPHRASE })).status).toBe(400);
    expect(await state()).toBe('pending');
  });

  test('guesses ever more slowly, and is told for how long', async () => {
    for (let i = 0; i < 3; i += 1) {
      expect((await agent.post(path, yes({ passphrase: `guess number ${i}` }))).status).toBe(403);
    }
    const reply = await agent.post(path, yes());
    expect(reply.status).toBe(429);
    expect(reply.headers['retry-after']).toBe('5');
    expect(reply.body).not.toContain(PASSPHRASE);
    expect(await state()).toBe('pending');
  });

  test("cannot use one passkey's yes for another answer, another question, or again", async () => {
    const device = new SoftwareAuthenticator(owner.page.port);
    const challenges = new Challenges();
    const nowMs = Date.now();
    const begun = await beginPasskey(challenges, { factors: [], at: owner.page.port, nowMs });
    const signed = { challengeId: begun.challengeId, response: device.register(begun.options) };
    owner.inbox.factorRecords.push(await makePasskeyFactor(challenges, signed, { nowMs }));
    const sign = async (): Promise<Record<string, string>> => {
      const reply = await agent.post(`${path}/challenge`, { digest: asked.digest, answer: 'once' });
      const { challengeId, options } = JSON.parse(reply.body) as {
        challengeId: string;
        options: { challenge: string };
      };
      return yes({ passkey: JSON.stringify(device.sign(options)), challenge_id: challengeId });
    };
    const other = owner.inbox.ask(freshQuestion({ approvalId: 'apr_2' }));

    const raise = { ...(await sign()), answer: 'session', session_usd: '20' };
    expect((await agent.post(path, raise)).status).toBe(403);
    const elsewhere = { ...(await sign()), digest: other.digest };
    expect((await agent.post('/approvals/apr_2', elsewhere)).status).toBe(403);
    const right = await sign();
    expect((await agent.post(path, right)).status).toBe(303);
    expect((await agent.post(path, right)).status).toBe(409);
    expect((await agent.post('/approvals/apr_2', { ...right, digest: other.digest })).status).toBe(403);
    expect((await owner.inbox.show('apr_2'))?.state).toBe('pending');
  });

  test('cannot add a passkey of its own without the code, nor confirm a change without a passkey', async () => {
    const enrolment = new Enrolment({
      factors: async () => [],
      save: async () => Promise.reject(new Error('saved')),
      label: '',
      now: Date.now,
    });
    const act = { what: 'Raise limits.per_day_usd to $1000', details: [] };
    const confirmation = new Confirmation(act, {
      factors: async () => owner.inbox.factorRecords,
      now: Date.now,
    });
    await using second = await startOwner({ enrolment, confirmation });
    second.inbox.ask(freshQuestion());
    const intruder = await visitAsAgent(second.page);
    expect((await intruder.get('/passkey')).body).not.toContain(enrolment.code);
    expect((await intruder.post('/confirm/options', {})).status).toBe(403);
    expect((await intruder.post('/confirm', {})).status).toBe(403);
    expect((await intruder.post('/confirm', { passkey: '{}', challenge_id: 'x' })).status).toBe(403);
    expect(confirmation.isOpen).toBe(true);
    for (let i = 0; i < 5; i += 1) {
      expect((await intruder.post('/passkey/options', { code: `BBBB-BBB${i}` })).status).toBe(403);
    }
    expect((await intruder.post('/passkey/options', { code: enrolment.code })).status).toBe(404);
    expect(await enrolment.done).toBeNull();
  });
});

describe('the door', () => {
  let code: string;
  beforeEach(() => {
    code = owner.page.codeToShow();
  });
  const seesNothing = ({ status, body }: Reply, what: string): void => {
    expect(status, what).toBe(403);
    expect(body, what).toContain('Is it you?');
    for (const shown of ['api.example.com', '0.75', code, agent.token])
      expect(body, what).not.toContain(shown);
  };
  /** The path of an address that lets in. */
  const ticket = (path = ''): string => new URL(owner.page.ticket(path).url).pathname;

  test('takes the address that lets in once, whoever comes second', async () => {
    const address = ticket();
    const first = await send(owner.page.port, { path: address });
    expect(cookieOf(first)).not.toBe('');
    for (let i = 0; i < 2; i += 1) {
      const again = await send(owner.page.port, { path: address });
      seesNothing(again, 'again');
      expect(again.headers['set-cookie']).toBeUndefined();
    }
    // A browser that only looks ahead, or asks for the head, uses nothing up.
    const next = ticket();
    await send(owner.page.port, { path: next, headers: { 'sec-purpose': 'prefetch' } });
    await send(owner.page.port, { path: next, method: 'HEAD' });
    expect(cookieOf(await send(owner.page.port, { path: next }))).not.toBe('');
  });

  test('takes no address that is forged, of another run, or too old', async () => {
    await using other = await startOwner();
    for (const path of ['/open/', '/open/x', `${ticket()}x`, new URL(other.page.ticket('').url).pathname])
      seesNothing(await send(owner.page.port, { path }), path);
    vi.useFakeTimers({ toFake: ['setTimeout'] });
    const old = ticket();
    vi.advanceTimersByTime(2 * 60_000);
    vi.useRealTimers();
    seesNothing(await send(owner.page.port, { path: old }), 'old');
  });

  test('admits by the secret path and the cookie together, never by one of them', async () => {
    const other = await visitAsAgent(owner.page);
    const { port } = owner.page;
    const id = '0'.repeat(32);
    const tries: [path: string, cookie: string][] = [
      // What another port of localhost gets of a browser: the cookie at most.
      ['/', agent.cookie],
      [path, agent.cookie],
      ['/v/', agent.cookie],
      [`/v/${id}`, agent.cookie],
      // What a history, or a screen, gives away.
      [agent.base, ''],
      [agent.base, 'purser_visit='],
      [agent.base, other.cookie],
      [agent.base, `${agent.cookie}0`],
      [other.base, agent.cookie],
      [agent.base.toUpperCase(), agent.cookie],
      [`/v/..${agent.base}/../${id}`, agent.cookie],
    ];
    for (const [target, cookie] of tries) {
      const headers = { cookie };
      seesNothing(await send(port, { path: target, headers }), `${target} ${cookie}`);
      const form = { token: agent.token, digest: asked.digest, answer: 'block_host' };
      seesNothing(await postForm(port, target, form, headers), `POST ${target} ${cookie}`);
    }
    expect(owner.inbox.calls).toEqual([]);
    // A cookie of our name that another port set beside ours does no harm.
    const tossed = { cookie: `purser_visit=evil; ${agent.cookie}` };
    expect((await send(port, { path: agent.base, headers: tossed })).status).toBe(200);
  });

  test('burns no try of the passphrase for who was not let in', async () => {
    for (let i = 0; i < 5; i += 1) {
      await postForm(owner.page.port, path, yes({ passphrase: `guess ${i}` }), { cookie: agent.cookie });
      await postForm(
        owner.page.port,
        agent.base + path,
        yes({ token: agent.token, passphrase: `guess ${i}` }),
      );
    }
    expect(owner.inbox.wrong).toBe(0);
    expect((await agent.post(path, yes())).status).toBe(303);
  });

  test('takes the code of the owner’s screen, and after five wrong ones none until another is shown', async () => {
    const { port } = owner.page;
    const typed = await postForm(port, '/code', {
      code: ` ${code.toLowerCase().replace('-', ' ')}`,
      to: path,
    });
    expect(typed.status).toBe(303);
    const base = (typed.headers.location ?? '').slice(0, -path.length);
    expect(typed.headers.location).toBe(base + path);
    const visit = await visitWith(port, base, cookieOf(typed));
    expect((await visit.get(path)).body).toContain('api.example.com');
    for (let i = 0; i < 5; i += 1)
      seesNothing(await postForm(port, '/code', { code: `BCDF-234${i}` }), 'wrong');
    const late = await postForm(port, '/code', { code });
    seesNothing(late, 'late');
    expect(late.body).toContain('none is taken any more');
    expect(late.body).not.toContain('name="code"');
    // The owner is shown another one, and whoever was in stays in.
    expect(owner.page.codeToShow()).not.toBe(code);
    expect((await postForm(port, '/code', { code })).status).toBe(403);
    expect((await postForm(port, '/code', { code: owner.page.codeToShow() })).status).toBe(303);
    expect((await agent.get('')).status).toBe(200);
  });

  // Only root can become another user; elsewhere there is none to try it with.
  test.skipIf(process.getuid?.() !== 0 || !existsSync('/usr/bin/setpriv'))(
    'another user of the machine uses up no try of the owner’s, and opens nothing on their screen (T33)',
    async () => {
      const opened: string[] = [];
      await using mine = await startOwner({ open: async ({ url }) => opened.push(url) > 0 });
      const { port } = mine.page;
      const shown = mine.page.codeToShow();
      const asEve = async (to: string, fields: Record<string, string>): Promise<string> => {
        const body = Object.entries(fields).flatMap(([name, value]) => ['-d', `${name}=${value}`]);
        const url = `http://localhost:${port}${to}`;
        const eve = ['--reuid=64404', '--regid=64404', '--clear-groups', 'curl', '-s'];
        const { stdout } = await promisify(execFile)('setpriv', [
          ...[...eve, '-w', ' status %{http_code}', '-H', `Origin: http://localhost:${port}`],
          ...[...body, url],
        ]);
        return stdout;
      };
      for (let i = 0; i < 5; i += 1)
        expect(await asEve('/code', { code: `BCDF-234${i}` })).toMatch(/status 403$/);
      // Closed to her, with the right one too.
      expect(await asEve('/code', { code: shown })).toMatch(/none is taken any more[^]*status 403$/);
      await asEve('/reopen', { to: '' });
      expect(opened).toEqual([]);
      expect((await postForm(port, '/code', { code: shown })).status).toBe(303);
      await postForm(port, '/reopen', { to: '' });
      expect(opened).toHaveLength(1);
    },
  );

  test('leads nowhere but to our own pages', async () => {
    const { port } = owner.page;
    for (const to of ['//evil.example', 'https://evil.example', '/../x', '/approvals/a/b', '@evil.example']) {
      const typed = await postForm(port, '/code', { code: owner.page.codeToShow(), to });
      expect(typed.headers.location).toMatch(/^\/v\/[0-9a-f]{32}$/);
    }
    expect((await send(port, { path: '//evil.example/' })).body).not.toContain('evil');
  });

  test('opens the page in the owner’s browser for who came by the bare address, not tab after tab', async () => {
    const opened: string[] = [];
    await using mine = await startOwner({ open: async ({ url }) => opened.push(url) > 0 });
    const { port } = mine.page;
    expect((await send(port, { path })).body).toContain('open the page here');
    expect((await postForm(port, '/reopen', { to: path })).status).toBe(200);
    for (let i = 0; i < 3; i += 1) await postForm(port, '/reopen', { to: path });
    expect(opened).toHaveLength(1);
    const entry = await send(port, { path: new URL(opened[0] ?? '').pathname });
    expect(entry.body).toContain(`${path}"`);
    for (let i = 0; i < 30; i += 1) {
      mine.moveOn(60_000);
      await postForm(port, '/reopen', { to: path });
    }
    expect(opened).toHaveLength(10);
    // Only our own page asks for it.
    await postForm(port, '/reopen', {}, { origin: 'http://localhost:1' });
    expect(opened).toHaveLength(10);
    expect((await send(owner.page.port, { path })).body).not.toContain('open the page here');
  });
});

test('connections of who was not let in, however many and however often, keep nobody out', async () => {
  const { port } = owner.page;
  const open = new Set<Socket>();
  let opened = 0;
  const dial = (): void => {
    if (opened >= 3_000) return;
    opened += 1;
    const socket = connect(port, opened % 2 === 0 ? '127.0.0.1' : '::1');
    open.add(socket);
    // Half of them say something, and each that is ended comes back at once.
    if (opened % 2 === 0) socket.write('GET / HTTP/1.1\r\nHost: local');
    socket.on('error', () => undefined);
    socket.on('close', () => {
      open.delete(socket);
      dial();
    });
  };
  for (let i = 0; i < 400; i += 1) dial();
  try {
    for (let i = 0; i < 20; i += 1) expect((await agent.get('')).status).toBe(200);
    expect((await agent.post(path, yes())).status).toBe(303);
    const [entry] = await Promise.all([postForm(port, '/code', { code: owner.page.codeToShow() })]);
    expect(entry.status).toBe(303);
    expect(opened).toBeGreaterThan(500);
  } finally {
    opened = Infinity;
    for (const socket of open) socket.destroy();
  }
});

describe('a request that is not of this page', () => {
  test.each([
    'evil.example',
    'evil.example:PORT',
    'localhost',
    'localhost:1',
    'localhost:PORT.evil.example',
    'evil.example#localhost:PORT',
    'localhost.:PORT',
    'LOCALHOST:PORT',
    '127.1:PORT',
    '0.0.0.0:PORT',
  ])('is refused for its Host %j, with the right cookie', async (named) => {
    const host = named.replace('PORT', String(owner.page.port));
    const reply = await agent.get('', { host });
    expect([400, 421]).toContain(reply.status);
    expect(reply.body).not.toContain('api.example.com');
  });

  test('is refused with two hosts, with none, or with another in its address', async () => {
    const { port } = owner.page;
    for (const head of [
      `GET ${agent.base} HTTP/1.1\r\nHost: localhost:${port}\r\nHost: evil.example\r\n`,
      `GET ${agent.base} HTTP/1.1\r\nHost: localhost:${port}\r\nHost: localhost:${port}\r\n`,
      `GET http://evil.example${agent.base} HTTP/1.1\r\nHost: localhost:${port}\r\n`,
      `GET ${agent.base} HTTP/1.1\r\nHost:\r\n`,
      `GET ${agent.base} HTTP/1.1\r\n`,
      `GET ${agent.base} HTTP/1.0\r\n`,
    ]) {
      const socket = connect(port, '127.0.0.1');
      socket.end(`${head}Cookie: ${agent.cookie}\r\nConnection: close\r\n\r\n`);
      let text = '';
      for await (const piece of socket) text += String(piece);
      expect(text, head).toMatch(/^HTTP\/1\.1 4\d\d /);
      expect(text, head).not.toContain('api.example.com');
    }
  });

  test('is answered at each of its own names', async () => {
    const { port } = owner.page;
    for (const host of [`localhost:${port}`, `127.0.0.1:${port}`, `[::1]:${port}`]) {
      expect((await agent.get('', { host })).status, host).toBe(200);
    }
    const six = { address: '::1', path: agent.base, headers: { cookie: agent.cookie } };
    expect((await send(port, six)).status).toBe(200);
  });

  test.each([
    { origin: 'https://evil.example' },
    { origin: 'null' },
    { origin: '' },
    { origin: 'http://localhost:1' },
    { origin: 'https://localhost:PORT' },
    { origin: 'http://127.0.0.1:PORT' },
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'content-type': 'text/plain' },
    { 'content-type': 'application/json' },
    { 'content-type': 'multipart/form-data; boundary=x' },
  ])('is refused with %o', async (header) => {
    const headers = Object.fromEntries(
      Object.entries(header).map(([name, value]) => [name, value.replace('PORT', String(owner.page.port))]),
    );
    expect((await agent.post(path, yes(), headers)).status).toBe(403);
    expect(owner.inbox.calls).toEqual([]);
  });

  test('is refused without an Origin', async () => {
    const body = new URLSearchParams({ token: agent.token, ...yes() }).toString();
    const headers = { cookie: agent.cookie, 'content-type': 'application/x-www-form-urlencoded' };
    expect(
      (await send(owner.page.port, { method: 'POST', path: agent.base + path, headers, body })).status,
    ).toBe(403);
    expect(owner.inbox.calls).toEqual([]);
  });

  test('is refused with a token that is missing, forged, doubled or of another visit', async () => {
    const other = await visitAsAgent(owner.page);
    expect(other.token).not.toBe(agent.token);
    for (const token of ['', 'x', other.token, agent.token.toLowerCase(), agent.token.slice(1)]) {
      expect((await agent.post(path, yes({ token }))).status, token).toBe(403);
    }
    const doubled = new URLSearchParams({ token: agent.token, ...yes() });
    doubled.append('token', agent.token);
    const headers = {
      cookie: agent.cookie,
      origin: owner.origin,
      'content-type': 'application/x-www-form-urlencoded',
    };
    const reply = await send(owner.page.port, {
      method: 'POST',
      path: agent.base + path,
      headers,
      body: doubled.toString(),
    });
    expect(reply.status).toBe(403);
    expect(owner.inbox.calls).toEqual([]);
  });
});

describe('an answer', () => {
  test('counts once, however often it is sent', async () => {
    expect((await agent.post(path, yes())).status).toBe(303);
    const again = await agent.post(path, yes());
    expect(again.status).toBe(409);
    expect(again.body).toContain('This was answered already.');
    expect((await agent.post(path, yes({ answer: 'no' }))).status).toBe(409);
    expect(await state()).toBe('approved');
  });

  test('is refused where the question has changed since it was shown', async () => {
    owner.inbox.ask(freshQuestion({ amountAtomic: 9_000_000n, usdMicros: 9_000_000n }));
    const reply = await agent.post(path, yes());
    expect(reply.status).toBe(409);
    expect(reply.body).toContain('What is asked has changed');
    // What is shown now is what would be signed now.
    expect(reply.body).toContain('Pay $9.00 to api.example.com?');
    expect(await state()).toBe('pending');
  });

  test('is refused where it comes too late, or to nothing', async () => {
    expect((await agent.post('/approvals/apr_none', yes())).status).toBe(404);
    owner.moveOn(600_000);
    expect((await agent.post(path, yes())).status).toBe(410);
    expect(await state()).toBe('expired');
  });

  test('is never given by looking', async () => {
    const query = new URLSearchParams({ token: agent.token, ...yes(), answer: 'no' }).toString();
    for (const method of ['GET', 'HEAD']) {
      for (const target of [
        `${path}?${query}`,
        `${path}/challenge?${query}`,
        `?${query}`,
        `/changes?${query}`,
      ]) {
        const headers = { cookie: agent.cookie };
        await send(owner.page.port, { method, path: agent.base + target, headers });
      }
    }
    expect(owner.inbox.calls).toEqual([]);
    expect(await state()).toBe('pending');
  });

  test.each(['PUT', 'DELETE', 'PATCH', 'OPTIONS', 'PURGE'])('is not given by %s', async (method) => {
    const headers = { cookie: agent.cookie, origin: owner.origin };
    const reply = await send(owner.page.port, { method, path: agent.base + path, headers });
    expect(reply.status).toBe(405);
    expect(reply.headers['access-control-allow-origin']).toBeUndefined();
    expect(owner.inbox.calls).toEqual([]);
  });

  test('of a body beyond all forms is not read', async () => {
    const passphrase = 'x'.repeat(40_000);
    expect((await agent.post(path, yes({ passphrase }))).status).toBe(413);
    const chunked = { 'transfer-encoding': 'chunked' };
    expect((await agent.post(path, yes({ passphrase }), chunked)).status).toBe(413);
    expect(owner.inbox.calls).toEqual([]);
  });
});

test('every answer, refusals too, forbids framing, foreign assets, keeping and reading by others', async () => {
  const replies = [
    await agent.get(''),
    await agent.get('/changes?shown='),
    await agent.get('/nothing/here'),
    await send(owner.page.port),
    await send(owner.page.port, { headers: { host: 'evil.example' } }),
    await agent.post(path, yes({ token: '' })),
    await agent.post(path, yes({ passphrase: 'wrong passphrase' })),
    await agent.post(path, yes({ passphrase: 'x'.repeat(40_000) })),
    await postForm(owner.page.port, '/code', { code: 'BBBB-BBBB' }),
    await postForm(owner.page.port, '/code', { code: owner.page.codeToShow() }),
    await send(owner.page.port, { path: new URL(owner.page.ticket('').url).pathname }),
  ];
  expect(replies.map(({ status }) => status)).toEqual([
    200, 200, 404, 403, 421, 403, 403, 413, 403, 303, 200,
  ]);
  for (const { headers } of replies) {
    const policy = headers['content-security-policy'] ?? '';
    expect(policy).toContain("default-src 'none'");
    expect(policy).toContain("frame-ancestors 'none'");
    expect(policy).toContain("base-uri 'none'");
    expect(policy).not.toContain('unsafe');
    expect(headers).toMatchObject({
      'x-frame-options': 'DENY',
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
    });
    expect(headers['access-control-allow-origin']).toBeUndefined();
  }
  for (const reply of replies.slice(-2))
    expect(reply.headers['set-cookie']?.[0]).toMatch(
      /^purser_visit=[\w-]{43}; Max-Age=86400; Path=\/v\/[0-9a-f]{32}; HttpOnly; SameSite=Strict$/,
    );
});

test('a socket that sends nothing, half a head or half a body is closed, and holds up nobody', async () => {
  const { port } = owner.page;
  const head = `POST ${agent.base}${path} HTTP/1.1\r\nHost: localhost:${port}\r\nOrigin: ${owner.origin}\r\nCookie: ${agent.cookie}\r\nContent-Type: application/x-www-form-urlencoded\r\nContent-Length: 100\r\n\r\n`;
  const sockets = ['', 'GET / HTTP/1.1\r\nHost: local', `${head}token=`].map((begun) => {
    const socket = connect(port, '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(begun);
    socket.resume();
    return socket;
  });
  const closed = sockets.map(async (socket) => once(socket, 'close'));
  expect((await agent.get('')).status).toBe(200);
  await Promise.all(closed);
  expect(owner.inbox.calls).toEqual([]);
});

describe('where the page listens', () => {
  test('is this machine alone', async () => {
    const outside = Object.values(networkInterfaces())
      .flat()
      .filter((one) => one !== undefined && !one.internal && one.family === 'IPv4')
      .map((one) => one?.address);
    for (const address of outside) {
      await expect(send(owner.page.port, { address: address ?? '' })).rejects.toMatchObject({
        code: 'ECONNREFUSED',
      });
    }
    expect((await send(owner.page.port, { address: '127.0.0.1' })).status).toBe(403);
  });

  const command = ({ kind }: OwnerAction): string => kind;

  test('is never one address of a port whose other address is taken', async () => {
    const { squatter, port } = await squatOnIpv6();
    try {
      const inbox = new MemoryInbox(Date.now);
      await expect(startPage({ inbox, now: Date.now, command, port })).rejects.toMatchObject({
        code: 'unreachable',
      });
      // And nothing is left behind at the address that was free.
      const free = createServer();
      free.listen(port, '127.0.0.1');
      await once(free, 'listening');
      free.close();
      await once(free, 'close');
    } finally {
      squatter.close();
    }
  });

  test('ends a connection that asked nothing while its last answer is still made', async () => {
    const [begun, released] = [Promise.withResolvers<undefined>(), Promise.withResolvers<undefined>()];
    const server = await serveOnMachine(0, () => ({
      fetch: async () => {
        begun.resolve(undefined);
        await released.promise;
        return new Response('the last answer');
      },
    }));
    const silent = connect(server.port, '127.0.0.1').resume();
    await once(silent, 'connect');
    const answer = send(server.port);
    await begun.promise;
    // No bound ends what is left, however long this takes.
    vi.useFakeTimers({ toFake: ['setTimeout', 'clearTimeout'] });
    try {
      const closed = server.close();
      await once(silent, 'close');
      released.resolve(undefined);
      expect((await answer).body).toBe('the last answer');
      await closed;
    } finally {
      vi.useRealTimers();
    }
  });

  test('is given free at once when it closes', async () => {
    const inbox = new MemoryInbox(Date.now);
    const first = await startPage({ inbox, now: Date.now, command });
    const idle = connect(first.port, '127.0.0.1');
    await once(idle, 'connect');
    await first.close();
    const second = await startPage({ inbox, now: Date.now, command, port: first.port });
    expect(second.port).toBe(first.port);
    expect(second.codeToShow()).not.toBe(first.codeToShow());
    await second.close();
    idle.destroy();
  });
});

/** Takes a port on ::1 that is free on 127.0.0.1: other tests of this machine take ports there all the time. */
async function squatOnIpv6(): Promise<{ squatter: TcpServer; port: number }> {
  for (;;) {
    const squatter = createTcpServer();
    squatter.listen(0, '::1');
    await once(squatter, 'listening');
    const { port } = squatter.address() as AddressInfo;
    const probe = createServer();
    const isFree = await new Promise<boolean>((resolve) => {
      probe.once('error', () => resolve(false));
      probe.listen(port, '127.0.0.1', () => probe.close(() => resolve(true)));
    });
    if (isFree) return { squatter, port };
    squatter.close();
  }
}
