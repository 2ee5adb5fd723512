import { createInterface } from 'node:readline';
import { capLine, holdRequest, T0, testMac } from '../../src/ledger/sqlite/fixtures.js';
import { openAt, type LedgerPlace } from './ledgerPlace.js';

/** What the race test asks of each process in one round. */
export interface RaceRound {
  readonly holds: number;
  readonly amount: string;
  readonly cap: string;
}

/** What a process saw in a round. Latencies in ms, one for each call. */
export interface RaceReport {
  readonly held: number;
  readonly exceeded: number;
  readonly latenciesMs: readonly number[];
}

const ledger = await openAt(JSON.parse(process.argv[2] ?? '') as LedgerPlace, { mac: testMac() });
let nowMs = T0;

async function race({ holds, amount, cap }: RaceRound): Promise<RaceReport> {
  const capLines = [capLine({ usdMicrosMax: BigInt(cap) })];
  const latenciesMs: number[] = [];
  let [held, exceeded] = [0, 0];
  for (let i = 0; i < holds; i++) {
    const request = holdRequest({ heldUsdMicros: BigInt(amount), capLines, nowMs: nowMs++ });
    const start = performance.now();
    const { kind } = await ledger.openHold(request);
    latenciesMs.push(performance.now() - start);
    if (kind === 'held') held++;
    else if (kind === 'exceeded') exceeded++;
    else throw new Error(`A hold ended as ${kind}`);
  }
  return { held, exceeded, latenciesMs };
}

console.log(JSON.stringify('ready'));
for await (const line of createInterface({ input: process.stdin }))
  console.log(JSON.stringify(await race(JSON.parse(line) as RaceRound)));
await ledger.close();
process.exit();
