import { rmSync } from 'node:fs';
import { join } from 'node:path';
import { startShop, type Shop } from '../../sandbox/shop/shop.ts';
import { isWalletError } from '../../src/errors/walletError.js';
import { formatUsd } from '../../src/money/decimal.js';
import { DATABASE_FILE } from '../../src/ledger/sqlite/sqliteStore.js';
import { nameOperators, type Operators } from '../support/operators.js';
import { TestPostgres } from '../support/postgres.js';
import { createRandom } from '../support/random.js';
import type { TestWallet } from '../support/testWallet.js';
import { startWalletProcess } from '../support/walletProcess.js';
import { CHAINS, startTestWorld, type GroundName, type TestWorld } from '../support/world.js';
import { runAgent, type Notebook } from './agent.js';
import type { Stage } from './blows/blow.js';
import { Crew } from './crew.js';
import { Disk } from './disk.js';
import { PLACES, Witness } from './exposure.js';
import { settleLate } from './late.js';
import { ACCOUNTS, CAP_FIRST, prepareWallet } from './prepare.js';
import { openSellers, type Sellers } from './sellers/sellers.js';
import { reckon, type Caps } from './reckoning.js';
import { SharedLedger } from './shared.js';
import type { TortureReport } from './report.js';
import { Watch } from './watch.js';
import { runWeather } from './weather.js';
import { Market } from './wish.js';

/** How a wallet is tortured. */
export interface TortureOptions {
  /** The same seed draws the same wishes, faults, kills and jumps again; how they interleave is the machine's. */
  readonly seed: number;
  readonly seconds: number;
  /** Where the ledger stands: in a file, or in a PostgreSQL that two servers share. A file unless given. */
  readonly store?: 'file' | 'postgres';
  /**
   * Goes on past its time until so many calls were made, and so many payments were made in each place: a slow
   * machine must not make it a mild one.
   */
  readonly atLeast?: { readonly calls: number; readonly arrivalsOnEach: number };
}

const PROCESSES = 4;
/** How many ask on behalf of each agent. */
const ASKING = 5;
/** Where the cap was reached the owner raises it by this: the wallet never has much room. */
const CAP_STEP = 250_000n;
/** How a call that would pass the cap is answered: the owner is asked, until too much was. */
const CAP_REACHED: readonly string[] = ['approval_required', 'asks_limited'];
/** Origins that are paused are left for fresh ones: some to begin with, and some for each so many seconds. */
const ORIGINS_FIRST = 12;
const ORIGIN_EVERY_SEC = 2;
const ORIGINS_MAX = 300;
const CLOCK_EVERY_MS = 40;
/** Blocks come faster than in the world, so that many blockhashes expire within a run: after some ten seconds. */
const BLOCK_EVERY_MS = 70;
/** What a payment in every process at once takes on a fast machine at rest, and how often that is tried to learn what it takes here. */
const PAYMENTS_MS = 160;
const PAYMENTS_TIMED = 3;

/** Tortures a wallet for a while, then settles everything and reckons. */
export async function runTorture(options: TortureOptions): Promise<TortureReport> {
  const world = await startTestWorld('tempo');
  const shops: Shop[] = [];
  const stops: (() => Promise<void>)[] = [];
  const isShared = options.store === 'postgres';
  const disk = isShared ? null : Disk.mount();
  const postgres = isShared ? await TestPostgres.start() : null;
  if (postgres !== null) stops.push(() => postgres.stop());
  try {
    return await tortureIn({ world, shops, stops, disk, postgres }, options);
  } finally {
    await Promise.all([...shops.map((shop) => shop.stop()), ...stops.map((stop) => stop())]);
    await world.stop();
    disk?.unmount();
  }
}

interface Ground {
  readonly world: TestWorld;
  readonly shops: Shop[];
  /** What else is to be ended. */
  readonly stops: (() => Promise<void>)[];
  readonly disk: Disk | null;
  readonly postgres: TestPostgres | null;
}

