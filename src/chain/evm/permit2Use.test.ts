import { randomBytes } from 'node:crypto';
import { encodeFunctionData, parseAbi, parseTransaction, toHex } from 'viem';
import { PERMIT2_ADDRESS, uptoPermit2WitnessTypes, x402UptoPermit2ProxyABI } from '@x402/evm';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { devAccount } from '../../../sandbox/chain.js';
import { signPermit2Withdrawal, signWithdrawalRelay } from '../../keys/signer/permit2WithdrawalSigner.js';
import { PERMIT2_SPENDERS } from '../../money/permit2.js';
import type { SettlementQuery } from '../settlement.js';
import type { Hex } from './answer.js';
import { ChainWorld, NETWORK, PAYEE, USDC, WINDOW_SEC } from './chainWorld.fixture.js';

const FACILITATOR = devAccount(2).address;
const MULTICALL3: Hex = '0xcA11bde05977b3631167028862bE2a173976CA11';
const CEILING_ATOMIC = 9_000n;

// The real Permit2 and the real contract of x402, with what the published client signs.
let world: ChainWorld;
beforeAll(async () => {
  world = await ChainWorld.start();
  const approve = parseAbi(['function approve(address,uint256) returns (bool)']);
  const data = encodeFunctionData({
    abi: approve,
    functionName: 'approve',
    args: [PERMIT2_ADDRESS, 10n ** 9n],
  });
  await world.send(USDC.address, data, world.payer.address);
});
afterAll(() => world.stop());

interface Signed {
  readonly query: SettlementQuery;
  /** The call that takes so much. */
  take(amountAtomic: bigint): Hex;
}

async function sign(facilitator: Hex = FACILITATOR): Promise<Signed> {
  const openedSec = await world.chain.nowSec();
  const nonce = toHex(randomBytes(32));
  const validBeforeSec = openedSec + WINDOW_SEC;
  const permitted = { token: USDC.address, amount: CEILING_ATOMIC };
  const permit = { permitted, nonce: BigInt(nonce), deadline: BigInt(validBeforeSec - 1) };
  const witness = { to: PAYEE, facilitator, validAfter: 0n };
  const signature = await world.payer.signTypedData({
    domain: { name: 'Permit2', chainId: NETWORK.chainId, verifyingContract: PERMIT2_ADDRESS },
    types: uptoPermit2WitnessTypes,
    primaryType: 'PermitWitnessTransferFrom',
    message: { ...permit, spender: PERMIT2_SPENDERS.upto, witness },
  });
  const permit2 = { spender: PERMIT2_SPENDERS.upto, isCeiling: true, claimedTx: null };
  const parties = { asset: USDC, from: world.payer.address, to: PAYEE, amountAtomic: CEILING_ATOMIC };
  return {
    query: { ...parties, nonce, validBeforeSec, openedSec, marks: [], permit2 },
    take: (amountAtomic) =>
      encodeFunctionData({
        abi: x402UptoPermit2ProxyABI,
        functionName: 'settle',
        args: [permit, amountAtomic, world.payer.address, witness, signature],
      }),
  };
}

test('each of several payments to one payee is shown with what it was charged', async () => {
  const [a, b, open] = [await sign(), await sign(), await sign()];
  const taken = await world.send(PERMIT2_SPENDERS.upto, a.take(1_000n), FACILITATOR);
  await world.send(PERMIT2_SPENDERS.upto, b.take(8_000n), FACILITATOR);
  await world.chain.settle();
  const reader = world.reader();
  const { payments } = await reader.unionHistory(USDC, world.payer.address, a.query.openedSec);
  expect(payments.map(({ nonce, named, amountAtomic }) => [nonce, named, amountAtomic])).toEqual([
    [null, a.query.nonce, 1_000n],
    [null, b.query.nonce, 8_000n],
  ]);
  expect(await reader.settlementOf(a.query)).toMatchObject({
    ...{ kind: 'captured', amountAtomic: 1_000n, final: true, tx: taken },
  });
  expect(await reader.settlementOf(b.query)).toMatchObject({ amountAtomic: 8_000n, final: true });
  expect(await reader.settlementOf(open.query)).toMatchObject({ kind: 'open' });
});

