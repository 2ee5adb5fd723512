import { describeLoad, runLoad } from '../test/http/load.js';

/** More clients than two cores serve at once, and as many as agents at work have. */
const LOADS = [
  { agents: 50, clients: 40, seconds: 60 },
  { agents: 50, clients: 4, seconds: 20 },
] as const;

for (const load of LOADS) {
  const { agents, clients, seconds } = load;
  console.log(
    `Node ${process.version}: ${agents} agents, ${clients} clients each, ${seconds} s, both eras in turn`,
  );
  const report = await runLoad(load);
  console.log(`${describeLoad(report, seconds)}\n`);
  if (report.broken.length > 0) process.exitCode = 1;
}
