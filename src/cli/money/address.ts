import { WalletError } from '../../errors/walletError.js';
import { DEFAULT_AGENT } from '../../money/agent.js';
import { findNetwork, type Network } from '../../money/network.js';
import type { CommandCall } from '../command.js';
import { printReport } from '../terminal/output/show.js';
import { ownerOptions, walletOptions } from '../terminal/wallet.js';

/** Prints the wallet's address alone where it has one, so that scripts can take it; else one a network. */
export async function run(call: CommandCall): Promise<number> {
  const { io, home, flags } = call;
  const [{ readConfigUnauthenticated }, { unlockAsAnyone }, { addressOn, canPayOn }] = await Promise.all([
    import('../../config/configFile.js'),
    import('../../owner/ownerAuth.js'),
    import('../../wallet/agentAddress.js'),
  ]);
  const wanted = flags.text('network');
  const networks = wanted === undefined ? readConfigUnauthenticated(home).networks.enabled : [wanted];
  const known = networks.map((caip2) => requireNetwork(caip2));
  const { agent: name = DEFAULT_AGENT } = walletOptions(call);
  const keys = await unlockAsAnyone(walletOptions(call));
  const index =
    name === DEFAULT_AGENT
      ? 0
      : (await (await import('../../owner/ownerAgents.js')).findAgentLine(ownerOptions(call), name)).index;
  const lines = await Promise.all(
    known
      .filter((network) => canPayOn(keys, network))
      .map(async (network) => ({
        network: network.caip2,
        label: network.label,
        address: await addressOn(keys, index, network),
      })),
  );
  const addresses = [...new Set(lines.map(({ address }) => address))];
  const address = addresses[0] ?? (await keys.evmAddress(index));
  const places = lines.map(({ label, address: at }) => `${at} on ${label}`).join(' and ');
  const fields = {
    message:
      addresses.length > 1
        ? `The addresses of this wallet are ${places}.`
        : `The address of this wallet is ${address}.`,
    agent: name,
    address,
    networks: lines,
  };
  const said = addresses.length > 1 ? lines.map((line) => `${line.label}  ${line.address}`) : [address];
  return printReport(io, flags.has('json'), fields, said);
}

function requireNetwork(caip2: string): Network {
  const network = findNetwork(caip2);
  if (network !== undefined) return network;
  throw new WalletError(
    'unsupported_network',
    `${JSON.stringify(caip2)} is no network this wallet knows; name one as eip155:8453.`,
  );
}
