import { join } from 'node:path';
import { PERMIT2_ADDRESS, x402UptoPermit2ProxyABI, x402UptoPermit2ProxyAddress } from '@x402/evm';
import { encodeFunctionData, parseAbi, parseSignature, type Address, type Hex } from 'viem';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { devAccount } from '../../../sandbox/chain.ts';
import { USDC } from '../../../sandbox/usdc.ts';
import type { LocalServer } from '../../../sandbox/localServer.ts';
import { listenLocal } from '../../../sandbox/localServer.ts';
import { decodeHeader, encodeHeader } from '../../../sandbox/shop/order.ts';
import { backupLedger, rebuildLedger, restoreLedger } from '../../../src/owner/ledger/ledgerCare.js';
import { reconcileAll } from '../../../src/wallet/settle/reconcile.js';
import type { Wallet } from '../../../src/wallet/wallet.js';
import { attemptsIn, signaturesIn } from '../../support/books.js';
import { ownerOf } from '../../support/quickWallet.js';
import { anyCall, TEST_PASSPHRASE, type TestWallet } from '../../support/testWallet.js';
import { expectLedgerIsChain, settleAll } from '../../support/truth.js';
import { startTestWorld, type TestWorld } from '../../support/world.js';
import { receiptOf } from '../../../sandbox/receipt.ts';

/** An authorization's longest life and the margin of a rebuilding, with some to spare. */
const REBUILD_SEC = 700;
/** After which a charge that nobody shows counts as all of its ceiling, with some to spare. */
const A_DAY_SEC = 90_000;
const FACILITATOR = devAccount(4).address;
const THIEF = devAccount(5).address;
const CEILING_ATOMIC = 10_000n;
/** Makes calls for anybody, as every chain has it: what it calls sees it as the caller. */
const MULTICALL3 = '0xcA11bde05977b3631167028862bE2a173976CA11';

interface Authorization {
  readonly from: Address;
  readonly permitted: { readonly token: Address; readonly amount: string };
  readonly spender: Address;
  readonly nonce: string;
  readonly deadline: string;
  readonly witness: { readonly to: Address; readonly facilitator: Address; readonly validAfter: string };
}

interface Paid {
  readonly payload: { readonly signature: Hex; readonly permit2Authorization: Authorization };
  readonly extensions: { readonly eip2612GasSponsoring: { readonly info: { readonly signature: Hex } } };
}

// T36: what a seller and its facilitator can take with what was signed for them, on the real contracts.
let world: TestWorld;
let mine: TestWallet;
let wallet: Wallet;
let shop: LocalServer;
/** What the next 402 says in its `extra`, and as the extension. */
let extra: Record<string, unknown> = {};
let extension: Record<string, unknown> = {};
const taken: Paid[] = [];

beforeAll(async () => {
  world = await startTestWorld();
  shop = await listenLocal((request, response) => {
    const header = request.headers['payment-signature'];
    if (typeof header === 'string') {
      taken.push(decodeHeader(header) as Paid);
      return void response.writeHead(200, { 'content-type': 'application/json' }).end('{"sold":true}');
    }
    const offer = {
      ...{ scheme: 'upto', network: 'eip155:84532', asset: USDC, amount: String(CEILING_ATOMIC) },
      ...{ payTo: world.sandbox.shop.payTo, maxTimeoutSeconds: 60 },
      extra: { name: 'USDC', version: '2', facilitatorAddress: FACILITATOR, ...extra },
    };
    const extensions = { eip2612GasSponsoring: { info: extension, schema: {} } };
    const challenge = { x402Version: 2, accepts: [offer], resource: { url: request.url }, extensions };
    response.writeHead(402, { 'payment-required': encodeHeader(challenge) }).end('{}');
  }, world.now);
  mine = await world.wallet();
  await mine.set('net.allow_private', JSON.stringify([shop.hostPort]));
  wallet = mine.open();
});
afterAll(async () => {
  await shop.close();
  await world.stop();
});

async function buy(path: string): Promise<Paid> {
  await wallet.pay({ url: `${shop.url}${path}`, max_usd: '0.01' }, anyCall());
  const paid = taken.at(-1);
  if (paid === undefined) throw new Error('nothing was signed');
  return paid;
}

async function send(from: Address, to: Address, data: Hex): Promise<boolean> {
  const { chain } = world.sandbox;
  const hash = (await chain.rpc('eth_sendTransaction', [{ from, to, data, gas: '0x4c4b40' }])) as Hex;
  return (await receiptOf(chain.client, hash)).status === 'success';
}

interface Changes {
  readonly from?: Address;
  readonly to?: Address;
  readonly facilitator?: Address;
  readonly ceiling?: bigint;
}

