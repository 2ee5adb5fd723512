import type { MovementBook } from '../../ledger/books/movement.js';
import { openMovements } from '../../ledger/stores.js';
import { openSettings } from '../../owner/ownerSettings.js';
import { watchNotices } from '../../owner/notices/noticeWatch.js';
import { freezeWallet } from '../../owner/ownerFreeze.js';
import { lookForMoney } from '../../treasury/statement/lookForMoney.js';
import { ownPlaces } from '../../treasury/statement/ownPlaces.js';
import { readStatement } from '../../treasury/statement/readStatement.js';
import type { Engine } from '../../wallet/engine.js';
import type { DeskParts } from '../../web/desk/desk.js';
import { notifyDesktop } from '../../web/desktop/notification.js';
import type { CommandCall } from '../command.js';
import { countWaiting, readMoney } from '../watch/glance.js';
import { untilInterrupted, withEngine } from '../terminal/wallet.js';
import { openPage } from './ownerPage.js';

/** How long one look at the chains takes at most; the next goes on where it ended. */
const LOOK_MS_MAX = 60_000;

/** Shows the local page until it is interrupted: what waits, else the desk. */
export async function run(call: CommandCall): Promise<number> {
  return untilInterrupted((signal) =>
    withEngine(call, async (engine) => {
      const path = (await countWaiting(engine)) > 0 ? '/' : '/home';
      const book = openMovements(call.home);
      const { io } = call;
      const notices = watchNotices(engine, {
        version: io.version,
        showDesktop: (text) => notifyDesktop({ text, stays: false }, io.env, io.platform),
      });
      const desk = { ...deskOf(call, engine, book, signal), notices: notices.book };
      const page = await openPage(call, engine, path, { desk });
      await new Promise<void>((resolve) => {
        if (signal.aborted) resolve();
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
      await page.close();
      book.close();
      return 0;
    }),
  );
}

function deskOf(
  { io, home }: CommandCall,
  engine: Engine,
  book: MovementBook,
  over: AbortSignal,
): Omit<DeskParts, 'notices'> {
  const { ledger, keys } = engine;
  return {
    ledger,
    config: () => engine.config(),
    readMoney: () => readMoney(engine),
    lookForMoney: async () => {
      const parts = { config: await engine.config(), keys, ledger, book, now: () => engine.now() };
      return lookForMoney(parts, AbortSignal.any([over, AbortSignal.timeout(LOOK_MS_MAX)]));
    },
    readStatement: async (period, say) => {
      const places = await ownPlaces(await engine.config(), keys, ledger);
      return readStatement({ ledger, book }, places, period, say);
    },
    settings: openSettings({
      ...{ home, ledger, now: () => engine.now(), remember: () => engine.renewCheckpoint() },
      configMac: (data) => keys.mac('config', data),
    }),
    listAgents: () => ledger.agents.list(),
    freeze: async () => void (await freezeWallet({ home, now: io.now })),
    suspend: async (agent) => {
      await ledger.agents.change(agent, { act: 'suspend' }, engine.now());
      engine.renewCheckpoint();
    },
  };
}
