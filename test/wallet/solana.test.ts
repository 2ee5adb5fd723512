import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { Address } from '@solana/kit';
import { generatePrivateKey } from 'viem/accounts';
import { SOLANA_DEVNET } from '../../sandbox/solana/chain.ts';
import { TOKEN_PROGRAM, tokenAccountOf, USDC_MINT } from '../../sandbox/solana/token.ts';
import { createSolanaChain, type SolanaChain } from '../../src/chain/solana/solanaChain.js';
import type { SolanaSettlementQuery } from '../../src/chain/chain.js';
import { parseEvmKey } from '../../src/keys/secret/secret.js';
import { assetsOf, type SvmAsset } from '../../src/money/asset.js';
import { findNetwork, type SvmNetwork } from '../../src/money/network.js';
import type { Outcome } from '../../src/wallet/answer/outcome.js';
import { Rails } from '../../src/rails/table.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { readTransaction, readTransferMessage } from '../../src/protocols/solana/solanaMessage.js';
import { paymentsIn, signaturesIn } from '../support/books.js';
import { anyCall, type TestWallet } from '../support/testWallet.js';
import { expectLedgerIsChain, settleAll } from '../support/truth.js';
import { callOf, PAST_EXPIRY_SEC, startTestWorld, type TestWorld } from '../support/world.js';
import { told } from '../support/told.js';

const BOTH = JSON.stringify(['eip155:84532', SOLANA_DEVNET]);
/** A dollar that exists, under the newer token program. */
const PYUSD = '2b1kV6DkPAnxd5ixfnxCpjxmKwqjjaYmCZfHsFu24GXo';
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

describe.each<[string, Record<string, unknown>]>([
  ['another token program', { tokenProgram: 'TokenzQdBNbLqP5VEhdkAS6EPFLC1PHnBqCXEpPxuEb' }],
  ['other decimals', { decimals: 9 }],
  ['instructions of its own', { instructions: [{ programAddress: NOBODY, accounts: [], data: 'AQ==' }] }],
  ['a transaction of its own', { transaction: 'AQ==', lookupTables: [NOBODY] }],
])('a seller that wants %s', (_what, fields) => {
  test('gets the plain transfer of the table, and nothing else in it (T3, T7)', async () => {
    const url = world.url('/v2/json', extra(fields));
    expect(await pay(url)).toMatchObject({ status: 'ok', money: 'captured' });
    const { payment } = await world.sandbox.shop.requests.waitFor(
      (order) => order.url.href === url && order.payment !== undefined,
    );
    const { transaction } = (payment!.payload as { payload: unknown }).payload as { transaction: string };
    expect(readTransferMessage(readTransaction(transaction)!.message)).toMatchObject({
      authority: mine.solanaAddress,
      mint: USDC_MINT,
      tokenProgram: TOKEN_PROGRAM,
      destination: await tokenAccountOf(world.ground.payTo as Address),
      amountAtomic: 10_000n,
      decimals: 6,
    });
  });
});

