import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest';
import type { RpcFault } from '../../sandbox/rpcProxy.js';
import { ChainWorld, NETWORK, PAYEE, SOMEBODY, WINDOW_SEC } from './evm/chainWorld.fixture.js';

let world: ChainWorld;
beforeAll(async () => {
  world = await ChainWorld.start();
});
afterEach(() => world.heal());
afterAll(() => world.stop());

describe('capture', () => {
  test('a settled payment is captured at the newest block, and final once that block is settled', async () => {
    const signed = await world.sign();
    const tx = await world.settle(signed);
    const block = await world.chain.client.getBlock();
    const proof = { kind: 'captured', tx, amountAtomic: 2_000n, blockTimeMs: Number(block.timestamp) * 1000 };
    expect(await world.reader().settlementOf(signed.query)).toEqual({ ...proof, final: false });
    await world.chain.mine();
    expect(await world.reader().settlementOf(signed.query)).toEqual({ ...proof, final: true });
    await world.expire();
    expect(await world.reader().settlementOf(signed.query)).toEqual({ ...proof, final: true });
  });

  test('it is found long after, wherever our clock stood when it was signed', async () => {
    const signed = await world.sign();
    const tx = await world.settle(signed);
    await world.expire();
    await world.chain.mine(600);
    for (const clockAheadSec of [-3_600, 0, 60, 3_600]) {
      const query = { ...signed.query, openedSec: signed.query.openedSec + clockAheadSec };
      expect(await world.reader().settlementOf(query)).toMatchObject({ kind: 'captured', tx, final: true });
    }
  });

  test('letter case of what we remember does not matter', async () => {
    const signed = await world.sign();
    await world.settle(signed);
    const { nonce, to } = signed.query;
    const query = {
      ...signed.query,
      nonce: `0x${nonce.slice(2).toUpperCase()}`,
      to: `0x${to.slice(2).toUpperCase()}`,
    } as const;
    expect(await world.reader().settlementOf(query)).toMatchObject({ kind: 'captured' });
  });

  test('of two equal payments in one transaction, each is captured by its own transfer', async () => {
    const pair = [await world.sign(), await world.sign()];
    const tx = await world.settle(...pair);
    for (const { query } of pair)
      expect(await world.reader().settlementOf(query)).toMatchObject({ kind: 'captured', tx });
  });

  test.each(['first', 'last'])(
    'our nonce spent on somebody else is not shown as this payment, although the same transaction pays our payee (%s)',
    async (place) => {
      const ours = await world.sign();
      const stray = await world.sign({ to: SOMEBODY, nonce: ours.query.nonce });
      const decoy = await world.sign({ to: PAYEE });
      await world.settle(...(place === 'first' ? [stray, decoy] : [decoy, stray]));
      expect(await world.reader().settlementOf(ours.query)).toMatchObject({
        kind: 'unknowable',
        reason: 'used_without_transfer',
      });
      expect(await world.reader().settlementOf(decoy.query)).toMatchObject({ kind: 'captured' });
      // Only our key can spend it: past the expiry what was held is gone, whomever it went to.
      await world.expire();
      expect(await world.reader().settlementOf(ours.query)).toMatchObject({
        kind: 'captured',
        tx: null,
        amountAtomic: 2_000n,
        final: true,
      });
    },
  );

  test('our nonce spent on another amount is no capture', async () => {
    const ours = await world.sign();
    await world.settle(await world.sign({ nonce: ours.query.nonce, amountAtomic: 1_999n }));
    expect(await world.reader().settlementOf(ours.query)).toMatchObject({
      kind: 'unknowable',
      reason: 'used_without_transfer',
    });
  });
});

