import { setTimeout as delay } from 'node:timers/promises';
import type { Blow } from './blow.js';

/** How long the database is away at most, beside what its start takes: operations wait for longer than that. */
const DOWN_MS_MAX = 1_500;

/** The database crashes under whatever is written, and comes back. */
export const crashDatabase: Blow = async ({ shared }, random) => {
  await shared?.crash(() => delay(random.below(DOWN_MS_MAX)));
  return 'database crashed';
};
