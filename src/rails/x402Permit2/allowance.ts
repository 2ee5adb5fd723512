import { isWalletError, WalletError } from '../../errors/walletError.js';
import { toUsdMicros } from '../../money/asset.js';
import { formatUnits, formatUsd } from '../../money/decimal.js';
import type { EvmOffer } from '../../protocols/x402/types.js';
import type { RailPorts } from '../ports.js';

/**
 * The number of the permit that a payment through Permit2 brings along; null where what the owner allowed is enough.
 *
 * A permit allows exactly the amount, and takes the place of what was allowed: it is made where too little is, the seller
 * offers to bring it, and the amount is within the owner's bound (T36). Else throws `allowance_required`; and
 * `rpc_unavailable`.
 */
export async function permitNumberFor(
  ports: RailPorts,
  { network, asset, amountAtomic }: EvmOffer,
  from: `0x${string}`,
  isSponsored: boolean,
): Promise<bigint | null> {
  const chain = ports.chain(network);
  const allowedAtomic = await chain.allowance(asset, from);
  if (allowedAtomic >= amountAtomic) return null;
  const boundUsdMicros = ports.config.allowances.permitUsdMicros;
  const isWithin = toUsdMicros(asset, amountAtomic) <= boundUsdMicros;
  if (isSponsored && isWithin) {
    try {
      return await chain.permitNumber(asset, from);
    } catch (error) {
      // A token that has no such thing refuses the question; then only the owner can allow it.
      if (!isWalletError(error) || error.code !== 'rpc_unavailable') throw error;
    }
  }
  const needed = `${formatUnits(amountAtomic, asset.decimals)} ${asset.symbol}`;
  const allowed = formatUnits(allowedAtomic, asset.decimals);
  const why =
    isSponsored && !isWithin
      ? ` A permit beside the payment may be for $${formatUsd(boundUsdMicros)} at most.`
      : '';
  throw new WalletError(
    'allowance_required',
    `The seller is paid through Permit2, which may move ${allowed} of the ${needed} that the call needs on ${network.label}; nothing was signed.${why}`,
    {
      owner: {
        say: `The seller is paid through Permit2. Allow it as much ${asset.symbol} on ${network.label} as you want to be spent so; that costs gas once.`,
        action: { kind: 'setAllowance', network: network.caip2, asset: asset.symbol },
      },
    },
  );
}
