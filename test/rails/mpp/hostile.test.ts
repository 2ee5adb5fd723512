import { createServer, type Server } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import { PATH_USD } from '../../../sandbox/tempo/chain.ts';
import type { Wallet } from '../../../src/wallet/wallet.js';
import { signaturesIn } from '../../support/books.js';
import { anyCall, type TestWallet } from '../../support/testWallet.js';
import { startTestWorld, type TestWorld } from '../../support/world.js';

// Sellers of MPP that lie, in challenges of their own making: no published server writes these.
const BASE_USDC = '0x036CbD53842c5426634e7929541eC2318f3dCF7e';
const PAYEE = '0x5e11e75E11e75e11E75E11E75E11e75E11E75E11';

let world: TestWorld;
let server: Server;
let origin = '';
let mine: TestWallet;
let wallet: Wallet;
let challenges: readonly string[] = [];
let credentials: string[] = [];

beforeAll(async () => {
  world = await startTestWorld('tempo');
  server = createServer((request, response) => {
    const { authorization } = request.headers;
    if (authorization !== undefined) credentials.push(authorization);
    response.writeHead(402, { 'www-authenticate': [...challenges], 'content-type': 'application/json' });
    response.end('{}');
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  const hostPort = `127.0.0.1:${(server.address() as AddressInfo).port}`;
  origin = `http://${hostPort}`;
  mine = await world.wallet();
  await mine.set('networks.enabled', '["eip155:84532","eip155:42431"]');
  await mine.set('net.allow_private', JSON.stringify([hostPort]));
  await world.sandbox.chain.fund(mine.address, 1_000_000n);
  wallet = mine.open();
});

afterEach(() => {
  credentials = [];
});

afterAll(async () => {
  server.close();
  server.closeAllConnections();
  await world.stop();
});

interface Terms {
  readonly method?: string;
  readonly id?: string;
  readonly expires?: Date;
  readonly request?: Readonly<Record<string, unknown>>;
  readonly details?: Readonly<Record<string, unknown>>;
}

function challenge({ method = 'tempo', id = 'a', expires, request = {}, details = {} }: Terms = {}): string {
  const stated = {
    ...{ amount: '10000', currency: PATH_USD, recipient: PAYEE, ...request },
    methodDetails: { chainId: 42431, feePayer: true, ...details },
  };
  const encoded = Buffer.from(JSON.stringify(stated)).toString('base64url');
  const until = expires === undefined ? '' : `, expires="${expires.toISOString()}"`;
  return `Payment id="${id}", realm="hostile.test", method="${method}", intent="charge", request="${encoded}"${until}`;
}

let calls = 0;
const pay = () => wallet.pay({ url: `${origin}/${++calls}`, max_usd: '0.05' }, anyCall());

const onEvm = (amount: string): string =>
  challenge({
    ...{ method: 'evm', id: 'b' },
    request: { amount, currency: BASE_USDC },
    details: { chainId: 84532, credentialTypes: ['authorization'], decimals: 6 },
  });

describe('a seller that lies gets no signature', () => {
  test.each<[string, readonly string[]]>([
    ['T39: dollars where atomic units are due', [challenge({ request: { amount: '0.01' } })]],
    ['T39: two methods whose units cannot both be meant', [challenge(), onEvm('1')]],
    ['a memo of its own', [challenge({ details: { memo: `0x${'ab'.repeat(32)}` } })]],
    ['a part for somebody else', [challenge({ details: { splits: [{ amount: '1', recipient: PAYEE }] } })]],
    ['T5: a chain that the owner did not enable', [challenge({ details: { chainId: 4217 } })]],
    ['T5: a chain of the EVM by the method tempo', [challenge({ details: { chainId: 84532 } })]],
    ['T5: no chain', [challenge({ details: { chainId: null } })]],
    [
      'T3: a token that looks like pathUSD',
      [challenge({ request: { currency: `${PATH_USD.slice(0, -1)}9` } })],
    ],
    ['T3: other decimals', [challenge({ details: { decimals: 18 } })]],
    ['T4: less than nothing', [challenge({ request: { amount: '-10000' } })]],
    ['a challenge that has run out', [challenge({ expires: new Date(Date.now() - 60_000) })]],
    ['itself as the payee', [challenge({ request: { recipient: PATH_USD } })]],
    ['a transaction that the buyer sends', [challenge({ details: { supportedModes: ['push'] } })]],
  ])('%s', async (_name, given) => {
    challenges = given;
    const before = signaturesIn(mine.home);
    expect(await pay()).toMatchObject({ money: 'none', payment: null });
    expect(credentials).toEqual([]);
    expect(signaturesIn(mine.home)).toBe(before);
  });
});

test('a trap beside an honest challenge neither spoils nor shields it (T1)', async () => {
  challenges = [challenge({ details: { memo: `0x${'ab'.repeat(32)}` } }), challenge({ id: 'honest' })];
  expect(await pay()).toMatchObject({ payment: { network: 'eip155:42431', pay_to: PAYEE } });
  expect(credentials).toHaveLength(1);
});

test('T12, T23: a seller that takes a payment and gives the same challenge again gets one signature for it', async () => {
  challenges = [challenge({ id: 'again' })];
  const first = await pay();
  expect(first).toMatchObject({ status: 'unknown', money: 'unknown' });
  expect(await pay()).toMatchObject({ code: 'quote_expired', money: 'none' });
  expect(credentials).toHaveLength(1);
});

test('what is signed dies with its challenge, and within half a minute', async () => {
  const expires = new Date(Date.now() + 12_000);
  challenges = [challenge({ id: 'short', expires })];
  const paid = await pay();
  const { id } = paid.payment!;
  const row = await (await wallet.engine()).ledger.findPayment(id);
  expect(row!.validBeforeSec).toBe(Math.floor(expires.getTime() / 1000));
  challenges = [challenge({ id: 'long', expires: new Date(Date.now() + 3_600_000) })];
  const long = await (await wallet.engine()).ledger.findPayment((await pay()).payment!.id);
  expect(long!.validBeforeSec).toBeLessThanOrEqual(Math.floor(Date.now() / 1000) + 25);
});

describe('of several ways to pay one price', () => {
  test('the cheaper with fees is taken: a fee of our own counts, the seller’s does not', async () => {
    challenges = [challenge({ id: 'own', details: { feePayer: false } }), onEvm('12000')];
    const quoted = await wallet.quote({ url: `${origin}/${++calls}` }, anyCall());
    expect(quoted).toMatchObject({ method: 'evm', usd: '0.012' });
    challenges = [challenge({ id: 'sponsored' }), onEvm('12000')];
    const other = await wallet.quote({ url: `${origin}/${++calls}` }, anyCall());
    expect(other).toMatchObject({ method: 'tempo', usd: '0.01' });
  });

  test('at the same price the owner’s order of networks decides, where proofs take as long', async () => {
    challenges = [challenge({ id: 'same' }), onEvm('10000')];
    const quoted = await wallet.quote({ url: `${origin}/${++calls}` }, anyCall());
    expect(quoted).toMatchObject({ method: 'evm', network: 'eip155:84532' });
    await mine.set('networks.enabled', '["eip155:42431","eip155:84532"]');
    const other = await wallet.quote({ url: `${origin}/${++calls}` }, anyCall());
    expect(other).toMatchObject({ method: 'tempo', network: 'eip155:42431' });
  });
});
