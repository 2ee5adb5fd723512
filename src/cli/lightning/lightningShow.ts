import { readConnection } from '../../chain/lightning/connection.js';
import { WalletError } from '../../errors/walletError.js';
import { findLightning, findNetwork } from '../../money/network.js';
import { detailsOf, viewLightning } from '../../owner/ownerLightning.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/output/show.js';
import { withEngine } from '../terminal/wallet.js';

/** Shows the connected Lightning wallet. */
export async function run(call: CommandCall): Promise<number> {
  const { io, flags } = call;
  return withEngine(call, async (engine) => {
    const config = await engine.config();
    const enabled = config.networks.enabled
      .map((caip2) => findNetwork(caip2))
      .find((network) => network?.family === 'lightning');
    const network = enabled?.family === 'lightning' ? enabled : findLightning('bc');
    const text = engine.keys.lightning.read();
    const connection = text === null ? null : readConnection(text);
    if (connection === null || network === undefined)
      throw new WalletError('not_set_up', 'No Lightning wallet is connected.', {
        owner: { say: 'Connect one.', action: { kind: 'connectLightning' } },
      });
    const view = await viewLightning(engine.chain(config, network), connection, network);
    const message = `A Lightning wallet is connected: ${view.balance_sat} sat.`;
    return printReport(io, flags.has('json'), { message, lightning: view }, detailsOf(view));
  });
}
