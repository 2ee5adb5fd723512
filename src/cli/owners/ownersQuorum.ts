import { setQuorum } from '../../owner/owners.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/output/show.js';
import { ownerOptions } from '../terminal/wallet.js';

/** Sets how many owners a loosening needs. */
export async function run(call: CommandCall): Promise<number> {
  const { io, args, flags } = call;
  const owners = Number(args[0]);
  await setQuorum(ownerOptions(call), owners);
  const message =
    owners === 1
      ? 'One owner loosens the wallet now.'
      : `It takes ${owners} owners now to loosen the wallet.`;
  return printReport(io, flags.has('json'), { message, quorum: owners }, [message]);
}
