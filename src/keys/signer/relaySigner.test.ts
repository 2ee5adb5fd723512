import { privateKeyToAccount } from 'viem/accounts';
import { decodeFunctionData, parseAbi, parseTransaction, recoverTransactionAddress } from 'viem';
import { beforeAll, describe, expect, it } from 'vitest';
import { findAsset, type EvmAsset } from '../../money/asset.js';
import {
  FEE_PER_GAS_WEI_MAX,
  RELAY_GAS_MAX,
  type RelayIntent,
  type TransferIntent,
} from '../../payment/intent.js';
import { signRelayIntent, type RelayAccount } from './relaySigner.js';
import { signTransferIntent } from './transferSigner.js';

const OWN = privateKeyToAccount(`0x${'11'.repeat(32)}`);
const OTHER = privateKeyToAccount(`0x${'22'.repeat(32)}`);
const NOW_MS = Date.UTC(2026, 10, 20, 12);
const USDC = findAsset('eip155:8453', '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913') as EvmAsset;
const ABI = parseAbi([
  'function transferWithAuthorization(address from, address to, uint256 value, uint256 validAfter, uint256 validBefore, bytes32 nonce, uint8 v, bytes32 r, bytes32 s)',
]);

const TRANSFER: TransferIntent = {
  kind: 'eip3009',
  asset: USDC,
  chainId: 8453,
  from: OWN.address,
  to: OTHER.address,
  amountAtomic: 12_500_000n,
  validAfterSec: 0,
  validBeforeSec: NOW_MS / 1000 + 300,
  nonce: `0x${'ab'.repeat(32)}`,
};

let relay: RelayIntent;

beforeAll(async () => {
  relay = {
    kind: 'eip3009_relay',
    transfer: TRANSFER,
    signature: await signTransferIntent(TRANSFER, OWN, NOW_MS),
    accountNonce: 3,
    gas: 150_000n,
    maxFeePerGasWei: 2_000_000n,
    maxPriorityFeePerGasWei: 1_000_000n,
  };
});

/** An account that counts: a refusal must come before any signature. */
function countingAccount(): { account: RelayAccount; signed: () => number } {
  let signatures = 0;
  const signTransaction = (async (...given: Parameters<RelayAccount['signTransaction']>) => {
    signatures += 1;
    return OWN.signTransaction(...given);
  }) as RelayAccount['signTransaction'];
  return { account: { address: OWN.address, signTransaction }, signed: () => signatures };
}

describe('a transaction the signer signs', () => {
  it('calls the token with the transfer that was signed, and does nothing else', async () => {
    const bytes = await signRelayIntent(relay, OWN, NOW_MS);
    const parsed = parseTransaction(bytes);
    expect(parsed).toMatchObject({
      chainId: 8453,
      nonce: 3,
      gas: 150_000n,
      maxFeePerGas: 2_000_000n,
      maxPriorityFeePerGas: 1_000_000n,
    });
    expect(parsed.to?.toLowerCase()).toBe(USDC.address.toLowerCase());
    expect(parsed.value ?? 0n).toBe(0n);
    const { functionName, args } = decodeFunctionData({ abi: ABI, data: parsed.data! });
    expect(functionName).toBe('transferWithAuthorization');
    expect(args.slice(0, 6)).toEqual([
      OWN.address,
      OTHER.address,
      12_500_000n,
      0n,
      BigInt(TRANSFER.validBeforeSec),
      TRANSFER.nonce,
    ]);
    const signedBy = await recoverTransactionAddress({ serializedTransaction: bytes as `0x02${string}` });
    expect(signedBy).toBe(OWN.address);
  });

  it.each<[string, () => Promise<Partial<Record<keyof RelayIntent, unknown>>>]>([
    ['another kind', async () => ({ kind: 'call' })],
    [
      'a transfer that another signed',
      async () => ({
        signature: await signTransferIntent(
          { ...TRANSFER, from: OTHER.address, to: OWN.address },
          OTHER,
          NOW_MS,
        ),
      }),
    ],
    [
      'a signature over another payee',
      async () => ({ transfer: { ...TRANSFER, to: `0x${'33'.repeat(20)}` } }),
    ],
    ['a signature over another amount', async () => ({ transfer: { ...TRANSFER, amountAtomic: 1n } })],
    ['a transfer out of another account', async () => ({ transfer: { ...TRANSFER, from: OTHER.address } })],
    [
      'a token that is not listed',
      async () => ({ transfer: { ...TRANSFER, asset: { ...USDC, address: OTHER.address } } }),
    ],
    [
      'a transfer that has expired',
      async () => ({ transfer: { ...TRANSFER, validBeforeSec: NOW_MS / 1000 } }),
    ],
    ['bytes in place of a signature', async () => ({ signature: '0x1234' })],
    ['no gas', async () => ({ gas: 0n })],
    ['gas beyond one call', async () => ({ gas: RELAY_GAS_MAX + 1n })],
    ['gas as a number', async () => ({ gas: 100_000 })],
    ['a fee beyond reason', async () => ({ maxFeePerGasWei: FEE_PER_GAS_WEI_MAX + 1n })],
    ['a tip above the fee', async () => ({ maxPriorityFeePerGasWei: 2_000_001n })],
    ['a negative tip', async () => ({ maxPriorityFeePerGasWei: -1n })],
    ['a number that is none', async () => ({ accountNonce: 1.5 })],
    ['a negative number', async () => ({ accountNonce: -1 })],
  ])('is never one with %s', async (_what, change) => {
    const { account, signed } = countingAccount();
    const intent = { ...relay, ...(await change()) } as RelayIntent;
    await expect(signRelayIntent(intent, account, NOW_MS)).rejects.toMatchObject({ code: 'signer_refused' });
    expect(signed()).toBe(0);
  });
});
