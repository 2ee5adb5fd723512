import type { PrivateKeyAccount } from 'viem/accounts';
import { FEE_PER_GAS_WEI_MAX, RELAY_GAS_MAX, type RelayIntent } from '../../payment/intent.js';
import { judgedTransfer, refusal } from './transferSigner.js';

/** EIP-3009: the one call a transaction of ours makes. */
const TRANSFER_ABI = [
  {
    type: 'function',
    name: 'transferWithAuthorization',
    stateMutability: 'nonpayable',
    inputs: [
      { name: 'from', type: 'address' },
      { name: 'to', type: 'address' },
      { name: 'value', type: 'uint256' },
      { name: 'validAfter', type: 'uint256' },
      { name: 'validBefore', type: 'uint256' },
      { name: 'nonce', type: 'bytes32' },
      { name: 'v', type: 'uint8' },
      { name: 'r', type: 'bytes32' },
      { name: 's', type: 'bytes32' },
    ],
    outputs: [],
  },
] as const;

type Gas = Pick<RelayIntent, 'accountNonce' | 'gas' | 'maxFeePerGasWei' | 'maxPriorityFeePerGasWei'>;

/** The part of an account that signs transactions. */
export type RelayAccount = Pick<PrivateKeyAccount, 'address' | 'signTransaction'>;

/**
 * Signs the transaction that has the token's contract make a transfer this account signed, and gives its bytes.
 *
 * The transfer is judged as if it were to be signed now, and its signature must be this account's own; receiver, call
 * and value of the transaction are made here, and gas is bounded. Throws `signer_refused` with nothing signed.
 */
export async function signRelayIntent(
  given: RelayIntent,
  account: RelayAccount,
  nowMs: number,
): Promise<`0x${string}`> {
  const relay: RelayIntent = { ...given };
  const { intent, typedData } = judgedTransfer(relay.transfer, account.address, nowMs);
  if (relay.kind !== 'eip3009_relay') throw refusal('it is not a transaction this wallet signs');
  checkGas(relay);
  const { encodeFunctionData, parseSignature, recoverTypedDataAddress } = await import('viem');
  const { signature } = relay;
  const signedBy = await recoverTypedDataAddress({ ...typedData, signature }).catch(() => '');
  if (signedBy.toLowerCase() !== account.address.toLowerCase()) {
    throw refusal('the transfer was not signed by this account');
  }
  const { r, s, yParity } = parseSignature(signature);
  const { message } = typedData;
  const data = encodeFunctionData({
    abi: TRANSFER_ABI,
    functionName: 'transferWithAuthorization',
    args: [
      message.from,
      message.to,
      message.value,
      message.validAfter,
      message.validBefore,
      message.nonce,
      27 + yParity,
      r,
      s,
    ],
  });
  return account.signTransaction({
    type: 'eip1559',
    chainId: intent.chainId,
    nonce: relay.accountNonce,
    to: typedData.domain.verifyingContract,
    value: 0n,
    data,
    gas: relay.gas,
    maxFeePerGas: relay.maxFeePerGasWei,
    maxPriorityFeePerGas: relay.maxPriorityFeePerGasWei,
  });
}

/** Judges what a transaction takes beside its call; throws `signer_refused`. */
export function checkGas(relay: Gas): void {
  const { accountNonce, gas, maxFeePerGasWei, maxPriorityFeePerGasWei } = relay;
  if (!Number.isSafeInteger(accountNonce) || accountNonce < 0)
    throw refusal('the transaction has no number of its own');
  const amounts: unknown[] = [gas, maxFeePerGasWei, maxPriorityFeePerGasWei];
  if (!amounts.every((amount) => typeof amount === 'bigint' && amount >= 0n))
    throw refusal('the gas is not in whole units');
  if (gas <= 0n || gas > RELAY_GAS_MAX) throw refusal(`the gas is above ${RELAY_GAS_MAX}`);
  if (maxFeePerGasWei > FEE_PER_GAS_WEI_MAX || maxPriorityFeePerGasWei > maxFeePerGasWei)
    throw refusal('the fee for gas is beyond reason');
}