/** Settles as far as the contract lets: whether it did. */
function settle(paid: Paid, atomic: bigint, changes: Changes = {}): Promise<boolean> {
  const from = changes.from ?? changes.facilitator ?? paid.payload.permit2Authorization.witness.facilitator;
  return send(from, x402UptoPermit2ProxyAddress, settling(paid, atomic, changes));
}

/** The call that settles. */
function settling(paid: Paid, atomic: bigint, changes: Changes = {}): Hex {
  const { signature, permit2Authorization: auth } = paid.payload;
  const { permitted, nonce, deadline, witness } = auth;
  const amount = changes.ceiling ?? BigInt(permitted.amount);
  const permit = { permitted: { ...permitted, amount }, nonce: BigInt(nonce), deadline: BigInt(deadline) };
  const [to, facilitator] = [changes.to ?? witness.to, changes.facilitator ?? witness.facilitator];
  const signed = { to, facilitator, validAfter: BigInt(witness.validAfter) };
  const { r, s, yParity } = parseSignature(paid.extensions.eip2612GasSponsoring.info.signature);
  const permit2612 = { value: amount, deadline: BigInt(deadline), r, s, v: 27 + yParity };
  return encodeFunctionData({
    abi: x402UptoPermit2ProxyABI,
    functionName: 'settleWithPermit',
    args: [permit2612, permit, atomic, auth.from, signed, signature],
  });
}

describe('what was signed for a ceiling', () => {
  test('is good for its payee, by its facilitator, once, up to the ceiling, and for no longer', async () => {
    const paid = await buy('/all');
    expect(await settle(paid, CEILING_ATOMIC + 1n)).toBe(false);
    expect(await settle(paid, CEILING_ATOMIC + 1n, { ceiling: CEILING_ATOMIC + 1n })).toBe(false);
    expect(await settle(paid, 5n, { from: THIEF })).toBe(false);
    expect(await settle(paid, 5n, { facilitator: THIEF })).toBe(false);
    expect(await settle(paid, 5n, { to: THIEF })).toBe(false);
    // More than was used, and within the ceiling: that is the seller's to say, and it is told.
    expect(await settle(paid, CEILING_ATOMIC)).toBe(true);
    expect(await settle(paid, 1n)).toBe(false);

    const late = await buy('/late');
    await settleAll(world, wallet);
    expect(await settle(late, 1n)).toBe(false);
  });

  test('names spender, amount and contract by our table, whatever the seller writes', async () => {
    extra = { spender: THIEF, permit2: THIEF, assetTransferMethod: 'permit2', verifyingContract: THIEF };
    extension = {
      spender: THIEF,
      amount: (2n ** 256n - 1n).toString(),
      deadline: '99999999999',
      from: THIEF,
    };
    const paid = await buy('/fields');
    const { permit2Authorization: auth } = paid.payload;
    expect(auth).toMatchObject({
      ...{ spender: x402UptoPermit2ProxyAddress, permitted: { token: USDC, amount: String(CEILING_ATOMIC) } },
      witness: { to: world.sandbox.shop.payTo, facilitator: FACILITATOR },
    });
    const { info } = paid.extensions.eip2612GasSponsoring;
    const own = { spender: PERMIT2_ADDRESS, amount: String(CEILING_ATOMIC), from: auth.from };
    expect(info).toMatchObject({ ...own, deadline: auth.deadline });
    expect(Number(auth.deadline)).toBeLessThanOrEqual(world.now() / 1000 + 600);
    [extra, extension] = [{}, {}];
  });

  test('is good for no other spender, though its permit is brought to the token', async () => {
    const paid = await buy('/spender');
    const { permit2Authorization: auth } = paid.payload;
    const owner = auth.from;
    const { r, s, yParity } = parseSignature(paid.extensions.eip2612GasSponsoring.info.signature);
    const token = parseAbi([
      'function permit(address,address,uint256,uint256,uint8,bytes32,bytes32)',
      'function transferFrom(address,address,uint256) returns (bool)',
    ]);
    const permit = (spender: Address, value: bigint): Hex =>
      encodeFunctionData({
        abi: token,
        functionName: 'permit',
        args: [owner, spender, value, BigInt(auth.deadline), 27 + yParity, r, s],
      });
    expect(await send(THIEF, USDC, permit(THIEF, CEILING_ATOMIC))).toBe(false);
    expect(await send(THIEF, USDC, permit(PERMIT2_ADDRESS, 2n ** 255n))).toBe(false);
    expect(await send(THIEF, USDC, permit(PERMIT2_ADDRESS, CEILING_ATOMIC))).toBe(true);
    const take = encodeFunctionData({ abi: token, functionName: 'transferFrom', args: [owner, THIEF, 1n] });
    expect(await send(THIEF, USDC, take)).toBe(false);
    // Permit2 asked by the thief itself, with the wallet's own signature.
    const abi = parseAbi([
      'struct Permissions { address token; uint256 amount; }',
      'struct Permit { Permissions permitted; uint256 nonce; uint256 deadline; }',
      'struct Details { address to; uint256 requestedAmount; }',
      'function permitTransferFrom(Permit permit, Details details, address owner, bytes signature)',
    ]);
    const direct = encodeFunctionData({
      abi,
      functionName: 'permitTransferFrom',
      args: [
        {
          permitted: { token: USDC, amount: CEILING_ATOMIC },
          nonce: BigInt(auth.nonce),
          deadline: BigInt(auth.deadline),
        },
        { to: THIEF, requestedAmount: 1n },
        owner,
        paid.payload.signature,
      ],
    });
    expect(await send(THIEF, PERMIT2_ADDRESS, direct)).toBe(false);
    expect(await world.sandbox.chain.balanceOf(THIEF)).toBe(0n);
  });

  test.each([
    ['nobody', '0x0000000000000000000000000000000000000000'],
    ['a name', 'me'],
    ['a list', [FACILITATOR]],
  ])('is not made for %s as facilitator', async (_who, facilitatorAddress) => {
    extra = { facilitatorAddress };
    const signatures = signaturesIn(mine.home);
    const refused = await wallet.pay({ url: `${shop.url}/nobody`, max_usd: '0.01' }, anyCall());
    expect(refused).toMatchObject({ status: 'refused', money: 'none' });
    expect(signaturesIn(mine.home)).toBe(signatures);
    extra = {};
  });

  test('left no allowance above a ceiling, and moved what the ledger says', async () => {
    await settleAll(world, wallet);
    const { captured } = await expectLedgerIsChain(world, mine, wallet);
    expect(captured).toMatchObject([{ capturedAtomic: CEILING_ATOMIC }]);
    const left = await world.sandbox.chain.permit2Allowance(mine.payAddress as Address);
    expect(left).toBeLessThanOrEqual(CEILING_ATOMIC);
  });
});

