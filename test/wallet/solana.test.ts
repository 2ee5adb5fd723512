import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { SOLANA_DEVNET } from '../../sandbox/solana/chain.ts';
import { createSolanaChain, type SolanaChain } from '../../src/chain/solanaChain.js';
import type { SolanaFateQuery } from '../../src/chain/chain.js';
import { assetsOf, type SvmAsset } from '../../src/money/asset.js';
import { findNetwork, type SvmNetwork } from '../../src/money/network.js';
import type { Outcome } from '../../src/wallet/outcome.js';
import { x402 } from '../../src/wallet/protocol.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { paymentsIn, signaturesIn } from '../support/books.js';
import { anyCall, type TestWallet } from '../support/testWallet.js';
import { expectLedgerIsChain, settleAll } from '../support/truth.js';
import { callOf, PAST_EXPIRY_SEC, startTestWorld, type TestWorld } from '../support/world.js';

const BOTH = JSON.stringify(['eip155:84532', SOLANA_DEVNET]);
const NOBODY = 'GjwcWFQYzemBtpUoN5fMAP2FZviTtMRWCmrppGuTthJS';

let world: TestWorld;
let mine: TestWallet;
let wallet: Wallet;

beforeAll(async () => {
  world = await startTestWorld('solana');
  mine = await world.wallet();
  wallet = mine.open();
});

afterAll(async () => {
  await settleAll(world, wallet);
  await expectLedgerIsChain(world, mine, wallet);
  await world.stop();
});

const pay = (url: string, more: Record<string, unknown> = {}): Promise<Outcome> =>
  wallet.pay(callOf(url, more), anyCall());
const extra = (fields: Record<string, unknown>): Record<string, string> => ({
  chain: 'solana',
  solana_extra: JSON.stringify(fields),
});
/** What the shop got for a URL, taken apart. */
const memosOnChain = (): (string | null)[] => world.sandbox.solana.blocks.landed.map(({ memo }) => memo);

describe.each([1, 2])('what a seller of v%i may ask for on Solana', (version) => {
  test('a memo of its own, twice the same: two payments, each landed', async () => {
    const memo = `invoice ${version}`;
    const bought = await Promise.all([1, 2].map(() => pay(world.url(`/v${version}/json`, extra({ memo })))));
    for (const outcome of bought) expect(outcome).toMatchObject({ status: 'ok', money: 'captured' });
    expect(memosOnChain().filter((one) => one === memo)).toHaveLength(2);
  });

  test('a memo as long as facilitators take', async () => {
    const memo = 'x'.repeat(256);
    const outcome = await pay(world.url(`/v${version}/json`, extra({ memo })));
    expect(outcome).toMatchObject({ status: 'ok', money: 'captured' });
  });

  test('a blockhash of its own is not used, so an invented one does no harm', async () => {
    const recentBlockhash = NOBODY;
    const outcome = await pay(
      world.url(`/v${version}/json`, extra({ recentBlockhash, lastValidBlockHeight: '0' })),
    );
    expect(outcome).toMatchObject({ status: 'ok', money: 'captured' });
  });
});

describe('what is refused before anything is signed', () => {
  async function expectRefused(url: string, expected: object, by: TestWallet = mine): Promise<void> {
    const signatures = signaturesIn(by.home);
    const outcome = await (by === mine ? wallet : by.open()).pay(callOf(url), anyCall());
    expect(outcome).toMatchObject({ money: 'none', spent_usd: '0.00', ...expected });
    expect(signaturesIn(by.home)).toBe(signatures);
  }

  test('our own key as fee payer', async () => {
    const url = world.url('/v2/json', { chain: 'solana', fee_payer: mine.solanaAddress });
    await expectRefused(url, { code: 'malformed_offer' });
  });

  test('a payee without a token account', async () => {
    const url = world.url('/own');
    world.sandbox.shop.handle('/own', (_order, response) => {
      const accepts = [
        {
          scheme: 'exact',
          network: SOLANA_DEVNET,
          amount: '10000',
          asset: '4zMMC9srt5Ri5X14GAgXhaHii3GnPAEERYPJgZJDncDU',
          payTo: NOBODY,
          maxTimeoutSeconds: 60,
          extra: { feePayer: world.sandbox.solana.feePayer.address },
        },
      ];
      response.writeHead(402).end(JSON.stringify({ x402Version: 2, accepts }));
    });
    // A wallet that has paid nobody: a payee that changed is asked about before the chain is.
    const fresh = await world.wallet();
    const expected = { code: 'malformed_offer', message: expect.stringContaining('no USDC account') };
    await expectRefused(url, expected, fresh);
  });

  test('an RPC that does not answer, where no blockhash is at hand', async () => {
    await world.advance(60);
    await world.ground.rpc.setFault({ kind: 'down' });
    await expectRefused(world.url('/v2/json'), { code: 'rpc_unavailable' });
    await world.ground.rpc.setFault(null);
  });
});

