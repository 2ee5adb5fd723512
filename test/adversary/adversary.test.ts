import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { startSandbox, type Sandbox } from '../../sandbox/world.ts';
import { CENT } from './offer.ts';
import { playAll, playOne, startRun, type Run, type Verdict } from './run.ts';
import { THREATS } from './role.ts';
import { ATTACKS, CONTROLS } from './table.ts';

const OUTPUT = fileURLToPath(new URL('../../test-output/', import.meta.url));
/** So many calls at a time. */
const PARALLEL = 100;
/** The least that this suite is to hold. */
const ATTACKS_MIN = 60;

const verdicts: Verdict[] = [];
let sandbox: Sandbox;

beforeAll(async () => {
  sandbox = await startSandbox();
});

afterAll(async () => {
  await sandbox.stop();
  report();
});

test('every attack has a name of its own, and every threat an attack', () => {
  const names = [...ATTACKS, ...CONTROLS].map(({ threat, name }) => `${threat} ${name}`);
  expect(new Set(names).size).toBe(names.length);
  expect(ATTACKS.length).toBeGreaterThanOrEqual(ATTACKS_MIN);
  expect([...new Set(ATTACKS.map(({ threat }) => threat))]).toEqual(Object.keys(THREATS));
});

describe('one after the other', () => {
  let run: Run;
  beforeAll(async () => {
    run = await startRun(sandbox, 1);
  });
  afterAll(() => run.stop());

  test.each(ATTACKS)('$threat: $name', async (attack) => {
    const verdict = await playOne(run, attack);
    verdicts.push(verdict);
    expect(verdict.faults).toEqual([]);
  });

  test.each(CONTROLS)('paid: $name', async (control) => {
    const verdict = await playOne(run, control);
    verdicts.push(verdict);
    expect(verdict.faults).toEqual([]);
  });

  test('the wallet lost what the sellers were given, and nothing else', async () => {
    expect(await run.missing()).toBe(0n);
  });

  test('Permit2 may move no more than one payment would', () => expectBound(run));
});

describe(`all at once, ${PARALLEL} calls at a time`, () => {
  let run: Run;
  let played: ReadonlyMap<string, Verdict>;
  beforeAll(async () => {
    run = await startRun(sandbox, PARALLEL);
    played = await playAll(run, [...ATTACKS, ...CONTROLS]);
    verdicts.push(...played.values());
  }, 300_000);
  afterAll(() => run.stop());

  test.each(ATTACKS)('$threat: $name', ({ threat, name }) => {
    expect(played.get(`${threat} ${name}`)?.faults).toEqual([]);
  });

  test.each(CONTROLS)('paid: $name', ({ threat, name }) => {
    expect(played.get(`${threat} ${name}`)?.faults).toEqual([]);
  });

  test('so many calls ran side by side, and the wallet lost what the sellers were given', async () => {
    expect(run.turnstile.most).toBe(PARALLEL);
    expect(await run.missing()).toBe(0n);
  });

  test('Permit2 may move no more than one payment would', () => expectBound(run));
});

/** T36: a permit allows what its payment is for, and takes the place of what was allowed before it; no owner allowed more. */
async function expectBound(run: Run): Promise<void> {
  for (const left of await run.allowances()) expect(left).toBeLessThanOrEqual(CENT);
}

/** The table of verdicts, on the terminal and in test-output/adversary.json. */
function report(): void {
  const rows = [...ATTACKS, ...CONTROLS].map(({ threat, name }) => {
    const own = verdicts.filter((verdict) => verdict.threat === threat && verdict.name === name);
    const faults = own.flatMap(({ faults }) => faults);
    const won = threat === 'honest' ? 'paid' : 'beaten';
    const verdict = own.length === 0 ? 'not run' : faults.length === 0 ? won : faults[0];
    return {
      threat,
      name,
      verdict,
      runs: own.length,
      calls: own.reduce((sum, { calls }) => sum + calls, 0),
      faults,
    };
  });
  mkdirSync(OUTPUT, { recursive: true });
  writeFileSync(join(OUTPUT, 'adversary.json'), `${JSON.stringify(rows, null, 2)}\n`);
  const width = Math.max(...rows.map(({ name }) => name.length));
  const lines = rows.map(
    ({ threat, name, verdict }) => `${threat.padEnd(7)}${name.padEnd(width)}  ${verdict ?? ''}`,
  );
  process.stdout.write(`${lines.join('\n')}\n`);
}
