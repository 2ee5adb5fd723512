import { readConfigUnauthenticated } from '../../config/configFile.js';
import { adminClientsIn } from '../../owner/adminClients.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/output/show.js';

/** Lists the clients of the admin API. */
export function run({ io, home, flags }: CommandCall): Promise<number> {
  const config = readConfigUnauthenticated(home);
  const clients = adminClientsIn(config);
  const state = config.admin.isOn ? 'The admin API is on.' : 'The admin API is off (admin.on).';
  const lines = clients.map(({ name, role, until }) => `${name}  ${role}  until ${until}`);
  const message = `${state} ${clients.length === 0 ? 'It has no clients.' : ''}`.trim();
  return Promise.resolve(
    printReport(io, flags.has('json'), { message, on: config.admin.isOn, clients }, [message, ...lines]),
  );
}
