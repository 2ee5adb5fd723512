import { ownerCommand, type CommandPlace } from '../wallet/ownerCommand.js';
import type { SetUpPlace } from '../owner/setUpDesk.js';
import type { SetUpPage } from '../web/setUpPage.js';

/**
 * Offers the owner the local page to set the wallet up on, from the first call that finds none: a bundle that was opened
 * by a double-click runs no `init`. The page opens in their browser once; nothing of it is loaded before.
 */
export class SetUpOffer {
  readonly #place: SetUpPlace;
  readonly #machine: CommandPlace;
  #page: Promise<SetUpPage | null> | undefined;

  constructor(place: SetUpPlace, machine: CommandPlace) {
    this.#place = place;
    this.#machine = machine;
  }

  /**
   * What to tell the owner where there is a page for them; null where their browser could not be opened, as on a server.
   * Never rejects. It names the bare address: what lets in is on the owner's own screen (T20).
   */
  async words(): Promise<string | null> {
    // Asked once: an agent that calls again must not open tab after tab.
    this.#page ??= this.#open().catch(() => null);
    const page = await this.#page;
    if (page === null) return null;
    const command = ownerCommand('init', this.#machine);
    return `The wallet has to be set up first. A page for that is open in your browser (${page.url}); or run in a terminal: ${command}`;
  }

  async close(): Promise<void> {
    const page = await this.#page;
    this.#page = Promise.resolve(null);
    await page?.close();
  }

  async #open(): Promise<SetUpPage | null> {
    const [{ startSetUpPage }, { SetUpDesk }, { openInBrowser }, { notifyDesktop }] = await Promise.all([
      import('../web/setUpPage.js'),
      import('../owner/setUpDesk.js'),
      import('../web/browser.js'),
      import('../web/notification.js'),
    ]);
    const { env, platform } = this.#machine;
    const page = await startSetUpPage(new SetUpDesk(this.#place), (args) =>
      ownerCommand(args, this.#machine),
    );
    const { opened } = await openInBrowser(page.ownerUrl, env, platform);
    if (!opened) {
      await page.close();
      return null;
    }
    const notice = `Set up the wallet of your agents at ${page.url} with the code ${page.code}`;
    notifyDesktop(notice, env, platform).catch(() => undefined);
    return page;
  }
}