describe('operators without the history (T31)', () => {
  const marked = (after: number) =>
    [world.one, world.two].map(({ url }) => ({ operator: new URL(url).origin, after }));
  const height = async () => Number(await world.chain.client.getBlockNumber());

  test('one that pruned the events and one that shows them: captured for good, and contradicted by nobody', async () => {
    const signed = await world.sign({ marks: marked(await height()) });
    const tx = await world.settle(signed);
    await world.chain.mine(20);
    for (const silent of [false, true]) {
      await world.two.setFault({ kind: 'pruned', before: await height(), silent });
      expect(await world.reader().settlementOf(signed.query)).toMatchObject({
        kind: 'captured',
        tx,
        final: false,
      });
    }
    await world.expire();
    for (const silent of [false, true]) {
      await world.two.setFault({ kind: 'pruned', before: (await height()) - 1, silent });
      expect(await world.reader().settlementOf(signed.query)).toMatchObject({
        kind: 'captured',
        tx,
        final: true,
      });
    }
  });

  test.each([
    [{ kind: 'pruned', before: 0 }, 'marked'],
    [{ kind: 'pruned', before: 0, silent: true }, 'marked'],
    [{ kind: 'pruned', before: 0 }, 'unmarked'],
    [{ kind: 'lying', hides: 'events' }, 'marked'],
    [{ kind: 'lying', hides: 'transfers' }, 'marked'],
  ] as [RpcFault, string][])(
    'both without them (%o, %s): open until the expiry is settled, then captured at what was held',
    async (fault, how) => {
      const marks = how === 'marked' ? marked(await height()) : [];
      const signed = await world.sign({ marks });
      await world.settle(signed);
      await world.chain.mine(20);
      const faultNow = async () => {
        const now = fault.kind === 'pruned' ? { ...fault, before: (await height()) - 2 } : fault;
        for (const rpc of [world.one, world.two]) await rpc.setFault(now);
      };
      await faultNow();
      const early = await world.reader().settlementOf(signed.query);
      expect(['history_unavailable', 'used_without_transfer']).toContain(
        early.kind === 'unknowable' ? early.reason : early.kind,
      );
      await world.heal();
      await world.expire();
      await faultNow();
      const proof = { kind: 'captured', tx: null, amountAtomic: 2_000n, final: true };
      expect(await world.reader().settlementOf(signed.query)).toMatchObject(proof);
      expect(await world.ownersReader().settlementOf(signed.query)).toMatchObject(proof);
      // One of them is no quorum.
      await world.two.setFault({ kind: 'down' });
      expect(await world.reader().settlementOf(signed.query)).toMatchObject({ kind: 'unknowable' });
    },
  );

  test('an unused one is released by their state alone', async () => {
    const { query } = await world.sign({ marks: marked(await height()) });
    await world.chain.mine(20);
    await world.expire();
    for (const rpc of [world.one, world.two])
      await rpc.setFault({ kind: 'pruned', before: (await height()) - 2 });
    expect(await world.reader().settlementOf(query)).toMatchObject({ kind: 'released' });
  });

  test('a block noted at the signing finds the event, however wrong the clock was', async () => {
    const marks = marked(await height());
    const signed = await world.sign({ marks });
    const tx = await world.settle(signed);
    await world.chain.mine(20);
    for (const hoursOff of [10, -10]) {
      const query = { ...signed.query, openedSec: signed.query.openedSec + hoursOff * 3_600 };
      expect(await world.reader().settlementOf(query)).toMatchObject({ kind: 'captured', tx });
    }
    const unmarked = { ...signed.query, openedSec: signed.query.openedSec + 36_000, marks: [] };
    expect(await world.reader().settlementOf(unmarked)).toMatchObject({ reason: 'used_without_transfer' });
  });

  test('a mark that was read too late, of a block behind the payment, hides nothing', async () => {
    const signed = await world.sign();
    const tx = await world.settle(signed);
    await world.chain.mine(3);
    const query = { ...signed.query, marks: marked(await height()) };
    expect(await world.reader().settlementOf(query)).toMatchObject({ kind: 'captured', tx, final: true });
  });

  test('the marks are of each operator’s own settled block, and one that is down has none', async () => {
    await world.chain.mine(100);
    await world.two.setFault({ kind: 'lagging', blocks: 20 });
    const reader = world.reader();
    expect(reader.marks()).toEqual([]);
    const marks = await reader.readMarks();
    expect(reader.marks()).toEqual(marks);
    const at = (url: string) => marks.find(({ operator }) => operator === new URL(url).origin)?.after ?? 0;
    expect(at(world.one.url) - at(world.two.url)).toBe(20);
    expect(at(world.one.url)).toBeLessThan(await height());
    const other = world.reader();
    await world.two.setFault({ kind: 'down' });
    expect((await other.readMarks()).map(({ operator }) => operator)).toEqual([
      new URL(world.one.url).origin,
    ]);
  });
});

