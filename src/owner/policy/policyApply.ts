import { readConfigUnauthenticated } from '../../config/configFile.js';
import { policySteps, type Policy } from '../../config/policy.js';
import type { OwnerOptions } from '../auth/ownerAuth.js';
import { changeConfigKeys, type ConfigChange } from '../ownerConfig.js';

/**
 * Brings a policy in force, all of it or nothing, by the change that `changeConfigKeys` makes: what loosens is the owner's,
 * shown whole. Answers what changed, nothing where the policy was in force. Throws as that does, and `bad_input` for a policy
 * that contradicts itself.
 */
export async function applyPolicy(
  options: OwnerOptions,
  policy: Policy,
  file: string,
): Promise<readonly ConfigChange[]> {
  const steps = policySteps(readConfigUnauthenticated(options.home), policy);
  if (steps.length === 0) return [];
  const words = { what: 'Applying a policy', action: { kind: 'applyPolicy', file } as const };
  return changeConfigKeys(options, words, steps);
}
