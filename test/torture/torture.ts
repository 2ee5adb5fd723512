import { rmSync } from 'node:fs';
import { startShop, type Shop } from '../../sandbox/shop/shop.ts';
import { isWalletError } from '../../src/errors/walletError.js';
import { DEFAULT_AGENT } from '../../src/money/agent.js';
import { formatUsd } from '../../src/money/decimal.js';
import { addAgent } from '../../src/owner/ownerAgents.js';
import { nameOperators, type Operators } from '../support/operators.js';
import { ownerOf } from '../support/quickWallet.js';
import { createRandom } from '../support/random.js';
import { TEST_PASSPHRASE, type TestWallet } from '../support/testWallet.js';
import { startWalletProcess } from '../support/walletProcess.js';
import { CHAINS, startTestWorld, type TestWorld } from '../support/world.js';
import { runAgent, type Notebook } from './agent.js';
import type { Stage } from './blows/blow.js';
import { Crew } from './crew.js';
import { Disk } from './disk.js';
import { Witness } from './exposure.js';
import { settleLate } from './late.js';
import { openPurses, type Purse } from './purse.js';
import { reckon, type Caps } from './reckoning.js';
import type { TortureReport } from './report.js';
import { Watch } from './watch.js';
import { runWeather } from './weather.js';
import { Market } from './wish.js';

/** How a wallet is tortured. */
export interface TortureOptions {
  /** The same seed draws the same wishes, faults, kills and jumps again; how they interleave is the machine's. */
  readonly seed: number;
  readonly seconds: number;
  /**
   * Goes on past its time until so many calls were made, and so many payments reached sellers on each chain: a slow
   * machine must not make it a mild one.
   */
  readonly atLeast?: { readonly calls: number; readonly arrivalsOnEach: number };
}

const PROCESSES = 4;
/** The wallet's agents, each with an address of its own, and how many ask on behalf of each. */
const ACCOUNTS = ['default', 'ada', 'bob'] as const;
const ASKING = 5;
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
/** What a payment takes on a fast machine at rest, and how many are made to learn what it takes here. */
const PAYMENT_MS = 80;
const PAYMENTS_TIMED = 3;

/** Tortures a wallet for a while, then settles everything and reckons. */
export async function runTorture(options: TortureOptions): Promise<TortureReport> {
  const world = await startTestWorld();
  const shops: Shop[] = [];
  const disk = Disk.mount();
  try {
    return await tortureIn(world, shops, disk, options);
  } finally {
    await Promise.all(shops.map((shop) => shop.stop()));
    await world.stop();
    disk?.unmount();
  }
}

