import { addAdminClient } from '../../owner/adminClients.js';
import { handOverToken } from '../agents/agents.js';
import type { CommandCall } from '../command.js';
import { ownerOptions } from '../terminal/wallet.js';

const DAYS_DEFAULT = 90;

/** Adds a client of the admin API and shows its token once. */
export function run(call: CommandCall): Promise<number> {
  const { args, flags } = call;
  const [name = ''] = args;
  const wanted = { name, role: flags.text('role') ?? '', days: flags.count('days') ?? DAYS_DEFAULT };
  return handOverToken(
    call,
    (deliver) => addAdminClient(ownerOptions(call), wanted, deliver),
    ({ role, until }) => ({
      message: `Added the client ${name}, ${role}, until ${until}.`,
      fields: { client: name, role, until },
      lines: [],
    }),
  );
}
