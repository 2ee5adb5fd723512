import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createBuyer, type Buyer } from './buyer.ts';
import type { FAULTS } from './faults.ts';
import { type FaultName } from './faults.ts';
import { decodeHeader } from './shop/order.ts';
import { startSandbox, type Sandbox } from './world.ts';

/** A hang is told by a clock; where one is expected, what has happened behind it is waited for by its own sign. */
const HANG_MS = 150;
/** What does not hang is answered well before this, on any machine. */
const ANSWER_MS_MAX = 10_000;

/** How a paid request ends on the wire: a status, no answer, a broken connection, or a body that breaks off. */
type End = number | 'hang' | 'dropped' | 'cut';
type ReceiptSeen = 'success' | 'failure' | 'unreadable' | 'none';

interface Expected {
  end: End;
  receipt: ReceiptSeen;
  /** Whether the money has moved when the request has ended: never, by then, or once released. */
  settled: 'no' | 'yes' | 'later';
  /** How often the handler ran. */
  runs: 0 | 1;
}

type PaidName = {
  [Name in FaultName]: (typeof FAULTS)[Name]['leg'] extends 'paid' ? Name : never;
}[FaultName];

const PAID: Record<PaidName, Expected> = {
  reject: { end: 402, receipt: 'failure', settled: 'no', runs: 0 },
  insufficient_funds: { end: 402, receipt: 'failure', settled: 'no', runs: 0 },
  verify_refused: { end: 402, receipt: 'none', settled: 'no', runs: 0 },
  receipt_failed: { end: 200, receipt: 'failure', settled: 'no', runs: 1 },
  hang: { end: 'hang', receipt: 'none', settled: 'no', runs: 0 },
  drop: { end: 'dropped', receipt: 'none', settled: 'no', runs: 0 },
  error_before_settle: { end: 500, receipt: 'none', settled: 'no', runs: 0 },
  unsettled: { end: 200, receipt: 'none', settled: 'no', runs: 1 },
  false_receipt: { end: 200, receipt: 'success', settled: 'no', runs: 1 },
  borrowed_receipt: { end: 200, receipt: 'success', settled: 'no', runs: 1 },
  redirect_paid: { end: 307, receipt: 'none', settled: 'no', runs: 0 },
  hang_after_settle: { end: 'hang', receipt: 'none', settled: 'yes', runs: 1 },
  drop_after_settle: { end: 'dropped', receipt: 'none', settled: 'yes', runs: 1 },
  error_after_settle: { end: 500, receipt: 'none', settled: 'yes', runs: 1 },
  error_with_receipt: { end: 500, receipt: 'success', settled: 'yes', runs: 1 },
  second_402: { end: 402, receipt: 'none', settled: 'yes', runs: 1 },
  denied_receipt: { end: 402, receipt: 'failure', settled: 'yes', runs: 1 },
  settle_unheard: { end: 402, receipt: 'failure', settled: 'yes', runs: 1 },
  settle_unheard_delivered: { end: 200, receipt: 'failure', settled: 'yes', runs: 1 },
  verify_refused_falsely: { end: 402, receipt: 'failure', settled: 'yes', runs: 1 },
  no_receipt: { end: 200, receipt: 'none', settled: 'yes', runs: 1 },
  garbled_receipt: { end: 200, receipt: 'unreadable', settled: 'yes', runs: 1 },
  cut_body: { end: 'cut', receipt: 'success', settled: 'yes', runs: 1 },
  redirect_after_settle: { end: 307, receipt: 'none', settled: 'yes', runs: 1 },
  settlement_pending: { end: 402, receipt: 'failure', settled: 'later', runs: 1 },
  fails_then_settles: { end: 402, receipt: 'failure', settled: 'later', runs: 1 },
  fails_then_settles_delivered: { end: 200, receipt: 'failure', settled: 'later', runs: 1 },
  settles_later: { end: 200, receipt: 'none', settled: 'later', runs: 1 },
  hang_settles_later: { end: 'hang', receipt: 'none', settled: 'later', runs: 1 },
};

let sandbox: Sandbox;
let buyer: Buyer;

beforeAll(async () => {
  sandbox = await startSandbox();
  buyer = await createBuyer(sandbox, '100');
});
afterAll(() => sandbox.stop());

function readReceipt(response: Response): { seen: ReceiptSeen; transaction?: string; errorReason?: string } {
  const header = response.headers.get('payment-response') ?? response.headers.get('x-payment-response');
  if (header === null) return { seen: 'none' };
  const receipt = decodeHeader(header) as {
    success: boolean;
    transaction: string;
    errorReason?: string;
  } | null;
  return receipt === null
    ? { seen: 'unreadable' }
    : { ...receipt, seen: receipt.success ? 'success' : 'failure' };
}

interface Sent {
  end: End;
  receipt: ReturnType<typeof readReceipt>;
  response: Response | undefined;
}

