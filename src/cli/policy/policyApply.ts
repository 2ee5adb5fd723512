import { applyPolicy } from '../../owner/policy/policyApply.js';
import type { CommandCall } from '../command.js';
import { printChanges } from '../config/configSet.js';
import { printReport } from '../terminal/output/show.js';
import { ownerOptions } from '../terminal/wallet.js';
import { policyIn } from './policyFile.js';

/** Brings the policy of a file in force. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags, args } = call;
  const [file = ''] = args;
  const changes = await applyPolicy(ownerOptions(call), await policyIn(file), file);
  if (changes.length > 0) return printChanges(call, changes);
  const message = 'That policy is in force already.';
  return printReport(io, flags.has('json'), { message, changes: [] }, [message]);
}
