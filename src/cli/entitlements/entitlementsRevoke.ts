import { WalletError } from '../../errors/walletError.js';
import { findEntitlement, revokeEntitlement } from '../../owner/ownerEntitlements.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/output/show.js';
import { ownerOptions } from '../terminal/wallet.js';

/** Ends something that an agent bought ahead, for good. */
export async function run(call: CommandCall): Promise<number> {
  const { io, args, flags } = call;
  const id = args[0] ?? '';
  const options = ownerOptions(call);
  const revoked = await revokeEntitlement(options, id);
  const found = await findEntitlement(options, id);
  if (found === null) throw new WalletError('not_found', 'There is no entitlement by that id.');
  const message = revoked
    ? `${id} is revoked: it is used no more, and what buys there is paid again.`
    : `${id} had ended before: it is ${found.state}.`;
  return printReport(io, flags.has('json'), { message, id, state: found.state }, [message]);
}
