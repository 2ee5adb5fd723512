import type { Question } from '../approvals/question.js';
import { openDesk } from '../owner/desk.js';
import type { Engine } from '../wallet/engine.js';
import { ownerCommand, type CommandPlace } from '../wallet/ownerCommand.js';
import type { OwnerReach } from '../wallet/approval/ownerReach.js';
import type { Page } from '../web/page.js';

/** More questions than a process has open at once; past it the oldest may be shown again. */
const SHOWN_MAX = 100;

/** Reaches the owner through the local page: served, and loaded at all, from the first question on. */
export class PageReach implements OwnerReach {
  readonly #engine: Engine;
  readonly #place: CommandPlace;
  readonly #shown = new Map<string, Promise<string | null>>();
  #page: Promise<Page | null> | null = null;

  constructor(engine: Engine, place: CommandPlace) {
    this.#engine = engine;
    this.#place = place;
  }

  async page(approvalId: string): Promise<string | null> {
    const page = await this.#serve();
    return page === null ? null : page.urlOf(`/approvals/${approvalId}`);
  }

  show(question: Question): Promise<string | null> {
    const { approvalId } = question;
    const known = this.#shown.get(approvalId);
    if (known !== undefined) return known;
    const shown = this.#showOnce(question).catch(() => null);
    this.#shown.set(approvalId, shown);
    const oldest = this.#shown.keys().next();
    if (this.#shown.size > SHOWN_MAX && oldest.done === false) this.#shown.delete(oldest.value);
    return shown;
  }

  async close(): Promise<void> {
    const page = await this.#page;
    this.#page = Promise.resolve(null);
    await page?.close();
  }

  async #showOnce(question: Question): Promise<string | null> {
    const url = await this.page(question.approvalId);
    if (url === null) return null;
    const { env, platform } = this.#place;
    const [{ openInBrowser }, { noticeOf, notifyDesktop }] = await Promise.all([
      import('../web/browser.js'),
      import('../web/notification.js'),
    ]);
    notifyDesktop(noticeOf(question), env, platform).catch(() => undefined);
    return (await openInBrowser(url, env, platform)).say;
  }

  /** A page that cannot be served leaves the terminal; the next question tries again. */
  async #serve(): Promise<Page | null> {
    this.#page ??= this.#start().catch(() => null);
    const page = await this.#page;
    if (page === null) this.#page = null;
    return page;
  }

  async #start(): Promise<Page> {
    const { startPage } = await import('../web/page.js');
    const { home, ledger, keys } = this.#engine;
    const now = (): number => this.#engine.now();
    const desk = openDesk({ home, ledger, configMac: (data) => keys.mac('config', data), now });
    return startPage({ desk, now, command: (args) => ownerCommand(args, this.#place) });
  }
}
