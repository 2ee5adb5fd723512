import { existsSync } from 'node:fs';
import { defineConfig } from 'vitest/config';
import { BaseSequencer, type TestSpecification } from 'vitest/node';

/** Tests start real chains, browsers and processes: a slow or busy machine must not fail them, a hung one must. */
const HANG_MS = 5 * 60_000;
/** Less than a test has, so that what is waited for in vain is named. */
const WAIT_MS_MAX = 4 * 60_000;

/** One puts another module in the place of what others have loaded; one weighs what its own process holds. */
const ALONE = ['test/money/twoOperators.test.ts', 'test/http/attack.test.ts'];

/** What waits for minutes: begun last, it would keep one worker busy, and the others idle, when all else is over. */
const LONG = [
  'test/adversary/adversary.test.ts',
  'test/wallet/sevenWaysOnSolana.test.ts',
  'test/wallet/crash.test.ts',
  'test/web/access.test.ts',
  'test/ledger/postgres/servers.test.ts',
  'test/torture/torturePostgres.test.ts',
  'test/wallet/sameRequest.test.ts',
  'test/wallet/withdrawCrash.test.ts',
  'test/wallet/payAhead.test.ts',
  'test/torture/torture.test.ts',
  'test/web/page.test.ts',
  'test/wallet/sevenWaysOnBase.test.ts',
  'test/cli/init.test.ts',
  'test/mcp/package.test.ts',
  'test/keychain/fileKeystore.test.ts',
];

class LongFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rankOf = ({ moduleId }: TestSpecification): number => {
      const at = LONG.findIndex((file) => moduleId.endsWith(file));
      return at === -1 ? LONG.length : at;
    };
    const sorted = await super.sort(files);
    // One project after the other, as before.
    const projects = [...new Set(sorted.map(({ project }) => project.name))];
    return projects.flatMap((name) =>
      sorted.filter(({ project }) => project.name === name).toSorted((a, b) => rankOf(a) - rankOf(b)),
    );
  }
}

export default defineConfig({
  test: {
    testTimeout: HANG_MS,
    hookTimeout: HANG_MS,
    expect: { poll: { timeout: WAIT_MS_MAX } },
    setupFiles: ['test/support/scryptMemory.ts'],
    globalSetup: existsSync('scripts/build.ts') ? ['test/globalSetup.ts'] : [],
    // Two cores, and a third file for the time in which the tests of two wait for processes and chains.
    maxWorkers: 3,
    sequence: { sequencer: LongFirst },
    projects: [
      // A worker loads each module once, not once for each file: loading is a fifth of the work.
      { extends: true, test: { name: 'beside', include: ['src/**/*.test.ts'], isolate: false } },
      {
        extends: true,
        test: {
          name: 'whole',
          include: ['test/**/*.test.ts', 'sandbox/**/*.test.ts'],
          exclude: ALONE,
          isolate: false,
        },
      },
      { extends: true, test: { name: 'alone', include: ALONE } },
    ],
  },
});
