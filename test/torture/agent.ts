import { setTimeout as delay } from 'node:timers/promises';
import type { Outcome } from '../../src/wallet/answer/outcome.js';
import type { Random } from '../support/random.js';
import { ignoreEnd, type Crew } from './crew.js';
import { drawWish, type Market, type Told, type Wish } from './wish.js';

/** An agent gives a wish up after so many calls, or after so long: well within the minute that a replay lasts. */
const ATTEMPTS_MAX = 5;
const PATIENCE_MS = 30_000;
const TWIN_LATE_MS_MAX = 250;

/** What agents write down for the reckoning. */
export interface Notebook {
  readonly wishes: Map<string, Wish>;
  /** When the last call for a wish ended, by its id, ms of the machine's clock. */
  readonly endedMs: Map<string, number>;
  readonly told: Told[];
  /** Sentences on what an answer promised and did not keep. */
  readonly broken: string[];
  /** When a clock was first put an hour ahead: to a process with that clock the minute of a replay is over at once. */
  hourAheadMs: number;
}

interface AgentParts {
  readonly crew: Crew;
  readonly market: Market;
  readonly notebook: Notebook;
  readonly isOver: () => boolean;
}

/** Wishes and asks until the time is over: a retry after anything that is not an end, now and then a replay. */
export async function runAgent(name: string, parts: AgentParts & { random: Random }): Promise<void> {
  const { market, random, notebook } = parts;
  for (let count = 0; !parts.isOver(); count++) {
    const wish = drawWish(`${name}-${count}`, random.fork(), market);
    notebook.wishes.set(wish.id, wish);
    await pursue(wish, random.fork(), parts);
    notebook.endedMs.set(wish.id, Date.now());
  }
}

async function pursue(wish: Wish, random: Random, parts: AgentParts): Promise<void> {
  const { crew, market, notebook, isOver } = parts;
  const givesUpAt = Date.now() + PATIENCE_MS;
  for (let attempt = 0; attempt < ATTEMPTS_MAX && Date.now() < givesUpAt && !isOver(); attempt++) {
    const outcomes = await Promise.all(
      Array.from({ length: attempt === 0 ? wish.twins : 1 }, (_, twin) =>
        callLater(wish, random, crew, twin),
      ),
    );
    notebook.told.push(...outcomes.map((outcome) => ({ wish, outcome })));
    const last = outcomes.find((outcome) => outcome !== null && isEnd(outcome));
    if (last !== undefined && last !== null) {
      if (last.status === 'ok' && last.money === 'captured' && random.percent(10)) {
        await expectReplay(wish, last, random, crew, notebook);
      }
      return;
    }
    if (outcomes.some((outcome) => outcome?.code === 'origin_paused')) return market.leave(wish.url);
    const open = outcomes.find((outcome) => outcome?.status === 'unknown');
    if (open?.payment && random.percent(30)) {
      const looker = await crew.pick(random);
      await looker.ask({ do: 'ledger', input: { payment_id: open.payment.id } }).catch(ignoreEnd);
    }
    await delay(20 + random.below(600));
  }
}

/** The first calls at once, each twin at any moment of the first's: asking the price, paying, or just answered. */
async function callLater(wish: Wish, random: Random, crew: Crew, twin: number): Promise<Outcome | null> {
  if (twin > 0) await delay(random.below(TWIN_LATE_MS_MAX));
  return call(wish, random, crew);
}

/** A wish is at its end once it was delivered, or its money is gone. */
function isEnd({ status, money }: Outcome): boolean {
  return status === 'ok' || money === 'captured';
}

async function call(wish: Wish, random: Random, crew: Crew): Promise<Outcome | null> {
  const process = await crew.pick(random);
  const bound = { timeout_ms: wish.timeoutMs };
  if (!wish.isQuoted) return process.pay({ ...wish.call, ...bound }).catch(ignoreEnd);
  const { max_usd: _max, idempotency_key: key, ...request } = wish.call;
  const quoted = (await process
    .ask({ do: 'quote', input: { ...request, ...bound } })
    .catch(ignoreEnd)) as Outcome | null;
  if (quoted === null || quoted.code !== 'quoted') return quoted;
  const payer = await crew.pick(random);
  const quote = { quote_id: quoted['quote_id'], ...(key === undefined ? {} : { idempotency_key: key }) };
  return payer.pay({ ...quote, ...bound }).catch(ignoreEnd);
}

/** Asks for the same again right after it was delivered: the stored answer, and nothing paid. */
async function expectReplay(
  wish: Wish,
  first: Outcome,
  random: Random,
  crew: Crew,
  notebook: Notebook,
): Promise<void> {
  // A receipt that turns out false ends the payment, and then there is nothing to replay.
  if (wish.fault === 'false_receipt' || wish.fault === 'borrowed_receipt') return;
  const process = await crew.pick(random);
  const again = await process.pay({ ...wish.call, timeout_ms: wish.timeoutMs }).catch(ignoreEnd);
  if (again?.status !== 'ok' || Date.now() >= notebook.hourAheadMs) return;
  if (again.replayed === true && again.payment?.id === first.payment?.id) return;
  notebook.broken.push(`${wish.id}: asked again at once, it was bought again (${again.message})`);
}
