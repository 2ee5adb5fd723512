import { formatUnits } from '../../money/decimal.js';
import { allowedUsd, listAllowances } from '../../treasury/allowance.js';
import type { CommandCall } from '../command.js';
import { printReport, widthOf } from '../terminal/output/show.js';
import { layTable } from '../terminal/output/table.js';
import { withEngine } from '../terminal/wallet.js';

/** Lists what Permit2 may move of each token. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags } = call;
  const found = await withEngine(call, (engine) => listAllowances(engine, flags.text('network')));
  const shown = found.map((one) => ({
    network: one.network.caip2,
    asset: one.asset.symbol,
    address: one.address,
    allowed: one.allowedAtomic === null ? null : formatUnits(one.allowedAtomic, one.asset.decimals),
  }));
  const columns = [
    { title: 'NETWORK', flexible: true },
    { title: 'ASSET' },
    { title: 'PERMIT2 MAY MOVE', align: 'right' },
  ] as const;
  const rows = found.map((one) => [one.network.label, one.asset.symbol, allowedUsd(one) ?? 'unknown']);
  const some = found.filter(({ allowedAtomic }) => allowedAtomic !== null && allowedAtomic > 0n).length;
  const message = some === 0 ? 'Permit2 may move nothing.' : `Permit2 may move ${some} of these tokens.`;
  const table = found.length === 0 ? [] : layTable(columns, rows, widthOf(io.stdout));
  return printReport(io, flags.has('json'), { message, allowances: shown }, [...table, message]);
}