describe('what is refused before anything is signed', () => {
  async function expectRefused(
    url: string,
    expected: object,
    { by = mine, its = wallet }: { by?: TestWallet; its?: Wallet } = {},
  ): Promise<void> {
    const signatures = signaturesIn(by.home);
    const outcome = await its.pay(callOf(url), anyCall());
    expect(outcome).toMatchObject({ money: 'none', payment: null, spent_usd: '0.00', ...expected });
    expect(signaturesIn(by.home)).toBe(signatures);
  }

  /** A URL whose one offer is an honest one, but for some fields. */
  function offering(fields: Record<string, unknown>, more: Record<string, unknown> = {}): string {
    const { feePayer } = world.sandbox.solana;
    const offer = {
      scheme: 'exact',
      network: SOLANA_DEVNET,
      amount: '10000',
      asset: USDC_MINT,
      payTo: world.ground.payTo,
      maxTimeoutSeconds: 60,
      extra: { feePayer: feePayer.address, ...more },
      ...fields,
    };
    world.sandbox.shop.handle('/own', (_order, response) => {
      response.writeHead(402).end(JSON.stringify({ x402Version: 2, accepts: [offer] }));
    });
    return world.url('/own');
  }

  test.each<[string, string, Record<string, unknown>, Record<string, unknown>?]>([
    ['a foreign mint', 'unsupported_asset', { asset: NOBODY }],
    ['a token-2022 mint that the table lacks', 'unsupported_asset', { asset: PYUSD }],
    [
      'the mint of the mainnet',
      'unsupported_asset',
      { asset: 'EPjFWdd5AufqSSqeM2qN1xzybapC8G4wEGGkZwyTDt1v' },
    ],
    ['no fee payer', 'malformed_offer', {}, { feePayer: null }],
    ['a fee payer that is no address', 'malformed_offer', {}, { feePayer: '0x00' }],
    ['the mint as fee payer', 'malformed_offer', {}, { feePayer: USDC_MINT }],
    ['the token program as fee payer', 'malformed_offer', {}, { feePayer: TOKEN_PROGRAM }],
    ['a payee of another chain', 'malformed_offer', { payTo: `0x${'5'.repeat(40)}` }],
    ['a memo that is too long', 'malformed_offer', {}, { memo: 'x'.repeat(257) }],
    ['a huge memo', 'malformed_offer', {}, { memo: 'x'.repeat(100_000) }],
    ['a memo that is no text', 'malformed_offer', {}, { memo: { text: 'a' } }],
    ['nothing', 'malformed_offer', { amount: '0' }],
    ['less than nothing', 'malformed_offer', { amount: '-10000' }],
    ['a fraction', 'malformed_offer', { amount: '0.01' }],
    ['an exponent', 'malformed_offer', { amount: '1e4' }],
    ['more than a token account holds', 'malformed_offer', { amount: String(2n ** 64n) }],
    ['another scheme', 'unsupported_scheme', { scheme: 'upto' }],
  ])('%s (%s)', async (_what, code, fields, more) => {
    await expectRefused(offering(fields, more), { code });
  });

  test('our own key as fee payer', async () => {
    const url = world.url('/v2/json', { chain: 'solana', fee_payer: mine.solanaAddress });
    await expectRefused(url, { code: 'malformed_offer' });
  });

  test('a payee that is this wallet, and one without a token account', async () => {
    // A wallet that has paid nobody: a payee that changed is asked about before the chain is.
    const by = await world.wallet();
    const its = by.open();
    await expectRefused(offering({ payTo: by.solanaAddress }), { code: 'signer_refused' }, { by, its });
    const expected = { code: 'malformed_offer', message: expect.stringContaining('no USDC account') };
    await expectRefused(offering({ payTo: NOBODY }), expected, { by, its });
  });

  test('a wallet without a token account, and one with too little in it', async () => {
    const by = await world.wallet({ usdMicros: 0n });
    const its = by.open();
    const short = {
      code: 'insufficient_funds',
      tell_owner: { say: expect.stringContaining(by.solanaAddress) as string },
    };
    await expectRefused(world.url('/v2/json'), short, { by, its });
    await world.sandbox.solana.fund(by.solanaAddress, 9_999n);
    await expectRefused(world.url('/v2/json'), short, { by, its });
    await world.sandbox.solana.fund(by.solanaAddress, 1n);
    expect(await its.pay(callOf(world.url('/v2/json')), anyCall())).toMatchObject({ status: 'ok' });
    expect(await world.ground.balanceOf(by.solanaAddress)).toBe(0n);
  });

  test('an RPC that does not answer, where no blockhash is at hand', async () => {
    await world.advance(60);
    await world.ground.rpc.setFault({ kind: 'down' });
    await expectRefused(world.url('/v2/json'), { code: 'rpc_unavailable' });
    await world.ground.rpc.setFault(null);
  });
});

