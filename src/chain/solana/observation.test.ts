import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ASSETS, type SvmAsset } from '../../money/asset.js';
import { writeBase58 } from '../../money/base58.js';
import { messageHash, writeTransaction, writeTransferMessage } from '../../protocols/solana/solanaMessage.js';
import type { SearchMemory, SolanaSettlementQuery } from '../settlement.js';
import type { SolanaOperator } from './solanaOperator.js';
import { RpcFault } from '../rpcFault.js';
import { lookForMessage } from './observation.js';

const [usdc] = ASSETS.filter((asset): asset is SvmAsset => asset.family === 'svm');
const HEAD = { slot: 2_000, blockHeight: 1_000 };
const TX_BYTES = 64;
const ORIGIN = 'https://rpc.example.com';
/** Signed at second 100 by all clocks, when the operator was at block 1,000 in slot 2,000. */
const SIGNED_SEC = 100;
const MARK = { operator: ORIGIN, after: 1_850, height: 1_000 };
/** The first finalized height that proves by the operator's own count. */
const PAST_HEIGHT = MARK.height + 150 + 32 + 1;

/** Memory as the ledger keeps it: text, for as long as it is not thrown away. */
function newMemory(): SearchMemory & { readonly kept: Map<string, string> } {
  const kept = new Map<string, string>();
  return {
    kept,
    find: (operator) => kept.get(operator) ?? null,
    keep: (operator, search) => void (search === null ? kept.delete(operator) : kept.set(operator, search)),
  };
}

const look = (operator: SolanaOperator, query: SolanaSettlementQuery, memory: SearchMemory = newMemory()) =>
  lookForMessage(operator, query, new AbortController().signal, memory);

interface Key {
  readonly address: string;
  readonly secret: KeyObject;
}

function newKey(): Key {
  const { publicKey, privateKey } = generateKeyPairSync('ed25519');
  const spki = publicKey.export({ format: 'der', type: 'spki' });
  return { address: writeBase58(spki.subarray(-32)), secret: privateKey };
}

/** An operator that shows one transaction as landed, whatever became of it. */
function operatorThatShows(base64: string): { operator: SolanaOperator; id: string } {
  const id = writeBase58(Buffer.from(base64, 'base64').subarray(1, 1 + TX_BYTES));
  const entry = { signature: id, slot: 1_990, timeSec: 100, memo: null, failed: false };
  const operator: Partial<SolanaOperator> = {
    origin: ORIGIN,
    finalized: async () => Promise.resolve(HEAD),
    touched: async (_account, { before }) => Promise.resolve(before === undefined ? [entry] : []),
    isBlockhashValid: async () => Promise.resolve(true),
    timeOf: async () => Promise.resolve(SIGNED_SEC),
    firstSlot: async () => Promise.resolve(0),
    tokenBalance: async () => Promise.resolve(null),
    transaction: async () =>
      Promise.resolve({ base64, slot: 1_990, timeSec: 100, failed: false, before: [], after: [] }),
  };
  return { operator: operator as SolanaOperator, id };
}

/** A transaction of a payer, as it leaves the wallet, and with what stands where the fee payer signs. */
async function paymentWith(feePayer: Key, payer: Key, by: Key | null) {
  const parts = {
    asset: usdc!,
    from: payer.address,
    to: newKey().address,
    amountAtomic: 10_000n,
    feePayer: feePayer.address,
    blockhash: newKey().address,
    memo: 'order 17',
    computeUnitLimit: 20_000,
    computeUnitPriceMicroLamports: 1,
  };
  const message = await writeTransferMessage(parts);
  const own = sign(null, message, payer.secret);
  const wire = Buffer.from(writeTransaction(message, payer.address, own), 'base64');
  wire.set(by === null ? randomBytes(TX_BYTES) : sign(null, message, by.secret), 1);
  const query: SolanaSettlementQuery = {
    ...parts,
    nonce: messageHash(message),
    validBeforeBlock: 1_100,
    openedSec: SIGNED_SEC,
    marks: [MARK],
    claimedTx: null,
  };
  return { query, base64: wire.toString('base64') };
}

