import type { CommandCall } from '../command.js';
import { printLines } from '../terminal/output/show.js';
import { untilInterrupted, withEngine } from '../terminal/wallet.js';
import { servePhone } from './phonePage.js';

/** Serves the owner's page to their phone. */
export async function run(call: CommandCall): Promise<number> {
  return untilInterrupted((signal) =>
    withEngine(call, async (engine) => {
      const page = await servePhone(call, engine, signal);
      printLines(call.io.stdout, [`Your page is at ${page.addressOf('/home')}`]);
      await untilAborted(signal);
      await page.close();
      return 0;
    }),
  );
}

/** Resolves once a signal aborts. */
export async function untilAborted(signal: AbortSignal): Promise<void> {
  await new Promise<void>((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