async function send(url: string, headers: Record<string, string>, patienceMs = ANSWER_MS_MAX): Promise<Sent> {
  try {
    const response = await fetch(url, {
      headers,
      redirect: 'manual',
      signal: AbortSignal.timeout(patienceMs),
    });
    const receipt = readReceipt(response);
    const end: End = await response.text().then(
      () => response.status,
      () => 'cut' as const,
    );
    return { end, receipt, response };
  } catch (error) {
    const end: End = (error as Error).name === 'TimeoutError' ? 'hang' : 'dropped';
    return { end, receipt: { seen: 'none' }, response: undefined };
  }
}

/** Resolves once the seller has done with a payment what it is going to do, answered or not. */
async function happened(settled: Expected['settled'], nonce: string): Promise<void> {
  if (settled === 'later') await sandbox.shop.pending.waitFor((settlement) => settlement.nonce === nonce);
  if (settled === 'yes') {
    await sandbox.facilitator.log.waitFor(
      ({ kind, payload }) =>
        kind === 'settle' && (payload.payload['authorization'] as { nonce: string }).nonce === nonce,
    );
  }
}

describe.each([1, 2] as const)('v%i, once paid', (version) => {
  test.each(Object.entries(PAID) as [PaidName, Expected][])('%s', async (name, expected) => {
    const id = `${name}-v${version}`;
    const url = `${sandbox.shop.url}/v${version}/json?fault=${name}&id=${id}`;
    const headers = await buyer.sign(url);
    const before = await buyer.balance();
    const sent = send(url, headers, expected.end === 'hang' ? HANG_MS : ANSWER_MS_MAX);
    const { payment } = await sandbox.shop.requests.waitFor(
      (order) => order.url.href === url && order.payment !== undefined,
    );
    await happened(expected.settled, payment!.nonce!);
    const { end, receipt, response } = await sent;
    expect({ end, receipt: receipt.seen, runs: sandbox.shop.runs(id) }).toEqual({
      end: expected.end,
      receipt: expected.receipt,
      runs: expected.runs,
    });

    const isUsed = () => sandbox.chain.usedNonce(buyer.account.address, payment!.nonce as `0x${string}`);
    expect(await isUsed()).toBe(expected.settled === 'yes');
    expect(before - (await buyer.balance())).toBe(expected.settled === 'yes' ? 10_000n : 0n);

    const released = await sandbox.shop.releasePending();
    expect(released).toHaveLength(expected.settled === 'later' ? 1 : 0);
    expect(await isUsed()).toBe(expected.settled !== 'no');

    if (name === 'settlement_pending') {
      expect(receipt).toMatchObject({ errorReason: 'settlement_pending', transaction: released[0] });
    }
    if (end === 307)
      expect(response!.headers.get('location')).toBe(`${sandbox.shop.other.url}/v${version}/json`);
  });

  test('a false receipt names a transaction that is not there, a borrowed one somebody else’s', async () => {
    const receiptOf = async (name: FaultName) => {
      const url = `${sandbox.shop.url}/v${version}/json?fault=${name}`;
      return (await send(url, await buyer.sign(url))).receipt.transaction as `0x${string}`;
    };
    const other = await createBuyer(sandbox, '1');
    await other.pay(`${sandbox.shop.url}/v${version}/json?fault=no_receipt`);
    const theirs = (await sandbox.chain.payments(other.account.address))[0]!.transaction;
    expect(await receiptOf('borrowed_receipt')).toBe(theirs);
    await expect(
      sandbox.chain.client.getTransaction({ hash: await receiptOf('false_receipt') }),
    ).rejects.toThrow();
  });
});

describe('before any payment', () => {
  const get = (fault: FaultName, patienceMs?: number) =>
    send(`${sandbox.shop.url}/v2/json?fault=${fault}`, {}, patienceMs);

  test('hang, drop, error, redirect, garbled', async () => {
    expect((await get('hang_unpaid', HANG_MS)).end).toBe('hang');
    expect((await get('drop_unpaid')).end).toBe('dropped');
    expect((await get('error_unpaid')).end).toBe(500);
    expect((await get('redirect_unpaid')).end).toBe(307);
    const garbled = await get('garbled_unpaid');
    expect(garbled.end).toBe(402);
    expect(decodeHeader(garbled.response!.headers.get('payment-required')!)).toBeNull();
  });
});

describe('terms that change', () => {
  const offerOf = async (url: string) => {
    const { accepts } = decodeHeader((await fetch(url)).headers.get('payment-required')!) as {
      accepts: { amount: string; payTo: string }[];
    };
    return accepts[0]!;
  };

  test('price_moves: dearer at each 402, and what was signed is too little', async () => {
    const url = `${sandbox.shop.url}/v2/price/0.01?fault=price_moves`;
    expect((await offerOf(url)).amount).toBe('10000');
    const headers = await buyer.sign(url);
    expect((await send(url, headers)).end).toBe(402);
    expect((await offerOf(url)).amount).toBe('40000');
  });

  test('payto_moves: never to be paid; payto_fresh: each payee is good', async () => {
    const moving = `${sandbox.shop.url}/v2/json?fault=payto_moves`;
    expect((await offerOf(moving)).payTo).not.toBe((await offerOf(moving)).payTo);
    expect((await send(moving, await buyer.sign(moving))).end).toBe(402);

    const fresh = `${sandbox.shop.url}/v2/json?fault=payto_fresh`;
    const headers = await buyer.sign(fresh);
    await offerOf(fresh);
    expect((await send(fresh, headers)).end).toBe(200);
    const paid = (await sandbox.chain.payments(buyer.account.address)).at(-1)!;
    expect(paid.to).not.toBe(sandbox.shop.payTo);
  });
});

