// One server of the fleet that `fleetRound.ts` measures.
import { PostgresStore } from '../src/ledger/postgres/postgresStore.js';
import { capLine, held, testMac } from '../src/ledger/sqlite/fixtures.js';
import type { Order, Report } from './fleetRound.js';

const FREE = capLine({ usdMicrosMax: 10n ** 15n });

if (process.send !== undefined) process.once('message', (order: Order) => void serve(order));

async function serve({ home, place, callers, agents, ms }: Order): Promise<void> {
  const ledger = await new PostgresStore(home, place).open({ mac: testMac() });
  process.send?.('ready');
  await new Promise((resolve) => process.once('message', resolve));
  const untilMs = performance.now() + ms;
  const cpuBefore = process.cpuUsage();
  const latenciesMs: number[] = [];
  await Promise.all(
    Array.from({ length: callers }, async () => {
      while (performance.now() < untilMs) {
        const agent = `agent-${Math.floor(Math.random() * agents)}`;
        const startedMs = performance.now();
        const scope = { kind: 'agent', agent } as const;
        await held(ledger, {
          agent,
          sessionId: agent,
          capLines: [FREE, { ...FREE, scope }],
          nowMs: Date.now(),
        });
        latenciesMs.push(performance.now() - startedMs);
      }
    }),
  );
  const { user, system } = process.cpuUsage(cpuBefore);
  const cpuMs = (user + system) / 1000;
  process.send?.({ holds: latenciesMs.length, latenciesMs, cpuMs } satisfies Report);
  await ledger.close();
  process.disconnect();
}
