import { hexToBigInt, numberToHex, toEventSelector, type Hex } from 'viem';
import { afterAll, beforeAll, describe, expect, test } from 'vitest';
import { createRpc } from '../../../sandbox/chain.js';
import { readBody, sendJson } from '../../../sandbox/jsonHttp.js';
import { listenLocal, type LocalServer } from '../../../sandbox/localServer.js';
import { ChainWorld, SOMEBODY, type Signed } from './chainWorld.fixture.js';
import type { Settlement } from './evmChain.js';

type Json = Record<string, unknown>;

/** Changes an answer of the chain; throws what the operator then answers as an error. */
type Tamper = (method: string, answer: unknown, params: unknown[]) => unknown;

let world: ChainWorld;
let paid: Signed;
/** Settled, too, and not expired. */
let valid: Signed;
let unused: Signed;
let paidTx: Hex;
beforeAll(async () => {
  world = await ChainWorld.start();
  unused = await world.sign();
  paid = await world.sign();
  paidTx = await world.settle(paid);
  await world.expire();
  valid = await world.sign();
  await world.settle(valid);
  await world.chain.mine();
});
afterAll(() => world.stop());

/** An operator whose answers pass through `tamper`, trusted alone, so that nothing but our own reading stands in its way. */
async function underTampering(signed: Signed, tamper: Tamper): Promise<Settlement> {
  const ask = createRpc(world.chain.url);
  const server: LocalServer = await listenLocal(async (request, response) => {
    const { id, method, params } = JSON.parse(String(await readBody(request))) as {
      id: number;
      method: string;
      params: unknown[];
    };
    try {
      sendJson(response, 200, {
        jsonrpc: '2.0',
        id,
        result: tamper(method, await ask(method, params ?? []), params),
      });
    } catch (error) {
      sendJson(response, 200, { jsonrpc: '2.0', id, error: { code: -32000, message: String(error) } });
    }
  });
  try {
    return await world.ownersReader(server.url).settlementOf(signed.query);
  } finally {
    await server.close();
  }
}

/** Changes each block that is asked for by its number. */
function numbered(change: (block: Json) => Json): Tamper {
  return (method, answer, params) =>
    method === 'eth_getBlockByNumber' && String(params[0]).startsWith('0x') ? change(answer as Json) : answer;
}

/** Changes each log that the operator gives. */
function logs(change: (log: Json) => Json): Tamper {
  return (method, answer) => (method === 'eth_getLogs' ? (answer as Json[]).map(change) : answer);
}

function topics(index: number, value: Hex): Tamper {
  return logs((log) => ({
    ...log,
    topics: (log['topics'] as Hex[]).map((topic, at) => (at === index ? value : topic)),
  }));
}

const AUTHORIZATION_USED = toEventSelector('AuthorizationUsed(address,bytes32)');

const word = (address: Hex): Hex => `0x${'0'.repeat(24)}${address.slice(2)}`;

/** Captured as the nonce alone proves it. */
const BY_NONCE = ({ query }: Signed): Settlement => ({
  kind: 'captured',
  tx: null,
  blockTimeMs: query.validBeforeSec * 1000,
  amountAtomic: query.amountAtomic,
  final: true,
});

test('untampered, one is captured and the other released', async () => {
  const honest: Tamper = (_method, answer) => answer;
  expect(await underTampering(paid, honest)).toMatchObject({ kind: 'captured', tx: paidTx, final: true });
  expect(await underTampering(unused, honest)).toMatchObject({ kind: 'released' });
});

