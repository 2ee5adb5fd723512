import { WalletError } from '../../errors/walletError.js';
import { parseUsd } from '../../money/decimal.js';
import { parseDuration } from '../../text/duration.js';
import type { CommandCall } from '../command.js';
import { labelsOf } from '../call/labels.js';
import { tellOwner } from '../line/line.js';
import { isInteractive } from '../terminal/io.js';
import { printLines } from '../terminal/output/show.js';
import { walletOptions } from '../terminal/wallet.js';

const FOR_DEFAULT = '1d';
/** A program that runs for longer is not one that a person started. */
const FOR_MS_MAX = 30 * 86_400_000;

/** Runs a program within a budget of its own; its exit code is the program's. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags, args } = call;
  const budget = flags.text('budget');
  const budgetUsdMicros = budget === undefined ? undefined : parseUsd(budget, '--budget');
  if (budgetUsdMicros === 0n) throw new WalletError('bad_input', '--budget must be more than 0.');
  const { ProgramFault, runProgram, sumOf } = await import('../../proxy/run.js');
  try {
    const { exitCode, use } = await runProgram({
      wallet: walletOptions(call),
      command: args.filter((arg) => arg !== undefined),
      budgetUsdMicros,
      labels: labelsOf(call),
      forMs: readTime(flags.text('for') ?? FOR_DEFAULT),
      tellOwner: (step) => tellOwner(step, io),
      atTerminal: isInteractive(io),
    });
    if (use !== null) printLines(io.stderr, [sumOf(use)]);
    return exitCode;
  } catch (error) {
    if (!(error instanceof ProgramFault)) throw error;
    printLines(io.stderr, [error.shortMessage]);
    return error.shellExit;
  }
}

/** A length of time such as `90m`. Throws `bad_input`. */
export function readTime(text: string): number {
  const ms = parseDuration(text);
  if (ms !== null && ms <= FOR_MS_MAX) return ms;
  throw new WalletError('bad_input', '--for must be a time such as 90m, 2h or 1d, of at most 30 days.');
}
