import { describeLoad, runLoad } from '../test/http/load.js';

/** Agents that think between calls, as they do at work; more clients than two cores serve at once; and fewer. */
const LOADS = [
  { agents: 50, clients: 40, seconds: 90, thinkSec: 30 },
  { agents: 50, clients: 40, seconds: 60, thinkSec: 0 },
  { agents: 50, clients: 4, seconds: 20, thinkSec: 0 },
] as const;

for (const load of LOADS) {
  const { agents, clients, seconds, thinkSec } = load;
  const think = thinkSec === 0 ? 'without a thought' : `each thinks ${thinkSec} s between calls`;
  console.log(
    `Node ${process.version}: ${agents} agents, ${clients} clients each, ${think}, ${seconds} s, both eras in turn`,
  );
  const report = await runLoad(load);
  console.log(`${describeLoad(report, seconds)}\n`);
  if (report.broken.length > 0) process.exitCode = 1;
}
