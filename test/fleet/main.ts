import { inspect } from 'node:util';
import { describeFleet, runFleet } from './fleet.js';

const says = (text: string): void => void process.stdout.write(`${text}\n`);

try {
  says(
    'A fleet: PostgreSQL with a synchronous standby, two servers on two homes, ten agents, shops on two chains.',
  );
  const report = await runFleet(says);
  says(describeFleet(report));
  if (report.broken.length > 0) process.exitCode = 1;
} catch (error) {
  process.stderr.write(`${inspect(error)}\n`);
  process.exitCode = 1;
}
