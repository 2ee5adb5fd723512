import { listPauses } from '../../owner/ownerPauses.js';
import type { CommandCall } from '../command.js';
import { minuteOf, printReport, widthOf } from '../terminal/output/show.js';
import { layTable } from '../terminal/output/table.js';
import { ownerOptions } from '../terminal/wallet.js';

/** Lists the sellers that are paused. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags } = call;
  const pauses = await listPauses(ownerOptions(call));
  const shown = pauses.map(({ origin, failures, untilMs }) => ({
    origin,
    strikes: failures,
    until: new Date(untilMs).toISOString(),
  }));
  const message = pauses.length === 0 ? 'No seller is paused.' : `${pauses.length} paused.`;
  const columns = [
    { title: 'SELLER', flexible: true },
    { title: 'FAILURES', align: 'right' },
    { title: 'UNTIL (UTC)' },
  ] as const;
  const rows = shown.map(({ origin, strikes, until }) => [origin, String(strikes), minuteOf(until)]);
  const table = pauses.length === 0 ? [] : layTable(columns, rows, widthOf(io.stdout));
  return printReport(io, flags.has('json'), { message, pauses: shown }, [...table, message]);
}
