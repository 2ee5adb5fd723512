import { WalletError } from '../errors/walletError.js';
import { findNetwork, type Network } from '../money/network.js';
import type { CommandCall } from './command.js';
import { printReport } from './show.js';
import { walletOptions } from './wallet.js';

/** Prints the wallet's address alone, so that scripts can take it. */
export async function run(call: CommandCall): Promise<number> {
  const { io, home, flags } = call;
  const [{ readConfigUnauthenticated }, { unlockAsAnyone }] = await Promise.all([
    import('../config/configFile.js'),
    import('../wallet/ownerHand.js'),
  ]);
  const wanted = flags.text('network');
  const networks = wanted === undefined ? readConfigUnauthenticated(home).networks.enabled : [wanted];
  const known = networks.map((caip2) => requireNetwork(caip2));
  const keys = await unlockAsAnyone(walletOptions(call));
  const address = await keys.evmAddress(0);
  const fields = {
    message: `The address of this wallet is ${address}.`,
    agent: 'default',
    address,
    networks: known.map(({ caip2, label }) => ({ network: caip2, label, address })),
  };
  return printReport(io, flags.has('json'), fields, [address]);
}

function requireNetwork(caip2: string): Network {
  const network = findNetwork(caip2);
  if (network !== undefined) return network;
  throw new WalletError(
    'unsupported_network',
    `${JSON.stringify(caip2)} is no network this wallet knows; name one as eip155:8453.`,
  );
}