async function tortureIn(
  { world, shops, stops, disk, postgres }: Ground,
  options: TortureOptions,
): Promise<TortureReport> {
  const { seed, seconds, atLeast = { calls: 0, arrivalsOnEach: 0 } } = options;
  const random = createRandom(seed);
  const { chain, solana, facilitator } = world.sandbox;
  const witness = new Witness(solana, world.now);
  const origins = Math.min(ORIGINS_MAX, ORIGINS_FIRST + Math.ceil(seconds / ORIGIN_EVERY_SEC));
  for (let i = 0; i < origins; i++)
    shops.push(await startShop({ chain, solana, facilitatorUrl: facilitator.url }));
  for (const one of shops) witness.watch(one);
  const sellers = await openSellers(world, witness, { seed, origins });
  stops.push(sellers.close);
  const { lightning } = sellers;
  const operators = await startOperators(world);
  const urls = urlsOf(world, operators);
  nameOperators(urls);
  const { mine, purses } = await prepareWallet(world, { shops, sellers, disk });
  const shared = postgres === null ? null : await SharedLedger.open(postgres, mine, world.now);
  if (shared !== null) stops.unshift(() => shared.close());
  const caps = await openCaps(mine, witness, () => shared?.shareConfig());
  const watch =
    shared === null
      ? new Watch(join(mine.home, DATABASE_FILE), witness, world.now)
      : new Watch(shared.watchedFile, witness, world.now, () => shared.follow());
  // Before the first payment: one that is seen late seems to count for longer than it does.
  watch.start();
  const slowness = await measureSlowness(world, mine, urls);
  const aheadMs = (): number => world.now() - Date.now();
  const crew = await Crew.start({
    ...{ slowness, aheadMs },
    homes: shared?.homes ?? [mine.home],
    size: PROCESSES,
    operators: urls,
  });
  const notebook: Notebook = { wishes: new Map(), torn: new Set(), told: [], broken: [], sleeps: 0 };
  const stage: Stage = {
    ...{ world, mine, crew, watch, notebook, operators, lightning, disk, shared },
    accounts: ACCOUNTS,
    broken: [],
    oldLedger: null,
  };
  witness.watchClock('base', chain, CLOCK_EVERY_MS);
  witness.watchClock('tempo', world.tempo!.chain, CLOCK_EVERY_MS);
  const mining = setInterval(() => solana.mine(), BLOCK_EVERY_MS);
  const counts = new Map<string, number>();
  const endsMs = Date.now() + seconds * 1000;
  const isOver = (): boolean =>
    Date.now() >= endsMs &&
    notebook.told.length >= atLeast.calls &&
    PLACES.every((place) => witness.arrivalsOn(place) >= atLeast.arrivalsOnEach);
  const owners = {
    base: await world.on('base').ground.newOwner(),
    solana: await world.on('solana').ground.newOwner(),
    tempo: await world.on('tempo').ground.newOwner(),
  };
  const markets = {
    shops: new Market(shops.map(({ url }) => url)),
    fronts: new Market(sellers.fronts.map(({ url }) => url)),
  };
  const asking = Array.from({ length: ASKING }, (_, i) => i).flatMap((i) =>
    ACCOUNTS.map((account) =>
      runAgent(`${account}${i}`, account, {
        ...{ crew, markets, notebook, slowness, isOver },
        random: random.fork(),
      }),
    ),
  );
  await Promise.all([
    runWeather({
      stage,
      random: random.fork(),
      isOver,
      raiseCap: raiser(caps, notebook),
      owners,
      purses,
      counts,
    }),
    settleLate({
      ...{ shops, fronts: sellers.fronts, solana, witness, isOver, counts },
      now: world.now,
      random: random.fork(),
    }),
    lightning.settleHeld(random.fork(), isOver, counts),
    crew.watchOver(isOver),
    ...asking,
  ]);
  await crew.close();
  await watch.lookNow();
  watch.stop();
  witness.stop();
  clearInterval(mining);
  for (const one of shops) one.dropPending();
  await lightning.rest();
  const afterwards = [
    ...CHAINS.map((one) => `${world.sandbox.shop.url}/v2/json?id=afterwards&chain=${one}`),
    ...sellers.afterwards,
  ];
  for (const [kind, count] of [...countFaults(shops, sellers), ...crew.deaths]) counts.set(kind, count);
  const remains = {
    world,
    mine,
    purses,
    witness,
    watch,
    notebook,
    caps,
    stage,
    seed,
    slowness,
    way: lightning.way,
    afterwards,
    faults: counts,
  };
  try {
    return await reckon(remains);
  } finally {
    if (stage.oldLedger !== null) rmSync(stage.oldLedger.file, { force: true });
  }
}

