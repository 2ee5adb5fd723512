import { listFactors } from '../../owner/auth/ownerFactors.js';
import { commandLine } from '../line/commandLine.js';
import { showLine } from '../line/line.js';
import type { CommandCall } from '../command.js';
import { minuteOf, printReport, widthOf } from '../terminal/output/show.js';
import { layTable } from '../terminal/output/table.js';
import { ownerOptions } from '../terminal/wallet.js';

/** Lists the factors. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags } = call;
  const factors = await listFactors(ownerOptions(call));
  const shown = factors.map(({ id, kind, label, owner, createdMs }) => ({
    id,
    kind,
    label,
    owner,
    created_at: new Date(createdMs).toISOString(),
  }));
  const message =
    factors.length === 0
      ? `There is no factor yet. Add one (or a passkey): ${showLine(commandLine('factor add', ['passphrase']), io)}`
      : `${factors.length} ${factors.length === 1 ? 'factor' : 'factors'}.`;
  const columns = [
    { title: 'ID' },
    { title: 'KIND' },
    { title: 'OWNER' },
    { title: 'SINCE (UTC)' },
    { title: 'LABEL', flexible: true },
  ];
  const rows = shown.map(({ id, kind, label, owner, created_at: at }) => [
    id,
    kind,
    owner,
    minuteOf(at),
    label,
  ]);
  const table = factors.length === 0 ? [] : layTable(columns, rows, widthOf(io.stdout));
  return printReport(io, flags.has('json'), { message, factors: shown }, [...table, message]);
}
