import { COMMIT_POINTS, type CommitPoint } from '../../../src/ledger/commitPoint.js';
import fc from 'fast-check';
import { LIES, type Lie, type Mood } from '../operator.js';
import { Command, families, HOUR, land, MINUTE, pick, SEC, slots, whiches } from './command.js';

export const landings = whiches.map(
  (which) =>
    new Command(`the chain lands #${which}`, (world) => {
      const payment = pick(world, which, ({ left, onChain }) => left && onChain?.mayLand() === true);
      const landed = payment !== undefined && land(world, payment);
      return Promise.resolve(landed ? 'landed' : undefined);
    }),
);
export const times = fc
  .record({
    ms: fc.constantFrom(
      1 * SEC,
      5 * SEC,
      20 * SEC,
      MINUTE,
      2 * MINUTE,
      2 * MINUTE,
      11 * MINUTE,
      HOUR,
      30 * HOUR,
    ),
    asleep: fc.boolean(),
  })
  .map(
    ({ ms, asleep }) =>
      new Command(`${ms / SEC} s pass${asleep ? ', asleep' : ''}`, (world) => {
        if (asleep) world.sleep(ms);
        else world.advanceTo(world.trueMs + ms);
        return Promise.resolve(asleep && ms >= HOUR ? 'sleep' : undefined);
      }),
  );
export const clocks = fc
  .constantFrom(0, 0, 0, 0, 0, 0, 30 * SEC, -30 * SEC, HOUR, -HOUR, 48 * HOUR, -48 * HOUR)
  .map(
    (ms) =>
      new Command(`the clock is ${ms / SEC} s ahead`, (world) => {
        world.clockAheadMs = ms;
        return Promise.resolve(Math.abs(ms) > MINUTE ? 'clock wrong' : undefined);
      }),
  );

export const undos = fc.integer({ min: 1, max: 29 }).map(
  (blocks) =>
    new Command(`${blocks} blocks are undone`, (world) => {
      world.evm.undo(blocks);
      return Promise.resolve('undone');
    }),
);

export const dusts = fc.record({ which: whiches, count: fc.constantFrom(1, 20, 150) }).map(
  ({ which, count: entries }) =>
    new Command(`${entries} entries of dust on #${which}`, (world) => {
      const payment = pick(world, which, ({ memo, left }) => memo !== null && left);
      const { account = null, memo = null } = payment ?? {};
      if (account === null || memo === null) return Promise.resolve(undefined);
      world.solana.dust(account, memo, entries);
      return Promise.resolve('dust');
    }),
);

/** Some lies, or all by which a payment is denied. */
export const lies = fc.oneof(
  fc.subarray([...LIES], { minLength: 1 }),
  fc.constant<Lie[]>(['unused', 'height', 'time', 'blockhash']),
  fc.constant<Lie[]>(['paid']),
);

const moods: fc.Arbitrary<Mood> = fc.record({
  down: fc.constantFrom(false, false, false, true),
  lagBlocks: fc.constantFrom(0, 0, 1, 40, 400),
  keptBlocks: fc.constantFrom(null, null, null, 20, 200, 5_000),
  silent: fc.boolean(),
  pageMax: fc.constantFrom(null, null, 12),
  dated: fc.constantFrom(true, true, false),
  lies: fc.oneof(fc.constant([]), lies),
});

export const changes = fc.record({ family: families, index: fc.constantFrom<0 | 1>(0, 1), mood: moods }).map(
  ({ family, index, mood }) =>
    new Command(`operator ${index} of ${family} is ${JSON.stringify(mood)}`, (world) => {
      world.setMood(family, index, mood);
      return Promise.resolve(mood.down ? 'down' : undefined);
    }),
);
export const kills = slots.map(
  (slot) =>
    new Command(`kill ${slot}`, (world) => {
      world.kill(world.process(slot));
      return Promise.resolve(undefined);
    }),
);

const points: readonly (CommitPoint | null)[] = [
  null,
  'look',
  ...(Object.keys(COMMIT_POINTS) as CommitPoint[]).filter((point) =>
    ['held', 'signed', 'sent', 'unknown', 'captured', 'confirmed', 'released'].includes(point),
  ),
];
export const commitKills = fc
  .record({
    slot: slots,
    point: fc.constantFrom(...points),
    when: fc.constantFrom<'before' | 'after'>('before', 'after'),
  })
  .map(
    ({ slot, point, when }) =>
      new Command(`kill ${slot} ${when} its next ${point ?? 'commit'}`, (world) => {
        world.process(slot).killAt = { point, when };
        return Promise.resolve(undefined);
      }),
  );
export const freezes = fc.constantFrom(true, false, false, false).map(
  (on) =>
    new Command(on ? 'freeze' : 'unfreeze', async (world) => {
      const process = world.process(0);
      await world.inside(process, () =>
        on ? process.ledger.freeze(world.nowMs()) : process.ledger.unfreeze(world.nowMs()),
      );
      return undefined;
    }),
);
