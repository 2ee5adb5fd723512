import { isWalletError, WalletError } from '../../errors/walletError.js';
import { isSigned, toUsdMicros } from '../../money/asset.js';
import { formatUnits, formatUsd } from '../../money/decimal.js';
import { sponsorsPermit, wantsFullApproval } from '../../protocols/x402/codec.js';
import type { EvmOffer, PaymentRequired } from '../../protocols/x402/types.js';
import type { UsdMicros } from '../../money/unit.js';
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
  required: PaymentRequired,
): Promise<bigint | null> {
  const isSponsored = sponsorsPermit(required);
  const chain = ports.chain(network);
  const allowedAtomic = await chain.allowance(asset, from);
  if (allowedAtomic >= amountAtomic) return null;
  const boundUsdMicros = ports.config.allowances.permitUsdMicros;
  const isWithin = toUsdMicros(asset, amountAtomic) <= boundUsdMicros;
  if (isSponsored && isWithin && isSigned(asset)) {
    try {
      return await chain.permitNumber(asset, from);
    } catch (error) {
      // A token that has no such thing refuses the question; then only the owner can allow it.
      if (!isWalletError(error) || error.code !== 'rpc_unavailable') throw error;
    }
  }
  const needed = `${formatUnits(amountAtomic, asset.decimals)} ${asset.symbol}`;
  const allowed = formatUnits(allowedAtomic, asset.decimals);
  const why = whyNoPermit(required, isSponsored && !isWithin ? boundUsdMicros : null);
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

/** One more sentence, where the seller offers a way that is not taken. */
function whyNoPermit(required: PaymentRequired, exceededUsdMicros: UsdMicros | null): string {
  if (exceededUsdMicros !== null)
    return ` A permit beside the payment may be for $${formatUsd(exceededUsdMicros)} at most.`;
  return wantsFullApproval(required)
    ? ' The seller would bring an approval of all there is (erc20ApprovalGasSponsoring), which this wallet never signs.'
    : '';
}
