import { existsSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'sandbox/**/*.test.ts'],
    // Tests start real chains and processes: a slow machine must not fail them, a hung one must.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    globalSetup: existsSync('scripts/build.ts') ? ['test/globalSetup.ts'] : [],
    // Two cores, and a third file for the time in which the tests of two wait for processes and chains.
    maxWorkers: 3,
  },
});
