import { setTimeout as delay } from 'node:timers/promises';
import type { RpcFault } from '../../sandbox/rpcProxy.ts';
import type { Shop } from '../../sandbox/shop/shop.ts';
import type { Random } from '../support/random.js';
import { CHAINS, type TestWorld } from '../support/world.js';
import { ignoreEnd, type Crew } from './crew.js';

const RPC_FAULTS: readonly RpcFault[] = [
  { kind: 'down' },
  { kind: 'hang' },
  { kind: 'slow', ms: 300 },
  { kind: 'refusing', status: 503 },
  { kind: 'garbled' },
  { kind: 'lagging', blocks: 30 },
  { kind: 'stuck' },
  { kind: 'other_chain', chainId: 8453 },
];

/** Those that a proxy before Solana knows. */
const SOLANA_RPC_FAULTS: readonly RpcFault[] = RPC_FAULTS.filter(({ kind }) => kind !== 'lagging');

/** How far clocks jump, in ms. The hour ahead comes once, late: after it no time a window knows of passes any more. */
const JUMPS_MS = [-3_600_000, -60_000, -5_000, 0, 5_000, 30_000];
const HOUR_MS = 3_600_000;

/** What the weather acts on, and where it counts what it did. */
export interface WeatherParts {
  readonly world: TestWorld;
  readonly shops: readonly Shop[];
  readonly crew: Crew;
  readonly random: Random;
  /** From when on a clock may jump an hour ahead. */
  readonly lateFromMs: number;
  readonly isOver: () => boolean;
  readonly raiseCap: () => Promise<void>;
  /** Called when a clock is put an hour ahead. */
  readonly onHourAhead: () => void;
  readonly counts: Map<string, number>;
}

type Blow = (parts: WeatherParts, random: Random) => Promise<string>;

const BLOWS: readonly (readonly [weight: number, blow: Blow])[] = [
  [22, killOne],
  [14, doomOne],
  [14, breakRpc],
  [10, pauseOne],
  [6, freezeAll],
  [10, moveClock],
  [12, settleLate],
  [6, forgetLate],
  [10, reconcileNow],
];
const WEIGHT_ALL = BLOWS.reduce((sum, [weight]) => sum + weight, 0);
/** Time between two blows, in ms: each has time to hurt, and the next comes before all has healed. */
const CALM_MS_MAX = 700;
/** How often the owner makes room under the cap: the wallet lives close below it all the time. */
const RAISE_EVERY_MS = 2_500;

/** Lets faults of every kind loose until the time is over, then heals what can be healed. */
export async function runWeather(parts: WeatherParts): Promise<void> {
  const owner = raiseCaps(parts);
  while (!parts.isOver()) {
    const random = parts.random.fork();
    await delay(random.below(CALM_MS_MAX));
    const kind = await draw(random)(parts, random);
    parts.counts.set(kind, (parts.counts.get(kind) ?? 0) + 1);
  }
  await owner;
  const { rpc, solanaRpc } = parts.world.sandbox;
  await Promise.all([rpc, solanaRpc].map((one) => one.setFault(null)));
}

async function raiseCaps({ isOver, raiseCap }: WeatherParts): Promise<void> {
  while (!isOver()) {
    await delay(RAISE_EVERY_MS);
    await raiseCap();
  }
}

function draw(random: Random): Blow {
  let at = random.below(WEIGHT_ALL);
  for (const [weight, blow] of BLOWS) {
    if (at < weight) return blow;
    at -= weight;
  }
  return killOne;
}

async function killOne({ crew }: WeatherParts, random: Random): Promise<string> {
  await crew.kill(random);
  return 'process killed at a random moment';
}

async function doomOne({ crew }: WeatherParts, random: Random): Promise<string> {
  await crew.doom(random);
  return 'process doomed at a commit point';
}

async function breakRpc({ world }: WeatherParts, random: Random): Promise<string> {
  const chain = random.pick(CHAINS);
  const { rpc } = world.on(chain).ground;
  const fault = random.pick(chain === 'base' ? RPC_FAULTS : SOLANA_RPC_FAULTS);
  await rpc.setFault(fault);
  await delay(200 + random.below(2_000));
  await rpc.setFault(null);
  return `rpc of ${chain} ${fault.kind}`;
}

async function pauseOne({ crew }: WeatherParts, random: Random): Promise<string> {
  const one = await crew.pick(random);
  one.pause();
  await delay(50 + random.below(900));
  one.resume();
  return 'process paused';
}

async function freezeAll({ crew }: WeatherParts, random: Random): Promise<string> {
  const by = await crew.pick(random);
  await by.ask({ do: 'freeze' }).catch(ignoreEnd);
  await delay(200 + random.below(600));
  // Whoever froze may be dead by now; anybody else's hand thaws.
  for (;;) {
    const other = await crew.pick(random);
    if ((await other.ask({ do: 'unfreeze' }).catch(ignoreEnd)) !== null) return 'wallet frozen';
  }
}

async function moveClock(parts: WeatherParts, random: Random): Promise<string> {
  const { crew, lateFromMs } = parts;
  const aheadMs = Date.now() > lateFromMs && random.percent(20) ? HOUR_MS : random.pick(JUMPS_MS);
  if (aheadMs === HOUR_MS) parts.onHourAhead();
  const one = await crew.pick(random);
  await one.ask({ do: 'clock', aheadMs }).catch(ignoreEnd);
  return aheadMs === 0 ? 'clock set right' : `clock ${aheadMs > 0 ? 'ahead' : 'behind'}`;
}

async function settleLate({ shops }: WeatherParts): Promise<string> {
  await Promise.all(shops.map((shop) => shop.releasePending()));
  return 'late settlements sent';
}

async function forgetLate({ shops }: WeatherParts): Promise<string> {
  for (const shop of shops) shop.dropPending();
  return 'late settlements forgotten';
}

async function reconcileNow({ crew }: WeatherParts, random: Random): Promise<string> {
  const one = await crew.pick(random);
  void one.ask({ do: 'reconcile' }).catch(() => null);
  return 'reconciled by hand';
}
