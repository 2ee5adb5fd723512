import { decodeFunctionData, parseAbi, parseTransaction } from 'viem';
import { privateKeyToAccount } from 'viem/accounts';
import { verifyTypedData } from 'viem/utils';
import { describe, expect, it } from 'vitest';
import { findAsset } from '../../money/asset.js';
import { PERMIT2, PERMIT2_SPENDERS } from '../../money/permit2.js';
import type { Permit2RelayIntent, Permit2WithdrawalIntent } from '../../payment/intent.js';
import { signPermit2Intent } from './permit2Signer.js';
import { signPermit2Withdrawal, signWithdrawalRelay } from './permit2WithdrawalSigner.js';
import { signTransferIntent } from './transferSigner.js';

const OWN = privateKeyToAccount(`0x${'11'.repeat(32)}`);
const OTHER = privateKeyToAccount(`0x${'22'.repeat(32)}`);
const NOW_SEC = 1_800_000_000;
const NOW_MS = NOW_SEC * 1000;
const found = findAsset('eip155:137', '0xc2132D05D31c914a87C6611C10748AEb04B58e8F');
if (found?.family !== 'evm') throw new Error('USDT on Polygon is in the table');
const USDT = found;

/** As Permit2 publishes it. */
const ABI = parseAbi([
  'struct Permissions { address token; uint256 amount; }',
  'struct Permit { Permissions permitted; uint256 nonce; uint256 deadline; }',
  'struct Details { address to; uint256 requestedAmount; }',
  'function permitTransferFrom(Permit permit, Details transferDetails, address owner, bytes signature)',
]);

function intentWith(changes: Record<string, unknown> = {}): Permit2WithdrawalIntent {
  return {
    ...{ kind: 'permit2_withdrawal', asset: USDT, chainId: 137, from: OWN.address, to: OTHER.address },
    ...{
      amountAtomic: 2_000n,
      validAfterSec: 0,
      validBeforeSec: NOW_SEC + 300,
      nonce: `0x${'ab'.repeat(32)}`,
    },
    ...changes,
  } as Permit2WithdrawalIntent;
}

const sign = (intent: Permit2WithdrawalIntent) => signPermit2Withdrawal(intent, OWN, NOW_MS);

async function relayWith(changes: Record<string, unknown> = {}): Promise<Permit2RelayIntent> {
  const gas = { gas: 200_000n, maxFeePerGasWei: 2n, maxPriorityFeePerGasWei: 1n };
  return {
    ...{ kind: 'permit2_relay', transfer: intentWith(), signature: await sign(intentWith()) },
    ...{ accountNonce: 3, ...gas, ...changes },
  } as Permit2RelayIntent;
}

const relay = (intent: Permit2RelayIntent) => signWithdrawalRelay(intent, OWN, NOW_MS);

describe('a withdrawal through Permit2', () => {
  it('is signed for this very account as the only spender', async () => {
    const signature = await sign(intentWith());
    const message = {
      permitted: { token: USDT.address, amount: 2_000n },
      ...{ nonce: BigInt(`0x${'ab'.repeat(32)}`), deadline: BigInt(NOW_SEC + 299) },
    };
    const typed = {
      domain: { name: 'Permit2', chainId: 137, verifyingContract: PERMIT2 },
      types: {
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
      },
      primaryType: 'PermitTransferFrom',
      address: OWN.address,
      signature,
    } as const;
    expect(await verifyTypedData({ ...typed, message: { ...message, spender: OWN.address } })).toBe(true);
    expect(await verifyTypedData({ ...typed, message: { ...message, spender: OTHER.address } })).toBe(false);
  });

  it('is one call of Permit2 that pays its payee the whole', async () => {
    const tx = parseTransaction(await relay(await relayWith()));
    expect(tx).toMatchObject({ to: PERMIT2.toLowerCase(), chainId: 137, nonce: 3, gas: 200_000n });
    expect(tx.value ?? 0n).toBe(0n);
    const { args } = decodeFunctionData({ abi: ABI, data: tx.data ?? '0x' });
    expect(args).toMatchObject([
      { permitted: { token: USDT.address, amount: 2_000n }, deadline: BigInt(NOW_SEC + 299) },
      { to: OTHER.address, requestedAmount: 2_000n },
      OWN.address,
      expect.stringMatching(/^0x/),
    ]);
  });

  it.each([
    ['another kind', { kind: 'permit2' }],
    ['a token of no table', { asset: { ...USDT, address: OTHER.address } }],
    ['a domain of the caller’s', { asset: { ...USDT, eip712: { name: 'USDT0', version: '1' } } }],
    ['another chain', { chainId: 1 }],
    ['another payer', { from: OTHER.address }],
    ['ourselves as payee', { to: OWN.address }],
    ['Permit2 as payee', { to: PERMIT2 }],
    ['a contract of x402 as payee', { to: PERMIT2_SPENDERS.exact }],
    ['no amount', { amountAtomic: 0n }],
    ['a window of an hour', { validBeforeSec: NOW_SEC + 3_600 }],
    ['a window that is over', { validBeforeSec: NOW_SEC }],
  ])('is signed neither time for %s', async (_what, changes) => {
    await expect(sign(intentWith(changes))).rejects.toMatchObject({ code: 'signer_refused' });
    const transfer = intentWith(changes);
    await expect(relay(await relayWith({ transfer }))).rejects.toMatchObject({ code: 'signer_refused' });
  });

  it('is not sent with a signature of another, of another amount, or with gas without a bound', async () => {
    const foreign = await signPermit2Withdrawal(
      intentWith({ from: OTHER.address, to: OWN.address }),
      OTHER,
      NOW_MS,
    );
    for (const changes of [
      { signature: foreign },
      { transfer: intentWith({ amountAtomic: 2_001n }) },
      { gas: 10_000_000n },
      { kind: 'eip3009_relay' },
    ])
      await expect(relay(await relayWith(changes))).rejects.toMatchObject({ code: 'signer_refused' });
  });
});

it('a token that takes no signature is signed for in no other way', async () => {
  const transfer = { ...intentWith(), kind: 'eip3009' } as const;
  await expect(signTransferIntent(transfer, OWN, NOW_MS)).rejects.toMatchObject({ code: 'signer_refused' });
  const permit = {
    ...intentWith(),
    kind: 'permit2',
    validAfterSec: 0,
    facilitator: null,
    permitNumber: 0n,
  } as const;
  await expect(signPermit2Intent(permit, OWN, NOW_MS)).rejects.toMatchObject({ code: 'signer_refused' });
});
