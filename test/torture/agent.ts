import { setTimeout as delay } from 'node:timers/promises';
import type { Outcome } from '../../src/wallet/answer/outcome.js';
import type { Random } from '../support/random.js';
import type { WalletProcess } from '../support/walletProcess.js';
import { ignoreEnd, type Crew } from './crew.js';
import { drawWish, type Markets, type Told, type Wish } from './wish.js';

/** An agent gives a wish up after so many calls, or after so long: well within the minute that a replay lasts. */
const ATTEMPTS_MAX = 5;
const PATIENCE_MS = 30_000;
const TWIN_LATE_MS_MAX = 250;
/** How much later than its time a call may be answered: a process may be stopped meanwhile, and this machine be slow. */
const LATE_MS_MAX = 20_000;
/**
 * A clock this wrong may put a process out of the minute in which a request counts as the same: two that are wrong by
 * less, one each way, leave forty seconds of it.
 */
const CLOCK_OFF_MS = 10_000;
/** Answered again within this of the first call for a wish, it was within that minute by any such clock. */
const AT_ONCE_MS = 40_000;

/** What agents write down for the reckoning. */
export interface Notebook {
  readonly wishes: Map<string, Wish>;
  /** Wishes that a wrong clock or hours of sleep came between: the minute of a replay may be over before the next call. */
  readonly torn: Set<string>;
  readonly told: Told[];
  /** Sentences on what an answer promised and did not keep. */
  readonly broken: string[];
  /** How often all slept for hours. */
  sleeps: number;
}

interface AgentParts {
  readonly crew: Crew;
  readonly markets: Markets;
  readonly notebook: Notebook;
  /** How much longer everything takes here than on a fast machine at rest; at least 1. */
  readonly slowness: number;
  readonly isOver: () => boolean;
}

/** Wishes and asks until the time is over: a retry after anything that is not an end, now and then a replay. */
export async function runAgent(
  name: string,
  account: string,
  parts: AgentParts & { random: Random },
): Promise<void> {
  const { markets, random, notebook } = parts;
  for (let count = 0; !parts.isOver(); count++) {
    const wish = drawWish(`${name}-${count}`, account, random.fork(), markets);
    notebook.wishes.set(wish.id, wish);
    const { sleeps } = notebook;
    await pursue(wish, random.fork(), parts);
    if (notebook.sleeps !== sleeps) notebook.torn.add(wish.id);
  }
}

async function pursue(wish: Wish, random: Random, parts: AgentParts): Promise<void> {
  const { crew, markets, notebook, isOver } = parts;
  const { sleeps } = notebook;
  const startedMs = performance.now();
  const givesUpAt = Date.now() + PATIENCE_MS;
  for (let attempt = 0; attempt < ATTEMPTS_MAX && Date.now() < givesUpAt && !isOver(); attempt++) {
    const outcomes = await Promise.all(
      Array.from({ length: attempt === 0 ? wish.twins : 1 }, (_, twin) =>
        callLater(wish, random, parts, twin),
      ),
    );
    notebook.told.push(...outcomes.map((outcome) => ({ wish, outcome })));
    const last = outcomes.find((outcome) => outcome !== null && isEnd(outcome));
    if (last !== undefined && last !== null) {
      if (last.status === 'ok' && last.money === 'captured' && random.percent(10)) {
        await expectReplay(wish, { first: last, startedMs, sleeps }, random, parts);
      }
      return;
    }
    if (outcomes.some((outcome) => outcome?.code === 'origin_paused')) {
      markets.shops.leave(wish.url);
      markets.fronts.leave(wish.url);
      return;
    }
    const open = outcomes.find((outcome) => outcome?.status === 'unknown');
    if (open?.payment && random.percent(30)) {
      const looker = await crew.pick(random);
      const input = { payment_id: open.payment.id };
      await looker.ask({ do: 'ledger', input, agent: wish.agent }).catch(ignoreEnd);
    }
    await delay(20 + random.below(600));
  }
}

/** The first calls at once, each twin at any moment of the first's: asking the price, paying, or just answered. */
async function callLater(
  wish: Wish,
  random: Random,
  parts: AgentParts,
  twin: number,
): Promise<Outcome | null> {
  if (twin > 0) await delay(random.below(TWIN_LATE_MS_MAX));
  return call(wish, random, parts);
}

/** A wish is at its end once it was delivered, or its money is gone. */
function isEnd({ status, money }: Outcome): boolean {
  return status === 'ok' || money === 'captured';
}

async function call(wish: Wish, random: Random, parts: AgentParts): Promise<Outcome | null> {
  const { crew, slowness } = parts;
  const bound = { timeout_ms: Math.ceil(wish.timeoutMs * slowness) };
  const process = await crew.pick(random);
  if (!wish.isQuoted) return payBy(process, { ...wish.call, ...bound }, wish, parts);
  const { max_usd: _max, idempotency_key: key, ...request } = wish.call;
  const quoted = (await process
    .ask({ do: 'quote', input: { ...request, ...bound }, agent: wish.agent })
    .catch(ignoreEnd)) as Outcome | null;
  if (quoted === null || quoted.code !== 'quoted') return quoted;
  const payer = await crew.pick(random);
  const quote = { quote_id: quoted['quote_id'], ...(key === undefined ? {} : { idempotency_key: key }) };
  return payBy(payer, { ...quote, ...bound }, wish, parts);
}

async function payBy(
  process: WalletProcess,
  input: Record<string, unknown>,
  wish: Wish,
  { crew, notebook, slowness }: AgentParts,
): Promise<Outcome | null> {
  const isOff = (): boolean => Math.abs(crew.errorMsOf(process)) >= CLOCK_OFF_MS;
  const wasOff = isOff();
  const { sleeps } = notebook;
  const startedMs = performance.now();
  const outcome = await process.pay(input, wish.agent).catch(ignoreEnd);
  const lateMs = performance.now() - startedMs - slowness * (wish.timeoutMs + LATE_MS_MAX);
  if (lateMs > 0 && outcome !== null && notebook.sleeps === sleeps)
    notebook.broken.push(`${wish.id}: a call of ${wish.timeoutMs} ms was answered ${lateMs} ms too late`);
  if (wasOff || isOff()) notebook.torn.add(wish.id);
  return outcome;
}

/** Asks for the same again right after it was delivered: the stored answer, and nothing paid. */
async function expectReplay(
  wish: Wish,
  {
    first,
    startedMs,
    sleeps,
  }: {
    readonly first: Outcome;
    readonly startedMs: number;
    /** Hours that are slept within the first call take it out of the minute, too. */
    readonly sleeps: number;
  },
  random: Random,
  parts: AgentParts,
): Promise<void> {
  // A receipt that turns out false ends the payment, and then there is nothing to replay.
  if (wish.fault === 'false_receipt' || wish.fault === 'borrowed_receipt') return;
  const { crew, notebook, slowness } = parts;
  const process = await crew.pick(random);
  const bound = { timeout_ms: Math.ceil(wish.timeoutMs * slowness) };
  const again = await payBy(process, { ...wish.call, ...bound }, wish, parts);
  if (again?.status !== 'ok' || notebook.torn.has(wish.id) || notebook.sleeps !== sleeps) return;
  if (performance.now() - startedMs > AT_ONCE_MS) return;
  if (again.replayed === true && again.payment?.id === first.payment?.id) return;
  const offMs = crew.errorMsOf(process);
  notebook.broken.push(
    `${wish.id}: asked again at once, ${first.payment?.id} was bought again (${again.message}; clock off by ${offMs} ms)`,
  );
}