async function tortureIn(
  world: TestWorld,
  shops: Shop[],
  disk: Disk | null,
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
  const operators = await startOperators(world);
  const urls = urlsOf(world, operators);
  nameOperators(urls);
  const { mine, purses } = await prepareWallet(world, shops, disk);
  const caps = await openCaps(mine, witness);
  const slowness = await measureSlowness(world, mine, urls);
  const aheadMs = (): number => world.now() - Date.now();
  const crew = await Crew.start({
    ...{ slowness, aheadMs },
    home: mine.home,
    size: PROCESSES,
    operators: urls,
  });
  const watch = new Watch(mine.home, witness, world.now);
  const notebook: Notebook = { wishes: new Map(), torn: new Set(), told: [], broken: [], sleeps: 0 };
  const stage: Stage = {
    ...{ world, mine, crew, watch, notebook, operators, disk },
    accounts: ACCOUNTS,
    broken: [],
    oldLedger: null,
  };
  watch.start();
  witness.watchClock(chain, CLOCK_EVERY_MS);
  const mining = setInterval(() => solana.mine(), BLOCK_EVERY_MS);
  const counts = new Map<string, number>();
  const endsMs = Date.now() + seconds * 1000;
  const isOver = (): boolean =>
    Date.now() >= endsMs &&
    notebook.told.length >= atLeast.calls &&
    CHAINS.every((chain) => witness.arrivalsOn(chain) >= atLeast.arrivalsOnEach);
  const owners = {
    base: await world.on('base').ground.newOwner(),
    solana: await world.on('solana').ground.newOwner(),
  };
  const market = new Market(shops.map(({ url }) => url));
  const asking = Array.from({ length: ASKING }, (_, i) => i).flatMap((i) =>
    ACCOUNTS.map((account) =>
      runAgent(`${account}${i}`, account, {
        ...{ crew, market, notebook, slowness, isOver },
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
    settleLate({ ...{ shops, solana, witness, isOver, counts }, now: world.now, random: random.fork() }),
    crew.watchOver(isOver),
    ...asking,
  ]);
  await crew.close();
  watch.stop();
  witness.stop();
  clearInterval(mining);
  for (const one of shops) one.dropPending();
  for (const [kind, count] of [...countFaults(shops), ...crew.deaths]) counts.set(kind, count);
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
    faults: counts,
  };
  try {
    return await reckon(remains);
  } finally {
    if (stage.oldLedger !== null) rmSync(stage.oldLedger.file, { force: true });
  }
}

/** Two operators for each chain, of which both must agree. */
async function startOperators({ sandbox }: TestWorld): Promise<Stage['operators']> {
  return {
    base: [sandbox.rpc, await sandbox.addRpc()],
    solana: [sandbox.solanaRpc, await sandbox.addRpc('solana')],
  };
}

function urlsOf(world: TestWorld, operators: Stage['operators']): Operators {
  return Object.fromEntries(
    CHAINS.map((chain) => [world.on(chain).ground.caip2, operators[chain].map(({ url }) => url)]),
  );
}

async function prepareWallet(
  world: TestWorld,
  shops: readonly Shop[],
  disk: Disk | null,
): Promise<{ mine: TestWallet; purses: readonly Purse[] }> {
  const hosts = [world.sandbox.shop, world.sandbox.facilitator, ...shops].map(({ hostPort }) => hostPort);
  const networks = CHAINS.map((chain) => world.on(chain).ground.caip2);
  const mine = await world.wallet({
    usdMicros: FUNDS_ATOMIC,
    settings: {
      'networks.enabled': JSON.stringify(networks),
      ...Object.fromEntries(networks.map((caip2) => [`networks.${caip2}.rpc_url`, 'none'])),
      'ceilings.per_day_usd': '2000',
      'ceilings.per_month_usd': '2000',
      'ceilings.per_session_usd': '2000',
      'limits.per_month_usd': '2000',
      'limits.per_session_usd': '2000',
      'limits.per_day_usd': formatUsd(CAP_FIRST),
      'net.allow_private': JSON.stringify(hosts),
    },
    ...(disk === null ? {} : { folder: disk.path }),
  });
  const owner = { ...ownerOf(mine.home, TEST_PASSPHRASE), now: world.now };
  // As the owner does it: the config remembers whose keys are whose, for when the ledger is lost.
  for (const name of ACCOUNTS.slice(1)) await addAgent(owner, name, async () => Promise.resolve());
  const wallet = mine.open();
  const purses = await openPurses(world, wallet, ACCOUNTS, FUNDS_ATOMIC);
  const { chain: base, solana } = world.sandbox;
  for (const { chain, agent, address } of purses) {
    if (chain === 'solana') await solana.fund(address, FUNDS_ATOMIC);
    else if (agent !== DEFAULT_AGENT) await base.fund(address as `0x${string}`, FUNDS_ATOMIC);
  }
  await wallet.close();
  return { mine, purses };
}

/** How much longer a payment takes here at this moment than on a fast machine at rest; at least 1. */
async function measureSlowness(world: TestWorld, mine: TestWallet, operators: Operators): Promise<number> {
  const one = await startWalletProcess(mine.home, { operators, aheadMs: 0 });
  const pay = (): Promise<unknown> => one.pay({ url: world.url('/v2/json'), max_usd: '0.05' });
  await pay();
  const startedMs = performance.now();
  for (let i = 0; i < PAYMENTS_TIMED; i++) await pay();
  const tookMs = (performance.now() - startedMs) / PAYMENTS_TIMED;
  await one.kill();
  return Math.max(1, tookMs / PAYMENT_MS);
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

function countFaults(shops: readonly Shop[]): Map<string, number> {
  const counts = new Map<string, number>();
  for (const { fault } of shops.flatMap(({ requests }) => requests.entries))
    if (fault !== undefined) counts.set(`seller ${fault}`, (counts.get(`seller ${fault}`) ?? 0) + 1);
  return counts;
}
