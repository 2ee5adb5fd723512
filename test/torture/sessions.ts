import { parseArgs } from 'node:util';
import { addChannels, type TempoChannels } from '../../sandbox/tempo/channels.ts';
import { startSessionShop, type SessionShop } from '../../sandbox/tempo/sessionShop.ts';
import { closeDeposit } from '../../src/wallet/settle/depositClose.js';
import { keptOf, REFUSALS_MAX } from '../../src/wallet/entitlement/deposit.js';
import { reconcileAll } from '../../src/wallet/settle/reconcile.js';
import type { Engine } from '../../src/wallet/engine.js';
import { paymentsIn } from '../support/books.js';
import { createRandom, type Random } from '../support/random.js';
import type { TestWallet } from '../support/testWallet.js';
import { startWalletProcess, type WalletProcess } from '../support/walletProcess.js';
import { startTestWorld, type TestWorld } from '../support/world.js';

const USAGE = `Usage: npm run torture:sessions -- [--minutes N] [--seed S]

Tortures a wallet that pays sellers of sessions out of deposits, in several processes that are killed at any step, while
sellers lose answers, serve nothing, claim more than they have, and drop what adds to a deposit. The chain is the judge: what has
left the wallet's address is never more than the cap, and counts. Ends with exit code 1 where that was broken.

  --minutes N   how long (default 2; a part of one is fine)
  --seed S      draws the same calls and faults again (default: drawn from the clock, and printed)
`;

const START_ATOMIC = 20_000_000n;
/** What a day may cost. A unit of the token is a micro-dollar. */
const CAP_USD_MICROS = 10_000_000n;
/** What one seller may have in deposits, in dollars. */
const DEPOSIT_USD = '1.50';
const PROCESSES = 3;
/** The local chain gives no block its time by itself, and nothing is signed long after its newest. */
const MINE_MS = 2_000;
const CLOSE_MS = 60_000;
const DAY_SEC = 86_400;
/** Of three names, so that several deposits are open at a time. */
const QUERIES = ['', '&operator=other'];
const FAULTS = ['deaf', 'lost', 'lost', 'again', 'boast', 'echo', 'unheard', 'unsaid', 'unsaid'];
/** In hundred, how often a deposit is closed that is still of use. */
const CLOSE_PERCENT = 15;
const TIDY_MS = 3_000;
const POINTS = ['held', 'entitlement', 'signed', 'sent', 'unknown', 'captured'] as const;

interface Stage {
  readonly world: TestWorld;
  readonly channels: TempoChannels;
  readonly shop: SessionShop;
  readonly mine: TestWallet;
  readonly random: Random;
  readonly broken: Set<string>;
  readonly counts: { calls: number; paid: number; deaths: number; closings: number; peakAtomic: bigint };
}

/** What left the address so far: deposits whole, and what sellers have. */
const goneFrom = async ({ world, mine }: Stage): Promise<bigint> =>
  START_ATOMIC - (await world.ground.balanceOf(mine.address));

function drawCall(random: Random): Record<string, unknown> {
  const fault = random.percent(35) ? `&fault=${random.pick(FAULTS)}` : '';
  const usd = random.pick(['0.01', '0.05', '0.20', '0.40']);
  const deposit = random.pick(['0.10', '0.30', '0.50']);
  return {
    query: `usd=${usd}&deposit=${deposit}${random.pick(QUERIES)}${fault}`,
    path: random.pick(['a', 'b']),
  };
}

/** One process after the other over the same wallet, each of them killed sooner or later. */
async function work(stage: Stage, untilMs: number): Promise<void> {
  const { mine, shop, random, counts } = stage;
  let process: WalletProcess | null = null;
  while (Date.now() < untilMs) {
    process ??= await startWalletProcess(mine.home);
    if (random.percent(15))
      await process.dieAt({ when: random.pick(['before', 'after'] as const), point: random.pick(POINTS) });
    const { path, query } = drawCall(random);
    const url = `${shop.url}/${String(path)}?${String(query)}&n=${counts.calls++}`;
    const told = await process.pay({ url, max_usd: '0.60', timeout_ms: 20_000 }).catch(() => null);
    if (told?.code === 'paid') counts.paid++;
    if (told?.code === 'internal') stage.broken.add(`a fault of our own: ${told.message}`);
    if (process.ended) {
      counts.deaths++;
      process = null;
    }
  }
  await process?.kill();
}

/** Looks again and again at what has left: never more than the cap. */
async function watch(stage: Stage, over: AbortSignal): Promise<void> {
  while (!over.aborted) {
    const gone = await goneFrom(stage);
    if (gone > stage.counts.peakAtomic) stage.counts.peakAtomic = gone;
    if (gone > CAP_USD_MICROS) stage.broken.add(`${gone} left the address, under a cap of ${CAP_USD_MICROS}`);
    await stage.world.tempo?.chain.mine();
    await new Promise((resolve) => setTimeout(resolve, MINE_MS));
  }
}

