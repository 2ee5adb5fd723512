import type { MovementBook } from '../../ledger/books/movement.js';
import { openMovements } from '../../ledger/stores.js';
import { openActs } from '../../owner/ownerActs.js';
import { commitmentsIn } from '../../owner/ownerCommitments.js';
import { budgetStates } from '../../owner/ownerBudgets.js';
import { openSettings } from '../../owner/ownerSettings.js';
import { watchNotices } from '../../owner/notices/noticeWatch.js';
import { freezeWallet } from '../../owner/ownerFreeze.js';
import { ownFundPlaces, readOwnFunds } from '../../treasury/ownFunds.js';
import { pageActs } from '../../treasury/pageActs.js';
import { lookForMoney } from '../../treasury/statement/lookForMoney.js';
import { ownPlaces } from '../../treasury/statement/ownPlaces.js';
import { readStatement } from '../../treasury/statement/readStatement.js';
import { readBeginning } from '../../wallet/answer/response.js';
import { limitLines } from '../../wallet/balance.js';
import type { Engine } from '../../wallet/engine.js';
import type { DeskParts } from '../../web/desk/desk.js';
import { notifyDesktop } from '../../web/desktop/notification.js';
import type { CommandCall } from '../command.js';
import { countWaiting, readMoney } from '../watch/glance.js';
import { untilInterrupted, withEngine } from '../terminal/wallet.js';
import { openPage } from './ownerPage.js';

/** How long one look at the chains takes at most; the next goes on where it ended. */
const LOOK_MS_MAX = 60_000;

/** An RPC that is silent for longer leaves its own unknown. */
const FUNDS_MS_MAX = 8_000;
/** Things bought ahead that are shown. */
const BOUGHT_MAX = 500;
/** As much of an answer as a page shows: `wallet_response` and `purser response` have all of it. */
const ANSWER_CHARS_MAX = 8_000;

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

/** The desk's parts over an open wallet, but for the notices. */
export function deskOf(
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
    acts: openActs(ledger, () => engine.now(), pageActs(engine, over)),
    listAgents: () => ledger.agents.list(),
    limitsOf: async (agent) => {
      const session = await ledger.currentSession(agent, engine.now());
      return limitLines(engine.forAgent(agent), await engine.config(), { id: session?.id ?? 'none' });
    },
    budgets: async () => budgetStates(ledger, await engine.config(), engine.now()),
    fundPlaces: () => ownFundPlaces(engine),
    readFunds: () => readOwnFunds(engine, AbortSignal.any([over, AbortSignal.timeout(FUNDS_MS_MAX)])),
    listCommitments: () => commitmentsIn(ledger),
    readAnswer: ({ id, agent }) => readBeginning(engine.forAgent(agent), id, ANSWER_CHARS_MAX),
    listBought: () => ledger.entitlements.list({ isLive: true }, BOUGHT_MAX),
    freeze: async () => void (await freezeWallet({ home, now: io.now })),
    suspend: async (agent) => {
      await ledger.agents.change(agent, { act: 'suspend' }, engine.now());
      engine.renewCheckpoint();
    },
  };
}
