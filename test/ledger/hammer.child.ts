import { held, T0, testMac } from '../../src/ledger/sqlite/fixtures.js';
import { SqliteLedger } from '../../src/ledger/sqlite/sqliteLedger.js';

/** Holds without end, four at a time, and prints each id once it was promised to be durable. */
const ledger = SqliteLedger.open(JSON.parse(process.argv[2] ?? '') as string, { mac: testMac() });
await Promise.all(
  Array.from({ length: 4 }, async () => {
    for (;;) {
      const { id } = await held(ledger, { nowMs: T0 });
      process.stdout.write(`${JSON.stringify(id)}\n`);
    }
  }),
);
