import { cleanText } from '../../text/untrusted.js';
import type { CommandCall } from '../command.js';
import { exitCodeOf, printOutcome, printLines, printStatus } from '../terminal/output/show.js';
import { withWallet } from '../terminal/wallet.js';

/** Pages through a stored answer, or searches it, as `wallet_response` does. */
export async function run(call: CommandCall): Promise<number> {
  const { io, args, flags } = call;
  const named = {
    id: args[0],
    offset: flags.count('offset'),
    length: flags.count('length'),
    find: flags.text('find'),
  };
  const input = Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
  const result = await withWallet(call, (wallet) => wallet.response(input));
  if (flags.has('json')) printOutcome(io, result);
  else {
    if (typeof result['text'] === 'string') io.stdout.write(`${cleanText(result['text'])}\n`);
    const places = (result['places'] ?? []) as readonly { offset: number; text: string }[];
    printLines(
      io.stdout,
      places.map(({ offset, text }) => `${offset}: ${cleanText(text).replaceAll('\n', ' ')}`),
    );
    printStatus(io, result);
  }
  return exitCodeOf(result);
}