/** Two operators for each chain, of which both must agree. */
async function startOperators({ sandbox, tempo }: TestWorld): Promise<Stage['operators']> {
  return {
    base: [sandbox.rpc, await sandbox.addRpc()],
    solana: [sandbox.solanaRpc, await sandbox.addRpc('solana')],
    tempo: [tempo!.rpc, await tempo!.addRpc()],
  };
}

function urlsOf(world: TestWorld, operators: Stage['operators']): Operators {
  const names = Object.keys(operators) as GroundName[];
  return Object.fromEntries(
    names.map((chain) => [world.on(chain).ground.caip2, operators[chain].map(({ url }) => url)]),
  );
}

/** How much longer payments in every process at once take here at this moment than on a fast machine at rest; at least 1. */
async function measureSlowness(world: TestWorld, mine: TestWallet, operators: Operators): Promise<number> {
  const starting = Array.from({ length: PROCESSES }, () =>
    startWalletProcess(mine.home, { operators, aheadMs: 0 }),
  );
  const all = await Promise.all(starting);
  const payOnce = (): Promise<unknown> =>
    Promise.all(all.map((one) => one.pay({ url: world.url('/v2/json'), max_usd: '0.05' })));
  await payOnce();
  const startedMs = performance.now();
  for (let i = 0; i < PAYMENTS_TIMED; i++) await payOnce();
  const tookMs = (performance.now() - startedMs) / PAYMENTS_TIMED;
  await Promise.all(all.map((one) => one.kill()));
  return Math.max(1, tookMs / PAYMENTS_MS);
}

/** The cap under test, by the versions of the config that had it. */
async function openCaps(mine: TestWallet, witness: Witness, share: () => void): Promise<Caps> {
  const byVersion = new Map<number, bigint>();
  let cap = CAP_FIRST;
  const set = async (): Promise<void> => {
    // Said before it is so: a payment under it may arrive before this process hears that it was set.
    witness.noteCap(cap);
    byVersion.set(await mine.set('limits.per_day_usd', formatUsd(cap)), cap);
    share();
  };
  await set();
  return {
    byVersion,
    current: () => cap,
    raise: async () => {
      const before = cap;
      cap += CAP_STEP;
      try {
        await set();
      } catch (error) {
        // The disk may just be full: the owner tries again later. What was said before it was so is taken back.
        if (!isWalletError(error) || error.code !== 'disk_full') throw error;
        cap = before;
        witness.noteCap(cap);
      }
    },
  };
}

/** Raises the cap where it was reached since the last time; one that nobody has reached is wide enough. */
function raiser(caps: Caps, { told }: Notebook): () => Promise<void> {
  let seen = 0;
  return async () => {
    const fresh = told.slice(seen);
    seen = told.length;
    if (fresh.some(({ outcome }) => CAP_REACHED.includes(outcome?.code ?? ''))) await caps.raise();
  };
}

function countFaults(shops: readonly Shop[], { fronts }: Sellers): Map<string, number> {
  const counts = new Map<string, number>();
  for (const [name, count] of fronts.flatMap(({ faults }) => [...faults]))
    counts.set(`front ${name}`, (counts.get(`front ${name}`) ?? 0) + count);
  for (const { fault } of shops.flatMap(({ requests }) => requests.entries))
    if (fault !== undefined) counts.set(`seller ${fault}`, (counts.get(`seller ${fault}`) ?? 0) + 1);
  return counts;
}
