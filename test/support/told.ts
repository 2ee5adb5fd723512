import { tellOwner } from '../../src/cli/line/line.js';
import type { Outcome } from '../../src/wallet/answer/outcome.js';

/** What a face tells the owner of an outcome; empty where there is nothing to tell. */
export function told({ tell_owner: step }: Pick<Outcome, 'tell_owner'>): string {
  return tellOwner(step, { env: {}, platform: 'linux', version: '0.0.0-test' }) ?? '';
}