describe('release', () => {
  test('an unused authorization is open until it expires, whatever our clock says', async () => {
    const { query } = await world.sign();
    const aYearOn = Date.now() + 31_536_000_000;
    const settlement = await world.reader({ nowMs: () => aYearOn }).settlementOf(query);
    expect(settlement).toMatchObject({ kind: 'open' });
    const waitSec = (settlement.kind === 'open' ? settlement.retryAtSec : 0) - Math.ceil(aYearOn / 1000);
    expect(waitSec).toBeGreaterThanOrEqual(WINDOW_SEC);
    expect(waitSec).toBeLessThan(WINDOW_SEC + 60);
  });

  test('it is released at the first settled block whose time is the expiry, not a second before', async () => {
    const { query } = await world.sign();
    await world.mineAt(query.validBeforeSec - 1);
    await world.mineAt(query.validBeforeSec);
    expect((await world.chain.client.getBlock({ blockTag: 'safe' })).timestamp).toBe(
      BigInt(query.validBeforeSec - 1),
    );
    expect(await world.reader().settlementOf(query)).toMatchObject({ kind: 'open' });
    await world.mineAt(query.validBeforeSec + 1);
    const safe = await world.chain.client.getBlock({ blockTag: 'safe' });
    expect(await world.reader().settlementOf(query)).toEqual({
      kind: 'released',
      blockHash: safe.hash,
      blockTimeSec: query.validBeforeSec,
      proof: 'expired_unused',
    });
  });

  test('an owner who asks for finalized blocks waits for one', async () => {
    const { query } = await world.sign();
    await world.mineAt(query.validBeforeSec);
    await world.chain.mine();
    expect(await world.reader().settlementOf(query)).toMatchObject({ kind: 'released' });
    expect(await world.reader({ finality: 'finalized' }).settlementOf(query)).toMatchObject({ kind: 'open' });
    await world.chain.mine();
    expect(await world.reader({ finality: 'finalized' }).settlementOf(query)).toMatchObject({
      kind: 'released',
    });
  });

  test('a cancelled one is never captured, and released once the cancellation is settled and it has expired', async () => {
    const { query } = await world.sign();
    await world.chain.cancelAuthorization(world.payer, query.nonce);
    expect(await world.chain.usedNonce(query.from, query.nonce)).toBe(true);
    expect(await world.reader().settlementOf(query)).toMatchObject({
      kind: 'unknowable',
      reason: 'used_without_transfer',
    });
    await world.chain.mine(2);
    expect(await world.reader().settlementOf(query)).toMatchObject({
      kind: 'unknowable',
      reason: 'used_without_transfer',
    });
    await world.expire();
    expect(await world.reader().settlementOf(query)).toMatchObject({ kind: 'released', proof: 'cancelled' });
  });

  test('it takes two operators, unless the owner named the one', async () => {
    const { query } = await world.sign();
    await world.expire();
    const { url } = world.one;
    const alone = (urls: string[]) => world.reader({ rpc: { urls, ownerSet: false } }).settlementOf(query);
    expect(await alone([url])).toMatchObject({ kind: 'unknowable', reason: 'rpc_missing' });
    expect(await alone([url, `${url}/the-same-operator`])).toMatchObject({
      kind: 'unknowable',
      reason: 'rpc_missing',
    });
    expect(await alone([])).toMatchObject({ kind: 'unknowable', reason: 'rpc_missing' });
    expect(await alone([url, world.two.url])).toMatchObject({ kind: 'released' });
    expect(await world.ownersReader().settlementOf(query)).toMatchObject({ kind: 'released' });
  });
});

