import type { CommandCall } from '../command.js';
import { openPage } from './ownerPage.js';
import { untilInterrupted, withEngine } from '../terminal/wallet.js';

/** Shows the local page until it is interrupted. */
export async function run(call: CommandCall): Promise<number> {
  return untilInterrupted((signal) =>
    withEngine(call, async ({ home, ledger, keys }) => {
      const page = await openPage(call, { home, ledger, keys }, '/');
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
      await page.close();
      return 0;
    }),
  );
}