describe('a wallet on both chains', () => {
  test('pays where its money is, the owner’s first network before the other', async () => {
    const rich = await world.wallet({ settings: { 'networks.enabled': BOTH } });
    const both = rich.open();
    const first = await both.pay(callOf(world.url('/v2/json')), anyCall());
    expect(first).toMatchObject({ status: 'ok', payment: { network: SOLANA_DEVNET } });
    await world.sandbox.chain.fund(rich.address, 1_000_000n);
    const second = await both.pay(callOf(world.url('/v2/json')), anyCall());
    expect(second).toMatchObject({ status: 'ok', payment: { network: 'eip155:84532' } });
    expect(await both.quote({ url: world.url('/v2/json', { usd: '2' }) }, anyCall())).toMatchObject({
      network: SOLANA_DEVNET,
    });
    const shown = await both.balance({});
    expect(shown['balances']).toMatchObject([
      { network: 'eip155:84532', address: rich.address, on_chain_atomic: '990000' },
      { network: SOLANA_DEVNET, address: rich.solanaAddress, on_chain_atomic: '9990000' },
    ]);
  });

  test('that can pay on neither is told what each needs, and where to send it', async () => {
    const poor = await world.wallet({ usdMicros: 0n, settings: { 'networks.enabled': BOTH } });
    const outcome = await poor.open().pay(callOf(world.url('/v2/json')), anyCall());
    expect(outcome).toMatchObject({ code: 'insufficient_funds', money: 'none' });
    expect(outcome.tell_owner).toContain(poor.address);
    expect(outcome.tell_owner).toContain(poor.solanaAddress);
    expect(signaturesIn(poor.home)).toBe(0);
  });
});

describe('two operators of which one lies (T28)', () => {
  let open: (ownerSet: boolean, ...urls: string[]) => SolanaChain;

  beforeAll(() => {
    const network = findNetwork(SOLANA_DEVNET) as SvmNetwork;
    open = (ownerSet, ...urls) => createSolanaChain({ network, rpc: { urls, ownerSet } });
  });

  async function queryOf(outcome: Outcome): Promise<SolanaFateQuery> {
    const row = paymentsIn(await wallet.engine()).find(({ id }) => id === outcome.payment?.id);
    return (await x402.fateQuery(row!)) as SolanaFateQuery;
  }

  test('nothing is released early, nor while they disagree, and then by both', async () => {
    const { solanaRpcUrl } = world.sandbox;
    const liar = await world.sandbox.addRpc('solana');
    const query = await queryOf(await pay(world.url('/v2/json', { fault: 'reject' })));
    const chain = open(false, solanaRpcUrl, liar.url);
    await liar.setFault({ kind: 'lying', aheadSec: 10_000 });
    expect(await chain.fateOf(query)).toMatchObject({ kind: 'open' });
    await liar.setFault({ kind: 'down' });
    await world.advance(PAST_EXPIRY_SEC);
    expect(await chain.fateOf(query)).toMatchObject({ kind: 'unknowable', why: 'rpc_down' });
    expect(await open(false, solanaRpcUrl).fateOf(query)).toMatchObject({ why: 'rpc_missing' });
    await liar.setFault(null);
    expect(await chain.fateOf(query)).toMatchObject({ kind: 'released', proof: 'expired_unused' });
    expect(await open(true, solanaRpcUrl).fateOf(query)).toMatchObject({ kind: 'released' });
  });

  test('a payment that one hides is captured by the other, and no release comes of both', async () => {
    const { solanaRpcUrl } = world.sandbox;
    const liar = await world.sandbox.addRpc('solana');
    const query = await queryOf(await pay(world.url('/v2/json', { fault: 'drop_after_settle' })));
    await liar.setFault({ kind: 'lying', used: false });
    const chain = open(false, solanaRpcUrl, liar.url);
    expect(await chain.fateOf(query)).toMatchObject({ kind: 'captured', amountAtomic: 10_000n });
    await world.advance(PAST_EXPIRY_SEC);
    expect(await chain.fateOf(query)).toMatchObject({ kind: 'unknowable', why: 'rpc_disagree' });
  });
});

test('what left the wallet is read from the chain, payment by payment', async () => {
  const engine = await wallet.engine();
  const network = findNetwork(SOLANA_DEVNET) as SvmNetwork;
  const chain = engine.chain(engine.config(), network);
  await settleAll(world, wallet);
  const [asset] = assetsOf(SOLANA_DEVNET);
  const { payments } = await chain.history(asset as SvmAsset, mine.solanaAddress, 0);
  const rows = paymentsIn(engine).filter(({ state }) => state === 'captured');
  expect(payments.map(({ nonce, to, amountAtomic, tx }) => [nonce, to, amountAtomic, tx]).sort()).toEqual(
    rows.map(({ nonce, payTo, capturedAtomic, tx }) => [nonce, payTo, capturedAtomic, tx]).sort(),
  );
});