describe('operators that fail', () => {
  const DEAD: RpcFault[] = [
    { kind: 'down' },
    { kind: 'hang' },
    { kind: 'garbled' },
    { kind: 'refusing', status: 503 },
    { kind: 'refusing', status: 400 },
    { kind: 'other_chain', chainId: 1 },
  ];

  test.each(DEAD)('$kind: nothing is released beside it, and a payment is still captured', async (fault) => {
    const unused = await world.sign();
    const paid = await world.sign();
    const tx = await world.settle(paid);
    await world.expire();
    const options = fault.kind === 'hang' ? { timeoutMs: 1_000 } : {};
    const reader = world.reader(options);
    await world.two.setFault(fault);
    const message: unknown = expect.stringContaining(world.two.url);
    expect(await reader.settlementOf(unused.query)).toMatchObject({
      kind: 'unknowable',
      reason: 'rpc_down',
      message,
    });
    expect(await reader.settlementOf(paid.query)).toMatchObject({ kind: 'captured', tx, final: false });
    await world.one.setFault(fault);
    expect(await world.reader(options).settlementOf(paid.query)).toMatchObject({
      kind: 'unknowable',
      reason: 'rpc_down',
    });
    await world.heal();
    expect(await reader.settlementOf(unused.query)).toMatchObject({ kind: 'released' });
  });

  test('an RPC of another chain is named as such', async () => {
    const { query } = await world.sign();
    await world.one.setFault({ kind: 'other_chain', chainId: 1 });
    const message = `${world.one.url} serves chain 1, not ${NETWORK.chainId}.`;
    expect(await world.ownersReader().settlementOf(query)).toMatchObject({
      kind: 'unknowable',
      reason: 'rpc_down',
      message,
    });
  });

  test('one that denies a payment beside one that shows it: neither is believed', async () => {
    const signed = await world.sign();
    const { query } = signed;
    await world.settle(signed);
    await world.two.setFault({ kind: 'lying', used: false });
    expect(await world.reader().settlementOf(query)).toMatchObject({
      kind: 'unknowable',
      reason: 'rpc_disagree',
    });
    await world.expire();
    expect(await world.reader().settlementOf(query)).toMatchObject({
      kind: 'unknowable',
      reason: 'rpc_disagree',
    });
    // The lie is good enough to deceive an owner who trusts this operator alone: it is what the second one is for.
    expect(await world.ownersReader(world.two.url).settlementOf(query)).toMatchObject({ kind: 'released' });
  });

  test('one that calls an unused nonce spent: no release, no capture', async () => {
    const { query } = await world.sign();
    await world.two.setFault({ kind: 'lying', used: true });
    expect(await world.reader().settlementOf(query)).toMatchObject({
      kind: 'unknowable',
      reason: 'rpc_disagree',
    });
    await world.expire();
    expect(await world.reader().settlementOf(query)).toMatchObject({
      kind: 'unknowable',
      reason: 'rpc_disagree',
    });
    // To an owner who trusts this operator alone it is spent: counted as paid, for that frees nothing.
    expect(await world.ownersReader(world.two.url).settlementOf(query)).toMatchObject({
      kind: 'captured',
      tx: null,
      final: true,
    });
  });

  test.each(['one', 'two'] as const)(
    '%s that puts every block an hour ahead releases nothing early',
    async (who) => {
      const { query } = await world.sign();
      await world[who].setFault({ kind: 'lying', aheadSec: 3_600 });
      expect(await world.reader().settlementOf(query)).not.toMatchObject({ kind: 'released' });
      expect(await world.ownersReader(world[who].url).settlementOf(query)).toMatchObject({
        kind: 'released',
      });
    },
  );

  test.each([{ kind: 'stuck' }, { kind: 'lagging', blocks: 4 }] as RpcFault[])(
    '$kind: a release waits for it, a capture does not',
    async (fault) => {
      await world.chain.mine(4);
      const unused = await world.sign();
      await world.two.setFault(fault);
      const paid = await world.sign();
      const tx = await world.settle(paid);
      expect(await world.reader().settlementOf(paid.query)).toMatchObject({
        kind: 'captured',
        tx,
        final: false,
      });
      await world.expire();
      expect(await world.reader().settlementOf(unused.query)).toMatchObject({ kind: 'open' });
      expect(await world.reader().settlementOf(paid.query)).toMatchObject({
        kind: 'captured',
        tx,
        final: false,
      });
      await world.chain.mine(8);
      const caughtUp = fault.kind === 'lagging' ? 'released' : 'open';
      expect(await world.reader().settlementOf(unused.query)).toMatchObject({ kind: caughtUp });
    },
  );

  test('a caller who gives up is answered at once', async () => {
    const { query } = await world.sign();
    await world.one.setFault({ kind: 'hang' });
    await world.two.setFault({ kind: 'hang' });
    const stop = new AbortController();
    const settlement = world.reader().settlementOf(query, stop.signal);
    world.one.calls.clear();
    await world.one.calls.waitFor();
    stop.abort();
    expect(await settlement).toMatchObject({ kind: 'unknowable', reason: 'interrupted' });
  });
});