test('what another contract took is counted at least once over an older copy of the ledger, and never freed', async () => {
  const own = await world.wallet();
  await own.set('net.allow_private', JSON.stringify([shop.hostPort]));
  const owner = { ...ownerOf(own.home, TEST_PASSPHRASE), now: world.now };
  const copy = join(own.home, 'copy.db');
  const opened = own.open();
  extra = { facilitatorAddress: MULTICALL3 };
  await opened.pay({ url: `${shop.url}/further`, max_usd: '0.01' }, anyCall());
  extra = {};
  await backupLedger(owner, copy);
  await opened.close();
  // All of it, out of a contract of the seller's own: neither the token nor the transaction names its nonce.
  const abi = parseAbi([
    'struct Call { address target; bool allowFailure; bytes callData; }',
    'function aggregate3(Call[] calls) payable',
  ]);
  const callData = settling(taken.at(-1)!, CEILING_ATOMIC);
  const call = { target: x402UptoPermit2ProxyAddress, allowFailure: false, callData };
  const data = encodeFunctionData({ abi, functionName: 'aggregate3', args: [[call]] });
  expect(await send(THIEF, MULTICALL3, data)).toBe(true);
  const moved = own.fundedAtomic - (await world.ground.balanceOf(own.address));
  expect(moved).toBe(CEILING_ATOMIC);

  expect(await restoreLedger(owner, copy)).toMatchObject({ state: 'waiting' });
  await world.advance(REBUILD_SEC);
  expect(await rebuildLedger(owner)).toMatchObject({ state: 'done' });
  const rebuilt = own.open();
  const engine = await rebuilt.engine();
  const line = { name: 'x', kind: 'cap', scope: { kind: 'wallet' }, windowSec: 2_592_000 } as const;
  const counted = async () => (await engine.ledger.usage([line as never], world.now()))[0] ?? 0n;
  // It may be the open one or another: nobody can tell, so both count.
  expect(await counted()).toBe(2n * CEILING_ATOMIC);
  await reconcileAll(engine, anyCall().signal);
  expect(await counted()).toBe(2n * CEILING_ATOMIC);
  // A day past its end the open one counts for good, and what was found beside it is not taken back.
  await world.advance(A_DAY_SEC);
  await reconcileAll(engine, anyCall().signal);
  const rows = await attemptsIn(engine);
  expect(rows.map(({ state, confirmed }) => [state, confirmed])).toEqual(Array(2).fill(['captured', true]));
  expect(await counted()).toBeGreaterThanOrEqual(moved);
  expect((await engine.ledger.audit()).findings).toEqual([]);
});