describe('a transaction that an operator shows (T28)', () => {
  const [feePayer, payer] = [newKey(), newKey()];

  it('is the payment where both have signed it', async () => {
    const { query, base64 } = await paymentWith(feePayer, payer, feePayer);
    const { operator, id } = operatorThatShows(base64);
    expect(await look(operator, query)).toMatchObject({ kind: 'paid', tx: id });
  });

  it.each([
    ['nobody', null],
    ['another key', newKey()],
    ['ourselves', payer],
  ])('is nothing where %s signed for the fee payer, though our message is in it', async (_who, by) => {
    const { query, base64 } = await paymentWith(feePayer, payer, by);
    const { operator } = operatorThatShows(base64);
    expect(await look(operator, query)).toMatchObject({ kind: 'unused' });
  });
});

describe('a claim that no operator answers for (T28)', () => {
  it.each([
    ['a hash of the EVM', `0x${'11'.repeat(32)}`],
    ['a transaction of a kind that is not shown', writeBase58(randomBytes(TX_BYTES))],
  ])('does not keep the history from telling: %s', async (_what, claimedTx) => {
    const payer = newKey();
    const feePayer = newKey();
    const { query, base64 } = await paymentWith(feePayer, payer, feePayer);
    const { operator, id } = operatorThatShows(base64);
    const picky: SolanaOperator = {
      ...operator,
      // What Solana's own server answers: an invalid parameter, or a version that is not supported.
      transaction: async (signature, until) => {
        if (signature === id) return operator.transaction(signature, until);
        return Promise.reject(new RpcFault('refused', operator.origin, 'refused getTransaction'));
      },
    };
    expect(await look(picky, { ...query, claimedTx })).toMatchObject({
      kind: 'paid',
      tx: id,
    });
    const empty = { ...picky, touched: async () => Promise.resolve([]) };
    expect(await look(empty, { ...query, claimedTx })).toMatchObject({ kind: 'unused' });
  });
});

describe('a history that does not tell all (T28)', () => {
  it('proves nothing where it lists what the operator cannot show', async () => {
    const feePayer = newKey();
    const { query, base64 } = await paymentWith(feePayer, newKey(), feePayer);
    const { operator } = operatorThatShows(base64);
    const behind: SolanaOperator = {
      ...operator,
      ...deadAt(PAST_HEIGHT),
      transaction: async () => Promise.resolve(null),
    };
    expect(await look(behind, query)).toMatchObject({ kind: 'down' });
    expect(await look({ ...behind, transaction: operator.transaction }, query)).toMatchObject({
      kind: 'paid',
    });
  });

  it('is read on from where the time ran out over transactions of others with our memo', async () => {
    const feePayer = newKey();
    const { query, base64 } = await paymentWith(feePayer, newKey(), feePayer);
    const { operator, id } = operatorThatShows(base64);
    const others = new Map<string, string>();
    for (let i = 0; i < 25; i++) {
      const other = await paymentWith(feePayer, newKey(), feePayer);
      others.set(operatorThatShows(other.base64).id, other.base64);
    }
    const entryOf = (signature: string) => ({
      signature,
      slot: 1_990,
      timeSec: 100,
      memo: `[8] ${query.memo}`,
      failed: false,
    });
    const flood = [...others.keys()].map(entryOf);
    let left = 0;
    const slow: SolanaOperator = {
      ...operator,
      touched: async (_account, { before }) =>
        Promise.resolve(before === undefined ? [...flood, entryOf(id)] : []),
      transaction: async (signature, until) => {
        if (left-- <= 0) throw new RpcFault('no_answer', operator.origin, 'did not answer in time');
        const landed = await operator.transaction(signature, until);
        return landed === null ? null : { ...landed, base64: others.get(signature) ?? base64 };
      },
    };
    const looks: string[] = [];
    for (let i = 0; i < 3; i++) {
      left = 10;
      looks.push((await look(slow, query)).kind);
    }
    expect(looks).toEqual(['down', 'down', 'paid']);
  });
});

/** What an operator says once the payment is dead, at a finalized height. */
function deadAt(blockHeight: number, timeSec = SIGNED_SEC + 75): Partial<SolanaOperator> {
  return {
    finalized: async () => Promise.resolve({ slot: blockHeight + 1_000, blockHeight }),
    timeOf: async () => Promise.resolve(timeSec),
    isBlockhashValid: async () => Promise.resolve(false),
  };
}

