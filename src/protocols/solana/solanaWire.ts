import { readBase58, writeBase58 } from '../../money/base58.js';

const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;
/** First bit of a message that states its version; one without it is of the time before versions. */
const VERSIONED = 0x80;
/** A length is written in groups of so many bits, least first, the eighth bit saying that more follow. */
const LENGTH_BITS = 7;
/** Nothing in a transaction is longer than 16 bits say. */
const LENGTH_GROUPS_MAX = 3;

/** What an account may be in an instruction: read, and beyond that written, a signer, or both. */
export const READ = 0;
export const WRITE = 1;
export const SIGN = 2;

/** One instruction as it is meant, its accounts in base58 with their roles. */
export interface Instruction {
  readonly program: string;
  readonly accounts: readonly (readonly [account: string, role: number])[];
  readonly data: Uint8Array;
}

/** One instruction as a message has it, its accounts by their place in the message's list. */
export interface WireInstruction {
  readonly program: number;
  readonly accounts: readonly number[];
  readonly data: Uint8Array;
}

/** A message of version 0 without lookup tables, as Solana's own wire format has it. */
export interface WireMessage {
  /** How many of the first accounts sign, and how many of those are only read. */
  readonly signers: number;
  readonly readonlySigners: number;
  /** How many of the last accounts are only read. */
  readonly readonlyOthers: number;
  /** In base58. */
  readonly accounts: readonly string[];
  readonly blockhash: string;
  readonly instructions: readonly WireInstruction[];
}

/** Signatures and the bytes they are over. */
export interface WireSignatures {
  readonly signatures: readonly Uint8Array[];
  readonly message: Uint8Array;
}

/**
 * Writes a message: the fee payer first, then whoever else signs, then what is written, then what is read, each account
 * once and with all that any instruction needs of it. Throws `RangeError` where an address is none.
 */
export function encodeMessage(
  feePayer: string,
  blockhash: string,
  instructions: readonly Instruction[],
): Uint8Array {
  const roles = rolesOf(feePayer, instructions);
  const counted = (role: number): number => [...roles.values()].filter((one) => one === role).length;
  const accounts = [SIGN | WRITE, SIGN, WRITE, READ].flatMap((role) =>
    [...roles].filter(([, one]) => one === role).map(([account]) => account),
  );
  const readonlySigners = counted(SIGN);
  const signers = counted(SIGN | WRITE) + readonlySigners;
  return Buffer.concat([
    Buffer.from([VERSIONED, signers, readonlySigners, counted(READ)]),
    writeLength(accounts.length),
    ...accounts.map(keyBytes),
    keyBytes(blockhash),
    writeLength(instructions.length),
    ...instructions.flatMap(({ program, accounts: used, data }) => [
      Buffer.from([accounts.indexOf(program)]),
      writeLength(used.length),
      Buffer.from(used.map(([account]) => accounts.indexOf(account))),
      writeLength(data.length),
      data,
    ]),
    writeLength(0),
  ]);
}

/** What each account has to be allowed, in the order of their first use. */
function rolesOf(feePayer: string, instructions: readonly Instruction[]): Map<string, number> {
  const roles = new Map([[feePayer, SIGN | WRITE]]);
  for (const { program, accounts } of instructions) {
    for (const [account, role] of [...accounts, [program, READ] as const])
      roles.set(account, (roles.get(account) ?? READ) | role);
  }
  return roles;
}

/** Reads a message of that kind, to its last byte; undefined for any other. Never throws. */
export function decodeMessage(bytes: Uint8Array): WireMessage | undefined {
  return guarded(() => {
    const from = readerOf(bytes);
    if (from.byte() !== VERSIONED) return undefined;
    const [signers, readonlySigners, readonlyOthers] = [from.byte(), from.byte(), from.byte()];
    const accounts = from.list(() => writeBase58(from.take(KEY_BYTES)));
    // No chain takes a header that counts more than there are.
    if (readonlySigners >= signers || signers + readonlyOthers > accounts.length) return undefined;
    const blockhash = writeBase58(from.take(KEY_BYTES));
    const instructions = from.list((): WireInstruction => {
      const program = from.byte();
      const places = [...from.take(from.length())];
      return { program, accounts: places, data: from.take(from.length()) };
    });
    const tables = from.length();
    if (tables !== 0 || from.left() !== 0) return undefined;
    return { signers, readonlySigners, readonlyOthers, accounts, blockhash, instructions };
  });
}

/** The accounts that sign a message of any version, in base58; undefined where it says none. Never throws. */
export function signersOf(message: Uint8Array): string[] | undefined {
  return guarded(() => {
    const from = readerOf(message);
    const first = from.byte();
    const signers = first < VERSIONED ? first : from.byte();
    from.take(2);
    const accounts = from.length();
    if (signers === 0 || signers > accounts) return undefined;
    return Array.from({ length: signers }, () => writeBase58(from.take(KEY_BYTES)));
  });
}

/** Writes a transaction: a signature for each signer, in their order, 64 zeros for one still to come. */
export function encodeTransaction({ signatures, message }: WireSignatures): Uint8Array {
  return Buffer.concat([writeLength(signatures.length), ...signatures, message]);
}

/** Takes a transaction of any version apart; undefined for what is none. Never throws. */
export function decodeTransaction(bytes: Uint8Array): WireSignatures | undefined {
  return guarded(() => {
    const from = readerOf(bytes);
    const signatures = from.list(() => from.take(SIGNATURE_BYTES));
    return { signatures, message: from.take(from.left()) };
  });
}

function keyBytes(text: string): Uint8Array {
  const bytes = readBase58(text, 'address');
  if (bytes === undefined) throw new RangeError('not an address');
  return bytes;
}

function writeLength(length: number): Uint8Array {
  const groups: number[] = [];
  let rest = length;
  do {
    const group = rest & (VERSIONED - 1);
    rest >>= LENGTH_BITS;
    groups.push(rest > 0 ? group | VERSIONED : group);
  } while (rest > 0);
  return Buffer.from(groups);
}

/** What `read` gives; undefined where the bytes end before it does. */
function guarded<T>(read: () => T | undefined): T | undefined {
  try {
    return read();
  } catch (error) {
    if (error instanceof RangeError) return undefined;
    throw error;
  }
}

/** Reads bytes one after the other; throws `RangeError` past their end, and for a length in more groups than it takes. */
function readerOf(bytes: Uint8Array) {
  let at = 0;
  const take = (count: number): Uint8Array => {
    if (at + count > bytes.length) throw new RangeError('past the end');
    return Uint8Array.prototype.slice.call(bytes, at, (at += count));
  };
  const byte = (): number => take(1)[0] ?? 0;
  const length = (): number => {
    let value = 0;
    for (let i = 0; i < LENGTH_GROUPS_MAX; i++) {
      const group = byte();
      value |= (group & (VERSIONED - 1)) << (i * LENGTH_BITS);
      if (group < VERSIONED) {
        // One length has one spelling: a zero behind the first group would be a second.
        if (i > 0 && group === 0) break;
        return value;
      }
    }
    throw new RangeError('not a length');
  };
  const list = <T>(read: () => T): T[] => Array.from({ length: length() }, read);
  return { take, byte, length, list, left: () => bytes.length - at };
}
