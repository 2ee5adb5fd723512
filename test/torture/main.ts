import { parseArgs } from 'node:util';
import { describeReport } from './report.js';
import { runTorture } from './torture.js';

const USAGE = `Usage: npm run torture -- [--minutes N] [--seed S]

Tortures a wallet on two chains: agents and withdrawals in several processes that are killed, stalled, frozen and put
to sleep for hours; sellers that fail, and settle at the last moment; RPC operators that fail and lie, one and two at a
time; clocks that jump, a disk that fills up at a write, an older copy of the ledger. Ends with the figures, and with
exit code 1 where an invariant was broken.

  --minutes N   how long (default 10; a part of one is fine)
  --seed S      draws the same wishes and faults again (default: drawn from the clock, and printed)
`;

function readNumber(text: string, name: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new RangeError(`${name} takes a number above 0, not ${text}`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '10' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const seconds = 60 * readNumber(values.minutes, '--minutes');
  const seed = Math.floor(readNumber(values.seed, '--seed'));
  process.stdout.write(`Torturing for ${values.minutes} minutes with seed ${seed}.\n`);
  const report = await runTorture({ seed, seconds });
  process.stdout.write(describeReport(report));
  if (report.broken.length > 0) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  const isUsage =
    error instanceof RangeError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS');
  process.stderr.write(isUsage ? `${(error as Error).message}\n\n${USAGE}` : `${(error as Error).stack}\n`);
  process.exitCode = isUsage ? 2 : 1;
}
