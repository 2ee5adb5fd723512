import { findAttempt } from '../support/books.js';
import fc from 'fast-check';
import type { AttemptState } from '../../src/ledger/attempts/attempt.js';
import { reconcileAll, reconcileDue } from '../../src/wallet/settle/reconcile.js';
import { commandLists } from './commands/list.js';
import { assertEnded, assertPromise } from './invariants.js';
import { HONEST } from './operator.js';
import { makeAccounts } from './wallet.js';
import { World, type Figures } from './world.js';

/** The most that happens in one life of a wallet. */
export const COMMANDS_MAX = 80;

/** Looks of the background, eleven minutes apart, within which everything ends once operators are honest. */
const ROUNDS_MAX = 12;
const ROUND_MS = 11 * 60_000;

/** What a check of the model showed. */
export interface ModelReport extends Figures {
  readonly runs: number;
  readonly seed: number;
  readonly payments: number;
  readonly withdrawals: number;
  readonly landed: number;
  /** How each payment ended, by its row's state and note. */
  readonly ends: ReadonlyMap<string, number>;
  /** Payments under a ceiling that came to what was charged. */
  readonly charged: number;
  /** Payments whose row was captured again after a release: both operators had lied. */
  readonly recaptured: number;
}

/** Checks `runs` lives of a wallet. Throws where the promise was broken, with the shortest story that breaks it. */
export async function checkModel({
  runs,
  seed,
  maxCommands,
}: {
  readonly runs: number;
  readonly seed: number;
  readonly maxCommands: number;
}): Promise<ModelReport> {
  const figures: Figures = {
    commands: 0,
    looks: 0,
    kills: 0,
    rpcCalls: 0,
    roundsMax: 0,
    happened: new Map(),
  };
  const ends = new Map<string, number>();
  const sums = { payments: 0, withdrawals: 0, landed: 0, charged: 0, recaptured: 0 };
  const liar = fc.constantFrom<0 | 1>(0, 1);
  const property = fc.asyncProperty(
    commandLists(maxCommands),
    fc.record({ evm: liar, svm: liar }),
    async (commands, liars) => {
      using world = new World(liars, figures);
      await makeAccounts(world);
      await fc.asyncModelRun(() => ({ model: {}, real: world }), commands as never);
      await endAll(world);
      const { ledger } = world.process(0);
      for (const { id, isWithdrawal, onChain } of world.payments) {
        const row = await findAttempt(ledger, id);
        const end = `${row?.state as AttemptState}, ${row?.note ?? 'no note'}`;
        ends.set(end, (ends.get(end) ?? 0) + 1);
        sums[isWithdrawal ? 'withdrawals' : 'payments'] += 1;
        if (onChain?.hasLanded() === true) sums.landed += 1;
        if ((row?.capturedAtomic ?? 0n) < (row?.heldAtomic ?? 0n) && row?.state === 'captured')
          sums.charged += 1;
        if (row?.note === 'landed_after_release') sums.recaptured += 1;
      }
    },
  );
  await fc.assert(property, { numRuns: runs, seed });
  return { ...figures, ...sums, ends, runs, seed };
}

/** Everything that is open ends, once operators are honest, the clock is right and one process is left. */
async function endAll(world: World): Promise<void> {
  world.killAll();
  world.clockAheadMs = 0;
  for (const family of ['evm', 'svm'] as const)
    for (const index of [0, 1] as const) world.setMood(family, index, HONEST);
  // What was signed under a clock that nobody could check may live for as long as that was ahead.
  world.advanceTo(1000 * Math.max(0, ...world.payments.map(({ validBeforeSec }) => validBeforeSec)));
  const process = world.process(0);
  const { signal } = new AbortController();
  let rounds = 0;
  while ((await process.ledger.openAttempts(1)).length > 0 && rounds < ROUNDS_MAX) {
    rounds += 1;
    world.advanceTo(world.trueMs + ROUND_MS);
    await reconcileDue(process.engine, signal);
    await assertPromise(world, process);
  }
  world.figures.roundsMax = Math.max(world.figures.roundsMax, rounds);
  // What both operators had released by lies: the owner asks, too.
  await reconcileAll(process.engine, signal);
  await reconcileDue(process.engine, signal);
  await assertEnded(world, process);
}

/** The figures of a check, for a person. */
export function describeModel(report: ModelReport): string {
  const { runs, seed, commands, looks, kills, rpcCalls, roundsMax } = report;
  const { payments, withdrawals, landed, recaptured, ends, happened } = report;
  const table = (counts: ReadonlyMap<string, number>): string =>
    [...counts]
      .sort(([, a], [, b]) => b - a)
      .map(([what, count]) => `  ${String(count).padStart(7)}  ${what}\n`)
      .join('');
  return [
    `${runs} runs with seed ${seed}: ${commands} commands, ${looks} looks, ${rpcCalls} RPC calls, ${kills} processes killed.\n`,
    `${payments} payments and ${withdrawals} withdrawals, of which ${landed} landed; ${recaptured} were captured again after a false release.\n`,
    `Everything ended within ${roundsMax} looks once operators were honest.\nEnds:\n`,
    table(ends),
    'What happened:\n',
    table(happened),
    'The promise held at every step.\n',
  ].join('');
}