describe('a payment is dead by an operator’s own count (T31)', () => {
  interface Case {
    readonly height: number;
    /** Of that block, after the signing. */
    readonly laterSec: number | null;
    readonly alive?: boolean;
    readonly marked: boolean;
    /** By the operator that gave the blockhash: every one of these. */
    readonly lastBlocks: readonly number[];
  }

  async function isExpired({
    height,
    laterSec,
    alive = false,
    marked,
    lastBlocks,
  }: Case): Promise<boolean[]> {
    const feePayer = newKey();
    const { query, base64 } = await paymentWith(feePayer, newKey(), feePayer);
    const { operator } = operatorThatShows(base64);
    const empty: SolanaOperator = {
      ...operator,
      ...deadAt(height),
      touched: async () => Promise.resolve([]),
      isBlockhashValid: async () => Promise.resolve(alive),
      timeOf: async () => Promise.resolve(laterSec === null ? null : SIGNED_SEC + laterSec),
    };
    const marks = marked ? [MARK] : [];
    const observations = await Promise.all(
      lastBlocks.map((validBeforeBlock) => look(empty, { ...query, marks, validBeforeBlock })),
    );
    return observations.map((observation) => observation.kind === 'unused' && observation.expired);
  }

  /** Whatever last block the operator named that gave the blockhash. */
  const ANY = [1, 1_150, Number.MAX_SAFE_INTEGER];

  it.each<[string, Omit<Case, 'marked' | 'lastBlocks'>, boolean]>([
    ['past its own height at the signing, 150 and the slack', { height: PAST_HEIGHT, laterSec: 75 }, true],
    ['not one block before that', { height: PAST_HEIGHT - 1, laterSec: 75 }, false],
    ['not with a blockhash that lives', { height: PAST_HEIGHT, laterSec: 75, alive: true }, false],
    ['not where its blocks are before the signing', { height: PAST_HEIGHT, laterSec: -1 }, false],
    ['not where they may be: it does not know the hash yet', { height: PAST_HEIGHT, laterSec: 59 }, false],
    ['where they are past it', { height: PAST_HEIGHT, laterSec: 60 }, true],
    ['not where they have no time', { height: PAST_HEIGHT, laterSec: null }, false],
    ['by time, where its height then was no height of this chain', { height: 5, laterSec: 300 }, true],
    ['not by time a second sooner', { height: 5, laterSec: 299 }, false],
    ['not by time with a blockhash that lives', { height: 5, laterSec: 9_999, alive: true }, false],
  ])('%s', async (_what, parts, expired) => {
    expect(await isExpired({ ...parts, marked: true, lastBlocks: ANY })).toEqual(ANY.map(() => expired));
  });

  it.each<[string, Omit<Case, 'marked'>, boolean]>([
    [
      'past the last block named, by its own time',
      { height: 1_151, laterSec: 60, lastBlocks: [1, 1_150] },
      true,
    ],
    ['not before its blocks are past the signing', { height: 1_151, laterSec: 59, lastBlocks: ANY }, false],
    ['not before the last block named', { height: 1_150, laterSec: 299, lastBlocks: [1_150] }, false],
    ['by time, where no chain comes to that block', { height: 1, laterSec: 300, lastBlocks: ANY }, true],
    [
      'not with a blockhash that lives',
      { height: 9_999, laterSec: 9_999, alive: true, lastBlocks: ANY },
      false,
    ],
  ])('without a mark: %s', async (_what, parts, expired) => {
    expect(await isExpired({ ...parts, marked: false })).toEqual(parts.lastBlocks.map(() => expired));
  });

  it('never by the count of another one', async () => {
    const feePayer = newKey();
    const { query, base64 } = await paymentWith(feePayer, newKey(), feePayer);
    const { operator } = operatorThatShows(base64);
    const empty = { ...operator, ...deadAt(PAST_HEIGHT), touched: async () => Promise.resolve([]) };
    const marks = [{ ...MARK, operator: 'https://other.example', height: 1 }];
    expect(await look(empty, { ...query, marks, validBeforeBlock: PAST_HEIGHT })).toMatchObject({
      kind: 'unused',
      expired: false,
    });
  });
});

