import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { startTestWorld, type TestWorld } from '../support/world.js';
import { playOperators } from './operators/play.ts';
import { OPERATOR_ATTACKS, OPERATOR_THREATS } from './operators/table.ts';

const OUTPUT = fileURLToPath(new URL('../../test-output/', import.meta.url));
/** Blocks that were there before: an operator can be far behind. */
const BLOCKS_BEFORE = 500;

const verdicts = new Map<string, readonly string[]>();
let world: TestWorld;

beforeAll(async () => {
  world = await startTestWorld();
  world.sandbox.solana.mine(BLOCKS_BEFORE);
  await world.sandbox.chain.mine(BLOCKS_BEFORE);
});

afterAll(async () => {
  await world.stop();
  report();
});

test('every attack has a name of its own, and every threat an attack', () => {
  expect(new Set(OPERATOR_ATTACKS.map(({ name }) => name)).size).toBe(OPERATOR_ATTACKS.length);
  expect([...new Set(OPERATOR_ATTACKS.map(({ threat }) => threat))]).toEqual(Object.keys(OPERATOR_THREATS));
});

test.each(OPERATOR_ATTACKS)('$threat: $name', async (row) => {
  const faults = await playOperators(world, row);
  verdicts.set(row.name, faults);
  expect(faults).toEqual([]);
});

/** The table of verdicts, on the terminal and in test-output/. */
function report(): void {
  const rows = OPERATOR_ATTACKS.map(({ threat, name }) => {
    const faults = verdicts.get(name);
    const verdict = faults === undefined ? 'not run' : (faults[0] ?? 'beaten');
    return { threat, name, verdict, faults: faults ?? [] };
  });
  mkdirSync(OUTPUT, { recursive: true });
  writeFileSync(join(OUTPUT, 'adversaryOperators.json'), `${JSON.stringify(rows, null, 2)}\n`);
  const width = Math.max(...rows.map(({ name }) => name.length));
  const lines = rows.map(
    ({ threat, name, verdict }) => `${threat.padEnd(7)}${name.padEnd(width)}  ${verdict}`,
  );
  process.stdout.write(`${lines.join('\n')}\n`);
}
