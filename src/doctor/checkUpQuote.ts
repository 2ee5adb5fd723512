import type { OwnerStep } from '../errors/ownerAction.js';
import type { Config } from '../config/settings.js';
import type { Ledger } from '../ledger/ledger.js';
import { assetsOf, type Asset } from '../money/asset.js';
import { findNetwork, type Network } from '../money/network.js';
import { Rails } from '../rails/table.js';
import type { PaymentDemand } from '../payment/challenge.js';
import { ok, type Check } from './check.js';
import { selectFrom } from '../wallet/call/selection.js';

const NAME = 'dry run';
/** A price that an agent meets every day. */
const PRICE_USD = '0.01';
const PRICE_HUNDREDTHS = 100n;
/** Where no host is allowed by name, all are; this one is nobody's. */
const ANY_HOST = 'example.com';

/**
 * Judges a made-up call at a cent as a real one would be, under every rule of the owner's and with what was spent so
 * far. Sends nothing, stores nothing and signs nothing. Throws what reading the ledger throws.
 */
export async function checkUpQuote(
  ledger: Ledger,
  config: Config,
  { agent, nowMs }: { readonly agent: string; readonly nowMs: number },
): Promise<Check> {
  const network = findNetwork(config.networks.enabled[0] ?? 'eip155:0');
  const asset = network === undefined ? undefined : assetsOf(network.caip2)[0];
  if (network === undefined || asset === undefined) {
    const mend: OwnerStep = {
      say: 'Enable one.',
      action: { kind: 'addToSetting', key: 'networks.enabled', entry: 'eip155:8453' },
    };
    return { name: NAME, state: 'fail', says: 'No network is enabled: nothing can be paid.', mend };
  }
  const url = new URL(`https://${config.hosts.allow[0] ?? ANY_HOST}/`);
  const rails = new Rails();
  const { selection } = await selectFrom(
    {
      ...{ ledger, rails, config, agent, sessionId: 'none', maxUsdMicros: undefined },
      ...{ target: { url, method: 'GET' }, demand: challengeOf(rails, network, asset, url) },
      ...{ isApproved: false, looksAtTotals: true, nowMs },
    },
    {},
  );
  const call = `A call at $${PRICE_USD} on ${network.label}`;
  if (selection.decision === 'pay') return ok(NAME, `${call} would be paid without asking you.`);
  const [how, { owner, message }] =
    selection.decision === 'ask'
      ? (['would ask you first', selection.reasons[0]] as const)
      : (['would be refused', selection.reason] as const);
  const says = `${call} ${how}: ${owner?.say ?? message}`;
  return { name: NAME, state: 'warn', says, ...(owner === undefined ? {} : { mend: owner }) };
}

/** A seller's demand for that price, as sellers send it. */
function challengeOf(rails: Rails, network: Network, asset: Asset, url: URL): PaymentDemand {
  const offer = {
    scheme: 'exact',
    network: network.caip2,
    amount: (10n ** BigInt(asset.decimals) / PRICE_HUNDREDTHS).toString(),
    asset: asset.address,
    // Nobody is paid: any address in the network's form does.
    payTo: asset.address,
    maxTimeoutSeconds: 60,
    extra: { feePayer: asset.address },
  };
  const bodyText = JSON.stringify({ x402Version: 2, accepts: [offer] });
  const demand = rails.parse({ status: 402, headers: [], bodyText, requestUrl: url.href });
  if (demand === null) throw new TypeError('Our own test challenge cannot be read.');
  return demand;
}
