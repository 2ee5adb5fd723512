import { inspect, parseArgs } from 'node:util';
import { describeReport } from './report.js';
import { runTorture } from './torture.js';

const USAGE = `Usage: npm run torture -- [--minutes N] [--seed S] [--ledger file|postgres]

Tortures a wallet on three chains and a Lightning node, which it reaches by LND with an even seed and over Nostr with
an odd one. Agents pay by x402 (exact, upto and Permit2), by MPP and by L402, all under one cap, and withdrawals go on
beside them, in several processes that are killed, stalled, frozen and put to sleep for hours; sellers fail, and settle
at the last moment; invoices are held, fail, or are paid late and in silence; RPC operators fail and lie, one and two at
a time; clocks jump, a disk fills up at a write, an older copy of the ledger is put back. Ends with the figures, and
with exit code 1 where an invariant was broken.

  --minutes N   how long (default 10; a part of one is fine)
  --ledger L    where the ledger stands: in a file (the default), or in a PostgreSQL of the torture's own that two servers
                share. There the database crashes and comes back; a full disk and an older copy of the file are left out.
  --seed S      draws the same wishes and faults again (default: drawn from the clock, and printed)
`;

function readNumber(text: string, name: string): number {
  const value = Number(text);
  if (Number.isFinite(value) && value > 0) return value;
  throw new RangeError(`${name} takes a number above 0, not ${text}`);
}

function readStore(text: string): 'file' | 'postgres' {
  if (text === 'file' || text === 'postgres') return text;
  throw new RangeError(`--ledger takes file or postgres, not ${text}`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      minutes: { type: 'string', default: '10' },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      ledger: { type: 'string', default: 'file' },
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
  const report = await runTorture({ seed, seconds, store: readStore(values.ledger) });
  process.stdout.write(describeReport(report));
  if (report.broken.length > 0) process.exitCode = 1;
}

try {
  await main();
} catch (error) {
  const isUsage =
    error instanceof RangeError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS');
  process.stderr.write(isUsage ? `${(error as Error).message}\n\n${USAGE}` : `${inspect(error)}\n`);
  // What it left under way would keep this process for ever.
  process.exit(isUsage ? 2 : 1);
}