/** The owner beside the processes: what became of payments is looked at, and deposits are closed now and then. */
async function tidyUp(stage: Stage, over: AbortSignal): Promise<void> {
  const wallet = stage.mine.open();
  const engine = await wallet.engine();
  while (!over.aborted) {
    await new Promise((resolve) => setTimeout(resolve, TIDY_MS));
    await reconcileAll(engine, AbortSignal.timeout(CLOSE_MS));
    for (const deposit of await engine.ledger.entitlements.list({ isLive: true }, 1_000)) {
      const { refusals, opening } = keptOf(deposit);
      if (opening || (refusals < REFUSALS_MAX && !stage.random.percent(CLOSE_PERCENT))) continue;
      const signal = AbortSignal.timeout(CLOSE_MS);
      const { kind } = await closeDeposit(engine, await engine.config(), deposit, { onChain: false, signal });
      stage.counts.closings += kind === 'closed' ? 1 : 0;
    }
  }
  await wallet.close();
}

async function countedIn({ ledger }: Engine): Promise<bigint> {
  const line = { name: 'x', kind: 'cap', scope: { kind: 'wallet' }, windowSec: DAY_SEC } as const;
  return (await ledger.usage([line as never], Date.now()))[0] ?? 0n;
}

/** Has every deposit closed by its seller, and holds ledger and chain together to the unit. */
async function reckon(stage: Stage): Promise<void> {
  const { mine, channels, broken } = stage;
  const wallet = mine.open();
  const engine = await wallet.engine();
  const counted = await countedIn(engine);
  const gone = await goneFrom(stage);
  if (counted < gone) broken.add(`${gone} left the address, and ${counted} count`);
  if (counted > CAP_USD_MICROS) broken.add(`${counted} count, under a cap of ${CAP_USD_MICROS}`);
  for (const deposit of await engine.ledger.entitlements.list({ isLive: true }, 1_000)) {
    const signal = AbortSignal.timeout(CLOSE_MS);
    const { deposit: held } = await channels.state(deposit.subject as `0x${string}`);
    // One that never came to be is free again by its own proof, once its time is over.
    if (held === 0n) continue;
    const { kind } = await closeDeposit(engine, await engine.config(), deposit, { onChain: false, signal });
    if (kind !== 'closed') broken.add(`the deposit ${deposit.id} is ${kind}, and its seller closes it`);
  }
  const rows = (await paymentsIn(engine)).filter(
    ({ scheme, state }) => scheme === 'channel' && state === 'captured',
  );
  const captured = rows.reduce((sum, { capturedAtomic }) => sum + (capturedAtomic ?? 0n), 0n);
  const left = await goneFrom(stage);
  if (captured !== left) broken.add(`by the ledger ${captured} left the address, and ${left} did`);
  const closings = await channels.closings();
  const settled = closings.reduce((sum, { settledAtomic }) => sum + settledAtomic, 0n);
  if (settled !== left) broken.add(`sellers have ${settled}, and ${left} left the address`);
  for (const { says } of (await engine.ledger.audit()).findings) broken.add(`audit: ${says}`);
  await wallet.close();
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '2' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) return void process.stdout.write(USAGE);
  process.stdout.write(`Torturing sessions for ${values.minutes} minutes with seed ${values.seed}.\n`);
  const world = await startTestWorld('tempo');
  const channels = await addChannels(world.tempo!.chain);
  const shop = await startSessionShop(channels);
  try {
    const mine = await world.wallet({ usdMicros: 0n });
    await mine.set('net.allow_private', JSON.stringify([shop.hostPort]));
    const cap = (Number(CAP_USD_MICROS) / 1_000_000).toFixed(2);
    await mine.set('limits.per_day_usd', cap);
    await mine.set('limits.deposit_usd', DEPOSIT_USD);
    await channels.fund(mine.address as `0x${string}`, START_ATOMIC);
    const counts = { calls: 0, paid: 0, deaths: 0, closings: 0, peakAtomic: 0n };
    const stage = { world, channels, shop, mine, counts, broken: new Set<string>() };
    const random = createRandom(Number(values.seed));
    const over = new AbortController();
    const watching = Promise.all([
      watch({ ...stage, random: random.fork() }, over.signal),
      tidyUp({ ...stage, random: random.fork() }, over.signal),
    ]);
    const untilMs = Date.now() + 60_000 * Number(values.minutes);
    await Promise.all(
      Array.from({ length: PROCESSES }, () => work({ ...stage, random: random.fork() }, untilMs)),
    );
    over.abort();
    await watching;
    await reckon({ ...stage, random });
    const { calls, paid, deaths, closings, peakAtomic } = counts;
    process.stdout.write(
      `${calls} calls, ${paid} paid, ${deaths} processes killed, ${closings} deposits closed; at most ${peakAtomic} of ${CAP_USD_MICROS} had left.\n`,
    );
    for (const one of stage.broken) process.stdout.write(`BROKEN: ${one}\n`);
    if (stage.broken.size > 0) process.exitCode = 1;
  } finally {
    await shop.close();
    await world.stop();
  }
}

await main();
