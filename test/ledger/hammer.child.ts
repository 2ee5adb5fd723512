import { held, T0, testMac } from '../../src/ledger/sqlite/fixtures.js';
import { openAt, type LedgerPlace } from './ledgerPlace.js';

/** Holds without end, four at a time, and prints each id once it was promised to be durable. */
const ledger = await openAt(JSON.parse(process.argv[2] ?? '') as LedgerPlace, { mac: testMac() });
await Promise.all(
  Array.from({ length: 4 }, async () => {
    for (;;) {
      const { id } = await held(ledger, { nowMs: T0 });
      process.stdout.write(`${JSON.stringify(id)}\n`);
    }
  }),
);
