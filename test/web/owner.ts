import { ownerCommand } from '../../src/cli/line/line.js';
import type { OwnerAction } from '../../src/errors/ownerAction.js';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { chromium, type BrowserContext, type Page as Tab } from 'playwright-core';
import { askedQuestion } from '../../src/approvals/fixtures.js';
import { makePassphraseFactor, type PassphraseFactor } from '../../src/approvals/factor.js';
import type { Question } from '../../src/approvals/question.js';
import { startPage, type Page, type PageOptions } from '../../src/web/page.js';
import { MemoryInbox } from './memoryInbox.js';

/** Chromium's engine without its windows, menus and services, at half the work; the whole program where there is no such thing. */
export const CHROMIUM =
  ['/usr/bin/chromium-headless-shell', '/usr/bin/chromium'].find((path) => existsSync(path)) ?? 'chromium';
/** A page that has not shown by then what is waited for never will, however slow the machine. */
const SHOWN_MS_MAX = 4 * 60_000;

/** Why the tests in a browser are not run here; false where they are. */
export const NO_CHROMIUM = existsSync(CHROMIUM) ? false : 'no chromium in /usr/bin';

/** Where pictures of the page are kept for people to look at; none are taken without. */
const PICTURES = process.env['PURSER_TEST_PICTURES'];

/** The owner passphrase of the tests. */
export const PASSPHRASE = 'violet kayak on the ledge';

let factor: Promise<PassphraseFactor> | undefined;

/** The factor of {@link PASSPHRASE}, stretched once. */
export function passphraseFactor(): Promise<PassphraseFactor> {
  return (factor ??= makePassphraseFactor(PASSPHRASE, { nowMs: Date.now() }));
}

/** A question asked a minute ago. */
export function freshQuestion(over: Partial<Question> = {}): Question {
  const createdMs = Date.now() - 60_000;
  return askedQuestion({ createdMs, expiresMs: createdMs + 600_000, ...over });
}

/** A command as the program words it where it is called `purser`. */
export function ownCommand(action: OwnerAction): string {
  const program = ownerCommand(action, { env: {}, platform: 'linux', version: '0' });
  return program.replace(/^npx -y purser-mcp@0/, 'purser');
}

/** A page that listens, over an inbox in memory whose clock stands still until it is moved on. */
export interface Owner extends AsyncDisposable {
  readonly inbox: MemoryInbox;
  readonly page: Page;
  /** `http://localhost:PORT`. */
  readonly origin: string;
  moveOn(ms: number): void;
}

/** Starts a page; its clock begins at `atMs`. */
export async function startOwner({
  atMs = Date.now(),
  ...options
}: Partial<Omit<PageOptions, 'inbox' | 'now'>> & { readonly atMs?: number } = {}): Promise<Owner> {
  let nowMs = atMs;
  const now = (): number => nowMs;
  const inbox = new MemoryInbox(now);
  const page = await startPage({
    inbox,
    now,
    command: ownCommand,
    ...options,
  });
  return {
    inbox,
    page,
    origin: `http://localhost:${page.port}`,
    moveOn: (ms) => {
      nowMs += ms;
    },
    [Symbol.asyncDispose]: () => page.close(),
  };
}

/** A browser with a profile of its own, gone with it; names under `.example` are this machine to it. */
export async function startBrowser(): Promise<AsyncDisposable & { readonly context: BrowserContext }> {
  const profile = mkdtempSync(join(tmpdir(), 'purser-chromium-'));
  const context = await chromium.launchPersistentContext(profile, {
    executablePath: CHROMIUM,
    headless: true,
    timeout: SHOWN_MS_MAX,
    chromiumSandbox: false,
    args: [
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
      '--host-resolver-rules=MAP *.example 127.0.0.1',
    ],
  });
  context.setDefaultTimeout(SHOWN_MS_MAX);
  return {
    context,
    [Symbol.asyncDispose]: async () => {
      await context.close();
      rmSync(profile, { recursive: true, force: true });
    },
  };
}

/** Goes to an address of the page: again where the page's own reload came between, and on to where a ticket leads. */
export async function goTo(tab: Tab, url: string): Promise<void> {
  const isTicket = url.includes('/open/');
  for (let isThere = false; !isThere;) {
    isThere = await tab.goto(url).then(
      () => true,
      (error: unknown) => {
        if (/interrupted by another navigation|ERR_ABORTED/.test(String(error))) return isTicket;
        throw error;
      },
    );
  }
  await tab.waitForURL((shown) => !shown.pathname.startsWith('/open/'));
}

/** Keeps a picture of the whole page, where somebody asked for pictures. */
export async function keepPicture(tab: Tab, name: string): Promise<void> {
  if (PICTURES !== undefined) await tab.screenshot({ path: join(PICTURES, `${name}.png`), fullPage: true });
}

/** Gives the tab an authenticator with a user who always says yes. */
export async function addAuthenticator(tab: Tab): Promise<void> {
  const devtools = await tab.context().newCDPSession(tab);
  await devtools.send('WebAuthn.enable');
  await devtools.send('WebAuthn.addVirtualAuthenticator', {
    options: {
      protocol: 'ctap2',
      transport: 'internal',
      hasResidentKey: true,
      hasUserVerification: true,
      isUserVerified: true,
      automaticPresenceSimulation: true,
    },
  });
}
