import { setTimeout as delay } from 'node:timers/promises';
import type { Random } from '../support/random.js';
import type { GroundName } from '../support/world.js';
import { drawBlow, type Lane, type Stage } from './blows/blow.js';
import { crashDatabase } from './blows/database.js';
import { fillDisk, moveClock, putLedgerBack, sleepHours } from './blows/machine.js';
import { breakOperators, hideNode } from './blows/operators.js';
import { dustOn, freezeAll, withdrawTo } from './blows/owner.js';
import { doomOne, killAll, killOne, pauseOne, reconcileNow, stallOne } from './blows/processes.js';
import type { Purse } from './purse.js';

/** Blows that only a ledger in a file can be dealt: a full disk, and an older copy put in its place. */
const OF_A_FILE: Lane['blows'] = [
  [8, fillDisk],
  [4, putLedgerBack],
];
/** Blows that only a database can be dealt. */
const OF_A_DATABASE: Lane['blows'] = [[12, crashDatabase]];

/** What goes on at once: in each lane one blow comes after the other, with time to hurt and too little to heal. */
function lanesFor({ owners, purses, stage }: WeatherParts): readonly Lane[] {
  return [
    {
      calmMsMax: 700,
      blows: [
        [20, killOne],
        [14, doomOne],
        [10, pauseOne],
        [14, stallOne],
        [4, killAll],
        [14, moveClock],
        [3, sleepHours],
        ...(stage.shared === null ? OF_A_FILE : OF_A_DATABASE),
      ],
    },
    { calmMsMax: 2_000, blows: [[1, breakOperators('base')]] },
    { calmMsMax: 2_000, blows: [[1, breakOperators('solana')]] },
    { calmMsMax: 2_000, blows: [[1, breakOperators('tempo')]] },
    { calmMsMax: 6_000, blows: [[1, hideNode]] },
    {
      calmMsMax: 1_500,
      blows: [
        [3, freezeAll],
        [4, withdrawTo(owners)],
        [3, dustOn(purses)],
        [6, reconcileNow],
      ],
    },
  ];
}

/** How often the owner makes room under the cap: the wallet lives close below it all the time. */
const RAISE_EVERY_MS = 2_500;

/** What the weather is made of beside the stage. */
export interface WeatherParts {
  readonly stage: Stage;
  readonly random: Random;
  readonly isOver: () => boolean;
  readonly raiseCap: () => Promise<void>;
  /** The owner's addresses that money is taken out to. */
  readonly owners: Readonly<Record<GroundName, string>>;
  readonly purses: readonly Purse[];
  readonly counts: Map<string, number>;
}

/** Lets blows of every kind fall until the time is over, then heals what can be healed. */
export async function runWeather(parts: WeatherParts): Promise<void> {
  const lanes = lanesFor(parts).map((lane) => runLane(lane, parts.random.fork(), parts));
  await Promise.all([...lanes, raiseCaps(parts)]);
  const proxies = Object.values(parts.stage.operators).flat();
  await Promise.all(proxies.map((one) => one.setFault(null)));
}

async function runLane(lane: Lane, own: Random, { stage, isOver, counts }: WeatherParts): Promise<void> {
  while (!isOver()) {
    const random = own.fork();
    await delay(random.below(lane.calmMsMax));
    const blow = drawBlow(lane, random);
    const kind = await blow(stage, random).catch((cause: unknown) => {
      throw new Error(`The blow ${blow.name} itself failed`, { cause });
    });
    counts.set(kind, (counts.get(kind) ?? 0) + 1);
  }
}

async function raiseCaps({ isOver, raiseCap }: WeatherParts): Promise<void> {
  while (!isOver()) {
    await delay(RAISE_EVERY_MS);
    await raiseCap();
  }
}
