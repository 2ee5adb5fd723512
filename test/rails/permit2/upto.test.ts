import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { compareWithChain } from '../../../src/owner/ledger/chainAudit.js';
import { setAllowance } from '../../../src/treasury/allowance.js';
import type { Outcome } from '../../../src/wallet/answer/outcome.js';
import type { Wallet } from '../../../src/wallet/wallet.js';
import { startPermit2Shop, type Permit2Shop } from '../../../sandbox/permit2/shop.ts';
import { paymentsIn, signaturesIn } from '../../support/books.js';
import { anyCall, type TestWallet } from '../../support/testWallet.js';
import { expectLedgerIsChain, settleAll } from '../../support/truth.js';
import { startTestWorld, type TestWorld } from '../../support/world.js';

// Sellers that are paid through Permit2, on the published server and facilitator, and the real contracts.
let world: TestWorld;
let shop: Permit2Shop;

beforeAll(async () => {
  world = await startTestWorld();
  shop = await startPermit2Shop(world.sandbox);
});

afterAll(async () => {
  await shop.close();
  await world.stop();
});

async function walletHere(): Promise<{ mine: TestWallet; wallet: Wallet }> {
  const mine = await world.wallet();
  await mine.set('net.allow_private', JSON.stringify([shop.hostPort]));
  return { mine, wallet: mine.open() };
}

async function allow(wallet: Wallet, usdMicros: bigint): Promise<bigint> {
  const engine = await wallet.engine();
  await world.ground.giveGas(await engine.address());
  const order = { usdMicros, network: undefined, asset: undefined };
  await setAllowance(engine, order, async () => Promise.resolve(true), new AbortController().signal);
  return allowed(wallet);
}

/** What Permit2 may move, by the chain. */
async function allowed(wallet: Wallet): Promise<bigint> {
  const engine = await wallet.engine();
  return world.sandbox.chain.permit2Allowance(await engine.address());
}

