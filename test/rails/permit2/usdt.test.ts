import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import type { PaymentPayload, PaymentRequirements } from '@x402/core/types';
import { listenLocal, type LocalServer } from '../../../sandbox/localServer.ts';
import { POLYGON, startPolygon, USDT, type PolygonChain } from '../../../sandbox/permit2/polygon.ts';
import { decodeHeader, encodeHeader } from '../../../sandbox/shop/order.ts';
import { compareWithChain } from '../../../src/owner/ledger/chainAudit.js';
import { setAllowance } from '../../../src/treasury/allowance.js';
import type { Withdrawn } from '../../../src/treasury/carry.js';
import { withdraw } from '../../../src/treasury/withdraw.js';
import { reconcileAll } from '../../../src/wallet/settle/reconcile.js';
import type { Wallet } from '../../../src/wallet/wallet.js';
import { attemptsIn, signaturesIn } from '../../support/books.js';
import { anyCall, type TestWallet } from '../../support/testWallet.js';
import { startTestWorld, type TestWorld } from '../../support/world.js';

const PRICE_ATOMIC = 40_000n;
const FUNDED_ATOMIC = 3_000_000n;
/** Past the window of a withdrawal, with room for the settled block. */
const PAST_WINDOW_SEC = 320;

// A token that no signature of its holder moves: paid, and taken out, through Permit2 and its owner's allowance.
let world: TestWorld;
let polygon: PolygonChain;
let shop: LocalServer;
let mine: TestWallet;
let wallet: Wallet;
let payTo: `0x${string}`;
let owner: `0x${string}`;
/** What the next 402 says in its `extra`. */
let extra: Record<string, unknown> = { assetTransferMethod: 'permit2' };

beforeAll(async () => {
  [world, polygon] = await Promise.all([startTestWorld(), startPolygon()]);
  [payTo, owner] = (await Promise.all([
    world.ground.newOwner(),
    world.ground.newOwner(),
  ])) as `0x${string}`[] as [`0x${string}`, `0x${string}`];
  shop = await listenLocal(async (request, response) => {
    const accepted: PaymentRequirements = {
      ...{ scheme: 'exact', network: POLYGON, asset: USDT, amount: String(PRICE_ATOMIC), payTo },
      ...{ maxTimeoutSeconds: 60, extra },
    };
    const header = request.headers['payment-signature'];
    if (typeof header !== 'string') {
      const challenge = { x402Version: 2, accepts: [accepted], resource: { url: request.url } };
      return void response.writeHead(402, { 'payment-required': encodeHeader(challenge) }).end('{}');
    }
    const settled = await polygon.facilitator.settle(decodeHeader(header) as PaymentPayload, accepted);
    response.writeHead(settled.success ? 200 : 402, {
      'content-type': 'application/json',
      'payment-response': encodeHeader(settled),
    });
    response.end('{"sold":true}');
  }, world.now);
  mine = await world.wallet({ usdMicros: 0n, mainnet: { caip2: POLYGON, rpcUrl: polygon.url } });
  await mine.set('net.allow_private', JSON.stringify([shop.hostPort]));
  await mine.set('withdrawals.facilitator_url', 'none');
  wallet = mine.open();
  await polygon.fund(mine.address, FUNDED_ATOMIC);
});
afterAll(async () => {
  await shop.close();
  await polygon.stop();
  await world.stop();
});

async function allow(usdMicros: bigint): Promise<void> {
  const order = { usdMicros, network: POLYGON, asset: 'USDT0' };
  await setAllowance(await wallet.engine(), order, async () => Promise.resolve(true), anyCall().signal);
}

async function settle(): Promise<void> {
  await Promise.all([polygon.increaseTime(PAST_WINDOW_SEC), world.advance(PAST_WINDOW_SEC)]);
  await reconcileAll(await wallet.engine(), anyCall().signal);
}

