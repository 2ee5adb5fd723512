import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, expect, test } from 'vitest';
import { playLightning } from './lightning/play.ts';
import { LIGHTNING_ATTACKS, LIGHTNING_THREATS } from './lightning/table.ts';

const OUTPUT = fileURLToPath(new URL('../../test-output/', import.meta.url));

const verdicts = new Map<string, readonly string[]>();

afterAll(() => {
  const rows = LIGHTNING_ATTACKS.map(({ threat, name }) => {
    const faults = verdicts.get(name);
    return { threat, name, verdict: faults === undefined ? 'not run' : (faults[0] ?? 'beaten'), faults };
  });
  mkdirSync(OUTPUT, { recursive: true });
  writeFileSync(join(OUTPUT, 'adversaryLightning.json'), `${JSON.stringify(rows, null, 2)}\n`);
  process.stdout.write(
    `${rows.map(({ threat, name, verdict }) => `${threat}  ${name}: ${verdict}`).join('\n')}\n`,
  );
});

test('every attack has a name of its own, and the threat its attacks', () => {
  expect(new Set(LIGHTNING_ATTACKS.map(({ name }) => name)).size).toBe(LIGHTNING_ATTACKS.length);
  expect([...new Set(LIGHTNING_ATTACKS.map(({ threat }) => threat))]).toEqual(Object.keys(LIGHTNING_THREATS));
});

// The node's own books are the judge. Each row has a node, a seller and a wallet of its own, so that they can run side by side.
test.concurrent.each(LIGHTNING_ATTACKS)('$threat: $name', async (row) => {
  const faults = await playLightning(row);
  verdicts.set(row.name, faults);
  expect(faults).toEqual([]);
});
