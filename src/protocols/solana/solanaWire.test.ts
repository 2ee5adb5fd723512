import { randomBytes } from 'node:crypto';
import { isDeepStrictEqual } from 'node:util';
import {
  compileTransactionMessage,
  decompileTransactionMessage,
  getCompiledTransactionMessageDecoder,
  getCompiledTransactionMessageEncoder,
  getTransactionDecoder,
  getTransactionEncoder,
  type Address,
} from '@solana/kit';
import fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { ASSETS, type SvmAsset } from '../../money/asset.js';
import { writeBase58 } from '../../money/base58.js';
import {
  readOwnMessage,
  readTransaction,
  readTransferMessage,
  writeTransaction,
  writeTransferMessage,
  type MessageParts,
} from './solanaMessage.js';
import { decodeMessage, decodeTransaction, signersOf } from './solanaWire.js';

const key = (): string => writeBase58(randomBytes(32));
const [usdc] = ASSETS.filter((asset): asset is SvmAsset => asset.family === 'svm');
const SIGNATURE = randomBytes(64);

function partsWith(fields: Partial<MessageParts> = {}): MessageParts {
  return {
    asset: usdc!,
    from: key(),
    to: key(),
    amountAtomic: 12_345n,
    feePayer: key(),
    blockhash: key(),
    memo: 'order 17',
    computeUnitLimit: 20_000,
    computeUnitPriceMicroLamports: 7,
    ...fields,
  };
}

/** The same message as Solana's own library writes it, which lists the accounts in another order. */
function rewritten(message: Uint8Array): Uint8Array {
  const compiled = getCompiledTransactionMessageDecoder().decode(message);
  const again = compileTransactionMessage(decompileTransactionMessage(compiled) as never);
  return Uint8Array.from(getCompiledTransactionMessageEncoder().encode(again));
}

const own = partsWith();
const SHAPES: readonly [string, MessageParts][] = [
  ['a payment', partsWith()],
  ['a payment with the longest memo', partsWith({ memo: 'é'.repeat(128) })],
  ['money taken out', { ...own, feePayer: own.from }],
  ['money taken out to a new account', { ...own, feePayer: own.from, createsAccount: true }],
];

describe('the bytes of a message', () => {
  it.each(SHAPES)('of %s are read alike by Solana’s own library, and back', async (_what, parts) => {
    const message = await writeTransferMessage(parts);
    const compiled = getCompiledTransactionMessageDecoder().decode(message);
    expect(Uint8Array.from(getCompiledTransactionMessageEncoder().encode(compiled))).toEqual(
      Uint8Array.from(message),
    );
    const mine = decodeMessage(message)!;
    expect(compiled).toMatchObject({
      version: 0,
      staticAccounts: mine.accounts,
      lifetimeToken: parts.blockhash,
      header: {
        numSignerAccounts: mine.signers,
        numReadonlySignerAccounts: mine.readonlySigners,
        numReadonlyNonSignerAccounts: mine.readonlyOthers,
      },
    });
    const { feePayer, from, amountAtomic, memo } = parts;
    const said = { feePayer, authority: from, amountAtomic, memo };
    expect(readOwnMessage(message)).toMatchObject(said);
    const theirs = rewritten(message);
    expect(readOwnMessage(theirs)).toEqual(readOwnMessage(message));
    expect(signersOf(theirs)).toEqual([feePayer, from].slice(0, mine.signers));
  });

  it('have room for nothing that was not meant', async () => {
    const message = await writeTransferMessage(partsWith());
    fc.assert(
      fc.property(fc.nat(message.length - 1), fc.integer({ min: 1, max: 255 }), (at, change) => {
        const other = Uint8Array.from(message);
        other[at] = other[at]! ^ change;
        const read = readTransferMessage(other);
        // A changed byte is another message, or none; it never reads as the same one.
        expect(read).not.toEqual(readTransferMessage(message));
      }),
    );
    for (let end = 0; end < message.length; end++)
      expect(decodeMessage(message.subarray(0, end))).toBeUndefined();
    expect(decodeMessage(Buffer.concat([message, Buffer.alloc(1)]))).toBeUndefined();
  });

  it.each([
    ['a payment', undefined],
    ['money taken out', key()],
  ])('mean something else, or nothing, with any one bit changed: %s', async (_what, from) => {
    const message = await writeTransferMessage(
      partsWith(from === undefined ? {} : { from, feePayer: from, createsAccount: true }),
    );
    const meant = readOwnMessage(message);
    const alike: number[] = [];
    for (let bit = 0; bit < message.length * 8; bit++) {
      const changed = Uint8Array.from(message);
      changed[bit >> 3]! ^= 1 << (bit & 7);
      if (isDeepStrictEqual(readOwnMessage(changed), meant)) alike.push(bit);
    }
    expect(alike).toEqual([]);
  });

  it.each(['source', 'destination', 'mint', 'tokenProgram'] as const)(
    'are not written where the fee payer is the %s',
    async (part) => {
      const parts = partsWith();
      const feePayer = readTransferMessage(await writeTransferMessage(parts))![part];
      await expect(writeTransferMessage({ ...parts, feePayer })).rejects.toMatchObject({
        code: 'malformed_offer',
      });
    },
  );

  it('are read without a throw, whatever they are', () => {
    fc.assert(
      fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
        decodeMessage(bytes);
        decodeMessage(Buffer.concat([Buffer.from([0x80, 2, 1, 4]), bytes]));
        signersOf(bytes);
        decodeTransaction(bytes);
        readTransaction(Buffer.from(bytes).toString('base64'));
      }),
    );
  });
});

describe('a transaction', () => {
  it('is the one that Solana’s own library writes and reads', async () => {
    const parts = partsWith();
    const message = await writeTransferMessage(parts);
    const base64 = writeTransaction(message, parts.from, SIGNATURE);
    const theirs = getTransactionDecoder().decode(Buffer.from(base64, 'base64'));
    expect(Object.keys(theirs.signatures)).toEqual([parts.feePayer, parts.from]);
    expect(theirs.signatures[parts.from as Address]).toEqual(SIGNATURE);
    expect(Buffer.from(getTransactionEncoder().encode(theirs) as Uint8Array).toString('base64')).toBe(base64);
    const mine = readTransaction(base64)!;
    expect(Object.keys(mine.signatures)).toEqual([parts.feePayer, parts.from]);
    expect(mine.signatures[parts.feePayer]).toBeNull();
    expect(Buffer.from(mine.message)).toEqual(Buffer.from(message));
  });

  it('of the time before versions is taken apart, too', () => {
    const legacy = Buffer.concat([
      Buffer.from([1, 0, 1, 2]),
      randomBytes(64),
      randomBytes(32),
      Buffer.from([0]),
    ]);
    const wire = Buffer.concat([Buffer.from([1]), SIGNATURE, legacy]).toString('base64');
    const theirs = getTransactionDecoder().decode(Buffer.from(wire, 'base64'));
    expect(Object.keys(readTransaction(wire)!.signatures)).toEqual(Object.keys(theirs.signatures));
    expect(readTransferMessage(legacy)).toBeUndefined();
    const short = Buffer.concat([Buffer.from([2]), SIGNATURE, SIGNATURE, legacy]);
    expect(readTransaction(short.toString('base64'))).toBeUndefined();
  });
});
