import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { afterAll, beforeAll, expect, test } from 'vitest';
import { keysOfNobody } from '../../src/keys/signer/rehearsal.js';
import { ASSETS, type EvmAsset } from '../../src/money/asset.js';
import type { TransferIntent } from '../../src/payment/intent.js';
import { rehearsedCall } from '../../src/server/rehearsedCall.js';
import type { OwnerReach } from '../../src/wallet/approval/ownerReach.js';
import type { Engine } from '../../src/wallet/engine.js';
import type { RehearsedCall, Wallet } from '../../src/wallet/wallet.js';
import { anyCall, type TestWallet } from '../support/testWallet.js';
import { callOf, startTestWorld, type TestWorld } from '../support/world.js';

let world: TestWorld;
let mine: TestWallet;

beforeAll(async () => {
  world = await startTestWorld('base');
  mine = await world.wallet();
});

afterAll(async () => {
  await mine.remove();
  await world.stop();
});

const plainly: RehearsedCall = (stage, input) => stage.pay(input, anyCall());
const byMcp = rehearsedCall({ version: '0.0.0', env: {}, platform: process.platform });

/** What a rehearsal came to; null where no call was made. */
async function rehearsed(wallet: Wallet, call: RehearsedCall = plainly): Promise<string | null> {
  let code: string | null = null;
  await wallet.warm(async (stage, input) => {
    const told = await call(stage, input);
    ({ code } = told);
    return told;
  });
  return code;
}

/** All that a rehearsal must leave as it was. */
async function standing(engine: Engine): Promise<unknown> {
  return {
    checkpoint: await engine.ledger.checkpoint(),
    open: await engine.ledger.openAttempts(10),
    remembered: (await engine.keys.readAnchor())?.ledgerId,
    asked: world.sandbox.shop.requests.entries.length,
  };
}

test.each([
  ['plainly', plainly],
  ['by a client of MCP', byMcp],
])('a rehearsal pays to the end, %s, and nothing is written, paid or sent to a seller', async (how, call) => {
  const wallet = mine.open();
  const engine = await wallet.engine();
  const before = await standing(engine);
  expect(await rehearsed(wallet, call)).toBe('paid');
  expect(await standing(engine)).toEqual(before);
  const url = world.url(`/v2/json?how=${how.length}`);
  expect(await wallet.pay(callOf(url), anyCall())).toMatchObject({ code: 'paid' });
});

test('a rehearsal ends with the call that it is at once a real one came, and does not begin behind one', async () => {
  const wallet = mine.open();
  let rehearsals = 0;
  await wallet.warm(async (stage, input) => {
    rehearsals += 1;
    expect(await wallet.balance({})).toMatchObject({ status: 'ok' });
    return plainly(stage, input);
  });
  expect(rehearsals).toBe(1);
  expect(await rehearsed(wallet)).toBeNull();
});

test('a rehearsal comes to its end where the owner lets agents call a few hosts alone', async () => {
  await mine.set('hosts.allow', JSON.stringify([world.sandbox.shop.hostPort]));
  expect(await rehearsed(mine.open())).toBe('paid');
  await mine.set('hosts.allow', '[]');
});

test('a rehearsal that comes to a question ends there, and the owner hears of none', async () => {
  let heard = 0;
  const hook = createServer((_request, response) => {
    heard += 1;
    response.end();
  });
  await new Promise<void>((resolve) => void hook.listen(0, '127.0.0.1', resolve));
  const hookHost = `127.0.0.1:${(hook.address() as AddressInfo).port}`;
  await mine.set('net.allow_private', JSON.stringify([world.sandbox.shop.hostPort, hookHost]));
  await mine.set('approvals.webhook_url', `http://${hookHost}/asked`);
  await mine.set('limits.per_call_usd', '0');
  const told = async (): Promise<null> => {
    heard += 1;
    return null;
  };
  const reach: OwnerReach = {
    page: told,
    show: told,
    announce: async () => void (await told()),
    close: async () => undefined,
  };
  const wallet = mine.open({ reach: () => reach });
  const engine = await wallet.engine();
  const before = await standing(engine);
  expect(await rehearsed(wallet)).toMatch(/^approval_/);
  expect(heard).toBe(0);
  expect(await standing(engine)).toEqual(before);
  await wallet.close();
  await new Promise((resolve) => hook.close(resolve));
});

test('a rehearsal signs by a key of nobody, a transfer alone, and neither writes to the keystore nor reveals it', async () => {
  const { keys } = await mine.open().engine();
  const nobodys = keysOfNobody(keys);
  const from = await keys.evmAddress(0);
  const nowMs = Date.now();
  const intent = {
    kind: 'eip3009',
    asset: ASSETS.find(({ network }) => network === 'eip155:84532') as EvmAsset,
    ...{ chainId: 84_532, from, to: `0x${'42'.repeat(20)}`, amountAtomic: 1n },
    ...{ validAfterSec: 0, validBeforeSec: Math.floor(nowMs / 1000) + 60, nonce: `0x${'ab'.repeat(32)}` },
  } as unknown as TransferIntent;
  expect(await nobodys.evmAddress(0)).toBe(from);
  expect(await nobodys.signTransfer(intent, 0, nowMs)).not.toBe(await keys.signTransfer(intent, 0, nowMs));
  const kept = Object.keys(keys).filter(
    (name) => /^(sign|write|change|reveal)/.test(name) && name !== 'signTransfer',
  );
  expect(kept).toEqual(
    expect.arrayContaining(['signRelay', 'signIn', 'writeAnchor', 'changeFactors', 'revealSecret']),
  );
  for (const name of kept)
    expect(() => (nobodys as unknown as Record<string, () => unknown>)[name]?.(), name).toThrow(
      'A rehearsal',
    );
});
