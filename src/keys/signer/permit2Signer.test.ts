import {
  PERMIT2_ADDRESS,
  permit2WitnessTypes,
  uptoPermit2WitnessTypes,
  x402ExactPermit2ProxyAddress,
  x402UptoPermit2ProxyAddress,
} from '@x402/evm';
import { parseTransaction, type Hex } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { verifyTypedData } from 'viem/utils';
import { describe, expect, it, test } from 'vitest';
import { findAsset } from '../../money/asset.js';
import { PERMIT2, PERMIT2_SPENDERS } from '../../money/permit2.js';
import type { AllowanceIntent, Permit2Intent } from '../../payment/intent.js';
import { signAllowanceIntent } from './allowanceSigner.js';
import { signPermit2Intent } from './permit2Signer.js';
import type { TransferAccount } from './transferSigner.js';

/** EIP-2612. */
const PERMIT_TYPES = {
  Permit: [
    { name: 'owner', type: 'address' },
    { name: 'spender', type: 'address' },
    { name: 'value', type: 'uint256' },
    { name: 'nonce', type: 'uint256' },
    { name: 'deadline', type: 'uint256' },
  ],
} as const;
const OWN = privateKeyToAccount(`0x${'11'.repeat(32)}`);
const OTHER = privateKeyToAccount(`0x${'22'.repeat(32)}`).address;
const FACILITATOR = privateKeyToAccount(`0x${'33'.repeat(32)}`).address;
const NOW_SEC = 1_800_000_000;
const found = findAsset('eip155:8453', '0x833589fCD6eDb6E08f4c7C32D4f71b54bdA02913');
if (found?.family !== 'evm') throw new Error('USDC on Base is in the table');
const USDC = found;

function intentWith(changes: Partial<Record<keyof Permit2Intent, unknown>> = {}): Permit2Intent {
  return {
    kind: 'permit2',
    asset: USDC,
    chainId: 8453,
    from: OWN.address,
    to: OTHER,
    amountAtomic: 2_000n,
    validAfterSec: 0,
    validBeforeSec: NOW_SEC + 600,
    nonce: `0x${'ab'.repeat(32)}`,
    facilitator: null,
    permitNumber: null,
    ...changes,
  } as Permit2Intent;
}

const sign = (intent: Permit2Intent) => signPermit2Intent(intent, OWN, NOW_SEC * 1000);

test('the contracts of the table are those of the published client', () => {
  expect(PERMIT2).toBe(PERMIT2_ADDRESS);
  expect(PERMIT2_SPENDERS).toEqual({
    exact: x402ExactPermit2ProxyAddress,
    upto: x402UptoPermit2ProxyAddress,
  });
});

