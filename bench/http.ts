import { describeLoad, runLoad } from '../test/http/load.js';

const [AGENTS, CLIENTS, SECONDS] = [50, 40, 60];

console.log(
  `Node ${process.version}: ${AGENTS} agents, ${CLIENTS} clients each, ${SECONDS} s, both eras in turn`,
);
const report = await runLoad({ agents: AGENTS, clients: CLIENTS, seconds: SECONDS });
console.log(describeLoad(report, SECONDS));
if (report.broken.length > 0) process.exitCode = 1;