describe('a history that begins after the signing (T31)', () => {
  const old = { signature: writeBase58(randomBytes(TX_BYTES)), memo: 'x', failed: false };
  const lists = (...entries: readonly { slot: number; timeSec: number | null }[]) => ({
    touched: async (_account: string, { before }: { before?: string }) =>
      Promise.resolve(before === undefined ? entries.map((entry) => ({ ...old, ...entry })) : []),
  });

  it.each<[string, Partial<SolanaOperator>, boolean, 'unused' | 'down']>([
    ['lists nothing, and begins later', { firstSlot: async () => Promise.resolve(1_851) }, true, 'down'],
    ['lists nothing, and begins before', { firstSlot: async () => Promise.resolve(1_850) }, true, 'unused'],
    [
      'lists what is older, whatever it says of its beginning',
      { ...lists({ slot: 1_850, timeSec: null }), firstSlot: async () => Promise.resolve(9_999) },
      true,
      'unused',
    ],
    [
      'lists what is newer alone',
      { ...lists({ slot: 1_851, timeSec: null }), firstSlot: async () => Promise.resolve(1_851) },
      true,
      'down',
    ],
    [
      'does not say where it begins',
      {
        firstSlot: async () => Promise.reject(new RpcFault('refused', ORIGIN, 'refused it')),
      },
      true,
      'down',
    ],
    ['is unmarked and whole', { firstSlot: async () => Promise.resolve(0) }, false, 'unused'],
    ['is unmarked and begins later', { firstSlot: async () => Promise.resolve(2_100) }, false, 'down'],
    [
      'is unmarked and lists what is older by hours',
      { ...lists({ slot: 5, timeSec: SIGNED_SEC - 8_000 }), firstSlot: async () => Promise.resolve(9_999) },
      false,
      'unused',
    ],
  ])('%s', async (_what, parts, marked, kind) => {
    const feePayer = newKey();
    const { query, base64 } = await paymentWith(feePayer, newKey(), feePayer);
    const { operator } = operatorThatShows(base64);
    const marks = marked ? [MARK] : [];
    const pruned = { ...operator, ...deadAt(PAST_HEIGHT, SIGNED_SEC + 400), ...lists(), ...parts };
    const observation = await look(pruned, { ...query, marks });
    expect(observation.kind).toBe(kind);
    if (observation.kind === 'down' && marked)
      expect(['pruned', 'refused']).toContain(observation.fault.kind);
  });

  it.each(['made', 'empty', 'funded', 'of another owner', 'unlisted', 'not shown', 'nothing'] as const)(
    'counts where its oldest entry made the account, and nowhere else: %s',
    async (oldest) => {
      const feePayer = newKey();
      const { query, base64 } = await paymentWith(feePayer, newKey(), feePayer);
      const { operator } = operatorThatShows(base64);
      const balance = (amountAtomic: bigint, owner: string | null = query.from) => [
        { accountIndex: 1, mint: query.asset.address, owner, amountAtomic },
      ];
      // An account that was there before, with nothing in it or with an owner that is not shown, is older than the list.
      const before = { empty: balance(0n), funded: balance(5n), 'of another owner': balance(0n, null) };
      const landed = {
        base64: 'AAAA',
        slot: 1_851,
        timeSec: null,
        failed: false,
        before: oldest in before ? before[oldest as keyof typeof before] : [],
        after: oldest === 'unlisted' ? [] : balance(20_000n),
      };
      const short: SolanaOperator = {
        ...operator,
        ...deadAt(PAST_HEIGHT),
        ...(oldest === 'nothing' ? lists() : lists({ slot: 1_851, timeSec: null })),
        // By its own word it keeps all.
        firstSlot: async () => Promise.resolve(0),
        tokenBalance: async () => Promise.resolve(10_000n),
        transaction: async () => Promise.resolve(oldest === 'not shown' ? null : landed),
      };
      expect((await look(short, query)).kind).toBe(oldest === 'made' ? 'unused' : 'down');
    },
  );
});