describe('what is signed for Permit2', () => {
  const domain = { name: 'Permit2', chainId: 8453, verifyingContract: PERMIT2_ADDRESS } as const;
  const shared = {
    permitted: { token: USDC.address, amount: 2_000n },
    nonce: BigInt(`0x${'ab'.repeat(32)}`),
    // Permit2 takes its deadline for valid still.
    deadline: BigInt(NOW_SEC + 599),
  };

  it('is the published witness of a fixed price, and nothing beside it', async () => {
    const { transfer, permit } = await sign(intentWith());
    const message = {
      ...shared,
      spender: x402ExactPermit2ProxyAddress,
      witness: { to: OTHER, validAfter: 0n },
    };
    const data = {
      domain,
      types: permit2WitnessTypes,
      primaryType: 'PermitWitnessTransferFrom',
      message,
    } as const;
    expect(await verifyTypedData({ address: OWN.address, signature: transfer, ...data })).toBe(true);
    expect(permit).toBeNull();
  });

  it('is the published witness of a ceiling, with a permit of exactly the amount', async () => {
    const signed = await sign(intentWith({ facilitator: FACILITATOR, permitNumber: 7n }));
    const witness = { to: OTHER, facilitator: FACILITATOR, validAfter: 0n };
    const message = { ...shared, spender: x402UptoPermit2ProxyAddress, witness };
    const data = {
      domain,
      types: uptoPermit2WitnessTypes,
      primaryType: 'PermitWitnessTransferFrom',
      message,
    } as const;
    expect(await verifyTypedData({ address: OWN.address, signature: signed.transfer, ...data })).toBe(true);
    const isPermit = verifyTypedData({
      address: OWN.address,
      signature: signed.permit as Hex,
      domain: { ...USDC.eip712, chainId: 8453, verifyingContract: USDC.address },
      types: PERMIT_TYPES,
      primaryType: 'Permit',
      message: {
        ...{ owner: OWN.address, spender: PERMIT2_ADDRESS, value: 2_000n, nonce: 7n },
        deadline: shared.deadline,
      },
    });
    expect(await isPermit).toBe(true);
  });

  it.each<[string, Partial<Record<keyof Permit2Intent, unknown>>]>([
    ['another kind', { kind: 'eip3009' }],
    ['a token that is not listed', { asset: { ...USDC, address: OTHER } }],
    ['a spender as payee', { to: PERMIT2_SPENDERS.upto }],
    ['Permit2 as payee', { to: PERMIT2 }],
    ['the payer as payee', { to: OWN.address }],
    ['the zero address as facilitator', { facilitator: `0x${'0'.repeat(40)}` }],
    ['the payer as facilitator', { facilitator: OWN.address }],
    ['a facilitator that is no address', { facilitator: '0x12' }],
    ['no facilitator at all', { facilitator: undefined }],
    ['a permit number of another form', { permitNumber: 7 }],
    ['a negative permit number', { permitNumber: -1n }],
    ['nothing as amount', { amountAtomic: 0n }],
    ['a window of a day', { validBeforeSec: NOW_SEC + 86_400 }],
    ['the chain of another network', { chainId: 1 }],
  ])('is never %s', async (_what, changes) => {
    let signatures = 0;
    const account: TransferAccount = {
      address: OWN.address,
      publicKey: OWN.publicKey,
      signTypedData: async (data) => {
        signatures += 1;
        return OWN.signTypedData(data);
      },
    };
    const refused = signPermit2Intent(intentWith(changes), account, NOW_SEC * 1000);
    await expect(refused).rejects.toMatchObject({ code: 'signer_refused' });
    expect(signatures).toBe(0);
  });
});

describe('an allowance of the owner’s', () => {
  const allowance = (changes: Partial<AllowanceIntent> = {}): AllowanceIntent => ({
    kind: 'permit2_allowance',
    ...{ asset: USDC, chainId: 8453, from: OWN.address, amountAtomic: 5_000_000n, accountNonce: 3 },
    ...{ gas: 60_000n, maxFeePerGasWei: 10n, maxPriorityFeePerGasWei: 1n },
    ...changes,
  });

  it('calls the token, and names Permit2 and the amount', async () => {
    const call = parseTransaction(await signAllowanceIntent(allowance(), OWN));
    expect(call).toMatchObject({ to: USDC.address.toLowerCase(), chainId: 8453, nonce: 3 });
    expect(call.value ?? 0n).toBe(0n);
    const amount = 5_000_000n.toString(16).padStart(64, '0');
    expect(call.data).toBe(`0x095ea7b3${PERMIT2.slice(2).toLowerCase().padStart(64, '0')}${amount}`);
  });

  it.each<[string, Partial<AllowanceIntent>]>([
    ['unlimited', { amountAtomic: 2n ** 256n - 1n }],
    ['above the bound by one unit', { amountAtomic: 1_000_000_001n }],
    ['negative', { amountAtomic: -1n }],
    ['of another address', { from: OTHER }],
    ['on another chain', { chainId: 1 }],
    ['at any gas', { gas: 10_000_000n }],
  ])('is never %s (T36)', async (_what, changes) => {
    await expect(signAllowanceIntent(allowance(changes), OWN)).rejects.toMatchObject({
      code: 'signer_refused',
    });
  });
});
