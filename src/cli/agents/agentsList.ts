import { listAgents } from '../../owner/ownerAgents.js';
import { agentFields } from './agents.js';
import type { CommandCall } from '../command.js';
import { minuteOf, printReport, widthOf } from '../terminal/output/show.js';
import { layTable } from '../terminal/output/table.js';
import { ownerOptions } from '../terminal/wallet.js';

/** Lists every agent that ever was. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags } = call;
  const agents = await listAgents(ownerOptions(call));
  const columns = [
    { title: 'AGENT', flexible: true },
    { title: 'STATE' },
    { title: 'TOKEN OF (UTC)' },
    { title: 'UNTIL (UTC)' },
    { title: 'ADDRESS' },
  ] as const;
  const rows = agents.map(({ name, state, tokenMs, untilMs, address }) => [
    name,
    state,
    tokenMs === null ? 'none' : minuteOf(new Date(tokenMs).toISOString()),
    untilMs === null ? 'no end' : minuteOf(new Date(untilMs).toISOString()),
    address,
  ]);
  const message = `${agents.length} ${agents.length === 1 ? 'agent' : 'agents'}.`;
  const fields = { message, agents: agents.map(agentFields) };
  return printReport(io, flags.has('json'), fields, layTable(columns, rows, widthOf(io.stdout)));
}
