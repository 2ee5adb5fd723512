import { SOLANA_DEVNET } from '../../sandbox/solana/chain.ts';
import type { Sandbox } from '../../sandbox/world.ts';
import { openLedger } from '../../src/wallet/engine.js';
import { changeConfig } from '../../src/owner/ownerConfig.js';
import { unlockAsAnyone } from '../../src/owner/auth/ownerAuth.js';
import { createPlace, type Place } from '../mcp/purser.js';
import { addOwner } from './owner.js';

/** A place with a funded wallet whose cap is two cents, and which asks without waiting; `factor` gives it an owner. */
export async function askingPlace(
  sandbox: Sandbox,
  factor: boolean,
  settings: Readonly<Record<string, string>> = {},
): Promise<Place> {
  const place = createPlace();
  place.env['BROWSER'] = 'none';
  await place.init();
  const all = {
    'networks.eip155:84532.rpc_url': sandbox.rpcUrl,
    [`networks.${SOLANA_DEVNET}.rpc_url`]: sandbox.solanaRpcUrl,
    'networks.enabled': JSON.stringify(['eip155:84532', SOLANA_DEVNET]),
    'net.allow_private': JSON.stringify([sandbox.shop.hostPort]),
    'limits.per_call_usd': '0.02',
    'approvals.wait_s': '0',
    ...settings,
  };
  for (const [key, value] of Object.entries(all)) await changeConfig(place.owner, key, value);
  const keys = await unlockAsAnyone(place.owner);
  await sandbox.chain.fund(await keys.evmAddress(0), 1_000_000n);
  if (!factor) return place;
  const ledger = await openLedger(place.owner, keys);
  await addOwner({ ledger, keys, now: Date.now });
  await ledger.close();
  return place;
}
