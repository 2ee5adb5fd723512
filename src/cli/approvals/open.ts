import { freezeWallet } from '../../owner/ownerFreeze.js';
import type { Engine } from '../../wallet/engine.js';
import type { DeskParts } from '../../web/desk/desk.js';
import type { CommandCall } from '../command.js';
import { countWaiting, readMoney } from '../watch/glance.js';
import { untilInterrupted, withEngine } from '../terminal/wallet.js';
import { openPage } from './ownerPage.js';

/** Shows the local page until it is interrupted: what waits, else the desk. */
export async function run(call: CommandCall): Promise<number> {
  return untilInterrupted((signal) =>
    withEngine(call, async (engine) => {
      const path = (await countWaiting(engine)) > 0 ? '/' : '/home';
      const page = await openPage(call, engine, path, { desk: deskOf(call, engine) });
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
      await page.close();
      return 0;
    }),
  );
}

function deskOf({ io, home }: CommandCall, engine: Engine): DeskParts {
  const { ledger } = engine;
  return {
    ledger,
    config: () => engine.config(),
    readMoney: () => readMoney(engine),
    listAgents: () => ledger.agents.list(),
    freeze: async () => void (await freezeWallet({ home, now: io.now })),
    suspend: async (agent) => {
      await ledger.agents.change(agent, { act: 'suspend' }, engine.now());
      engine.renewCheckpoint();
    },
  };
}
