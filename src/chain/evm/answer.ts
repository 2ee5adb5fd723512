/** Bytes as JSON-RPC writes them. */
export type Hex = `0x${string}`;

/** The parts of a block header that a proof rests on. */
export interface Block {
  readonly number: bigint;
  readonly hash: Hex;
  readonly timeSec: number;
}

/** 2^64: no block number, time or log index reaches it, and a longer text is no quantity of ours. */
const QUANTITY = /^0x[0-9a-f]{1,16}$/i;
/** 2^128 wei are more than there will ever be of any coin. */
const COINS = /^0x[0-9a-f]{1,32}$/i;
const WORD = /^0x[0-9a-f]{64}$/i;
const BYTES = /^0x(?:[0-9a-f]{2})*$/i;
const ADDRESS_20 = /^0x[0-9a-f]{40}$/i;
const ADDRESS_WORD = /^0x0{24}([0-9a-f]{40})$/i;

/** The fields of a JSON object; throws on anything else. */
export function readObject(answer: unknown): Record<string, unknown> {
  if (typeof answer !== 'object' || answer === null || Array.isArray(answer))
    throw new Error('not an object');
  return answer as Record<string, unknown>;
}

/** An integer below 2^64 as JSON-RPC writes it, such as `0x1b4`. */
export function readQuantity(answer: unknown): bigint {
  if (typeof answer !== 'string' || !QUANTITY.test(answer)) throw new Error('not a quantity');
  return BigInt(answer);
}

/** An amount of the network's own coin: a quantity of up to 128 bits. */
export function readCoins(answer: unknown): bigint {
  if (typeof answer !== 'string' || !COINS.test(answer)) throw new Error('not an amount');
  return BigInt(answer);
}

/** A quantity that JavaScript can count with: a time in seconds, an index. */
export function readSmallQuantity(answer: unknown): number {
  const value = Number(readQuantity(answer));
  if (!Number.isSafeInteger(value)) throw new Error('not a small quantity');
  return value;
}

/** 32 bytes: a hash, a nonce, or a word of the ABI; in lower case. */
export function readWord(answer: unknown): Hex {
  if (typeof answer !== 'string' || !WORD.test(answer)) throw new Error('not 32 bytes');
  return answer.toLowerCase() as Hex;
}

/** A uint256 as a contract returns it alone. */
export function readUint(answer: unknown): bigint {
  return BigInt(readWord(answer));
}

/** A bool as a contract returns it alone: any other word than 0 and 1 is no answer to a yes-or-no question. */
export function readBool(answer: unknown): boolean {
  const value = readUint(answer);
  if (value > 1n) throw new Error('not a bool');
  return value === 1n;
}

/** Any number of bytes; in lower case. */
export function readBytes(answer: unknown): Hex {
  if (typeof answer !== 'string' || !BYTES.test(answer)) throw new Error('not bytes');
  return answer.toLowerCase() as Hex;
}

/** An address as a field of a transaction holds it; in lower case. */
export function readAddress20(answer: unknown): Hex {
  if (typeof answer !== 'string' || !ADDRESS_20.test(answer)) throw new Error('not an address');
  return answer.toLowerCase() as Hex;
}

/** An address as an indexed argument of an event holds it; in lower case. */
export function readAddressWord(answer: unknown): Hex {
  const match = typeof answer === 'string' ? ADDRESS_WORD.exec(answer) : null;
  if (match?.[1] === undefined) throw new Error('not an address');
  return `0x${match[1].toLowerCase()}`;
}

/** A mined block's header; throws for `null`, which an endpoint answers for a block it does not have. */
export function readBlock(answer: unknown): Block {
  const { number, hash, timestamp } = readObject(answer);
  return {
    number: readQuantity(number),
    hash: readWord(hash),
    timeSec: readSmallQuantity(timestamp),
  };
}
