import { randomBytes } from 'node:crypto';
import { expect, test } from 'vitest';
import { ASSETS, type SvmAsset } from '../../money/asset.js';
import { writeBase58 } from '../../money/base58.js';
import { NETWORKS, type SvmNetwork } from '../../money/network.js';
import { RpcFault } from '../rpcFault.js';
import { readShown, type Touched } from './solanaAnswer.js';
import { readSolanaHistory } from './solanaHistory.js';
import { openSolanaOperator, type SolanaOperator } from './solanaOperator.js';

const usdc = ASSETS.find((asset): asset is SvmAsset => asset.family === 'svm')!;
const ORIGIN = 'https://rpc.example.com';
const HEAD = { slot: 9_000, blockHeight: 8_000 };
const SINCE_SEC = 1_000;
const OWNER = writeBase58(randomBytes(32));
const SELLER = writeBase58(randomBytes(32));

function entry(timeSec: number | null, more: Partial<Touched> = {}): Touched {
  return {
    signature: writeBase58(randomBytes(64)),
    slot: 5_000,
    timeSec,
    memo: null,
    failed: false,
    ...more,
  };
}

const holds = (owner: string | null, amount: number, mint: string = usdc.address) => ({
  ...{ accountIndex: 1, mint, owner },
  uiTokenAmount: { amount: String(amount), decimals: 6 },
});
/** An answer of `getTransaction` with these balances, and bytes that nothing here can decode. */
const answer = (before: unknown, after: unknown) => ({
  slot: 5_000,
  blockTime: 2_000,
  transaction: [randomBytes(200).toString('base64'), 'base64'],
  meta: { err: null, preTokenBalances: before, postTokenBalances: after },
});

/** What made the owner's account: the oldest entry of a list that is whole. */
const MADE = entry(1_100);
const made = readShown(answer([], [holds(OWNER, 9)]));

/**
 * An operator whose list has these pages, newest first, and behind them the entry that made the account, unless its index
 * `begins` later.
 */
function lists(
  pages: readonly (readonly Touched[])[],
  { begins = 'account', ...more }: Partial<SolanaOperator> & { begins?: 'account' | 'later' } = {},
): SolanaOperator {
  const all = begins === 'account' ? [...pages, [MADE]] : pages;
  const operator: Partial<SolanaOperator> = {
    origin: ORIGIN,
    finalized: async () => Promise.resolve(HEAD),
    touched: async (_account, { before }) => {
      const read = before === undefined ? 0 : all.findIndex((page) => page.at(-1)?.signature === before) + 1;
      return Promise.resolve([...(all[read] ?? [])]);
    },
    timeOf: async (slot) => Promise.resolve(slot),
    firstArchivedSlot: async () => Promise.resolve(0),
    tokenBalance: async () => Promise.resolve(9n),
    ...more,
  };
  const shown =
    more.shown ?? (async () => Promise.resolve(readShown(answer([holds(OWNER, 9)], [holds(OWNER, 9)]))));
  operator.shown = async (signature, signal) =>
    signature === MADE.signature ? made : shown(signature, signal);
  return operator as SolanaOperator;
}

const read = (operator: SolanaOperator) =>
  readSolanaHistory(operator, { asset: usdc, from: OWNER, sinceSec: SINCE_SEC }, undefined);

test('a list that ends is a whole history only where the operator keeps one from so far back (T31)', async () => {
  const pages = [[entry(3_000)], [entry(2_000)]];
  // Slots are seconds here.
  for (const first of [0, 1, SINCE_SEC])
    await expect(
      read(lists(pages, { firstArchivedSlot: async () => Promise.resolve(first) })),
    ).resolves.toBeTruthy();
  const pruned = { firstArchivedSlot: async () => Promise.resolve(SINCE_SEC + 1) };
  for (const list of [pages, []])
    await expect(read(lists(list, pruned))).rejects.toMatchObject({ kind: 'pruned', origin: ORIGIN });
  // By its own word it keeps everything, and its index is shorter than that: it says so nowhere.
  for (const list of [pages, []])
    await expect(read(lists(list, { begins: 'later' }))).rejects.toMatchObject({
      kind: 'pruned',
      origin: ORIGIN,
    });
  const silent = {
    ...pruned,
    timeOf: async (slot: number) => Promise.resolve(slot === HEAD.slot ? 1 : null),
  };
  await expect(read(lists(pages, silent))).rejects.toMatchObject({ kind: 'pruned' });
  // What is listed from before shows the same.
  const reaches = [[entry(3_000)], [entry(SINCE_SEC - 1)]];
  await expect(read(lists(reaches, pruned))).resolves.toBeTruthy();
});

