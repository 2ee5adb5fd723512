import { mkdtempSync, realpathSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { readQuestion } from '../../src/wallet/approval/approvalQuestion.js';
import type { Outcome } from '../../src/wallet/answer/outcome.js';
import type { SideQuote } from '../../src/wallet/quoteMany.js';
import type { Wallet } from '../../src/wallet/wallet.js';
import { anyCall, type TestWallet } from '../support/testWallet.js';
import { expectLedgerIsChain, settleAll } from '../support/truth.js';
import { startTestWorld, type TestWorld } from '../support/world.js';

let world: TestWorld;
let mine: TestWallet;
let wallet: Wallet;
const folder = mkdtempSync(join(tmpdir(), 'purser-upload-'));
beforeAll(async () => {
  world = await startTestWorld();
  mine = await world.wallet();
  wallet = mine.open({ sendsFiles: true });
});
afterAll(async () => {
  rmSync(folder, { recursive: true });
  await settleAll(world, wallet);
  await expectLedgerIsChain(world, mine, wallet);
  await world.stop();
});

const put = (name: string, bytes: Uint8Array): string => {
  writeFileSync(join(folder, name), bytes);
  return join(folder, name);
};
const ordersOf = (url: string) =>
  world.sandbox.shop.requests.entries.filter(({ url: one }) => one.href === url);

describe('a file that is bought with', () => {
  test('reaches the seller with the payment as without it, by its bytes when it was quoted', async () => {
    const url = world.url('/v2/json');
    const bytes = Buffer.alloc(3 * 1024 * 1024, 'pixels');
    const file = put('photo.png', bytes);
    const quoted = await wallet.quote({ url, method: 'POST', body_file: file }, anyCall());
    expect(quoted).toMatchObject({ code: 'quoted', usd: '0.01' });
    // Whatever becomes of the file, the quote is of what was read; in another process, too.
    put('photo.png', Buffer.alloc(3 * 1024 * 1024, 'others'));
    const later = mine.open({ sendsFiles: true });
    expect(await later.pay({ quote_id: quoted['quote_id'], body_file: file }, anyCall())).toMatchObject({
      code: 'quote_mismatch',
      money: 'none',
    });
    expect(await later.pay({ quote_id: quoted['quote_id'] }, anyCall())).toMatchObject({ code: 'paid' });
    const orders = ordersOf(url);
    expect(orders.map(({ payment }) => payment !== undefined)).toEqual([false, true]);
    for (const { body, headers } of orders) {
      expect(body.equals(bytes)).toBe(true);
      expect(headers).toMatchObject({ 'content-type': 'image/png', 'content-length': `${bytes.length}` });
      expect(headers).not.toHaveProperty('transfer-encoding');
    }
    await later.close();
  });

  test('is named to the owner with its size where they are asked, also by a quote and by a form', async () => {
    const url = world.url('/v2/price/0.75');
    const file = put('plan.txt', Buffer.from('the plan'));
    const quoted = await wallet.quote({ url, method: 'POST', body_file: file }, anyCall());
    const calls = [
      { quote_id: quoted['quote_id'] },
      { url, method: 'POST', form: { page: { file }, other: 'x' }, max_usd: '1' },
    ];
    const { ledger } = await wallet.engine();
    for (const call of calls) {
      const asked = await wallet.pay(call, anyCall());
      expect(asked).toMatchObject({ status: 'approval_required' });
      const record = await ledger.approvals.find(String(asked['approval_id']));
      const { files } = readQuestion(record!).question;
      expect(files).toEqual([{ path: realpathSync(file), bytes: 8 }]);
    }
    const plain = await wallet.pay({ url, method: 'POST', body: { a: 1 }, max_usd: '1' }, anyCall());
    const record = await ledger.approvals.find(String(plain['approval_id']));
    expect(readQuestion(record!).question).not.toHaveProperty('files');
  });

  test('is the same request as long as its bytes are, and bought anew with others', async () => {
    const url = world.url('/v2/json');
    const file = put('form.wav', Buffer.alloc(2 * 1024 * 1024, 'sound'));
    const buy = () =>
      wallet.pay({ url, method: 'POST', form: { audio: { file }, model: 'w' }, max_usd: '0.05' }, anyCall());
    expect(await buy()).toMatchObject({ code: 'paid', spent_usd: '0.01' });
    expect(await buy()).toMatchObject({ replayed: true, spent_usd: '0.00' });
    put('form.wav', Buffer.alloc(2 * 1024 * 1024, 'other'));
    expect(await buy()).toMatchObject({ code: 'paid', spent_usd: '0.01' });
    expect(world.sandbox.shop.payments(new URL(url).pathname).length).toBeGreaterThanOrEqual(2);
  });

  test('is refused before anything is sent where the wallet serves others, or it is not the agent’s to send', async () => {
    const url = world.url('/v2/json');
    const served = mine.open();
    for (const one of [served, wallet]) {
      const body_file = one === served ? put('mine.txt', Buffer.from('x')) : join(mine.home, 'keystore.json');
      expect(await one.quote({ url, method: 'POST', body_file }, anyCall())).toMatchObject({
        status: 'refused',
        code: 'file_not_allowed',
        retry: 'with_changes',
      });
    }
    expect(ordersOf(url)).toEqual([]);
    await served.close();
  });
});

describe('several quotes in one call', () => {
  const quotes = (result: Outcome): readonly SideQuote[] => result['quotes'] as readonly SideQuote[];

  test('come cheapest first, with the call that buys the cheapest, and one that fails harms none', async () => {
    const dear = world.url('/v2/json', { usd: '0.03' });
    const cheap = world.url('/v2/text', { usd: '0.002' });
    const above = world.url('/v2/json', { usd: '90' });
    const requests = [
      { url: dear },
      { url: 'http://127.0.0.1:1/nobody' },
      { url: cheap, headers: null },
      { url: world.url('/free/json') },
      { url: dear, colour: 'red' },
      { url: above },
    ];
    const result = await wallet.quote({ requests }, anyCall());
    expect(result).toMatchObject({ status: 'ok', code: 'quoted', money: 'none' });
    expect(quotes(result).map(({ index, code, usd }) => [index, code, usd])).toEqual([
      [3, 'not_priced', undefined],
      [2, 'quoted', '0.002'],
      [0, 'quoted', '0.03'],
      [5, 'quoted', '90.00'],
      [1, 'address_refused', undefined],
      [4, 'bad_input', undefined],
    ]);
    expect(result.message).toMatch(
      /^3 of 6 requests have a price; the cheapest that can be paid is index 2, at \$0\.002\./,
    );
    expect(result.next).toEqual({
      tool: 'wallet_pay',
      arguments: { quote_id: quotes(result)[1]?.['quote_id'] },
    });
    // A seller's words stand apart from ours.
    expect(quotes(result)[0]?.seller).toMatchObject({ response: { untrusted: true } });
    expect(await wallet.pay(result.next?.arguments, anyCall())).toMatchObject({
      code: 'paid',
      spent_usd: '0.002',
    });
  });

  test('are at most eight, and stand for themselves', async () => {
    const url = world.url('/v2/json');
    const refused = [
      { requests: Array.from({ length: 9 }, () => ({ url })) },
      { requests: [] },
      { requests: 'all' },
      { requests: [{ url }], url },
      { requests: [{ requests: [{ url }] }] },
      {},
    ];
    for (const input of refused)
      expect(await wallet.quote(input, anyCall()), JSON.stringify(input)).toMatchObject({
        status: 'failed',
        code: 'bad_input',
      });
    expect(ordersOf(url)).toEqual([]);
  });
});
