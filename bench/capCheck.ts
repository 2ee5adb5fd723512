import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { capLines } from '../src/policy/limits.js';
import { initialSettings } from '../src/config/settings.js';
import { T0, testMac } from '../src/ledger/sqlite/fixtures.js';
import { SqliteLedger } from '../src/ledger/sqlite/sqliteLedger.js';
import { HARD_USE, seedLedger } from '../test/ledger/seed.js';
import { sampleOf, type Sample } from './percentile.js';

const ROUNDS = 2_000;
const WARM_UP = 200;

export interface CapChecks {
  readonly small: Sample;
  readonly large: Sample;
}

/** One check of all lines of a call, on a ledger of a thousand payments and on one of a million. */
export async function benchCapCheck(): Promise<CapChecks> {
  return { small: await checkOf(1_000), large: await checkOf(1_000_000) };
}

async function checkOf(payments: number): Promise<Sample> {
  const folder = mkdtempSync(join(tmpdir(), 'purser-bench-'));
  const path = join(folder, 'purser.db');
  try {
    seedLedger(path, { payments, ...HARD_USE });
    const ledger = SqliteLedger.open(path, { mac: testMac() });
    const lines = capLines(initialSettings(true), {
      agent: 'default',
      sessionId: 'none',
      hostPort: 'host-1.example:443',
    });
    const durations: number[] = [];
    for (let i = 0; i < WARM_UP + ROUNDS; i++) {
      const started = performance.now();
      await ledger.usage(lines, T0 + i);
      if (i >= WARM_UP) durations.push(performance.now() - started);
    }
    await ledger.close();
    return sampleOf(durations);
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}