test('an empty list is whole where there is no such account', async () => {
  const none = { begins: 'later', tokenBalance: async () => Promise.resolve(null) } as const;
  await expect(read(lists([], none))).resolves.toMatchObject({ payments: [] });
  // A transaction that failed makes no account.
  await expect(read(lists([[entry(3_000, { failed: true })]], none))).resolves.toMatchObject({
    payments: [],
  });
});

test.each([
  ['of another token', answer([], [holds(OWNER, 9, SELLER)])],
  ['of somebody else', answer([], [holds(SELLER, 9)])],
  ['that names no owner', answer([], [holds(null, 9)])],
  ['beside one that was there', answer([holds(OWNER, 9)], [holds(OWNER, 9), holds(OWNER, 0)])],
  ['that shows no balances', { ...answer([], []), meta: null }],
])('a list does not begin with the account by a transaction %s', async (_what, shown) => {
  const list = lists([[entry(3_000)]], {
    begins: 'later',
    shown: async () => Promise.resolve(readShown(shown)),
  });
  await expect(read(list)).rejects.toMatchObject({ kind: 'pruned' });
});

test('a short page is not the end of a list', async () => {
  const asked: (string | undefined)[] = [];
  const pages = [[entry(3_000)], [entry(2_500)], [entry(2_000)]];
  const operator = lists(pages);
  const { touched } = operator;
  operator.touched = async (account, place, signal) => {
    asked.push(place.before);
    return touched(account, place, signal);
  };
  await read(operator);
  expect(asked).toHaveLength(5);
});

test.each([
  ['takes nothing', answer([holds(OWNER, 9)], [holds(OWNER, 9)]), [], 0],
  ['brings something', answer([holds(OWNER, 9)], [holds(OWNER, 12)]), [], 0],
  [
    'takes something',
    answer([holds(OWNER, 9), holds(SELLER, 0)], [holds(OWNER, 2), holds(SELLER, 7)]),
    [7n],
    0,
  ],
  ['moves another token', answer([holds(OWNER, 9), holds(OWNER, 5, SELLER)], [holds(OWNER, 9)]), [], 0],
  ['does not show our balance', answer([], []), [], 1],
  ['shows nobody’s balance', answer(null, undefined), [], 1],
  ['shows a balance of nobody', answer([holds(null, 9)], [holds(null, 2)]), [], 1],
  [
    'shows a balance that is none',
    answer([holds(OWNER, 9)], [{ ...holds(OWNER, 9), uiTokenAmount: {} }]),
    [],
    1,
  ],
  ['has no meta', { ...answer([], []), meta: null }, [], 1],
  ['has no bytes', { ...answer([holds(OWNER, 9)], [holds(OWNER, 2)]), transaction: {} }, [7n], 0],
])(
  'a transaction of a kind that is not known, which %s, stops nothing',
  async (_what, shown, taken, unread) => {
    const own = entry(3_000);
    const history = await read(lists([[own]], { shown: async () => Promise.resolve(readShown(shown)) }));
    expect(history.payments.map(({ amountAtomic }) => amountAtomic)).toEqual(taken);
    expect(history.unread).toEqual(Array.from({ length: unread }, () => own.signature));
  },
);

test('one of a later version is named; one that is not shown at all is the operator’s fault', async () => {
  const own = entry(3_000);
  const shows = (shown: SolanaOperator['shown']) => read(lists([[own]], { shown }));
  await expect(shows(async () => Promise.resolve('unsupported'))).resolves.toMatchObject({
    payments: [],
    unread: [own.signature],
  });
  await expect(shows(async () => Promise.resolve(null))).rejects.toMatchObject({ kind: 'malformed' });
  const refusal = new RpcFault('refused', ORIGIN, 'refused it');
  await expect(shows(async () => Promise.reject(refusal))).rejects.toBe(refusal);
});

test('an endpoint’s words for a later version, and for an archive beside it, are understood', async () => {
  const network = NETWORKS.find((one): one is SvmNetwork => one.family === 'svm')!;
  const answers: Record<string, object> = {
    getGenesisHash: { result: network.genesisHash },
    getTransaction: { error: { code: -32_015, message: 'Transaction version (1) is not supported' } },
    getFirstAvailableBlock: { result: 0 },
    minimumLedgerSlot: { result: 7_000 },
  };
  const fetchFn: typeof fetch = async (_url, init) => {
    const { id, method } = JSON.parse(String(init?.body)) as { id: number; method: string };
    return Promise.resolve(Response.json({ jsonrpc: '2.0', id, ...answers[method] }));
  };
  const operator = openSolanaOperator(ORIGIN, { network, timeoutMs: 60_000, fetchFn });
  expect(await operator.shown(entry(1).signature)).toBe('unsupported');
  expect(await operator.firstArchivedSlot()).toBe(0);
  expect(await operator.firstSlot()).toBe(7_000);
});
