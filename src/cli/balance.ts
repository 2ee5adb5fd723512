import type { BalanceLine, LimitLine } from '../wallet/balance.js';
import type { CommandCall } from './command.js';
import { layLimits } from './limits.js';
import { exitCodeOf, printJson, printLines, printStatus, widthOf } from './show.js';
import { layTable } from './table.js';
import { withWallet } from './wallet.js';

/** Shows what is on chain, held and free, and what is left of each limit. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags } = call;
  const network = flags.text('network');
  const result = await withWallet(call, (wallet) => wallet.balance(network === undefined ? {} : { network }));
  if (flags.has('json')) printJson(io, result);
  else if (result.status !== 'ok') printStatus(io, result);
  else {
    const width = widthOf(io.stdout);
    const balances = result['balances'] as readonly BalanceLine[];
    printLines(io.stdout, [
      ...addressLines(balances),
      '',
      ...layBalances(balances, width),
      '',
      ...layLimits(result['limits'] as readonly LimitLine[], width),
      ...(result['frozen'] === true ? ['', 'The wallet is frozen: nothing is signed.'] : []),
    ]);
    if (result.tell_owner !== null) printLines(io.stderr, [result.tell_owner]);
  }
  return exitCodeOf(result);
}

/** Each address once; with the networks it is on where there are several. */
function addressLines(balances: readonly BalanceLine[]): string[] {
  const addresses = [...new Set(balances.map(({ address }) => address))];
  if (addresses.length === 1) return [`Address  ${addresses[0] ?? ''}`];
  return addresses.map((address) => {
    const here = balances.filter((line) => line.address === address).map(({ label }) => label);
    return `Address  ${address}  (${[...new Set(here)].join(', ')})`;
  });
}

function layBalances(balances: readonly BalanceLine[], width: number): string[] {
  const columns = [
    { title: 'NETWORK', flexible: true },
    { title: 'ASSET' },
    { title: 'ON CHAIN', align: 'right' },
    { title: 'HELD', align: 'right' },
    { title: 'TO SPEND', align: 'right' },
  ] as const;
  const rows = balances.map(({ label, asset, on_chain: onChain, held, spendable }) => [
    label,
    asset,
    onChain ?? 'unknown',
    held,
    spendable ?? 'unknown',
  ]);
  return layTable(columns, rows, width);
}
