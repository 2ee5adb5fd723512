import { generateKeyPairSync, randomBytes, sign, type KeyObject } from 'node:crypto';
import { describe, expect, it } from 'vitest';
import { ASSETS, type SvmAsset } from '../../money/asset.js';
import { writeBase58 } from '../../money/base58.js';
import { messageHash, writeTransaction, writeTransferMessage } from '../../protocols/solana/solanaMessage.js';
import type { SolanaFateQuery } from '../fate.js';
import type { SolanaOperator } from './solanaOperator.js';
import { RpcFault } from '../rpcFault.js';
import { lookForMessage } from './solanaSight.js';

const [usdc] = ASSETS.filter((asset): asset is SvmAsset => asset.family === 'svm');
const HEAD = { slot: 2_000, blockHeight: 1_000 };
const TX_BYTES = 64;

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
    origin: 'https://rpc.example.com',
    finalized: async () => Promise.resolve(HEAD),
    touched: async () => Promise.resolve([entry]),
    isBlockhashValid: async () => Promise.resolve(true),
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
  const query: SolanaFateQuery = {
    ...parts,
    nonce: messageHash(message),
    validBeforeBlock: 1_100,
    openedSec: 100,
    claimedTx: null,
  };
  return { query, base64: wire.toString('base64') };
}

describe('a transaction that an operator shows (T28)', () => {
  const signal = new AbortController().signal;
  const [feePayer, payer] = [newKey(), newKey()];

  it('is the payment where both have signed it', async () => {
    const { query, base64 } = await paymentWith(feePayer, payer, feePayer);
    const { operator, id } = operatorThatShows(base64);
    expect(await lookForMessage(operator, query, signal)).toMatchObject({ kind: 'paid', tx: id });
  });

  it.each([
    ['nobody', null],
    ['another key', newKey()],
    ['ourselves', payer],
  ])('is nothing where %s signed for the fee payer, though our message is in it', async (_who, by) => {
    const { query, base64 } = await paymentWith(feePayer, payer, by);
    const { operator } = operatorThatShows(base64);
    expect(await lookForMessage(operator, query, signal)).toMatchObject({ kind: 'unused' });
  });
});

describe('a claim that no operator answers for (T28)', () => {
  const signal = new AbortController().signal;

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
    expect(await lookForMessage(picky, { ...query, claimedTx }, signal)).toMatchObject({
      kind: 'paid',
      tx: id,
    });
    const empty = { ...picky, touched: async () => Promise.resolve([]) };
    expect(await lookForMessage(empty, { ...query, claimedTx }, signal)).toMatchObject({ kind: 'unused' });
  });
});

describe('a history that does not tell all (T28)', () => {
  const signal = new AbortController().signal;

  it('proves nothing where it lists what the operator cannot show', async () => {
    const feePayer = newKey();
    const { query, base64 } = await paymentWith(feePayer, newKey(), feePayer);
    const { operator } = operatorThatShows(base64);
    const behind: SolanaOperator = {
      ...operator,
      finalized: async () => Promise.resolve({ slot: 2_000, blockHeight: 1_101 }),
      isBlockhashValid: async () => Promise.resolve(false),
      transaction: async () => Promise.resolve(null),
    };
    expect(await lookForMessage(behind, query, signal)).toMatchObject({ kind: 'down' });
    expect(
      await lookForMessage({ ...behind, transaction: operator.transaction }, query, signal),
    ).toMatchObject({ kind: 'paid' });
  });

  it('is read on from where the time ran out over transactions of others with our memo', async () => {
    const feePayer = newKey();
    const { query, base64 } = await paymentWith(feePayer, newKey(), feePayer);
    const other = await paymentWith(feePayer, newKey(), feePayer);
    const { operator, id } = operatorThatShows(base64);
    const entryOf = (signature: string) => ({
      signature,
      slot: 1_990,
      timeSec: 100,
      memo: `[8] ${query.memo}`,
      failed: false,
    });
    const flood = Array.from({ length: 25 }, () => entryOf(writeBase58(randomBytes(TX_BYTES))));
    let left = 0;
    const slow: SolanaOperator = {
      ...operator,
      touched: async () => Promise.resolve([...flood, entryOf(id)]),
      transaction: async (signature, until) => {
        if (left-- <= 0) throw new RpcFault('no_answer', operator.origin, 'did not answer in time');
        const landed = await operator.transaction(signature, until);
        return signature === id || landed === null ? landed : { ...landed, base64: other.base64 };
      },
    };
    const looks: string[] = [];
    for (let i = 0; i < 3; i++) {
      left = 10;
      looks.push((await lookForMessage(slow, query, signal)).kind);
    }
    expect(looks).toEqual(['down', 'down', 'paid']);
  });
});

describe('a last block that no blockhash lives to (T28)', () => {
  const signal = new AbortController().signal;
  const DAY_SEC = 86_400;

  it.each([
    ['is past days later, with a blockhash that is dead', 3 * DAY_SEC, false, true],
    ['is not within a day', DAY_SEC, false, false],
    ['is not while the blockhash lives', 3 * DAY_SEC, true, false],
    ['is not where the time is unknown', null, false, false],
  ])('%s', async (_what, laterSec, alive, expired) => {
    const feePayer = newKey();
    const { query, base64 } = await paymentWith(feePayer, newKey(), feePayer);
    const { operator } = operatorThatShows(base64);
    const empty: SolanaOperator = {
      ...operator,
      touched: async () => Promise.resolve([]),
      isBlockhashValid: async () => Promise.resolve(alive),
      timeOf: async () => Promise.resolve(laterSec === null ? null : query.openedSec + laterSec),
    };
    const far = { ...query, validBeforeBlock: Number.MAX_SAFE_INTEGER };
    expect(await lookForMessage(empty, far, signal)).toMatchObject({ kind: 'unused', expired });
  });
});
