import { randomBytes } from 'node:crypto';
import { toHex, type LocalAccount } from 'viem';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { devAccount } from '../../../sandbox/chain.js';
import { startRpcProxy, type RpcProxy } from '../../../sandbox/rpcProxy.js';
import { startTempo, type TempoChain as LocalChain } from '../../../sandbox/tempo/chain.js';
import { findAsset, type TempoAsset } from '../../money/asset.js';
import { findNetwork, type TempoNetwork } from '../../money/network.js';
import { TEMPO_FEE_ATOMIC_MAX, type TempoTransferIntent } from '../../payment/intent.js';
import type { Mark } from '../../payment/mark.js';
import { readOwnTransfer, signingHash, writeTransaction } from '../../protocols/tempo/transaction.js';
import type { TempoSettlementQuery } from '../settlement.js';
import { createTempoChain, type TempoChain } from './tempoChain.js';

const NETWORK = findNetwork('eip155:42431') as TempoNetwork;
const PATH_USD = findAsset('eip155:42431', '0x20c0000000000000000000000000000000000000') as TempoAsset;
const PAYEE = '0x00000000000000000000000000000000000a11ce';
const WINDOW_SEC = 25;

let chain: LocalChain;
let one: RpcProxy;
let two: RpcProxy;
const payer: LocalAccount = devAccount(3);

beforeAll(async () => {
  chain = await startTempo();
  const parts = { follow: chain.settle };
  one = await startRpcProxy(chain.url, 'base', parts);
  two = await startRpcProxy(chain.url, 'base', parts);
});

afterEach(async () => {
  await one.setFault(null);
  await two.setFault(null);
});

afterAll(async () => {
  await one.stop();
  await two.stop();
  await chain.stop();
});

interface Signed {
  readonly query: TempoSettlementQuery;
  readonly bytes: `0x${string}`;
}

/** Signs a transfer as the wallet would, its fee paid by itself, and remembers it as the ledger does. */
async function sign(terms: { amountAtomic?: bigint; marks?: readonly Mark[] } = {}): Promise<Signed> {
  const openedSec = await chain.nowSec();
  const intent: TempoTransferIntent = {
    kind: 'tempo_transfer',
    asset: PATH_USD,
    chainId: 42431,
    from: payer.address,
    to: PAYEE,
    amountAtomic: terms.amountAtomic ?? 2_000n,
    feePaidBy: 'self',
    validAfterSec: 0,
    validBeforeSec: openedSec + WINDOW_SEC,
    nonce: toHex(randomBytes(32)),
  };
  const bytes = writeTransaction(intent, await payer.sign!({ hash: signingHash(intent) }));
  const query: TempoSettlementQuery = {
    asset: PATH_USD,
    from: payer.address,
    to: PAYEE,
    amountAtomic: intent.amountAtomic + TEMPO_FEE_ATOMIC_MAX,
    transferAtomic: intent.amountAtomic,
    nonce: intent.nonce,
    ownTx: readOwnTransfer(bytes)?.tx ?? null,
    validBeforeSec: intent.validBeforeSec,
    openedSec,
    marks: terms.marks ?? [],
  };
  return { query, bytes };
}

async function land({ bytes }: Signed): Promise<`0x${string}`> {
  const hash = (await chain.rpc('eth_sendRawTransaction', [bytes])) as `0x${string}`;
  await chain.client.waitForTransactionReceipt({ hash });
  return hash;
}

function reader(urls = [one.url, two.url], ownerSet = false): TempoChain {
  return createTempoChain({ network: NETWORK, rpc: { urls, ownerSet } });
}

/** What the payer paid for one transaction beside the transfer. */
async function feeOf(work: () => Promise<unknown>): Promise<bigint> {
  const before = await chain.fees(payer.address);
  await work();
  return (await chain.fees(payer.address)) - before;
}

