import type { OwnerStep } from '../errors/ownerAction.js';
import type { SetUpPlace } from '../owner/setUp/setUpForm.js';
import { ownerCommand } from '../cli/line/line.js';
import type { CommandPlace } from '../cli/line/program.js';
import type { Page } from '../web/page.js';
import type { CodePurpose } from '../web/setUp/setUpApp.js';

/**
 * Offers the owner the local page to set the wallet up on, from the first call that finds none: a bundle that was opened
 * by a double-click runs no `init`. The page opens in their browser once; nothing of it is loaded before.
 */
export class SetUpOffer {
  readonly #place: SetUpPlace;
  readonly #machine: CommandPlace;
  #page: Promise<Page | null> | undefined;

  constructor(place: SetUpPlace, machine: CommandPlace) {
    this.#place = place;
    this.#machine = machine;
  }

  /**
   * What to tell the owner where there is a page for them; null where their browser could not be opened or their desktop
   * shows no code, as on a server. Never rejects. It names the bare address: what lets in, and the code that makes the
   * wallet, are on the owner's own screen (T20).
   */
  async step(): Promise<OwnerStep | null> {
    // Asked once: an agent that calls again must not open tab after tab.
    this.#page ??= this.#open().catch(() => null);
    const page = await this.#page;
    if (page === null) return null;
    const say = `The wallet has to be set up first. The owner does that on the page that opened in the browser of this computer (${page.addressOf('/')}), with the code that its desktop shows, or in a terminal.`;
    return { say, action: { kind: 'setUp' } };
  }

  async close(): Promise<void> {
    const page = await this.#page;
    this.#page = Promise.resolve(null);
    await page?.close();
  }

  async #open(): Promise<Page | null> {
    const [{ startSetUpPage }, { SetUpForm }, { openInBrowser }, { notifyDesktop }] = await Promise.all([
      import('../web/setUp/setUpPage.js'),
      import('../owner/setUp/setUpForm.js'),
      import('../web/desktop/browser.js'),
      import('../web/desktop/notification.js'),
    ]);
    const { env, platform } = this.#machine;
    const showCode = (
      page: Pick<Page, 'codeToShow' | 'addressOf'>,
      purpose: CodePurpose = 'setUp',
    ): Promise<boolean> => {
      const what =
        purpose === 'setUp'
          ? 'Set up the wallet of your agents'
          : 'See the words that alone bring your wallet back';
      const text = `${what} at ${page.addressOf('/')} with the code ${page.codeToShow()}`;
      return notifyDesktop({ text, stays: true }, env, platform).catch(() => false);
    };
    const page = await startSetUpPage(new SetUpForm(this.#place), {
      now: this.#place.now,
      command: (action) => ownerCommand(action, this.#machine),
      open: (address) => openInBrowser(address, this.#machine),
      showCode,
    });
    if ((await showCode(page)) && (await page.show(''))) return page;
    await page.close();
    return null;
  }
}
