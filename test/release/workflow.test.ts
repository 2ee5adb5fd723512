import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { expect, test } from 'vitest';

const WORKFLOWS = fileURLToPath(new URL('../../.github/workflows', import.meta.url));

test('every action of a workflow is named by its commit, with its version beside it (T24)', () => {
  const used = readdirSync(WORKFLOWS).flatMap((name) =>
    [...readFileSync(join(WORKFLOWS, name), 'utf8').matchAll(/^.*\buses:(.*)$/gm)].map(
      ([, what = '']) => what,
    ),
  );
  expect(used.length).toBeGreaterThan(0);
  for (const what of used) expect(what).toMatch(/^ [\w-]+\/[\w./-]+@[0-9a-f]{40} # v\d+\.\d+\.\d+$/);
});

test('a version is published only once the suite passed on Windows and on macOS', () => {
  const text = readFileSync(join(WORKFLOWS, 'release.yml'), 'utf8');
  expect(text).toMatch(/elsewhere:[\s\S]*os: \[windows-\d+, macos-\d+\][\s\S]*- run: npm test/);
  expect(text).toMatch(/publish:\n {4}needs: elsewhere\n/);
});
