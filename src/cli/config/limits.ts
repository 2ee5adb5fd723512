import type { LimitLine } from '../../wallet/balance.js';
import type { CommandCall } from '../command.js';
import { printReport, widthOf } from '../terminal/output/show.js';
import { layTable } from '../terminal/output/table.js';
import { withEngine } from '../terminal/wallet.js';

/** Shows each cap and ceiling, and what is left of it. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags } = call;
  return withEngine(call, async (engine) => {
    const { limitLines, rateBounds } = await import('../../wallet/balance.js');
    const { checkClock } = await import('../../wallet/clock/clockCheck.js');
    const config = await engine.config();
    await checkClock(engine, config);
    // Looking begins no session: without one, nothing of its cap is used.
    const session = await engine.ledger.currentSession(engine.agent, engine.now());
    const limits = await limitLines(engine, config, { id: session?.id ?? 'none' });
    const { frozen } = await engine.ledger.head();
    const { callsPerMinute } = config.limits;
    const fields = {
      message: frozen ? 'The wallet is frozen: nothing is signed.' : 'What is set, and what is left of it.',
      frozen,
      limits,
      calls_per_minute: callsPerMinute,
    };
    return printReport(io, flags.has('json'), fields, [
      ...(frozen ? ['The wallet is frozen: nothing is signed.', ''] : []),
      ...layLimits(limits, widthOf(io.stdout)),
      '',
      ...rateBounds(config, engine.agent).map(({ name, calls }) => `${name}  ${calls}`),
    ]);
  });
}

/** A table of caps and ceilings, in dollars. */
export function layLimits(limits: readonly LimitLine[], width: number): string[] {
  const columns = [
    { title: 'LIMIT', flexible: true },
    { title: 'MAX USD', align: 'right' },
    { title: 'USED', align: 'right' },
    { title: 'LEFT', align: 'right' },
  ] as const;
  const rows = limits.map(({ name, max_usd, used_usd, left_usd }) => [
    name,
    max_usd,
    used_usd ?? '',
    left_usd,
  ]);
  return layTable(columns, rows, width);
}
