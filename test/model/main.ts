import { parseArgs } from 'node:util';
import { checkModel, describeModel, COMMANDS_MAX } from './run.js';

const USAGE = `Usage: npm run model -- [--runs N] [--commands N] [--seed S]

Checks the life of payments and withdrawals against a model of chains, clocks, RPC operators and processes: the wallet's
own ledger, proofs and reconciling, over two simulated chains. Ends with the figures; where the promise is broken, with
the shortest story that breaks it, and exit code 1.

  --runs N      how many lives of a wallet (default 500)
  --commands N  the most that happens in one of them (default ${COMMANDS_MAX})
  --seed S      tells the same stories again (default: drawn from the clock, and printed)
`;

function readNumber(text: string, name: string): number {
  const value = Number(text);
  if (Number.isSafeInteger(value) && value > 0) return value;
  throw new RangeError(`${name} takes a whole number above 0, not ${text}`);
}

async function main(): Promise<void> {
  const { values } = parseArgs({
    options: {
      runs: { type: 'string', default: '500' },
      commands: { type: 'string', default: String(COMMANDS_MAX) },
      seed: { type: 'string', default: String(Date.now() % 1_000_000) },
      help: { type: 'boolean', default: false },
    },
  });
  if (values.help) {
    process.stdout.write(USAGE);
    return;
  }
  const runs = readNumber(values.runs, '--runs');
  const maxCommands = readNumber(values.commands, '--commands');
  const seed = readNumber(values.seed, '--seed');
  process.stdout.write(`Checking ${runs} runs with seed ${seed}.\n`);
  process.stdout.write(describeModel(await checkModel({ runs, seed, maxCommands })));
}

try {
  await main();
} catch (error) {
  const isUsage =
    error instanceof RangeError || (error as { code?: string }).code?.startsWith('ERR_PARSE_ARGS');
  process.stderr.write(isUsage ? `${(error as Error).message}\n\n${USAGE}` : `${(error as Error).stack}\n`);
  process.exitCode = isUsage ? 2 : 1;
}
