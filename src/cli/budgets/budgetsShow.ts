import { WalletError } from '../../errors/walletError.js';
import { formatUsd } from '../../money/decimal.js';
import { budgetStates, type BudgetLine, type BudgetState } from '../../owner/ownerBudgets.js';
import { DAY_SEC } from '../../policy/limits.js';
import type { CommandCall } from '../command.js';
import { printReport, widthOf } from '../terminal/output/show.js';
import { layTable } from '../terminal/output/table.js';
import { withEngine } from '../terminal/wallet.js';

/** Shows the budgets as a tree. */
export async function run(call: CommandCall): Promise<number> {
  const { io, args, flags } = call;
  const [wanted] = args;
  return withEngine(call, async (engine) => {
    const { checkClock } = await import('../../wallet/clock/clockCheck.js');
    const config = await engine.config();
    await checkClock(engine, config);
    const all = await budgetStates(engine.ledger, config, engine.now());
    const shown = wanted === undefined ? all : subtree(all, wanted);
    if (wanted !== undefined && shown.length === 0)
      throw new WalletError('bad_input', `There is no budget ${wanted}.`);
    const message =
      shown.length === 0
        ? 'There are no budgets.'
        : `${shown.length} budget${shown.length === 1 ? '' : 's'}.`;
    return printReport(io, flags.has('json'), { message, budgets: shown.map(fieldsOf) }, [
      ...(shown.length === 0 ? [message] : layBudgets(shown, widthOf(io.stdout))),
    ]);
  });
}

/** A budget and all below it; they stand right behind it. */
function subtree(all: readonly BudgetState[], name: string): readonly BudgetState[] {
  const start = all.findIndex((one) => one.name === name);
  const [top, ...rest] = start < 0 ? [] : all.slice(start);
  if (top === undefined) return [];
  const end = rest.findIndex(({ path }) => !path.includes(name));
  return [top, ...(end < 0 ? rest : rest.slice(0, end))];
}

function fieldsOf({ name, parent, until, lines, agents }: BudgetState): object {
  return {
    name,
    parent,
    until,
    agents,
    amounts: lines.map((one) => ({
      setting: one.line.name,
      max_usd: formatUsd(one.line.usdMicrosMax),
      used_usd: formatUsd(one.usedUsdMicros),
      left_usd: formatUsd(one.leftUsdMicros),
      nearly_spent: one.isNearlySpent,
    })),
  };
}

function layBudgets(states: readonly BudgetState[], width: number): string[] {
  const columns = [
    { title: 'BUDGET', flexible: true },
    { title: 'IN' },
    { title: 'MAX USD', align: 'right' },
    { title: 'USED', align: 'right' },
    { title: 'LEFT', align: 'right' },
    { title: 'NOTE' },
  ] as const;
  const rows = states.flatMap(({ path, until, lines }) =>
    lines.map((one, i) => [
      i === 0 ? path.join(' › ') : '',
      windowOf(one),
      formatUsd(one.line.usdMicrosMax),
      formatUsd(one.usedUsdMicros),
      formatUsd(one.leftUsdMicros),
      noteOf(one, i === 0 ? until : null),
    ]),
  );
  const members = states
    .filter(({ agents }) => agents.length > 0)
    .map(({ path, agents }) => `Agents in ${path.join(' › ')}: ${agents.join(', ')}`);
  return [...layTable(columns, rows, width), ...(members.length === 0 ? [] : ['', ...members])];
}

function windowOf({ line }: BudgetLine): string {
  if (line.windowSec === null) return line.name.endsWith('.until') ? 'over' : 'all';
  return line.windowSec === DAY_SEC ? '24 hours' : '30 days';
}

function noteOf({ isNearlySpent, leftUsdMicros }: BudgetLine, until: string | null): string {
  const notes = [
    ...(leftUsdMicros === 0n ? ['spent'] : isNearlySpent ? ['80 % used'] : []),
    ...(until === null ? [] : [`until ${until}`]),
  ];
  return notes.join(', ');
}
