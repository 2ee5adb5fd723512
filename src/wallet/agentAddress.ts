import { readConnection, walletIdOf } from '../chain/lightning/connection.js';
import type { Config } from '../config/settings.js';
import { WalletError } from '../errors/walletError.js';
import type { UnlockedWallet } from '../keys/keystore.js';
import { findNetwork, type Network } from '../money/network.js';

/** Where an agent is paid on one network. */
export interface AgentPlace {
  readonly network: Network;
  readonly address: string;
}

/**
 * Whether the wallet can pay on a network: an imported EVM key has no place on Solana, and Lightning is there once the owner
 * has connected a wallet. Tempo's addresses are the EVM's.
 */
export function canPayOn({ secretKind, lightning }: PlaceKeys, { family }: Network): boolean {
  if (family === 'lightning') return lightningWalletId({ lightning }) !== null;
  return family !== 'svm' || secretKind === 'phrase';
}

/** What the keys say of where an agent is paid. */
type PlaceKeys = Pick<UnlockedWallet, 'secretKind' | 'lightning'>;

/** What the connected Lightning wallet is known by in the ledger; null where none is connected. */
export function lightningWalletId({ lightning }: Pick<UnlockedWallet, 'lightning'>): string | null {
  const text = lightning.read();
  const connection = text === null ? null : readConnection(text);
  return connection === null ? null : walletIdOf(connection);
}

/**
 * An agent's address on a network: one for all of the EVM and Tempo, one for all of Solana; on Lightning the connected
 * wallet, which all agents share. Throws `bad_input`, see {@link canPayOn}.
 */
export function addressOn(
  keys: Pick<UnlockedWallet, 'evmAddress' | 'solanaAddress' | 'lightning'>,
  agentIndex: number,
  { family, label }: Network,
): Promise<string> {
  if (family === 'lightning') return Promise.resolve(lightningWalletId(keys) ?? noLightning(label));
  return family === 'svm' ? keys.solanaAddress(agentIndex) : keys.evmAddress(agentIndex);
}

function noLightning(label: string): never {
  throw new WalletError('bad_input', `No Lightning wallet is connected, so there is no place on ${label}.`, {
    owner: { say: 'Connect a Lightning wallet.', action: { kind: 'connectLightning' } },
  });
}

/** The enabled networks that the table knows and these keys have an address on, in the owner's order. */
export function networksOf({ networks }: Pick<Config, 'networks'>, keys: PlaceKeys): Network[] {
  return networks.enabled
    .flatMap((caip2) => findNetwork(caip2) ?? [])
    .filter((network) => canPayOn(keys, network));
}

/** An agent's address on each of those networks. */
export function placesOf(
  config: Pick<Config, 'networks'>,
  keys: PlaceKeys & Pick<UnlockedWallet, 'evmAddress' | 'solanaAddress'>,
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
