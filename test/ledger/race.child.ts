import { once } from 'node:events';
import { capLine, holdRequest, T0, testMac } from '../../src/ledger/fixtures.js';
import { Ledger } from '../../src/ledger/ledger.js';

/** What the race test asks of each process. */
export interface RaceOrder {
  readonly path: string;
  readonly holds: number;
  readonly amount: string;
  readonly cap: string;
  /** Calls under way at once in this process. */
  readonly concurrency: number;
}

/** What a process saw. Latencies in ms, one for each call. */
export interface RaceReport {
  readonly held: number;
  readonly exceeded: number;
  readonly latenciesMs: readonly number[];
}

const order = JSON.parse(process.argv[2] ?? '') as RaceOrder;
const ledger = Ledger.open(order.path, { mac: testMac() });
const lines = [capLine({ usdMicrosMax: BigInt(order.cap) })];
const latenciesMs: number[] = [];
let [held, exceeded, next] = [0, 0, 0];

async function work(): Promise<void> {
  while (next < order.holds) {
    const nowMs = T0 + next++;
    const request = holdRequest({ heldUsdMicros: BigInt(order.amount), capLines: lines, nowMs });
    const start = performance.now();
    const { kind } = await ledger.openHold(request);
    latenciesMs.push(performance.now() - start);
    if (kind === 'held') held++;
    else if (kind === 'exceeded') exceeded++;
    else throw new Error(`A hold ended as ${kind}`);
  }
}

console.log(JSON.stringify('ready'));
await once(process.stdin, 'data');
await Promise.all(Array.from({ length: order.concurrency }, work));
ledger.close();
console.log(JSON.stringify({ held, exceeded, latenciesMs } satisfies RaceReport));
process.exit();
