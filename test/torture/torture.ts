import { startShop, type Shop } from '../../sandbox/shop/shop.ts';
import { formatUsd } from '../../src/money/decimal.js';
import { journalOf, paymentsIn } from '../support/books.js';
import { createRandom } from '../support/random.js';
import type { TestWallet } from '../support/testWallet.js';
import { CHAINS, startTestWorld, type TestWorld } from '../support/world.js';
import { runAgent, type Notebook } from './agent.js';
import { Crew } from './crew.js';
import { followJournal, Witness, type Peak } from './exposure.js';
import {
  checkArrivals,
  checkJournal,
  checkStillWorks,
  checkWishes,
  compareWithChains,
  pursesOf,
  readChains,
  settleForGood,
} from './reckoning.js';
import { runWeather } from './weather.js';
import { Market } from './wish.js';

/** How a wallet is tortured. */
export interface TortureOptions {
  /** The same seed draws the same wishes, faults, kills and jumps again; how they interleave is the machine's. */
  readonly seed: number;
  readonly seconds: number;
  /** Goes on past its time until so many calls were made: a slow machine must not make it a mild one. */
  readonly callsMin?: number;
  readonly processes?: number;
  readonly agents?: number;
}

/** What came of it. */
export interface TortureReport {
  readonly seed: number;
  readonly calls: number;
  readonly callsByStatus: ReadonlyMap<string, number>;
  readonly faults: ReadonlyMap<string, number>;
  readonly signed: number;
  readonly reachedSellers: number;
  /** Payments that each chain shows in the end, by its label. */
  readonly settledOn: ReadonlyMap<string, number>;
  readonly captured: number;
  readonly released: number;
  readonly unknown: number;
  /** The greatest exposure by the ledger, and as sellers and chain saw it. */
  readonly peakByLedger: Peak;
  readonly peakByWitness: Peak;
  readonly capUsdMicros: bigint;
  /** Sentences, one for each invariant that did not hold; none at all is success. */
  readonly broken: readonly string[];
}

const PROCESSES = 4;
const AGENTS = 16;
/** The cap begins here, and where it was reached the owner raises it by this: the wallet never has much room. */
const CAP_FIRST = 500_000n;
const CAP_STEP = 250_000n;
const FUNDS_ATOMIC = 2_000_000_000n;
/** How a call that would pass the cap is answered: the owner is asked, until too much was. */
const CAP_REACHED: readonly string[] = ['approval_required', 'asks_limited'];
/** Origins that are paused are left for fresh ones: some to begin with, and some for each so many seconds. */
const ORIGINS_FIRST = 12;
const ORIGIN_EVERY_SEC = 2;
const ORIGINS_MAX = 300;
const CLOCK_EVERY_MS = 40;
/** Blocks come faster than in the world, so that many blockhashes expire within a run: after some ten seconds. */
const BLOCK_EVERY_MS = 70;
/** The last part of a run: only then does a clock jump an hour ahead, since afterwards no window of time passes. */
const LATE_PART = 0.85;
/** Past the hour by which a clock may have been ahead, and the longest window after it. */
const ADVANCE_SEC = 2 * 3600;

/** Tortures a wallet for a while, then settles everything and reckons. */
export async function runTorture(options: TortureOptions): Promise<TortureReport> {
  const world = await startTestWorld();
  const shops: Shop[] = [];
  try {
    return await tortureIn(world, shops, options);
  } finally {
    await Promise.all(shops.map((shop) => shop.stop()));
    await world.stop();
  }
}

