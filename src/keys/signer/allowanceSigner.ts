import { PERMIT2 } from '../../money/permit2.js';
import { findNetwork } from '../../money/network.js';
import { toUsdMicros } from '../../money/asset.js';
import { ALLOWANCE_USD_MICROS_MAX, type AllowanceIntent } from '../../payment/intent.js';
import { checkGas, type RelayAccount } from './relaySigner.js';
import { findListedAsset, refusal } from './transferSigner.js';

/** ERC-20: the one call a transaction of ours makes. */
const APPROVE_ABI = [
  {
    type: 'function',
    name: 'approve',
    stateMutability: 'nonpayable',
    inputs: [
      { name: 'spender', type: 'address' },
      { name: 'value', type: 'uint256' },
    ],
    outputs: [{ name: '', type: 'bool' }],
  },
] as const;

/**
 * Signs the transaction by which the owner allows Permit2 so much of a listed token, or nothing, and gives its bytes.
 *
 * The spender is our table's, and the amount is bounded whoever asks (T36); receiver, call and value of the transaction are
 * made here. Throws `signer_refused` with nothing signed.
 */
export async function signAllowanceIntent(
  given: AllowanceIntent,
  account: RelayAccount,
): Promise<`0x${string}`> {
  const intent: AllowanceIntent = { ...given };
  if (intent.kind !== 'permit2_allowance') throw refusal('it is not a transaction this wallet signs');
  const asset = findListedAsset(intent.asset);
  const network = findNetwork(asset.network);
  if (network?.family !== 'evm' || intent.chainId !== network.chainId)
    throw refusal("the chain is not the asset's own");
  if (intent.from.toLowerCase() !== account.address.toLowerCase())
    throw refusal("the address is not this agent's own");
  const { amountAtomic } = intent;
  if (typeof amountAtomic !== 'bigint' || amountAtomic < 0n) throw refusal('the amount is not a uint256');
  if (toUsdMicros(asset, amountAtomic) > ALLOWANCE_USD_MICROS_MAX)
    throw refusal('Permit2 is allowed no such amount');
  checkGas(intent);
  const { encodeFunctionData } = await import('viem');
  return account.signTransaction({
    type: 'eip1559',
    chainId: intent.chainId,
    nonce: intent.accountNonce,
    to: asset.address,
    value: 0n,
    data: encodeFunctionData({ abi: APPROVE_ABI, functionName: 'approve', args: [PERMIT2, amountAtomic] }),
    gas: intent.gas,
    maxFeePerGas: intent.maxFeePerGasWei,
    maxPriorityFeePerGas: intent.maxPriorityFeePerGasWei,
  });
}