describe('a seller who is paid in USDT', () => {
  const pay = (path: string) => wallet.pay({ url: `${shop.url}${path}`, max_usd: '0.04' }, anyCall());

  test('who does not say that it is through Permit2 is refused, and nothing is signed', async () => {
    extra = { name: 'USDT0', version: '1' };
    expect(await pay('/plain')).toMatchObject({
      ...{ status: 'refused', code: 'unsupported_scheme', money: 'none' },
      message: expect.stringMatching(/moves by no signature of its holder/),
    });
    extra = { assetTransferMethod: 'permit2' };
    expect(signaturesIn(mine.home)).toBe(0);
  });

  test('is not paid before the owner allowed it, and then exactly its price, out of that', async () => {
    expect(await pay('/a')).toMatchObject({
      ...{ code: 'allowance_required', money: 'none' },
      tell_owner: { action: { kind: 'setAllowance', network: POLYGON, asset: 'USDT0' } },
    });
    expect(signaturesIn(mine.home)).toBe(0);
    await allow(50_000n);
    expect(await pay('/a')).toMatchObject({ status: 'ok', code: 'paid', spent_usd: '0.04' });
    expect(await polygon.balanceOf(payTo)).toBe(PRICE_ATOMIC);
    // T36: what is left of the allowance pays no second one, and a token like this takes no other beside it.
    expect(await polygon.allowance(mine.address)).toBe(10_000n);
    expect(await pay('/b')).toMatchObject({ code: 'allowance_required' });
    await expect(allow(100_000n)).rejects.toMatchObject({
      message: expect.stringContaining('revoke it first'),
    });
    await allow(0n);
    await settle();
    expect(await attemptsIn(await wallet.engine())).toMatchObject([
      { state: 'captured', confirmed: true, capturedAtomic: PRICE_ATOMIC, scheme: 'exact by permit2' },
    ]);
  });
});

describe('what is left', () => {
  const take = async (
    decide = async () => Promise.resolve(true),
    signal = anyCall().signal,
  ): Promise<Withdrawn> => {
    const order = { to: owner, usdMicros: 2_000_000n, takesHeld: false, network: POLYGON, asset: 'USDT0' };
    const done = await withdraw(await wallet.engine(), order, decide, signal);
    if (done === null) throw new Error('declined');
    return done;
  };

  test('is not taken out before the owner allowed Permit2 as much', async () => {
    const signatures = signaturesIn(mine.home);
    await expect(take()).rejects.toMatchObject({
      ...{ code: 'allowance_required', money: 'none' },
      owner: { action: { kind: 'setAllowance', network: POLYGON, asset: 'USDT0' } },
    });
    expect(signaturesIn(mine.home)).toBe(signatures);
    await allow(2_000_000n);
  });

  test('is free again by the proof where its transaction was not taken by any node', async () => {
    const interrupted = new AbortController();
    const engine = await wallet.engine();
    const taken = take(async () => {
      // Between the look and the sending all gas goes.
      await polygon.setGas(mine.address, 0n);
      return true;
    }, interrupted.signal);
    const last = async () => (await attemptsIn(engine)).at(-1);
    await expect.poll(async () => (await last())?.note, { interval: 5 }).toBe('silent');
    interrupted.abort();
    expect(await taken).toMatchObject({ withdrawal: { state: 'unknown' } });
    await settle();
    expect(await last()).toMatchObject({ kind: 'withdrawal', state: 'released', note: 'expired_unused' });
    expect(await polygon.balanceOf(owner)).toBe(0n);
    await polygon.setGas(mine.address, 10n ** 18n);
  });

  test('leaves by a transaction of its own, whose gas was shown, and the chain shows it', async () => {
    const seen: unknown[] = [];
    const engine = await wallet.engine();
    const order = { to: owner, usdMicros: 2_000_000n, takesHeld: false, network: POLYGON, asset: 'USDT0' };
    const done = await withdraw(
      engine,
      order,
      async ({ methods }) => Promise.resolve(seen.push(methods) > 0),
      anyCall().signal,
    );
    expect(seen).toEqual([[{ kind: 'own_gas', feeText: expect.stringMatching(/^0\.\d+ POL$/) }]]);
    expect(done).toMatchObject({ via: 'own_gas', withdrawal: { state: 'captured', scheme: 'permit2' } });
    await settle();
    const rows = await attemptsIn(engine);
    expect(rows.filter(({ kind, state }) => kind === 'withdrawal' && state === 'captured')).toMatchObject([
      { confirmed: true, capturedAtomic: 2_000_000n, tx: expect.stringMatching(/^0x[0-9a-f]{64}$/) },
    ]);
    expect(await polygon.balanceOf(owner)).toBe(2_000_000n);
    expect(await polygon.balanceOf(mine.address)).toBe(FUNDED_ATOMIC - PRICE_ATOMIC - 2_000_000n);
    expect(await polygon.allowance(mine.address)).toBe(0n);
    expect((await engine.ledger.audit()).findings).toEqual([]);
    const compared = await compareWithChain(await engine.config(), engine.keys, engine.ledger, world.now());
    expect(compared).toMatchObject({ unknown: 0, findings: [] });
  });
});