describe('a transfer on Tempo', () => {
  test('that landed is captured with its fee, once and for all where two operators show it', async () => {
    const signed = await sign();
    let tx = '';
    const fee = await feeOf(async () => (tx = await land(signed)));
    expect(fee).toBeGreaterThan(0n);
    expect(fee).toBeLessThanOrEqual(TEMPO_FEE_ATOMIC_MAX);
    expect(await reader().settlementOf(signed.query)).toMatchObject({
      ...{ kind: 'captured', tx, amountAtomic: 2_000n + fee, final: true },
    });
    await chain.increaseTime(2 * WINDOW_SEC);
    expect(await reader().settlementOf(signed.query)).toMatchObject({ kind: 'captured', tx, final: true });
  });

  test('that did not is open until it can land no more, then released', async () => {
    const { query } = await sign();
    expect(await reader().settlementOf(query)).toMatchObject({ kind: 'open' });
    await chain.increaseTime(2 * WINDOW_SEC);
    expect(await reader().settlementOf(query)).toMatchObject({ kind: 'released', proof: 'expired_unused' });
  });

  test('is not released on the word of one operator, unless the owner named it', async () => {
    const { query } = await sign();
    await chain.increaseTime(2 * WINDOW_SEC);
    expect(await reader([one.url]).settlementOf(query)).toMatchObject({ reason: 'rpc_missing' });
    expect(await reader([one.url], true).settlementOf(query)).toMatchObject({ kind: 'released' });
    await two.setFault({ kind: 'down' });
    expect(await reader().settlementOf(query)).toMatchObject({ kind: 'unknowable', reason: 'rpc_down' });
  });

  test('T28: an operator that hides it beside an honest one releases nothing', async () => {
    const signed = await sign();
    await land(signed);
    await two.setFault({ kind: 'lying', hides: 'events' });
    const { kind } = await reader().settlementOf(signed.query);
    expect(['captured', 'unknowable']).toContain(kind);
    await chain.increaseTime(2 * WINDOW_SEC);
    expect(await reader().settlementOf(signed.query)).toMatchObject({
      kind: 'unknowable',
      reason: 'rpc_disagree',
    });
  });

  test('T31: an operator whose history begins later is no witness', async () => {
    await chain.mine(3);
    const marks = await reader().readMarks();
    const signed = await sign({ marks });
    await chain.increaseTime(2 * WINDOW_SEC);
    const head = Number(await chain.client.getBlockNumber());
    await two.setFault({ kind: 'pruned', before: head, silent: true });
    expect(await reader().settlementOf(signed.query)).toMatchObject({
      kind: 'unknowable',
      reason: 'rpc_down',
    });
  });

  test('that moved nothing, and took its fee, is captured for that fee', async () => {
    const signed = await sign({ amountAtomic: 2n ** 127n });
    const fee = await feeOf(() => land(signed));
    expect(fee).toBeGreaterThan(0n);
    expect(await reader().settlementOf(signed.query)).toMatchObject({
      kind: 'captured',
      amountAtomic: fee,
      final: true,
    });
  });

  test('is one payment of its history, known by its memo, with its fee', async () => {
    const since = await chain.nowSec();
    const signed = await sign();
    const fee = await feeOf(() => land(signed));
    const { payments } = await reader().unionHistory(PATH_USD, payer.address, since);
    expect(payments.filter(({ nonce }) => nonce === signed.query.nonce)).toMatchObject([
      { to: PAYEE, amountAtomic: 2_000n + fee },
    ]);
  });
});

test('one whose fee the payee pays is known by its memo alone', async () => {
  const { query, ...signed } = await sign();
  await land({ query, ...signed });
  const amountAtomic = query.transferAtomic;
  // As if it were sponsored: what the payer lost beside it is more than was held, so it is not taken for this payment.
  const sponsored = { ...query, ownTx: null, amountAtomic };
  expect(await reader().settlementOf(sponsored)).toMatchObject({ reason: 'used_without_transfer' });
  expect(await reader().settlementOf({ ...sponsored, amountAtomic: query.amountAtomic })).toMatchObject({
    kind: 'captured',
  });
});

test('shows what came and went, fees by themselves, and a payment with a memo as one', async () => {
  const signed = await sign({ amountAtomic: 2_000n });
  const tx = await land(signed);
  await chain.mine(4);
  const out = await reader().movements(PATH_USD, payer.address, { sinceSec: 0 });
  const paid = out!.movements.filter((one) => one.tx === tx).map(({ amountAtomic }) => amountAtomic);
  expect(paid).toContain(2_000n);
  expect(paid).toHaveLength(2);
  const sold = await reader().movements(PATH_USD, PAYEE, { sinceSec: 0 });
  expect(sold!.movements.at(-1)).toMatchObject({ direction: 'in', amountAtomic: 2_000n, isProtocol: true });
  expect(sold).toMatchObject({ isWhole: true });
});