test('what another contract takes is not read from the transfers beside it: all of it counts', async () => {
  const [hidden, small] = [await sign(MULTICALL3), await sign(MULTICALL3)];
  // A seller that wants the ceiling and shows crumbs: both in one transaction, out of a contract of its own.
  const call = (one: Signed, atomic: bigint) => ({
    ...{ target: PERMIT2_SPENDERS.upto, allowFailure: false, callData: one.take(atomic) },
  });
  const abi = parseAbi([
    'struct Call { address target; bool allowFailure; bytes callData; }',
    'function aggregate3(Call[] calls) payable',
  ]);
  const args = [[call(hidden, CEILING_ATOMIC), call(small, 1n)]] as const;
  await world.send(MULTICALL3, encodeFunctionData({ abi, functionName: 'aggregate3', args }));
  await world.chain.settle();
  const shown = await world.reader().unionHistory(USDC, world.payer.address, hidden.query.openedSec);
  expect(shown.payments.slice(-2)).toMatchObject([{ named: null }, { named: null }]);
  expect(await world.reader().settlementOf(hidden.query)).toMatchObject({ kind: 'unknowable' });
  await world.expire();
  expect(await world.reader().settlementOf(small.query)).toMatchObject({ kind: 'unknowable' });
  await world.chain.increaseTime(86_400);
  for (const { query } of [hidden, small])
    expect(await world.reader().settlementOf(query)).toMatchObject({
      ...{ kind: 'captured', amountAtomic: CEILING_ATOMIC, tx: null, final: true },
    });
});

test('in its last second it can be taken, and from then on it is proved that it cannot', async () => {
  const [last, late] = [await sign(), await sign()];
  await world.mineAt(last.query.validBeforeSec - 2);
  await world.send(PERMIT2_SPENDERS.upto, last.take(7n), FACILITATOR);
  expect(await world.reader().settlementOf(late.query)).toMatchObject({ kind: 'open' });
  await world.expire();
  expect(await world.reader().settlementOf(last.query)).toMatchObject({ kind: 'captured', amountAtomic: 7n });
  expect(await world.reader().settlementOf(late.query)).toMatchObject({
    kind: 'released',
    proof: 'expired_unused',
  });
  await expect(world.send(PERMIT2_SPENDERS.upto, late.take(1n), FACILITATOR)).rejects.toThrow();
});

test('an operator that leaves the transfer out lets nothing go', async () => {
  const signed = await sign();
  await world.send(PERMIT2_SPENDERS.upto, signed.take(10n), FACILITATOR);
  await world.chain.settle();
  await world.one.setFault({ kind: 'lying', hides: 'transfers' });
  expect(await world.reader().settlementOf(signed.query)).toMatchObject({
    ...{ kind: 'captured', amountAtomic: CEILING_ATOMIC, final: false },
  });
  await world.heal();
  expect(await world.reader().settlementOf(signed.query)).toMatchObject({ amountAtomic: 10n, final: true });
});

test('what its owner has Permit2 move is shown, and is of use to nobody else', async () => {
  const openedSec = await world.chain.nowSec();
  const nonce = toHex(randomBytes(32));
  const intent = {
    ...({
      kind: 'permit2_withdrawal',
      asset: USDC,
      chainId: NETWORK.chainId,
      from: world.payer.address,
    } as const),
    ...{ to: PAYEE, amountAtomic: 33n, validAfterSec: 0, validBeforeSec: openedSec + WINDOW_SEC, nonce },
  };
  const signature = await signPermit2Withdrawal(intent, world.payer, openedSec * 1000);
  const bytes = await signWithdrawalRelay(
    {
      ...{ kind: 'permit2_relay', transfer: intent, signature, gas: 200_000n },
      ...{ accountNonce: await world.chain.client.getTransactionCount({ address: world.payer.address }) },
      ...{ maxFeePerGasWei: 10n ** 10n, maxPriorityFeePerGasWei: 1n },
    },
    world.payer,
    openedSec * 1000,
  );
  const { data } = parseTransaction(bytes);
  await expect(world.send(PERMIT2_ADDRESS, data ?? '0x', FACILITATOR)).rejects.toThrow();
  const permit2 = { spender: PERMIT2_ADDRESS, isCeiling: false, claimedTx: null };
  const parties = { asset: USDC, from: world.payer.address, to: PAYEE, amountAtomic: 33n };
  const query = { ...parties, nonce, validBeforeSec: intent.validBeforeSec, openedSec, marks: [], permit2 };
  expect(await world.reader().settlementOf(query)).toMatchObject({ kind: 'open' });
  await world.chain.rpc('eth_sendRawTransaction', [bytes]);
  await world.chain.settle();
  expect(await world.reader().settlementOf(query)).toMatchObject({
    ...{ kind: 'captured', amountAtomic: 33n, final: true, tx: expect.stringMatching(/^0x/) },
  });
});
