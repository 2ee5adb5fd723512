import { once } from 'node:events';
import { createServer, type IncomingHttpHeaders, type IncomingMessage, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest';
import type { BrowserContext, Page as Tab } from 'playwright-core';
import {
  freshQuestion,
  goTo,
  NO_CHROMIUM,
  passphraseFactor,
  startBrowser,
  startOwner,
  type Owner,
} from './owner.js';
import { send } from './request.js';

const NASTY = [
  '<script>window.pwned = 1</script>',
  '"><img src=x onerror="window.pwned = 2">',
  "' autofocus onfocus='window.pwned = 3",
  '</blockquote></section><form action="https://evil.example"><button>Approve $0.75</button></form>',
  '&lt;script&gt;window.pwned=4&lt;/script&gt; {{7*7}} ${window.pwned = 5}',
  '<!-- </main> <style>* { display: none }</style>',
].join(' ');

// Where there is no Chromium there is nothing to attack with: see NO_CHROMIUM.
describe.skipIf(NO_CHROMIUM)("a hostile site in the owner's browser", () => {
  let browser: Awaited<ReturnType<typeof startBrowser>>;
  let context: BrowserContext;
  let site: Server;
  let sitePort: number;
  let html: string;
  let owner: Owner;
  let path: string;
  let home: string;
  let digest: string;

  beforeAll(async () => {
    browser = await startBrowser();
    context = browser.context;
    site = createServer((_, response) => {
      response.setHeader('Content-Type', 'text/html');
      response.end(html);
    });
    site.listen(0, '127.0.0.1');
    await once(site, 'listening');
    sitePort = (site.address() as AddressInfo).port;
  });
  afterAll(async () => {
    await browser[Symbol.asyncDispose]();
    site.closeAllConnections();
    site.close();
  });

  beforeEach(async () => {
    owner = await startOwner();
    owner.inbox.factorRecords.push(await passphraseFactor());
    const asked = owner.inbox.ask(freshQuestion());
    path = `/approvals/${asked.question.approvalId}`;
    ({ digest } = asked);
    const tab = await context.newPage();
    await goTo(tab, owner.page.ticket('').url);
    await tab.getByRole('heading', { name: 'Pay $0.75' }).waitFor();
    home = tab.url();
    // From here on the browser has the cookie of a visit, and knows its path.
    await tab.close();
  });
  afterEach(async () => owner[Symbol.asyncDispose]());

  const visit = async (url: string): Promise<Tab & AsyncDisposable> => {
    const tab = await context.newPage();
    await goTo(tab, url);
    return Object.assign(tab, { [Symbol.asyncDispose]: async () => tab.close() });
  };

  /** The site under a foreign name, and under our own name at another port, where our cookies go too. */
  const sites = (): string[] => [`http://evil.example:${sitePort}/`, `http://localhost:${sitePort}/`];

  test('posts a form to the page, and nothing is answered', async () => {
    html = `<form method="post" action="${home}${path}">
      <input name="digest" value="${digest}"><input name="answer" value="no"><input name="token" value="x">
    </form><button onclick="document.forms[0].submit()">go</button>`;
    for (const url of sites()) {
      await using tab = await visit(url);
      const answered = tab.waitForResponse((response) => response.request().method() === 'POST');
      await tab.getByRole('button').click();
      expect((await answered).status(), url).toBe(403);
    }
    expect(owner.inbox.calls).toEqual([]);
  });

  test('asks for the page by script, and reads nothing', async () => {
    html = '<h1>hello</h1>';
    for (const url of sites()) {
      await using tab = await visit(url);
      const read = (mode: string): Promise<string> =>
        tab.evaluate<string>(
          `fetch('${home}', { mode: '${mode}', credentials: 'include' }).then((a) => a.text(), (e) => e.name)`,
        );
      expect(await read('cors'), url).toBe('TypeError');
      expect(['', 'TypeError'], url).toContain(await read('no-cors'));
    }
  });

  test('on another port of localhost gets our cookie at most, and is not let in by it', async () => {
    html = '<h1>hello</h1>';
    const heard: IncomingHttpHeaders[] = [];
    const hear = (request: IncomingMessage): void => void heard.push(request.headers);
    site.on('request', hear);
    try {
      for (const at of ['', new URL(home).pathname]) {
        await using tab = await visit(`http://localhost:${sitePort}${at}`);
        expect(await tab.evaluate('document.cookie')).toBe('');
      }
    } finally {
      site.off('request', hear);
    }
    // The path is the secret: a page of another port would have to know it to be sent the cookie.
    expect(heard.at(0)?.cookie).toBeUndefined();
    const cookie = heard.map((headers) => headers.cookie).find((sent) => sent !== undefined) ?? '';
    expect(cookie).toContain('purser_visit=');
    for (const target of ['/', path, `/v/${'0'.repeat(32)}`]) {
      const reply = await send(owner.page.port, { path: target, headers: { cookie } });
      expect(reply.status).toBe(403);
      expect(reply.body).not.toContain('api.example.com');
    }
  });

  test('a bare address leads the browser that was let in back to its visit, and no other', async () => {
    await using tab = await visit(`${owner.origin}${path}`);
    await tab.getByRole('heading', { name: 'Pay $0.75' }).waitFor();
    expect(tab.url()).toBe(home + path);
    await using other = await startBrowser();
    const strange = await other.context.newPage();
    await strange.goto(`${owner.origin}${path}`);
    await strange.getByRole('heading', { name: 'Is it you?' }).waitFor();
    // Not with the whole path either, as another user may read it off a screen; nor does the tab go round in circles.
    await strange.goto(home + path);
    await strange.getByRole('heading', { name: 'Is it you?' }).waitFor();
    expect(await strange.locator('body').innerText()).not.toContain('api.example.com');
    await strange.getByLabel('The code that Purser showed you').fill(owner.page.codeToShow());
    await strange.keyboard.press('Enter');
    await strange.getByRole('heading', { name: 'Pay $0.75' }).waitFor();
  });

  test('at the port of a page that has ended gets no passphrase, and the tab never goes over to it (T33)', async () => {
    await using tab = await visit(home + path);
    const passphrase = tab.getByLabel('Your owner passphrase');
    await passphrase.fill('half of the passphra');
    const { port } = owner.page;
    await owner.page.close();
    const heard: string[] = [];
    const squatter = createServer((request, response) => {
      let body = '';
      request.on('data', (piece: Buffer) => (body += piece.toString()));
      request.on('end', () => heard.push(`${request.method} ${request.url} ${body}`));
      const isPage = request.url?.includes('/here') !== true && request.url?.includes('/changes') !== true;
      response.setHeader('Content-Type', isPage ? 'text/html' : 'application/json');
      // All that it can know: what it is asked for.
      const guess = { token: '', version: 'other', shown: 'denied', word: 'declined', answered: '' };
      response.end(isPage ? '<h1>Pay $0.75, says somebody else</h1>' : JSON.stringify(guess));
    });
    squatter.listen(port, '127.0.0.1');
    await once(squatter, 'listening');
    const six = createServer((request, response) => void squatter.emit('request', request, response));
    six.listen(port, '::1');
    await once(six, 'listening');
    try {
      // Both at once: what is typed before the page has found out, and after.
      await passphrase.pressSequentially('se');
      await tab.keyboard.press('Enter');
      await tab.getByText('Purser has ended, and this page with it.').waitFor();
      await passphrase.fill('the whole passphrase');
      await tab.keyboard.press('Enter');
      await tab.evaluate('document.forms[0].requestSubmit()');
      await expect.poll(() => heard.filter((line) => line.includes('/here')).length).toBeGreaterThan(2);
      expect(
        heard.filter((line) => !/^GET \/v\/[0-9a-f]{32}\/(here|changes\?shown=\w*) $/.test(line)),
      ).toEqual([]);
      expect(tab.url()).toBe(home + path);
      expect(await tab.getByRole('button', { name: 'Approve $0.75', exact: true }).isDisabled()).toBe(true);
    } finally {
      for (const server of [squatter, six]) {
        server.closeAllConnections();
        server.close();
      }
    }
  });

  test('frames the page, and shows nothing of it', async () => {
    html = `<iframe src="${home}"></iframe>`;
    for (const url of sites()) {
      await using tab = await visit(url);
      const [, frame] = tab.frames();
      expect(frame, url).toBeDefined();
      expect(await frame?.locator('body').innerText(), url).not.toContain('Pay');
      expect(frame?.url(), url).not.toBe(home);
    }
  });

  test('points its own name at the page, and is not served', async () => {
    const tab = await context.newPage();
    const reply = await tab.goto(home.replace('localhost', 'rebound.example'));
    expect(reply?.status()).toBe(421);
    expect(await tab.locator('body').innerText()).not.toContain('Pay');
    await tab.close();
  });

  test('links to the page, and the page opens as by hand', async () => {
    html = `<a href="${owner.page.ticket('').url}">open</a>`;
    await context.clearCookies();
    await using tab = await visit(sites()[0] ?? '');
    await tab.getByRole('link').click();
    await tab.getByRole('heading', { name: 'Pay $0.75' }).waitFor();
    expect(tab.url()).toMatch(/\/v\/[0-9a-f]{32}$/);
    expect(await tab.evaluate('window.opener')).toBeNull();
  });

  test("writes markup and script into every text that is a stranger's, and it stays text", async () => {
    const asked = freshQuestion({
      sellerSays: NASTY,
      agentSays: `${NASTY}\u202e`,
      agent: '<b onclick=x>agent</b>',
      url: `https://api.example.com/${encodeURI(NASTY)}"><script>window.pwned=6</script>`,
      why: '<script>window.pwned = 7</script>',
    });
    owner.inbox.ask(asked);
    await using tab = await visit(home);
    await tab.getByRole('heading', { name: 'Pay $0.75' }).waitFor();
    const quoted = await tab.locator('blockquote').allInnerTexts();
    expect(quoted).toHaveLength(2);
    for (const text of quoted) {
      expect(text).toContain('<script>window.pwned = 1</script>');
      expect(text).toContain("' autofocus onfocus='window.pwned = 3");
    }
    expect(await tab.evaluate('window.pwned')).toBeUndefined();
    expect(await tab.locator('script').count()).toBe(1);
    expect(await tab.locator('style').count()).toBe(1);
    expect(await tab.locator('img, b[onclick], [onfocus], form[action^="http"]').count()).toBe(0);
    expect(await tab.getByRole('button', { name: 'Approve $0.75' }).count()).toBe(1);
  });

  test('and were markup to get in all the same, the policy would not run or send it', async () => {
    await using tab = await visit(home);
    const missed = await tab.evaluate<string>(`new Promise((resolve) => {
      const wanted = new Set(['require-trusted-types-for', 'form-action', 'img-src', 'connect-src']);
      document.addEventListener('securitypolicyviolation', (event) => {
        wanted.delete(event.effectiveDirective);
        if (wanted.size === 0) resolve('');
      });
      try { document.body.innerHTML = '<img src=x onerror="window.pwned = 1">'; resolve('markup'); } catch {}
      const form = document.createElement('form');
      form.action = 'http://evil.example:${sitePort}/';
      document.body.append(form);
      form.submit();
      new Image().src = 'http://evil.example:${sitePort}/';
      fetch('http://evil.example:${sitePort}/').then(() => resolve('fetch'), () => undefined);
    })`);
    expect(missed).toBe('');
    expect(await tab.evaluate('window.pwned')).toBeUndefined();
    expect(tab.url()).toBe(home);
  });
});
