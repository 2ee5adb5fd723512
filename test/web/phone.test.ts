import { X509Certificate, createHash } from 'node:crypto';
import { mkdtempSync, rmSync } from 'node:fs';
import { once } from 'node:events';
import { connect } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext, type Page as Tab } from 'playwright-core';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { Enrolment } from '../../src/approvals/enrolment.js';
import { makeCertificate } from '../../src/net/certificate.fixture.js';
import { newLedger, T0 } from '../../src/ledger/sqlite/fixtures.js';
import { openEntry } from '../../src/owner/auth/ownerEntry.js';
import { storedFactor } from '../../src/owner/auth/ownerFactor.js';
import { request } from 'node:https';
import { look } from './look.js';
import {
  addAuthenticator,
  CHROMIUM,
  freshQuestion,
  goTo,
  NO_CHROMIUM,
  startOwner,
  type Owner,
} from './owner.js';

const NAME = 'wallet.example';
const { cert, key } = makeCertificate([NAME]);
const world = newLedger();
let owner: Owner;
let enrolment: Enrolment;
let origin: string;

/** A free port: the page's own address has to name it before it listens. */
async function freePort(): Promise<number> {
  const { createServer } = await import('node:net');
  const server = createServer();
  await new Promise<void>((resolve) => void server.listen(0, '127.0.0.1', resolve));
  const { port } = server.address() as { port: number };
  await new Promise<void>((resolve) => void server.close(() => resolve()));
  return port;
}

beforeAll(async () => {
  const port = await freePort();
  origin = `https://${NAME}:${port}`;
  const address = { origin, rpId: NAME };
  enrolment = new Enrolment({
    factors: async () => Promise.resolve([]),
    save: async (factor) => {
      await world.ledger.factors.add(storedFactor(factor), null, T0);
      owner.inbox.factorRecords.push(factor);
    },
    label: 'phone',
    now: Date.now,
  });
  owner = await startOwner({
    enrolment,
    outside: {
      address,
      listen: { host: '127.0.0.1', port, tls: { cert, key } },
      entry: openEntry(world.ledger, address, Date.now),
    },
  });
});
afterAll(async () => {
  await owner[Symbol.asyncDispose]();
  world[Symbol.dispose]();
});

/** A request as somebody on the network makes it. */
async function ask(
  path: string,
  {
    method = 'GET',
    host,
    headers = {},
    body = '',
  }: { method?: string; host?: string; headers?: Record<string, string>; body?: string } = {},
): Promise<{ status: number; body: string }> {
  const { port } = owner.page;
  return new Promise((resolve, reject) => {
    const asked = request(
      {
        host: '127.0.0.1',
        port,
        path,
        method,
        ca: cert,
        servername: NAME,
        headers: { host: host ?? `${NAME}:${port}`, ...headers },
      },
      (answer) => {
        let text = '';
        answer.on('data', (piece: Buffer) => (text += piece.toString()));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, body: text }));
      },
    );
    asked.on('error', reject);
    asked.end(body);
  });
}

