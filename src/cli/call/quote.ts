import type { Outcome } from '../../wallet/answer/outcome.js';
import { findNetwork } from '../../money/network.js';
import { writeAnswer } from './answerOut.js';
import type { CommandCall } from '../command.js';
import { readHttpCall } from './httpCall.js';
import { exitCodeOf, printOutcome, printLines, printStatus } from '../terminal/output/show.js';
import { layPairs } from '../terminal/output/table.js';
import { untilInterrupted, withWallet } from '../terminal/wallet.js';

/** Says what a call costs, as `wallet_quote` does. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags } = call;
  const { input, ...read } = await readHttpCall(call);
  return untilInterrupted((signal) =>
    withWallet(call, async (wallet) => {
      const result = await wallet.quote(input, { signal, ...read });
      if (flags.has('json')) printOutcome(io, result);
      else {
        if (result.code === 'quoted') printLines(io.stdout, quoteLines(result));
        else if (result.response !== null) await writeAnswer(io, await wallet.engine(), result);
        printStatus(io, result);
      }
      return exitCodeOf(result);
    }),
  );
}

function networkWords(caip2: string): string {
  const label = findNetwork(caip2)?.label;
  return label === undefined ? caip2 : `${label} (${caip2})`;
}

function quoteLines(result: Outcome): string[] {
  const text = (name: string): string => String(result[name] ?? '');
  return layPairs([
    ['quote', text('quote_id')],
    ['price', `$${text('usd')} (${text('amount_atomic')} units of ${text('asset')})`],
    ['network', networkWords(text('network'))],
    ['pay to', text('pay_to')],
    ['expires', text('expires_at')],
    ['verdict', text('verdict')],
    ...((result['listed'] ?? null) === null
      ? []
      : [['listed as', JSON.stringify(result['listed'])] as const]),
    ...((result['advice'] ?? null) === null ? [] : [['mind', text('advice')] as const]),
  ]);
}