describe('what was signed', () => {
  test('is taken once, however often it is presented', async () => {
    const url = world.url('/v2/json');
    expect(await pay(url)).toMatchObject({ status: 'ok' });
    const { payment } = await world.sandbox.shop.requests.waitFor(
      (order) => order.url.href === url && order.payment !== undefined,
    );
    const before = await world.ground.balanceOf(mine.solanaAddress);
    const again = await fetch(world.url('/v2/json'), { headers: { 'payment-signature': payment!.header } });
    expect(again.status).toBe(402);
    expect(await world.ground.balanceOf(mine.solanaAddress)).toBe(before);
  });

  test('is worth nothing once its blockhash is stale, and its money is free again', async () => {
    const outcome = await pay(world.url('/v2/json', { chain: 'solana', fault: 'settles_later' }));
    expect(outcome).toMatchObject({ money: 'unknown', payment: { state: 'unknown' } });
    const before = await world.ground.balanceOf(mine.solanaAddress);
    await world.advance(PAST_EXPIRY_SEC);
    await world.sandbox.shop.releasePending();
    const look = await wallet.ledger({ payment_id: outcome.payment?.id }, anyCall());
    expect(look).toMatchObject({ payment: { state: 'released' } });
    expect(await world.ground.balanceOf(mine.solanaAddress)).toBe(before);
  });
});

test('a paid call reads the chain once at most, and one after the other not at all', async () => {
  const readsOf = async (ahead: number): Promise<string[]> => {
    if (ahead > 0) await world.advance(ahead);
    const { entries } = world.ground.rpc.calls;
    const before = entries.length;
    expect(await pay(world.url('/v2/json'))).toMatchObject({ status: 'ok' });
    return entries.slice(before).map(({ method }) => method);
  };
  await readsOf(0);
  expect(await readsOf(0)).toEqual([]);
  expect(await readsOf(0)).toEqual([]);
  // Past the age up to which a blockhash is used as it is; it is read while the seller names the price.
  expect(await readsOf(20)).toEqual(['getLatestBlockhash']);
  expect(await readsOf(0)).toEqual([]);
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

  test('falls back to the other chain where one cannot be read, and says so', async () => {
    const preferring = JSON.stringify([SOLANA_DEVNET, 'eip155:84532']);
    const rich = await world.wallet({ settings: { 'networks.enabled': preferring } });
    await world.sandbox.chain.fund(rich.address, 1_000_000n);
    const its = rich.open();
    await world.ground.rpc.setFault({ kind: 'down' });
    try {
      const outcome = await its.pay(callOf(world.url('/v2/json')), anyCall());
      expect(outcome).toMatchObject({
        status: 'ok',
        money: 'captured',
        payment: { network: 'eip155:84532' },
        passed_over: [{ network: SOLANA_DEVNET, code: 'rpc_unavailable' }],
      });
      expect(outcome.message).toMatch(/passed over\. Solana devnet: No RPC of Solana devnet can be read/);
      expect(signaturesIn(rich.home)).toBe(1);
      // Where the seller takes no other chain, the one that cannot be read is what is told.
      expect(await its.pay(callOf(world.url('/v2/json', { chain: 'solana' })), anyCall())).toMatchObject({
        code: 'rpc_unavailable',
        money: 'none',
      });
      const shown = await its.balance({});
      expect(shown).toMatchObject({ status: 'ok', balances: [{ on_chain: null }, { on_chain: '0.99' }] });
    } finally {
      await world.ground.rpc.setFault(null);
    }
    // A payee that cannot be paid on one chain is paid on the other.
    const url = world.url('/v2/json', { fee_payer: rich.solanaAddress });
    expect(await its.pay(callOf(url), anyCall())).toMatchObject({
      status: 'ok',
      payment: { network: 'eip155:84532' },
      passed_over: [{ network: SOLANA_DEVNET, code: 'malformed_offer' }],
    });
  });

  test('pays on the one that its imported key has an address on', async () => {
    const imported = await world.wallet({
      chain: 'base',
      secret: parseEvmKey(generatePrivateKey()),
      settings: { 'networks.enabled': BOTH },
    });
    const its = imported.open();
    expect(await its.pay(callOf(world.url('/v2/json')), anyCall())).toMatchObject({
      status: 'ok',
      payment: { network: 'eip155:84532' },
    });
    const refused = await its.pay(callOf(world.url('/v2/json', { chain: 'solana' })), anyCall());
    expect(refused).toMatchObject({ status: 'refused', code: 'unsupported_network', money: 'none' });
    expect((await its.balance({}))['balances']).toMatchObject([{ network: 'eip155:84532' }]);
  });

  test('that can pay on neither is told what each needs, and where to send it', async () => {
    const poor = await world.wallet({ usdMicros: 0n, settings: { 'networks.enabled': BOTH } });
    const outcome = await poor.open().pay(callOf(world.url('/v2/json')), anyCall());
    expect(outcome).toMatchObject({ code: 'insufficient_funds', money: 'none' });
    expect(told(outcome)).toContain(poor.address);
    expect(told(outcome)).toContain(poor.solanaAddress);
    expect(signaturesIn(poor.home)).toBe(0);
  });
});

