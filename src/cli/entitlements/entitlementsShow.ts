import { WalletError } from '../../errors/walletError.js';
import { findEntitlement } from '../../owner/ownerEntitlements.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/output/show.js';
import { ownerOptions } from '../terminal/wallet.js';
import { fieldsOf } from './entitlementsList.js';

/** Shows one thing that an agent bought ahead. */
export async function run(call: CommandCall): Promise<number> {
  const { io, args, flags } = call;
  const found = await findEntitlement(ownerOptions(call), args[0] ?? '');
  if (found === null) throw new WalletError('not_found', 'There is no entitlement by that id.');
  const fields = fieldsOf(found, io.now());
  const { id, kind, agent, state } = fields;
  const message = `${id} is ${state}: a ${kind} of the agent ${agent}.`;
  const lines = [
    ['Where', `${fields.origin}${fields.path}`],
    ['Left', [fields.value_left, fields.unit].filter((one) => one !== null).join(' ')],
    ['Until', fields.expires_at],
    ['Bought by', fields.payment_id],
    ['Created', fields.created],
    ['Changed', fields.changed],
  ].filter(([, value]) => value !== null && value !== '');
  return printReport(io, flags.has('json'), { message, ...fields, state }, [
    message,
    ...lines.map(([name, value]) => `${name ?? ''}  ${value ?? ''}`),
  ]);
}
