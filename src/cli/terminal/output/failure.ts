import { isWalletError } from '../../../errors/walletError.js';
import { outcome, type Outcome } from '../../../wallet/answer/outcome.js';
import type { CliIo } from '../io.js';
import { exitCodeOf, printOutcome, printStatus } from './show.js';

/** Tells an error, on stdout as JSON or on stderr in words, and answers its exit code. A cause is never shown (T21). */
export async function printFailure(io: CliIo, json: boolean, error: unknown): Promise<number> {
  const failed = await failureOf(error);
  if (json) printOutcome(io, failed);
  else printStatus(io, failed);
  return exitCodeOf(failed);
}

async function failureOf(error: unknown): Promise<Outcome> {
  // A mistyped command waits for no database to load.
  if (isWalletError(error) && error.code === 'bad_input' && error.owner === undefined) {
    return outcome({ status: 'failed', code: error.code, message: error.shortMessage });
  }
  const { failureOutcome } = await import('../../../wallet/answer/refusal.js');
  return failureOutcome(error);
}
