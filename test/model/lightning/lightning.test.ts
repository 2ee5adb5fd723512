import fc from 'fast-check';
import { expect, test } from 'vitest';
import { UNDER_WAY_SEC_MAX } from '../../../src/chain/chain.js';
import { isLive } from '../../../src/ledger/attempts/attempt.js';
import { CENT } from '../../../src/ledger/sqlite/fixtures.js';
import { reconcileAll, reconcileDue } from '../../../src/wallet/settle/reconcile.js';
import { MOODS } from './node.js';
import { LightningLife, LINES } from './wallet.js';

/** Some ten seconds of one core. */
const RUNS = 60;
const SEED = 7;
const COMMANDS_MAX = 40;
const SEC = 1_000;
const ROUND_MS = 700 * SEC;
const ROUNDS_MAX = 8;

type Step = (life: LightningLife) => Promise<string | undefined> | string | undefined;

const slots = fc.nat(1);
const whiches = fc.nat(5);
const buys = fc
  .record({
    slot: slots,
    cents: fc.integer({ min: 1, max: 5 }),
    mood: fc.constantFrom(...MOODS),
    fee: fc.nat(10_000),
  })
  .map(({ slot, cents, mood, fee }): Step => (life) => {
    life.node.mood = mood;
    life.node.feeMsat = BigInt(fee);
    return life.buy(slot, cents);
  });
const times = fc.constantFrom(1, 20, 60, 95, 160, 700, 1_300, 86_400, 5 * 86_400).map(
  (sec): Step =>
    (life) =>
      void (life.nowMs += sec * SEC),
);
const copies = whiches.map(
  (which): Step =>
    ({ node }) =>
      node.bringCopy(which) ? 'a copy was paid' : undefined,
);
const ends = fc.record({ which: whiches, isTaken: fc.boolean() }).map(
  ({ which, isTaken }): Step =>
    ({ node }) =>
      node.endHeld(which, isTaken) ? (isTaken ? 'taken' : 'let go') : undefined,
);
const aways = fc.boolean().map(
  (isAway): Step =>
    ({ node }) =>
      void (node.isAway = isAway),
);
const kills = slots.map(
  (slot): Step =>
    (life) =>
      life.kill(slot) as undefined,
);
const commitKills = fc
  .record({
    slot: slots,
    point: fc.constantFrom('held', 'sent', 'unknown', 'confirmed', 'released'),
    when: fc.constantFrom('before', 'after'),
  })
  .map(
    ({ slot, point, when }): Step =>
      (life) =>
        void (life.process(slot).killAt = { point, when } as never),
  );
const looks = fc.record({ slot: slots, isAll: fc.boolean() }).map(
  ({ slot, isAll }): Step =>
    (life) =>
      life.inside(slot, async ({ engine, ledger }) => {
        const { signal } = new AbortController();
        // What a living process is busy with is not waited for here.
        const isQuiet = (await ledger.openAttempts(50)).every(({ state }) => state === 'unknown');
        await (isAll && isQuiet ? reconcileAll(engine, signal) : reconcileDue(engine, signal));
        return 'look';
      }),
);
const steps: fc.Arbitrary<Step> = fc.oneof(
  { weight: 8, arbitrary: buys },
  { weight: 4, arbitrary: times },
  { weight: 4, arbitrary: copies },
  { weight: 4, arbitrary: ends },
  { weight: 1, arbitrary: aways },
  { weight: 1, arbitrary: kills },
  { weight: 3, arbitrary: commitKills },
  { weight: 6, arbitrary: looks },
);

/** Fails where more left than a line allows or counts, where an invoice was asked for twice, or a release was false. */
async function assertPromise(life: LightningLife): Promise<void> {
  const { ledger } = life.process(0);
  const exposure = life.hashes.reduce((sum, hash) => sum + life.node.exposureOf(hash), 0n);
  const used = await ledger.usage(LINES, life.nowMs);
  // Of the session's line, which has no window; when each payment left its day is no matter of this model.
  const [session, limit] = [used[0] ?? 0n, LINES[0]?.usdMicrosMax ?? 0n];
  if (exposure > limit) throw new Error(`${exposure} left or may leave, and ${limit} is allowed`);
  if (exposure > session) throw new Error(`${exposure} left or may leave, and ${session} counts`);
  for (const [i, hash] of life.hashes.entries()) {
    if ((life.node.asked.get(hash) ?? 0) > 1) throw new Error(`${hash} was asked for twice`);
    const row = await ledger.findPayment(life.ids[i] ?? '');
    if (row?.state === 'released' && life.node.exposureOf(hash) > 0n)
      throw new Error(
        `${row.id} is released (${row.note ?? ''}), and ${life.node.exposureOf(hash)} left or may leave`,
      );
  }
}

/** Everything ends once the node answers and no payee holds anything; what ended is what the node's books have. */
async function assertEnded(life: LightningLife): Promise<void> {
  life.node.isAway = false;
  while (life.node.endHeld(0, true));
  for (const slot of [0, 1]) life.kill(slot);
  life.nowMs += 2 * UNDER_WAY_SEC_MAX * SEC;
  const { engine, ledger } = life.process(0);
  for (let round = 0; round < ROUNDS_MAX && (await ledger.openAttempts(1)).length > 0; round += 1) {
    life.nowMs += ROUND_MS;
    await reconcileDue(engine, new AbortController().signal);
  }
  for (const [i, hash] of life.hashes.entries()) {
    const row = (await ledger.findPayment(life.ids[i] ?? ''))!;
    const booked = life.node.books.get(hash);
    const due = booked?.state === 'paid' ? booked.amountMsat + booked.feeMsat : null;
    if (isLive(row.state) || row.capturedAtomic !== due)
      throw new Error(`${row.id} is ${row.state} with ${row.capturedAtomic}, and by the node ${due}`);
  }
  expect((await ledger.audit()).findings).toEqual([]);
}

test.each(['nwc', 'lnd'] as const)(
  'over %s, whatever happens on the way, no more leaves than the caps allow, no invoice is asked for twice, and everything ends',
  async (way) => {
    const happened = new Map<string, number>();
    const property = fc.asyncProperty(
      fc.array(steps, { maxLength: COMMANDS_MAX, size: 'max' }),
      async (list) => {
        using life = new LightningLife(way);
        for (const step of list) {
          const came = await step(life);
          if (came !== undefined) happened.set(came, (happened.get(came) ?? 0) + 1);
          await assertPromise(life);
        }
        await assertEnded(life);
      },
    );
    await fc.assert(property, { numRuns: RUNS, seed: SEED });
    for (const event of ['asked', 'exceeded', 'killed', 'taken', 'let go', 'look', 'a copy was paid'])
      expect(happened.get(event) ?? 0, event).toBeGreaterThan(5);
    expect(LINES[0]?.usdMicrosMax).toBe(25n * CENT);
  },
);