describe('an event that was not asked for names no transaction: the nonce alone shows the payment captured', () => {
  test.each<[string, Tamper]>([
    ['of another token', logs((log) => ({ ...log, address: SOMEBODY }))],
    ['of another payer', topics(1, word(SOMEBODY))],
    ['to another payee', topics(2, word(SOMEBODY))],
    [
      'of another nonce',
      logs((log) => {
        const [event, payer, second] = log['topics'] as Hex[];
        return { ...log, topics: [event, payer, event === AUTHORIZATION_USED ? word(SOMEBODY) : second] };
      }),
    ],
    ['of another kind', topics(0, `0x${'1'.repeat(64)}`)],
    ['of a later block', logs((log) => ({ ...log, blockNumber: '0xffffff' }))],
    ['of no block', logs((log) => ({ ...log, blockNumber: null, blockHash: null }))],
    ['of a block that is not on its chain', logs((log) => ({ ...log, blockHash: `0x${'2'.repeat(64)}` }))],
    [
      'of a block that another took the place of',
      numbered((block) => ({ ...block, hash: block['parentHash'] })),
    ],
    ['of a block that stands elsewhere', numbered((block) => ({ ...block, number: '0x1' }))],
    ['without its topics', logs((log) => ({ ...log, topics: [] }))],
    ['of another amount', logs((log) => ({ ...log, data: `0x${'0'.repeat(63)}1` }))],
    ['of no amount', logs((log) => ({ ...log, data: '0x' }))],
    ['no list', (method, answer) => (method === 'eth_getLogs' ? {} : answer)],
    ['a list of nothing', (method, answer) => (method === 'eth_getLogs' ? [null] : answer)],
  ])('%s', async (_name, tamper) => {
    expect(await underTampering(paid, tamper)).toEqual(BY_NONCE(paid));
    // While it is valid, a nonce that is spent is not yet one that is spent for good.
    const settlement = await underTampering(valid, tamper);
    expect(['history_unavailable', 'used_without_transfer']).toContain(
      settlement.kind === 'unknowable' ? settlement.reason : settlement.kind,
    );
  });

  test('nor does one whose block is past the expiry', async () => {
    const late: Tamper = (method, answer) => {
      if (method !== 'eth_getBlockByNumber') return answer;
      const block = answer as { timestamp: Hex };
      return { ...block, timestamp: numberToHex(hexToBigInt(block.timestamp) + 3_600n) };
    };
    expect(await underTampering(paid, late)).toEqual(BY_NONCE(paid));
  });
});

describe('an answer that is not one releases nothing', () => {
  test.each<[string, Tamper]>([
    [
      'a state that is neither yes nor no',
      (method, answer) => (method === 'eth_call' ? `0x${'0'.repeat(63)}2` : answer),
    ],
    [
      'an empty state, as of a contract that is not there',
      (method, answer) => (method === 'eth_call' ? '0x' : answer),
    ],
    ['no block', (method, answer) => (method === 'eth_getBlockByNumber' ? null : answer)],
    [
      'no safe block',
      (method, answer, params) => (method === 'eth_getBlockByNumber' && params[0] === 'safe' ? null : answer),
    ],
    [
      'a block without a time',
      (method, answer) =>
        method === 'eth_getBlockByNumber' ? { ...(answer as Json), timestamp: null } : answer,
    ],
  ])('%s', async (_name, tamper) => {
    expect(await underTampering(unused, tamper)).toMatchObject({ kind: 'unknowable', reason: 'rpc_down' });
  });
});

test('state is read by the hash of a block, never by a name that can move', async () => {
  const asked: unknown[] = [];
  await underTampering(unused, (method, answer, params) => {
    if (method === 'eth_call') asked.push(params[1]);
    return answer;
  });
  const safe = await world.chain.client.getBlock({ blockTag: 'safe' });
  expect(asked).toEqual([{ blockHash: safe.hash }]);
});

test('a backend that lacks the newest block is asked about its parent', async () => {
  const signed = await world.sign();
  const tx = await world.settle(signed);
  await world.chain.mine();
  const { hash } = await world.chain.client.getBlock();
  const behind: Tamper = (method, answer, params) => {
    if (method === 'eth_call' && (params[1] as { blockHash: Hex }).blockHash === hash)
      throw new Error('unknown block');
    return answer;
  };
  expect(await underTampering(signed, behind)).toMatchObject({ kind: 'captured', tx });
});

test('an operator that searches fifty blocks at once shows a payment all the same', async () => {
  const signed = await world.sign();
  const tx = await world.settle(signed);
  await world.chain.mine(700);
  let refusals = 0;
  const narrow: Tamper = (method, answer, params) => {
    const { fromBlock, toBlock } = (params[0] ?? {}) as { fromBlock?: Hex; toBlock?: Hex };
    if (
      method === 'eth_getLogs' &&
      fromBlock &&
      toBlock &&
      hexToBigInt(toBlock) - hexToBigInt(fromBlock) >= 50n
    ) {
      refusals++;
      throw new Error('query exceeds max block range');
    }
    return answer;
  };
  expect(await underTampering(signed, narrow)).toMatchObject({ kind: 'captured', tx });
  expect(refusals).toBeGreaterThan(0);
});
