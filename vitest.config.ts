import { existsSync } from 'node:fs';
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['src/**/*.test.ts', 'test/**/*.test.ts', 'sandbox/**/*.test.ts'],
    // Tests start real chains and processes: a slow machine must not fail them, a hung one must.
    testTimeout: 60_000,
    hookTimeout: 60_000,
    globalSetup: existsSync('scripts/build.ts') ? ['test/globalSetup.ts'] : [],
    // Two cores; more would only make the chains of the tests compete.
    maxWorkers: 2,
  },
});
