import type { Config } from '../config/settings.js';
import type { UnlockedWallet } from '../keys/keystore.js';
import { findNetwork, type Network } from '../money/network.js';

/** Where an agent is paid on one network. */
export interface AgentPlace {
  readonly network: Network;
  readonly address: string;
}

/** Whether the wallet's keys can pay on a network: an imported EVM key has no place on Solana. Tempo's addresses are the EVM's. */
export function canPayOn({ secretKind }: Pick<UnlockedWallet, 'secretKind'>, { family }: Network): boolean {
  return family !== 'svm' || secretKind === 'phrase';
}

/** An agent's address on a network: one for all of the EVM and Tempo, one for all of Solana. Throws `bad_input`, see {@link canPayOn}. */
export function addressOn(
  keys: Pick<UnlockedWallet, 'evmAddress' | 'solanaAddress'>,
  agentIndex: number,
  { family }: Network,
): Promise<string> {
  return family === 'svm' ? keys.solanaAddress(agentIndex) : keys.evmAddress(agentIndex);
}

/** The enabled networks that the table knows and these keys have an address on, in the owner's order. */
export function networksOf(
  { networks }: Pick<Config, 'networks'>,
  keys: Pick<UnlockedWallet, 'secretKind'>,
): Network[] {
  return networks.enabled
    .flatMap((caip2) => findNetwork(caip2) ?? [])
    .filter((network) => canPayOn(keys, network));
}

/** An agent's address on each of those networks. */
export function placesOf(
  config: Pick<Config, 'networks'>,
  keys: Pick<UnlockedWallet, 'secretKind' | 'evmAddress' | 'solanaAddress'>,
  agentIndex: number,
): Promise<AgentPlace[]> {
  return Promise.all(
    networksOf(config, keys).map(async (network) => ({
      network,
      address: await addressOn(keys, agentIndex, network),
    })),
  );
}

/** Each address once, with the labels of the networks that it is on: `0x… on Base or Polygon`. */
export function sayPlaces(places: readonly AgentPlace[]): string[] {
  const addresses = [...new Set(places.map(({ address }) => address))];
  return addresses.map((address) => {
    const labels = places.filter((place) => place.address === address).map(({ network }) => network.label);
    return `${address} on ${labels.join(' or ')}`;
  });
}
