import { expect, test } from 'vitest';
import { checkModel, COMMANDS_MAX } from './run.js';

/** Some 20 s of one core; the long form is `npm run model`. */
const RUNS = 90;
const SEED = 13;

test('whatever happens to chains, clocks, operators and processes, no more moves than the caps allow, and everything ends', async () => {
  const { ends, happened, ...report } = await checkModel({
    runs: RUNS,
    seed: SEED,
    maxCommands: COMMANDS_MAX,
  });
  expect(report.payments).toBeGreaterThan(100);
  expect(report.withdrawals).toBeGreaterThan(20);
  expect(report.landed).toBeGreaterThan(40);
  expect(report.charged).toBeGreaterThan(5);
  expect(report.kills).toBeGreaterThan(100);
  expect(report.recaptured).toBeGreaterThan(0);
  // What the model is for did happen.
  for (const note of ['expired_unused', 'never_signed', 'receipt_false'])
    expect([...ends.keys()]).toContain(`released, ${note}`);
  const edges = ['landed at the last moment', 'landed in a reorganisation', 'made up', 'open: clock_wrong'];
  for (const event of [
    ...edges,
    'both lie',
    'undone',
    'dust',
    'sleep',
    'clock wrong',
    'killed',
    'open: exceeded',
  ])
    expect(happened.get(event)).toBeGreaterThan(5);
});