describe('a switch', () => {
  test('set on a path bites the next N requests of its leg, quotes taken before included', async () => {
    const url = `${sandbox.shop.url}/v2/echo?id=switched`;
    const headers = await buyer.sign(url);
    sandbox.shop.setFault('/v2/echo', 'error_before_settle', { times: 1 });
    expect((await fetch(url)).status).toBe(402);
    expect((await send(url, headers)).end).toBe(500);
    expect((await send(url, headers)).end).toBe(200);
  });

  test('in the query bites the first ?times= requests of that URL', async () => {
    const url = `${sandbox.shop.url}/v1/json?fault=drop&times=1&id=twice`;
    const headers = await buyer.sign(url);
    expect((await send(url, headers)).end).toBe('dropped');
    expect((await send(url, headers)).end).toBe(200);
  });

  test('takes a fault of one’s own making, and is cleared', async () => {
    sandbox.shop.setFault('/v2/text', { leg: 'paid', settle: 'yes', answer: 'redirect', receipt: 'denied' });
    const url = `${sandbox.shop.url}/v2/text`;
    const { end, receipt } = await send(url, await buyer.sign(url));
    expect([end, receipt.seen]).toEqual([307, 'failure']);
    sandbox.shop.clearFaults();
    expect((await send(url, await buyer.sign(url))).end).toBe(200);
  });
});

describe('payment-identifier', () => {
  const ID = 'purser_0123456789abcdef';

  async function signWithId(url: string, id: string): Promise<Record<string, string>> {
    const { 'PAYMENT-SIGNATURE': header } = await buyer.sign(url);
    const payload = decodeHeader(header!) as Record<string, unknown>;
    const extensions = { 'payment-identifier': { info: { required: false, id } } };
    return {
      'PAYMENT-SIGNATURE': Buffer.from(JSON.stringify({ ...payload, extensions })).toString('base64'),
    };
  }

  test('makes a retry after a lost answer safe: one run, one settlement, the same answer', async () => {
    const url = `${sandbox.shop.url}/v2/echo?id=safe-retry&payment_id=offered&fault=hang_after_settle&times=1`;
    const before = await buyer.balance();
    const headers = await signWithId(url, ID);
    expect((await send(url, headers, HANG_MS)).end).toBe('hang');
    const retried = await send(url, headers);
    expect([retried.end, retried.receipt.seen]).toEqual([200, 'success']);
    expect(sandbox.shop.runs('safe-retry')).toBe(1);
    expect(before - (await buyer.balance())).toBe(10_000n);
    expect((await send(url, await signWithId(url, ID))).end).toBe(409);
  });

  test('is refused with 400 where it is required and lacks', async () => {
    const url = `${sandbox.shop.url}/v2/json?payment_id=required`;
    const { 'PAYMENT-SIGNATURE': header } = await buyer.sign(url);
    const { extensions: _extensions, ...payload } = decodeHeader(header!) as Record<string, unknown>;
    const bare = { 'PAYMENT-SIGNATURE': Buffer.from(JSON.stringify(payload)).toString('base64') };
    expect((await send(url, bare)).end).toBe(400);
    expect((await send(url, await signWithId(url, `${ID}-required`))).end).toBe(200);
  });
});

test.each([1, 2])(
  'v%i: a stream that breaks off has given its first events, and the receipt',
  async (version) => {
    const response = await buyer.pay(`${sandbox.shop.url}/v${version}/stream?events=5&cut=2&ms=1`);
    expect(readReceipt(response).seen).toBe('success');
    let text = '';
    const readAll = async () => {
      for await (const piece of response.body!) text += Buffer.from(piece).toString();
    };
    await expect(readAll()).rejects.toThrow();
    expect(text).toContain('word1');
    expect(text).not.toContain('word2');
  },
);

test('an offer may live as long as ?timeout= says', async () => {
  const response = await fetch(`${sandbox.shop.url}/v1/json?timeout=7&chain=base`);
  expect(await response.json()).toMatchObject({ accepts: [{ maxTimeoutSeconds: 7 }] });
});

test('many offers: other networks, schemes, methods and a dearer price around the one to take', async () => {
  const response = await fetch(`${sandbox.shop.url}/v2/json?offers=many`);
  const { accepts } = decodeHeader(response.headers.get('payment-required')!) as {
    accepts: { network: string }[];
  };
  expect(accepts.length).toBeGreaterThan(4);
  expect(new Set(accepts.map(({ network }) => network)).size).toBe(4);
  const { accepts: v1 } = (await (await fetch(`${sandbox.shop.url}/v1/json?offers=many`)).json()) as {
    accepts: { network: string; maxAmountRequired: string }[];
  };
  expect(v1.map(({ network }) => network)).toEqual(
    expect.arrayContaining(['solana', 'base', 'base-sepolia']),
  );
});
