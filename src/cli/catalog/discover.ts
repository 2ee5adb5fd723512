import type { ConciseResult } from '../../wallet/discover/discoverView.js';
import { cleanLine } from '../../text/untrusted.js';
import type { CommandCall } from '../command.js';
import { painter } from '../terminal/output/paint.js';
import { exitCodeOf, printOutcome, printLines, printStatus } from '../terminal/output/show.js';
import { untilInterrupted, withWallet } from '../terminal/wallet.js';

const LINE_LENGTH_MAX = 300;

/** Finds priced endpoints, as `wallet_discover` does. */
export async function run(call: CommandCall): Promise<number> {
  const { io, args, flags } = call;
  const networks = flags.list('network');
  const named = {
    need: args[0],
    origin: flags.text('origin'),
    max_usd: flags.text('maxUsd'),
    networks: networks.length === 0 ? undefined : networks,
    protocol: flags.text('protocol'),
    category: flags.text('category'),
    limit: flags.count('limit'),
    cursor: flags.text('cursor'),
    detail: flags.has('full') ? 'full' : undefined,
  };
  const input = Object.fromEntries(Object.entries(named).filter(([, value]) => value !== undefined));
  const result = await untilInterrupted((signal) =>
    withWallet(call, (wallet) => wallet.discover(input, { signal })),
  );
  if (flags.has('json')) printOutcome(io, result);
  else {
    const results = (result['results'] ?? []) as readonly ConciseResult[];
    printLines(
      io.stdout,
      results.flatMap((one) => layResult(call, one, flags.has('full'))),
    );
    printStatus(io, result);
    if (typeof result['next_cursor'] === 'string')
      printLines(io.stderr, [`  More: --cursor ${result['next_cursor']}`]);
  }
  return exitCodeOf(result);
}

/** One result in a few lines. T27: each is cleaned, whoever wrote it. */
function layResult({ io }: CommandCall, result: ConciseResult, full: boolean): string[] {
  const paint = painter(io, io.stdout);
  const { usd, networks, protocols, warning, next, seller } = result;
  const price = usd === undefined ? 'price not listed' : `$${usd}`;
  const { method = 'GET', url } = next.arguments;
  const line = (text: string): string => cleanLine(text, LINE_LENGTH_MAX);
  return [
    paint('bold', line(`${price} ${seller.title}`)),
    `  ${line(`${String(method)} ${String(url)}`)}`,
    ...(seller.about === undefined ? [] : [`  ${line(seller.about)}`]),
    ...(networks === undefined ? [] : [paint('dim', `  ${line(networks)}`)]),
    ...(protocols === undefined ? [] : [paint('dim', `  ${line(`Sold by ${protocols.join(', ')}`)}`)]),
    ...(warning === undefined ? [] : [paint('yellow', `  Mind: ${line(warning)}`)]),
    ...(full ? fullLines(result) : []),
    '',
  ];
}

const FULL_FIELDS: readonly string[] = ['input', 'output', 'offers', 'use', 'listed_in', 'other_endpoints'];

function fullLines({ seller, ...ours }: ConciseResult): string[] {
  const fields = Object.entries({ ...seller, ...ours }).filter(
    ([name, value]) => FULL_FIELDS.includes(name) && value !== null,
  );
  return fields.map(([name, value]) => `  ${name}: ${cleanLine(JSON.stringify(value), 4 * LINE_LENGTH_MAX)}`);
}