async function tortureIn(world: TestWorld, shops: Shop[], options: TortureOptions): Promise<TortureReport> {
  const { seed, seconds, callsMin = 0, processes = PROCESSES, agents = AGENTS } = options;
  const random = createRandom(seed);
  const { chain, solana, facilitator } = world.sandbox;
  const witness = new Witness(solana);
  const origins = Math.min(ORIGINS_MAX, ORIGINS_FIRST + Math.ceil(seconds / ORIGIN_EVERY_SEC));
  for (let i = 0; i < origins; i++)
    shops.push(await startShop({ chain, solana, facilitatorUrl: facilitator.url }));
  for (const one of shops) witness.watch(one);
  const mine = await prepareWallet(world, shops);
  const caps = await openCaps(mine, witness);
  const notebook: Notebook = {
    wishes: new Map(),
    endedMs: new Map(),
    told: [],
    broken: [],
    hourAheadMs: Number.POSITIVE_INFINITY,
  };
  const crew = await Crew.start(mine.home, processes);
  witness.watchClock(chain, CLOCK_EVERY_MS);
  const mining = setInterval(() => solana.mine(), BLOCK_EVERY_MS);
  const market = new Market(shops.map(({ url }) => url));
  const weatherCounts = new Map<string, number>();
  let raisedAt = 0;
  const startedMs = Date.now();
  const endsMs = startedMs + seconds * 1000;
  const isOver = (): boolean => Date.now() >= endsMs && notebook.told.length >= callsMin;
  await Promise.all([
    runWeather({
      world,
      shops,
      crew,
      random: random.fork(),
      lateFromMs: startedMs + LATE_PART * (endsMs - startedMs),
      isOver,
      // A cap that nobody has reached is wide enough.
      raiseCap: async () => {
        const told = notebook.told.length;
        if (notebook.told.slice(raisedAt).some(({ outcome }) => CAP_REACHED.includes(outcome?.code ?? '')))
          await caps.raise();
        raisedAt = told;
      },
      onHourAhead: () => (notebook.hourAheadMs = Math.min(notebook.hourAheadMs, Date.now())),
      counts: weatherCounts,
    }),
    ...Array.from({ length: agents }, (_, i) =>
      runAgent(`w${i}`, { crew, market, random: random.fork(), notebook, isOver }),
    ),
  ]);
  await crew.close();
  witness.stop();
  clearInterval(mining);
  for (const one of shops) one.dropPending();
  const faults = countFaults(shops, weatherCounts, crew);
  return reckon({ world, mine, witness, notebook, caps, faults, seed });
}

async function prepareWallet(world: TestWorld, shops: readonly Shop[]): Promise<TestWallet> {
  const hosts = [world.sandbox.shop, ...shops].map(({ hostPort }) => hostPort);
  const mine = await world.wallet({
    usdMicros: FUNDS_ATOMIC,
    settings: {
      'networks.enabled': JSON.stringify(CHAINS.map((chain) => world.on(chain).ground.caip2)),
      'ceilings.per_day_usd': '2000',
      'ceilings.per_month_usd': '2000',
      'ceilings.per_session_usd': '2000',
      'limits.per_month_usd': '2000',
      'limits.per_session_usd': '2000',
      'limits.per_day_usd': formatUsd(CAP_FIRST),
      'net.allow_private': JSON.stringify(hosts),
    },
  });
  await world.sandbox.solana.fund(mine.solanaAddress, FUNDS_ATOMIC);
  return mine;
}

interface Caps {
  readonly byVersion: Map<number, bigint>;
  readonly current: () => bigint;
  readonly raise: () => Promise<void>;
}

/** The cap under test, by the versions of the config that had it. */
async function openCaps(mine: TestWallet, witness: Witness): Promise<Caps> {
  const byVersion = new Map<number, bigint>();
  let cap = CAP_FIRST;
  const set = async (): Promise<void> => {
    // Said before it is so: a payment under it may arrive before this process hears that it was set.
    witness.noteCap(cap);
    byVersion.set(await mine.set('limits.per_day_usd', formatUsd(cap)), cap);
  };
  await set();
  return {
    byVersion,
    current: () => cap,
    raise: async () => {
      cap += CAP_STEP;
      await set();
    },
  };
}

function countFaults(
  shops: readonly Shop[],
  weather: ReadonlyMap<string, number>,
  crew: Crew,
): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { fault } of shops.flatMap(({ requests }) => requests.entries)) {
    if (fault !== undefined) counts.set(`seller ${fault}`, (counts.get(`seller ${fault}`) ?? 0) + 1);
  }
  for (const [kind, count] of [...weather, ...crew.deaths]) counts.set(kind, count);
  return new Map([...counts].sort());
}

