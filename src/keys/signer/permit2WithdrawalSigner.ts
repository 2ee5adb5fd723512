import type { EvmAsset } from '../../money/asset.js';
import { PERMIT2, PERMIT2_SPENDERS } from '../../money/permit2.js';
import type { Permit2RelayIntent, Permit2WithdrawalIntent } from '../../payment/intent.js';
import { isOwnSignature } from './ownSignature.js';
import { checkGas, type RelayAccount } from './relaySigner.js';
import { checkEvmTransfer, refusal, type TransferAccount } from './transferSigner.js';

/** What Permit2 has signed for a transfer whose spender makes the call itself. */
const TYPES = {
  PermitTransferFrom: [
    { name: 'permitted', type: 'TokenPermissions' },
    { name: 'spender', type: 'address' },
    { name: 'nonce', type: 'uint256' },
    { name: 'deadline', type: 'uint256' },
  ],
  TokenPermissions: [
    { name: 'token', type: 'address' },
    { name: 'amount', type: 'uint256' },
  ],
} as const;

/** Permit2: the one call a transaction of ours makes. */
const TRANSFER_ABI = [
  {
    type: 'function',
    name: 'permitTransferFrom',
    stateMutability: 'nonpayable',
    inputs: [
      {
        name: 'permit',
        type: 'tuple',
        components: [
          {
            name: 'permitted',
            type: 'tuple',
            components: [
              { name: 'token', type: 'address' },
              { name: 'amount', type: 'uint256' },
            ],
          },
          { name: 'nonce', type: 'uint256' },
          { name: 'deadline', type: 'uint256' },
        ],
      },
      {
        name: 'transferDetails',
        type: 'tuple',
        components: [
          { name: 'to', type: 'address' },
          { name: 'requestedAmount', type: 'uint256' },
        ],
      },
      { name: 'owner', type: 'address' },
      { name: 'signature', type: 'bytes' },
    ],
    outputs: [],
  },
] as const;

/**
 * Signs that the owner's own address, and nobody else, may have Permit2 move an amount once. It names no payee: that is in
 * {@link signWithdrawalRelay}, which alone can make use of it.
 *
 * Judged as a payment is; the spender is this very account. Throws `signer_refused` with nothing signed, or with a signature
 * that was thrown away.
 */
export async function signPermit2Withdrawal(
  given: Permit2WithdrawalIntent,
  account: TransferAccount,
  nowMs: number,
): Promise<`0x${string}`> {
  const { typedData } = judged(given, account.address, nowMs);
  const { hashTypedData } = await import('viem/utils');
  const signature = await account.signTypedData(typedData);
  // T6: a signature that does not come back to our address is dead or someone else's; it never leaves.
  if (!isOwnSignature(account, hashTypedData(typedData), signature))
    throw refusal('the signature does not recover to our own address');
  return signature;
}

/**
 * Signs the transaction that has Permit2 move the owner's money to the one payee of its intent, and gives its bytes.
 *
 * The transfer is judged as if it were to be signed now, and its signature must be this account's own; contract, call and
 * value of the transaction are made here, and gas is bounded. Throws `signer_refused` with nothing signed.
 */
export async function signWithdrawalRelay(
  given: Permit2RelayIntent,
  account: RelayAccount,
  nowMs: number,
): Promise<`0x${string}`> {
  const relay: Permit2RelayIntent = { ...given };
  if (relay.kind !== 'permit2_relay') throw refusal('it is not a transaction this wallet signs');
  const { intent, typedData } = judged(relay.transfer, account.address, nowMs);
  checkGas(relay);
  const { encodeFunctionData, isAddress, recoverTypedDataAddress } = await import('viem');
  if (!isAddress(intent.to)) throw refusal('the payee address fails its checksum');
  const { signature } = relay;
  const signedBy = await recoverTypedDataAddress({ ...typedData, signature }).catch(() => '');
  if (signedBy.toLowerCase() !== account.address.toLowerCase())
    throw refusal('the transfer was not signed by this account');
  const { permitted, nonce, deadline } = typedData.message;
  return account.signTransaction({
    type: 'eip1559',
    chainId: intent.chainId,
    nonce: relay.accountNonce,
    to: PERMIT2,
    value: 0n,
    data: encodeFunctionData({
      abi: TRANSFER_ABI,
      functionName: 'permitTransferFrom',
      args: [
        { permitted, nonce, deadline },
        { to: intent.to, requestedAmount: intent.amountAtomic },
        account.address,
        signature,
      ],
    }),
    gas: relay.gas,
    maxFeePerGas: relay.maxFeePerGasWei,
    maxPriorityFeePerGas: relay.maxPriorityFeePerGasWei,
  });
}

/** Checks an intent and gives what is signed for it. */
function judged(given: Permit2WithdrawalIntent, ownAddress: `0x${string}`, nowMs: number) {
  // A copy, so that what was checked is what is signed, whatever object was handed in.
  const intent: Permit2WithdrawalIntent = { ...given };
  if (intent.kind !== 'permit2_withdrawal') throw refusal('it is not a transfer this wallet signs');
  const asset = checkEvmTransfer(intent, ownAddress, nowMs);
  const contracts = [PERMIT2, ...Object.values(PERMIT2_SPENDERS)].map((address) => address.toLowerCase());
  if (contracts.includes(intent.to.toLowerCase())) throw refusal('the payee is a contract of Permit2');
  return { intent, typedData: typedDataOf(intent, asset, ownAddress) };
}

function typedDataOf(intent: Permit2WithdrawalIntent, asset: EvmAsset, spender: `0x${string}`) {
  return {
    domain: { name: 'Permit2', chainId: intent.chainId, verifyingContract: PERMIT2 },
    types: TYPES,
    primaryType: 'PermitTransferFrom',
    message: {
      permitted: { token: asset.address, amount: intent.amountAtomic },
      spender,
      nonce: BigInt(intent.nonce),
      // Permit2 takes its deadline for valid still.
      deadline: BigInt(intent.validBeforeSec - 1),
    },
  } as const;
}
