import { DEFAULT_AGENT } from '../../money/agent.js';
import { findNetwork, type Network } from '../../money/network.js';
import { WalletError } from '../../errors/walletError.js';
import type { KnownAddresses } from '../../owner/knownAddresses.js';
import type { AgentPlace } from '../../wallet/agentAddress.js';
import type { CommandCall } from '../command.js';
import { tellOwner } from '../line/line.js';
import { printJson, printLines, printReport } from '../terminal/output/show.js';
import { lookOptions, ownerOptions } from '../terminal/wallet.js';

/** Prints the wallet's address alone where it has one, so that scripts can take it; else one a network. */
export async function run(call: CommandCall): Promise<number> {
  const { io, home, flags } = call;
  const [{ readConfigUnauthenticated }, { knownAddresses, noteAddresses, notedPlaces }] = await Promise.all([
    import('../../config/configFile.js'),
    import('../../owner/knownAddresses.js'),
  ]);
  const config = readConfigUnauthenticated(home);
  const wanted = flags.text('network');
  const networks = (wanted === undefined ? config.networks.enabled : [wanted]).map(requireNetwork);
  const options = lookOptions(call);
  const { agent: name = DEFAULT_AGENT } = options;
  const known = await knownAddresses(options);
  const places = notedPlaces(
    { networks: { ...config.networks, enabled: networks.map(({ caip2 }) => caip2) } },
    known.agents,
    name,
  );
  if (!known.isProved) return printUnproved(call, known, places);
  // An agent that the config does not know of is told as that, by whoever knows them all.
  if (name !== DEFAULT_AGENT)
    await (await import('../../owner/ownerAgents.js')).findAgentLine(ownerOptions(call), name);
  if (known.keys !== null) await noteAddresses(home, known.keys, config);
  if (known.isNoteForged) printLines(io.stderr, [FORGED]);
  const lines = places.map(({ network, address }) => ({
    network: network.caip2,
    label: network.label,
    address,
  }));
  const addresses = [...new Set(lines.map(({ address }) => address))];
  const address = addresses[0] ?? known.agents.find(({ agent }) => agent === name)?.evm ?? '';
  const fields = {
    message:
      addresses.length > 1
        ? `The addresses of this wallet are ${lines.map(({ label, address: at }) => `${at} on ${label}`).join(' and ')}.`
        : `The address of this wallet is ${address}.`,
    agent: name,
    address,
    networks: lines,
  };
  const said = addresses.length > 1 ? lines.map((line) => `${line.label}  ${line.address}`) : [address];
  return printReport(io, flags.has('json'), fields, said);
}

/** What is said where the note beside the wallet has other addresses than the keys. */
export const FORGED =
  'The addresses noted beside this wallet were not its own: somebody changed them. These here are the keys’.';

/**
 * Shows addresses that no key proved, so that nobody takes one for a place to send money: not alone on a line, and in JSON
 * not where a proved one stands. Throws why the keys did not open, where nothing is noted.
 */
export function printUnproved(
  { io, flags }: CommandCall,
  { locked }: Pick<KnownAddresses, 'locked'>,
  places: readonly AgentPlace[],
): number {
  if (places.length === 0 && locked !== null) throw locked;
  const why = locked?.shortMessage ?? 'The keys are locked.';
  const message = `${why} So these addresses are as they are noted beside the wallet; no key proved them.`;
  const say =
    'Whoever can write the wallet’s folder can change that note. Before you send money, have the keys prove the address.';
  // What a passphrase does not mend has a mend of its own.
  const tell =
    locked === null || locked.code === 'keystore_locked'
      ? tellOwner({ say, action: { kind: 'showAddress', unlocks: true } }, io)
      : `${say} ${tellOwner(locked.owner, io) ?? ''}`.trim();
  if (flags.has('json')) {
    const noted = places.map(({ network, address }) => ({
      network: network.caip2,
      label: network.label,
      address,
    }));
    printJson(io, {
      status: 'ok',
      code: 'ok',
      message,
      address: null,
      networks: [],
      noted,
      tell_owner: tell,
    });
    return 0;
  }
  printLines(
    io.stdout,
    places.map(({ network, address }) => `${network.label}  ${address}  (noted, not proved)`),
  );
  printLines(io.stderr, [message, ...(tell === null ? [] : [tell])]);
  return 0;
}

function requireNetwork(caip2: string): Network {
  const network = findNetwork(caip2);
  if (network !== undefined) return network;
  throw new WalletError(
    'unsupported_network',
    `${JSON.stringify(caip2)} is no network this wallet knows; name one as eip155:8453.`,
  );
}
