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
  const where = (name: string, words: (value: string) => string): string[] =>
    text(name) === '' ? [] : [words(text(name))];
  const how = ['protocol', 'method', 'scheme', 'intent'].flatMap((name) => where(name, (value) => value));
  const more = [
    ...where('fee_usd_max', (usd) => `of that at most $${usd} is the network's fee`),
    ...where('deposit_usd', (usd) => `it is paid out of a deposit of $${usd} that is made with the seller`),
    ...where(
      'usd_per_period',
      (usd) => `it is a subscription: $${usd} every ${text('period_days')} days until ${text('ends_at')}`,
    ),
  ];
  return layPairs([
    ['quote', text('quote_id')],
    ['price', `$${text('usd')} (${text('amount_atomic')} units of ${text('asset')})`],
    ...more.map((words) => ['', words] as const),
    ['paid by', how.join(', ')],
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