describe('a stranger on the network', () => {
  const form = { 'content-type': 'application/x-www-form-urlencoded' };

  test('is shown nothing of the wallet, and no code lets them in', async () => {
    for (const path of ['/', '/home', '/approvals/apv_1', '/passkey', `/v/${'0'.repeat(32)}/home`]) {
      const { status, body } = await ask(path);
      expect([status, body.includes('Come in with a passkey')]).toEqual([403, true]);
      expect(body).not.toContain('name="code"');
    }
    const code = owner.page.codeToShow();
    const typed = await ask('/code', {
      method: 'POST',
      headers: { ...form, origin },
      body: `code=${code}&to=`,
    });
    expect(typed.status).toBe(403);
    expect(typed.body).not.toContain('url=/v/');
  });

  test('is turned away under another name and from another origin (T20)', async () => {
    for (const host of [`localhost:${owner.page.port}`, `127.0.0.1:${owner.page.port}`, 'evil.example'])
      expect((await ask('/', { host })).status).toBe(421);
    for (const other of ['https://evil.example', `http://${NAME}:${owner.page.port}`, 'null'])
      expect(
        (await ask('/enter/options', { method: 'POST', headers: { ...form, origin: other } })).status,
      ).toBe(403);
  });

  test('holds no more connections than there may be, and none that says nothing for long (T15)', async () => {
    const { port } = owner.page;
    const silent = await Promise.all(
      Array.from({ length: 140 }, async () => {
        const socket = connect({ host: '127.0.0.1', port });
        socket.on('error', () => undefined);
        const ended = once(socket, 'close');
        await once(socket, 'connect');
        return { socket, ended };
      }),
    );
    // The page is there for whoever speaks, at once; the oldest of the silent are gone, and the rest are in seconds.
    expect((await ask('/')).status).toBe(403);
    await Promise.all(silent.slice(0, 12).map(({ ended }) => ended));
    await Promise.all(silent.map(({ ended }) => ended));
  });

  test('is not let in by what is no signature', async () => {
    const headers = { ...form, origin };
    expect((await ask('/enter/options', { method: 'POST', headers })).status).toBe(403);
    const body = new URLSearchParams({
      passkey: '{"id":"x"}',
      challenge_id: '0'.repeat(32),
      to: '',
    }).toString();
    for (const sent of [body, 'passkey=%7B', 'passphrase=violet'])
      expect((await ask('/enter', { method: 'POST', headers, body: sent })).status).toBe(403);
  });
});

// Where there is no Chromium there is nothing to look with: see NO_CHROMIUM.
describe.skipIf(NO_CHROMIUM)('a phone', () => {
  let context: BrowserContext;
  let profile: string;
  let tab: Tab;
  beforeAll(async () => {
    profile = mkdtempSync(join(tmpdir(), 'purser-phone-'));
    // The certificate is the test's own: this browser trusts its key, and no other that is not right.
    const spki = new X509Certificate(cert).publicKey.export({ type: 'spki', format: 'der' });
    const trusted = createHash('sha256').update(spki).digest('base64');
    context = await chromium.launchPersistentContext(profile, {
      ...{ executablePath: CHROMIUM, headless: true, chromiumSandbox: false, timeout: 240_000 },
      ...{ viewport: { width: 360, height: 740 }, deviceScaleFactor: 2, isMobile: true, hasTouch: true },
      args: [
        ...['--disable-gpu', '--no-first-run', '--disable-background-networking', '--disable-sync'],
        `--host-resolver-rules=MAP *.example 127.0.0.1`,
        `--ignore-certificate-errors-spki-list=${trusted}`,
      ],
    });
    context.setDefaultTimeout(60_000);
    tab = await context.newPage();
    await addAuthenticator(tab);
  });
  afterAll(async () => {
    await context.close();
    rmSync(profile, { recursive: true, force: true });
  });

  test('is added by the code’s address and the terminal’s code, comes in by its passkey, and approves with it', async () => {
    await goTo(tab, owner.page.ticket('/passkey', 600_000).url);
    await look(tab, 'phone-add', 'Add a passkey');
    await tab.getByLabel('The code that your terminal shows').fill(enrolment.code);
    await tab.getByRole('button', { name: 'Make the passkey' }).click();
    await tab.getByText('The passkey is added').waitFor();
    await look(tab, 'phone-added', 'The passkey is added');
    expect((await enrolment.done)?.data.rpId).toBe(NAME);

    // Later, by the link of a message: nothing but the door until the passkey signed.
    await context.clearCookies();
    await tab.evaluate('localStorage.clear()');
    const question = freshQuestion();
    owner.inbox.ask(question);
    await goTo(tab, `${origin}/approvals/${question.approvalId}`);
    expect(await tab.content()).not.toContain(question.host);
    await look(tab, 'phone-door', 'Is it you?');
    await tab.getByRole('button', { name: 'Come in with a passkey' }).click();
    await tab.getByRole('heading', { name: /Pay \$0\.75/ }).waitFor();
    await look(tab, 'phone-approval', /^Pay \$0\.75/);
    expect(await tab.getByLabel('Your owner passphrase').count()).toBe(0);
    await tab.getByRole('button', { name: /with a passkey/ }).click();
    await expect.poll(() => owner.inbox.asked.get(question.approvalId)?.state).toBe('approved');
  });
});