interface Remains {
  readonly world: TestWorld;
  readonly mine: TestWallet;
  readonly witness: Witness;
  readonly notebook: Notebook;
  readonly caps: Caps;
  readonly faults: ReadonlyMap<string, number>;
  readonly seed: number;
}

async function reckon(remains: Remains): Promise<TortureReport> {
  const { world, mine, witness, notebook, caps, faults, seed } = remains;
  await world.advance(ADVANCE_SEC);
  const wallet = mine.open();
  const engine = await wallet.engine();
  await engine.ledger.unfreeze(world.now());
  const open = await settleForGood(engine);
  const payments = paymentsIn(engine);
  const journal = journalOf(mine.home);
  const purses = pursesOf(world, mine, FUNDS_ATOMIC);
  const { settled, settledOn } = await readChains(purses);
  const byLedger = followJournal(journal, caps.byVersion);
  const byWitness = witness.follow(settled);
  const broken = [
    ...open,
    ...byLedger.broken,
    ...byWitness.broken,
    ...checkJournal(journal),
    ...checkArrivals(witness, payments, journal),
    ...checkWishes(notebook, witness, settled),
    ...(await compareWithChains(purses, engine)),
  ];
  await mine.set('limits.per_day_usd', '2000');
  for (const chain of CHAINS) {
    const url = `${world.sandbox.shop.url}/v2/json?id=afterwards&chain=${chain}`;
    broken.push(...(await checkStillWorks(wallet, url)));
  }
  const inState = (...states: string[]): number =>
    payments.filter(({ state }) => states.includes(state)).length;
  const callsByStatus = new Map<string, number>();
  for (const { outcome } of notebook.told) {
    const status = outcome === null ? 'process ended' : `${outcome.status} ${outcome.code}`;
    callsByStatus.set(status, (callsByStatus.get(status) ?? 0) + 1);
  }
  return {
    seed,
    calls: notebook.told.length,
    callsByStatus: new Map([...callsByStatus].sort()),
    faults,
    signed: journal.filter(({ kind }) => kind === 'sign').length,
    reachedSellers: witness.arrivals.size,
    settledOn,
    captured: inState('captured'),
    released: inState('released'),
    unknown: payments.length - inState('captured', 'released'),
    peakByLedger: byLedger.peak,
    peakByWitness: byWitness.peak,
    capUsdMicros: caps.current(),
    broken,
  };
}

/** The report as people read it. */
export function describeReport(report: TortureReport): string {
  const counts = (map: ReadonlyMap<string, number>): string =>
    [...map].map(([name, count]) => `  ${String(count).padStart(7)}  ${name}`).join('\n');
  const peak = ({ usdMicros, capUsdMicros }: Peak): string =>
    `$${formatUsd(usdMicros)} under a cap of $${formatUsd(capUsdMicros)}`;
  return `Seed ${report.seed}

Calls      ${report.calls}
${counts(report.callsByStatus)}

Faults     ${[...report.faults.values()].reduce((sum, count) => sum + count, 0)}
${counts(report.faults)}

Signed     ${report.signed} authorizations; ${report.reachedSellers} reached a seller
Captured   ${report.captured}; the chains show ${[...report.settledOn].map(([chain, count]) => `${count} on ${chain}`).join(', ')}
Released   ${report.released}
Unknown    ${report.unknown}

Greatest exposure, by the ledger                 ${peak(report.peakByLedger)}
Greatest exposure, as sellers and chains saw it  ${peak(report.peakByWitness)}
The cap at the end                               $${formatUsd(report.capUsdMicros)}

${report.broken.length === 0 ? 'Every invariant held; ledger = chains to the atomic unit.' : `BROKEN\n${report.broken.map((one) => `  ${one}`).join('\n')}`}
`;
}