describe('a history that is too long for one look (T31)', () => {
  const DUST = 10_001;

  /** Dust without end above the payment, as many as there are now; each with a slot of its own. */
  function dusted(id: string, base64: string, operator: SolanaOperator) {
    const world = { above: DUST, pages: 0 };
    const dust = (i: number) => ({
      signature: `d${i}`,
      slot: 1_000_000 + i,
      timeSec: 150,
      memo: 'x',
      failed: false,
    });
    const withDust: SolanaOperator = {
      ...operator,
      ...deadAt(2_000_000),
      touched: async (_account, { before }) => {
        world.pages += 1;
        const next = before === undefined ? world.above : Number(before.slice(1)) - 1;
        if (before === id) return Promise.resolve([]);
        const entries = Array.from({ length: Math.min(next + 1, 1_000) }, (_, i) => dust(next - i));
        if (entries.length < 1_000 && base64 !== '')
          entries.push({ signature: id, slot: 1_990, timeSec: 100, memo: 'order 17', failed: false });
        return Promise.resolve(entries);
      },
    };
    return { world, withDust };
  }

  it('is gone on with at the next look, and by the next process, until the payment is found', async () => {
    const feePayer = newKey();
    const { query, base64 } = await paymentWith(feePayer, newKey(), feePayer);
    const { operator, id } = operatorThatShows(base64);
    const { world, withDust } = dusted(id, base64, operator);
    const memory = newMemory();
    expect(await look(withDust, query, memory)).toMatchObject({ kind: 'searching' });
    // Another ten thousand that came meanwhile are above where it was dead: they are not read.
    world.above += 10_000;
    const next = newMemory();
    for (const [operatorName, search] of memory.kept) next.keep(operatorName, search);
    expect(await look(withDust, query, next)).toMatchObject({ kind: 'paid', tx: id });
    expect(world.pages).toBeLessThanOrEqual(12);
  });

  it('proves nothing before its end, and once it was read whole only its newest part is read again', async () => {
    const feePayer = newKey();
    const { query, base64 } = await paymentWith(feePayer, newKey(), feePayer);
    const { operator, id } = operatorThatShows(base64);
    const dustOnly = dusted(id, '', operator);
    const { world } = dustOnly;
    // The oldest of it made the account.
    const after = [{ accountIndex: 1, mint: query.asset.address, owner: query.from, amountAtomic: 20_000n }];
    const withDust: SolanaOperator = {
      ...dustOnly.withDust,
      transaction: async () =>
        Promise.resolve({ base64: 'AAAA', slot: 1_000_000, timeSec: 150, failed: false, before: [], after }),
    };
    // As long as it goes on from the top each time, no look would ever end.
    for (let i = 0; i < 3; i++)
      expect(await look(withDust, query, newMemory())).toMatchObject({ kind: 'searching' });
    const memory = newMemory();
    const kinds = [];
    for (let i = 0; i < 2; i++) kinds.push((await look(withDust, query, memory)).kind);
    expect(kinds).toEqual(['searching', 'unused']);
    const { pages } = world;
    expect(await look(withDust, query, memory)).toMatchObject({ kind: 'unused', expired: true });
    expect(world.pages - pages).toBeLessThanOrEqual(10);
  });

  it('an operator that lied in an earlier look, and then hung, is asked anew once it is honest', async () => {
    const feePayer = newKey();
    const { query, base64 } = await paymentWith(feePayer, newKey(), feePayer);
    const { operator, id } = operatorThatShows(base64);
    const after = [{ accountIndex: 1, mint: query.asset.address, owner: query.from, amountAtomic: 20_000n }];
    const made = { base64: 'AAAA', slot: 1_000, timeSec: 50, failed: false, before: [], after };
    const oldest = { signature: 'made', slot: 1_000, timeSec: 50, memo: null, failed: false };
    const landed = { signature: id, slot: 1_990, timeSec: 100, memo: 'order 17', failed: false };
    const listing = (...entries: (typeof oldest | typeof landed)[]): SolanaOperator => ({
      ...operator,
      ...deadAt(PAST_HEIGHT),
      touched: async (_account, { before }) => Promise.resolve(before === undefined ? entries : []),
      transaction: async (signature, signal) =>
        signature === id ? operator.transaction(signature, signal) : Promise.resolve(made),
    });
    const memory = newMemory();
    const [liar, honest] = [listing(oldest), listing(landed, oldest)];
    expect(await look(liar, query, memory)).toMatchObject({ kind: 'unused', expired: true });
    expect(await look(honest, query, memory)).toMatchObject({ kind: 'paid', tx: id });

    // The same of one whose look was cut off, so that it was to be gone on with.
    memory.keep(operator.origin, JSON.stringify({ top: 2_000, before: 'made' }));
    expect(await look(honest, query, memory)).toMatchObject({ kind: 'paid', tx: id });
    memory.keep(operator.origin, JSON.stringify({ top: 2_000, whole: true }));
    expect(await look(honest, query, memory)).toMatchObject({ kind: 'paid', tx: id });
  });

  it.each(['another message under its signature', 'one that failed', 'bytes of no transaction'] as const)(
    'what an operator showed in place of the payment is asked for anew: %s',
    async (lie) => {
      const feePayer = newKey();
      const { query, base64 } = await paymentWith(feePayer, newKey(), feePayer);
      const { operator, id } = operatorThatShows(base64);
      const other = Buffer.from((await paymentWith(feePayer, newKey(), feePayer)).base64, 'base64');
      other.set(Buffer.from(base64, 'base64').subarray(1, 1 + TX_BYTES), 1);
      const shown = {
        'another message under its signature': { base64: other.toString('base64') },
        'one that failed': { failed: true },
        'bytes of no transaction': { base64: 'AAAA' },
      }[lie];
      const landed = { signature: id, slot: 1_990, timeSec: 100, memo: null, failed: false };
      const before = { signature: 'before', slot: 1_000, timeSec: 50, memo: null, failed: false };
      const honest: SolanaOperator = {
        ...operator,
        ...deadAt(PAST_HEIGHT),
        touched: async () => Promise.resolve([landed, before]),
      };
      const liar: SolanaOperator = {
        ...honest,
        async transaction(signature, signal) {
          const landed = await operator.transaction(signature, signal);
          return landed === null ? null : { ...landed, ...shown };
        },
      };
      const memory = newMemory();
      expect(await look(liar, query, memory)).toMatchObject({ kind: 'unused', expired: true });
      expect(await look(honest, query, memory)).toMatchObject({ kind: 'paid', tx: id });
    },
  );

  it('while the payment can still land, its newest part is enough: nothing is kept of it', async () => {
    const feePayer = newKey();
    const { query, base64 } = await paymentWith(feePayer, newKey(), feePayer);
    const { operator, id } = operatorThatShows(base64);
    const { withDust } = dusted(id, base64, operator);
    const memory = newMemory();
    const living = { ...withDust, isBlockhashValid: async () => Promise.resolve(true) };
    expect(await look(living, query, memory)).toMatchObject({ kind: 'unused', expired: false });
    expect(memory.kept.size).toBe(0);
  });

  it('an operator that gives one page for ever is no witness', async () => {
    const feePayer = newKey();
    const { query, base64 } = await paymentWith(feePayer, newKey(), feePayer);
    const { operator } = operatorThatShows(base64);
    const page = [{ signature: 'same', slot: 1_900, timeSec: 150, memo: 'x', failed: false }];
    const looping = { ...operator, ...deadAt(PAST_HEIGHT), touched: async () => Promise.resolve(page) };
    expect(await look(looping, query)).toMatchObject({ kind: 'down', fault: { kind: 'malformed' } });
  });

  it('what time ran out over is gone on with, too', async () => {
    const feePayer = newKey();
    const { query, base64 } = await paymentWith(feePayer, newKey(), feePayer);
    const { operator, id } = operatorThatShows(base64);
    const flood = Array.from({ length: 30 }, () => writeBase58(randomBytes(TX_BYTES)));
    const entries = [...flood, id].map((signature) => ({
      signature,
      slot: 2_000,
      timeSec: 110,
      memo: `[8] ${query.memo}`,
      failed: false,
    }));
    const read: string[] = [];
    const memory = newMemory();
    const kinds: string[] = [];
    for (let i = 0; i < 4; i++) {
      const stop = new AbortController();
      let left = 10;
      const slow: SolanaOperator = {
        ...operator,
        ...deadAt(PAST_HEIGHT),
        touched: async (_account, { before }) =>
          Promise.resolve(entries.slice(entries.findIndex(({ signature }) => signature === before) + 1)),
        transaction: async (signature, until) => {
          if (left-- > 0) {
            read.push(signature);
            const other = { base64: '', slot: 2_000, timeSec: 110, failed: false, before: [], after: [] };
            return signature === id ? operator.transaction(signature, until) : Promise.resolve(other);
          }
          stop.abort();
          throw new RpcFault('no_answer', ORIGIN, 'did not answer in time');
        },
      };
      kinds.push((await lookForMessage(slow, query, stop.signal, memory)).kind);
    }
    expect(kinds).toEqual(['searching', 'searching', 'searching', 'paid']);
    expect(new Set(read).size).toBe(read.length);
  });
});
