import type { Question } from '../approvals/question.js';
import { openInbox } from '../owner/approvalInbox.js';
import type { Engine } from '../wallet/engine.js';
import { ownerCommand } from '../cli/line/line.js';
import type { CommandPlace } from '../cli/line/program.js';
import { DesktopReach, FirstOnly } from './desktopReach.js';
import type { OwnerReach, Shown } from '../wallet/approval/ownerReach.js';
import type { Page } from '../web/page.js';

/** Reaches the owner through the local page: served, and loaded at all, from the first question on. */
export class PageReach implements OwnerReach {
  readonly #engine: Engine;
  readonly #place: CommandPlace;
  readonly #desktop: DesktopReach;
  readonly #noticed = new FirstOnly<boolean>();
  readonly #shown = new FirstOnly<Shown | null>();
  #page: Promise<Page | null> | null = null;

  constructor(engine: Engine, place: CommandPlace) {
    this.#engine = engine;
    this.#place = place;
    this.#desktop = new DesktopReach(place);
  }

  async page(question: Question): Promise<string | null> {
    const page = await this.#serve();
    if (page === null) return null;
    await this.#notice(page, question);
    return page.addressOf(pathOf(question));
  }

  show(question: Question): Promise<Shown | null> {
    return this.#shown.do(question.approvalId, () => this.#showOnce(question).catch(() => null));
  }

  announce(question: Question): Promise<void> {
    return this.#desktop.announce(question);
  }

  async close(): Promise<void> {
    const page = await this.#page;
    this.#page = Promise.resolve(null);
    await page?.close();
  }

  async #showOnce(question: Question): Promise<Shown | null> {
    const page = await this.#serve();
    if (page === null) return null;
    const [inBrowser, onDesktop] = await Promise.all([
      page.show(pathOf(question)),
      this.#notice(page, question),
    ]);
    return inBrowser || onDesktop ? { url: page.addressOf(pathOf(question)), inBrowser, onDesktop } : null;
  }

  /** Only the desktop shows the code. It is in no tool result. */
  #notice(page: Page, question: Question): Promise<boolean> {
    return this.#noticed.do(question.approvalId, async () => {
      const { noticeOf, notifyDesktop } = await import('../web/desktop/notification.js');
      const { env, platform } = this.#place;
      const text = noticeOf(question, `${page.addressOf('/')} code ${page.codeToShow()}`);
      return notifyDesktop({ text, stays: false }, env, platform).catch(() => false);
    });
  }

  /** A page that cannot be served leaves the terminal; the next question tries again. */
  async #serve(): Promise<Page | null> {
    this.#page ??= this.#start().catch(() => null);
    const page = await this.#page;
    if (page === null) this.#page = null;
    return page;
  }

  async #start(): Promise<Page> {
    const [{ startPage }, { openInBrowser }] = await Promise.all([
      import('../web/page.js'),
      import('../web/desktop/browser.js'),
    ]);
    const { home, ledger, keys } = this.#engine;
    const now = (): number => this.#engine.now();
    const configMac = (data: string): Uint8Array => keys.mac('config', data);
    const inbox = openInbox({ home, ledger, configMac, now, place: 'page' });
    return startPage({
      inbox,
      now,
      command: (action) => ownerCommand(action, this.#place),
      open: (address) => openInBrowser(address, this.#place),
    });
  }
}

function pathOf({ approvalId }: Question): string {
  return `/approvals/${approvalId}`;
}