describe('two operators of which one lies (T28)', () => {
  let open: (ownerSet: boolean, ...urls: string[]) => SolanaChain;

  beforeAll(() => {
    const network = findNetwork(SOLANA_DEVNET) as SvmNetwork;
    open = (ownerSet, ...urls) => createSolanaChain({ network, rpc: { urls, ownerSet } });
  });

  async function queryOf(outcome: Outcome): Promise<SolanaSettlementQuery> {
    const row = (await paymentsIn(await wallet.engine())).find(({ id }) => id === outcome.payment?.id);
    return (await new Rails().ofPayment(row!)!.settlementQuery(row!)) as SolanaSettlementQuery;
  }

  test('nothing is released early, nor while they disagree, and then by both', async () => {
    const { solanaRpcUrl } = world.sandbox;
    const liar = await world.sandbox.addRpc('solana');
    const query = await queryOf(await pay(world.url('/v2/json', { fault: 'reject' })));
    const chain = open(false, solanaRpcUrl, liar.url);
    await liar.setFault({ kind: 'lying', aheadSec: 10_000 });
    expect(await chain.settlementOf(query)).toMatchObject({ kind: 'open' });
    await liar.setFault({ kind: 'down' });
    await world.advance(PAST_EXPIRY_SEC);
    expect(await chain.settlementOf(query)).toMatchObject({ kind: 'unknowable', reason: 'rpc_down' });
    expect(await open(false, solanaRpcUrl).settlementOf(query)).toMatchObject({ reason: 'rpc_missing' });
    await liar.setFault(null);
    expect(await chain.settlementOf(query)).toMatchObject({ kind: 'released', proof: 'expired_unused' });
    expect(await open(true, solanaRpcUrl).settlementOf(query)).toMatchObject({ kind: 'released' });
  });

  test('a payment that one hides is captured by the other, and no release comes of both', async () => {
    const { solanaRpcUrl } = world.sandbox;
    const liar = await world.sandbox.addRpc('solana');
    const query = await queryOf(await pay(world.url('/v2/json', { fault: 'drop_after_settle' })));
    await liar.setFault({ kind: 'lying', used: false });
    const chain = open(false, solanaRpcUrl, liar.url);
    expect(await chain.settlementOf(query)).toMatchObject({ kind: 'captured', amountAtomic: 10_000n });
    await world.advance(PAST_EXPIRY_SEC);
    expect(await chain.settlementOf(query)).toMatchObject({ kind: 'unknowable', reason: 'rpc_disagree' });
  });
});

test('what left the wallet is read from the chain, payment by payment', async () => {
  const engine = await wallet.engine();
  const network = findNetwork(SOLANA_DEVNET) as SvmNetwork;
  const chain = engine.chain(await engine.config(), network);
  await settleAll(world, wallet);
  const [asset] = assetsOf(SOLANA_DEVNET);
  const { payments } = await chain.history(asset as SvmAsset, mine.solanaAddress, 0);
  const rows = (await paymentsIn(engine)).filter(({ state }) => state === 'captured');
  expect(payments.map(({ nonce, to, amountAtomic, tx }) => [nonce, to, amountAtomic, tx]).sort()).toEqual(
    rows.map(({ nonce, payTo, capturedAtomic, tx }) => [nonce, payTo, capturedAtomic, tx]).sort(),
  );
});
