import type { Config } from '../../config/settings.js';
import type { UnlockedWallet } from '../../keys/keystore.js';
import type { Ledger } from '../../ledger/ledger.js';
import { findNetwork } from '../../money/network.js';
import { agentAddresses } from '../../owner/ownAddresses.js';
import { notedPlaces, type KnownAddresses } from '../../owner/knownAddresses.js';
import { networksOf } from '../../wallet/agentAddress.js';
import type { OwnPlace } from './readStatement.js';

/** The wallet's addresses on every enabled network, by its keys. */
export async function ownPlaces(config: Config, keys: UnlockedWallet, ledger: Ledger): Promise<OwnPlace[]> {
  return Promise.all(
    networksOf(config, keys).map(async (network) => ({
      network,
      addresses: await agentAddresses(config, keys, ledger, network),
    })),
  );
}

/** The same as they are noted beside the wallet, for who looks without keys: good for showing, and for nothing else. */
export function notedOwnPlaces(
  config: Pick<Config, 'networks'>,
  agents: KnownAddresses['agents'],
): OwnPlace[] {
  return config.networks.enabled.flatMap((caip2) => {
    const network = findNetwork(caip2);
    if (network === undefined || network.family === 'lightning') return [];
    const addresses = agents.flatMap(({ agent }) =>
      notedPlaces({ networks: { ...config.networks, enabled: [caip2] } }, agents, agent).map(
        ({ address }) => ({
          agent,
          address,
        }),
      ),
    );
    return [{ network, addresses }];
  });
}