describe('a seller that charges up to a ceiling', () => {
  let mine: TestWallet;
  let wallet: Wallet;
  beforeAll(async () => {
    ({ mine, wallet } = await walletHere());
  });
  const pay = (path: string): Promise<Outcome> =>
    wallet.pay({ url: `${shop.url}${path}`, max_usd: '0.10' }, anyCall());
  const row = async (path: string) =>
    (await paymentsIn(await wallet.engine())).find(({ url }) => url.includes(`/${path}?`));

  test('is quoted with it, and paid by a permit of just that where it brings one along', async () => {
    const url = `${shop.url}/upto/sponsored/a?usd=0.10&charge=0.02`;
    const quoted = await wallet.quote({ url }, anyCall());
    expect(quoted).toMatchObject({ code: 'quoted', usd: '0.10', scheme: 'upto', max_usd_charge: '0.10' });
    expect(await wallet.pay({ quote_id: quoted['quote_id'] }, anyCall())).toMatchObject({
      status: 'ok',
      code: 'paid',
      // The seller's word frees nothing: all of the ceiling counts.
      spent_usd: '0.10',
      message: expect.stringMatching(/at most \$0\.10.*says that it charged \$0\.02/),
      payment: { held_usd: '0.10', captured_usd: '0.10', claimed_usd: '0.02', confirmed: false },
    });
    await settleAll(world, wallet);
    expect(await row('a')).toMatchObject({ heldAtomic: 100_000n, capturedAtomic: 20_000n, confirmed: true });
    expect(await wallet.ledger({}, anyCall())).toMatchObject({ entries: [{ usd: '0.02' }] });
    // T36: what the permit left is less than the ceiling, and no payment beside it can use it.
    expect(await allowed(wallet)).toBe(80_000n);
  });

  test('is not asked about for its ceiling, though it charged far less before', async () => {
    const url = `${shop.url}/upto/sponsored/a?usd=0.10&charge=0.02`;
    const again = await wallet.pay({ url, max_usd: '0.10', repeat: true }, anyCall());
    expect(again).toMatchObject({ status: 'ok', code: 'paid' });
  });

  test('that charges nothing is paid nothing, and the ceiling is free again with the proof', async () => {
    expect(await pay('/upto/sponsored/b?usd=0.10&charge=0')).toMatchObject({
      status: 'ok',
      spent_usd: '0.00',
      message: expect.stringContaining('says that it charged nothing'),
    });
    expect(await row('b')).toMatchObject({ state: 'unknown', note: 'charged_nothing' });
    await settleAll(world, wallet);
    expect(await row('b')).toMatchObject({ state: 'released', note: 'expired_unused' });
  });

  test('is not paid where the ceiling is above max_usd, though it would charge less', async () => {
    const signatures = signaturesIn(mine.home);
    expect(await pay('/upto/sponsored/c?usd=0.11&charge=0.01')).toMatchObject({
      status: 'refused',
      code: 'price_above_max',
      money: 'none',
    });
    expect(signaturesIn(mine.home)).toBe(signatures);
  });

  test('is refused where it brings no permit along and the owner allowed too little', async () => {
    const signatures = signaturesIn(mine.home);
    expect(await pay('/upto/d?usd=0.10&charge=0.01')).toMatchObject({
      status: 'refused',
      code: 'allowance_required',
      money: 'none',
      retry: 'after_owner',
      tell_owner: { action: { kind: 'setAllowance', network: 'eip155:84532', asset: 'USDC' } },
    });
    // A quote says so, too, with the price.
    const quoted = await wallet.quote({ url: `${shop.url}/upto/d?usd=0.10&charge=0.01` }, anyCall());
    expect(quoted).toMatchObject({
      ...{ status: 'ok', code: 'quoted', usd: '0.10', verdict: 'refuse', next: null },
      ...{
        verdict_code: 'allowance_required',
        message: expect.stringMatching(/may move 0\.08 of the 0\.1 USDC/),
      },
      tell_owner: { action: { kind: 'setAllowance', network: 'eip155:84532', asset: 'USDC' } },
    });
    expect(signaturesIn(mine.home)).toBe(signatures);
  });

  test('is told by name what it would bring and this wallet never signs', async () => {
    const signatures = signaturesIn(mine.home);
    expect(await pay('/exact/full/a?usd=0.09')).toMatchObject({
      code: 'allowance_required',
      message: expect.stringContaining('erc20ApprovalGasSponsoring'),
    });
    expect(signaturesIn(mine.home)).toBe(signatures);
  });

  test('gets no permit above what the owner set for permits', async () => {
    await mine.set('allowances.permit_usd', '0.05');
    expect(await pay('/upto/sponsored/e?usd=0.10')).toMatchObject({
      code: 'allowance_required',
      money: 'none',
    });
    await mine.set('allowances.permit_usd', '1');
  });

  test('is paid out of what the owner allowed, which is used up by it', async () => {
    expect(await allow(wallet, 200_000n)).toBe(200_000n);
    expect(await pay('/upto/f?usd=0.10&charge=0.03')).toMatchObject({ status: 'ok', code: 'paid' });
    expect(await allowed(wallet)).toBe(170_000n);
    expect(JSON.stringify(shop.payments.at(-1))).not.toContain('eip2612GasSponsoring');
    expect(await allow(wallet, 0n)).toBe(0n);
  });

  test('was paid by the chain what the ledger says', async () => {
    await settleAll(world, wallet);
    const { captured } = await expectLedgerIsChain(world, mine, wallet);
    expect(captured.map(({ capturedAtomic }) => capturedAtomic).sort()).toEqual([20_000n, 20_000n, 30_000n]);
    const engine = await wallet.engine();
    const compared = await compareWithChain(await engine.config(), engine.keys, engine.ledger, world.now());
    expect(compared).toMatchObject({ compared: 3, unknown: 0, findings: [] });
  });
});

test('a fixed price is paid through Permit2 to a seller who asks for that', async () => {
  const { mine, wallet } = await walletHere();
  const url = `${shop.url}/exact/sponsored/a?usd=0.04`;
  expect(await wallet.pay({ url, max_usd: '0.04' }, anyCall())).toMatchObject({
    status: 'ok',
    code: 'paid',
    spent_usd: '0.04',
  });
  expect(await allowed(wallet)).toBe(0n);
  await settleAll(world, wallet);
  const { captured } = await expectLedgerIsChain(world, mine, wallet);
  expect(captured).toMatchObject([{ scheme: 'exact by permit2', capturedAtomic: 40_000n, confirmed: true }]);
});

test('no allowance is above what the signer ever signs, whoever asks', async () => {
  const { wallet } = await walletHere();
  await expect(allow(wallet, 1_000_000_001n)).rejects.toMatchObject({ code: 'bad_input' });
  const engine = await wallet.engine();
  const signal = new AbortController().signal;
  const order = { usdMicros: 5_000_000n, network: undefined, asset: undefined };
  // What it costs is seen first.
  const seen: string[] = [];
  const no = async ({ feeText }: { feeText: string }): Promise<boolean> => {
    seen.push(feeText);
    return Promise.resolve(false);
  };
  await expect(setAllowance(engine, order, no, signal)).resolves.toBeNull();
  expect(seen).toEqual([expect.stringMatching(/^0\.\d+ ETH$/)]);
  expect(await allowed(wallet)).toBe(0n);
});
