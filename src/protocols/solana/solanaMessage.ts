import { createHash } from 'node:crypto';
import type { Address } from '@solana/kit';
import { WalletError } from '../../errors/walletError.js';
import type { SvmAsset } from '../../money/asset.js';
import type { SolanaTransferIntent } from '../../payment/intent.js';
import { writeBase58 } from '../../money/base58.js';
import { SYSTEM_PROGRAM } from './solanaAddress.js';
import {
  decodeMessage,
  decodeTransaction,
  encodeMessage,
  encodeTransaction,
  READ,
  SIGN,
  signersOf,
  WRITE,
  type Instruction,
  type WireMessage,
} from './solanaWire.js';
import type { AtomicAmount } from '../../money/unit.js';

/** Solana's own programs, by addresses that never change. */
const COMPUTE_BUDGET_PROGRAM = 'ComputeBudget111111111111111111111111111111';
const MEMO_PROGRAM = 'MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr';
const ASSOCIATED_TOKEN_PROGRAM = 'ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL';
const PROGRAMS = [COMPUTE_BUDGET_PROGRAM, MEMO_PROGRAM, ASSOCIATED_TOKEN_PROGRAM, SYSTEM_PROGRAM];

/** First bytes of the instructions' data, by their programs. */
const SET_COMPUTE_UNIT_LIMIT = 2;
const SET_COMPUTE_UNIT_PRICE = 3;
const TRANSFER_CHECKED = 12;
const CREATE_IDEMPOTENT = 1;

const NO_SIGNATURE = new Uint8Array(64);

/** What decides a message, and all that does. */
export type MessageParts = Pick<
  SolanaTransferIntent,
  | 'asset'
  | 'from'
  | 'to'
  | 'amountAtomic'
  | 'feePayer'
  | 'blockhash'
  | 'memo'
  | 'computeUnitLimit'
  | 'computeUnitPriceMicroLamports'
> & {
  /** Whether the payee's token account is made first; the fee payer pays for it. */
  readonly createsAccount?: boolean;
};

/** A transfer as a message says it. */
export interface DecodedTransfer {
  readonly feePayer: string;
  readonly blockhash: string;
  readonly computeUnitLimit: number;
  readonly computeUnitPriceMicroLamports: number;
  readonly tokenProgram: string;
  readonly source: string;
  readonly mint: string;
  readonly destination: string;
  readonly authority: string;
  readonly amountAtomic: AtomicAmount;
  readonly decimals: number;
  /** Null where the message has none. */
  readonly memo: string | null;
  /** Whose token account is made before the transfer; null where none is. */
  readonly accountMadeFor: string | null;
}

const tokenAccounts = new Map<string, Promise<string>>();
/** Far more sellers than a wallet meets in a day; beyond it the oldest is derived anew. */
const TOKEN_ACCOUNTS_MAX = 1_000;

/** The associated token account of an owner: where the scheme pays from and to. Derived once, then remembered. */
export function tokenAccountOf(owner: string, asset: SvmAsset): Promise<string> {
  const key = `${asset.address} ${owner}`;
  const known = tokenAccounts.get(key);
  if (known !== undefined) return known;
  const derived = deriveTokenAccount(owner, asset);
  tokenAccounts.set(key, derived);
  const oldest = tokenAccounts.keys().next();
  if (tokenAccounts.size > TOKEN_ACCOUNTS_MAX && oldest.done === false) tokenAccounts.delete(oldest.value);
  return derived;
}

async function deriveTokenAccount(owner: string, { address, tokenProgram }: SvmAsset): Promise<string> {
  const { getAddressEncoder, getProgramDerivedAddress } = await import('@solana/kit');
  const encoder = getAddressEncoder();
  const seeds = [owner, tokenProgram, address].map((part) => encoder.encode(part as Address));
  const programAddress = ASSOCIATED_TOKEN_PROGRAM as Address;
  const [account] = await getProgramDerivedAddress({ programAddress, seeds });
  return account;
}

/**
 * Writes the one message that scheme `exact` on Solana has for a transfer (x402 specs, `scheme_exact_svm`): compute
 * limit, compute price, TransferChecked between the owners' associated accounts, memo; version 0, no lookup tables. A charge
 * of MPP has the same one, without the memo where its seller gives no reference (draft-solana-charge).
 * Before the transfer, and only where it is asked for, the making of the payee's associated account.
 *
 * Throws `malformed_offer` where the fee payer is a part of the transfer other than its sender.
 */
export async function writeTransferMessage(parts: MessageParts): Promise<Uint8Array> {
  const { asset, from, to, amountAtomic, feePayer, blockhash } = parts;
  const [source, destination] = await Promise.all([tokenAccountOf(from, asset), tokenAccountOf(to, asset)]);
  // A seller names the fee payer: as one of these it would be another message than the one that is meant.
  const others = [source, destination, asset.address, asset.tokenProgram, ...PROGRAMS];
  if (others.includes(feePayer)) {
    throw new WalletError(
      'malformed_offer',
      'The offer names a part of the transfer as its fee payer; nothing was signed.',
    );
  }
  const limit = Buffer.alloc(5);
  limit.writeUInt8(SET_COMPUTE_UNIT_LIMIT);
  limit.writeUInt32LE(parts.computeUnitLimit, 1);
  const price = Buffer.alloc(9);
  price.writeUInt8(SET_COMPUTE_UNIT_PRICE);
  price.writeBigUInt64LE(BigInt(parts.computeUnitPriceMicroLamports), 1);
  const transfer = Buffer.alloc(10);
  transfer.writeUInt8(TRANSFER_CHECKED);
  transfer.writeBigUInt64LE(amountAtomic, 1);
  transfer.writeUInt8(asset.decimals, 9);
  const instructions: Instruction[] = [
    { program: COMPUTE_BUDGET_PROGRAM, accounts: [], data: limit },
    { program: COMPUTE_BUDGET_PROGRAM, accounts: [], data: price },
    ...(parts.createsAccount === true ? [createAccount(parts, destination)] : []),
    {
      program: asset.tokenProgram,
      accounts: [
        [source, WRITE],
        [asset.address, READ],
        [destination, WRITE],
        [from, SIGN],
      ],
      data: transfer,
    },
    ...(parts.memo === null
      ? []
      : [{ program: MEMO_PROGRAM, accounts: [], data: Buffer.from(parts.memo, 'utf8') }]),
  ];
  return encodeMessage(feePayer, blockhash, instructions);
}

/** `CreateIdempotent` of the associated token program: an account that is there already is no failure. */
function createAccount({ asset, to, feePayer }: MessageParts, account: string): Instruction {
  return {
    program: ASSOCIATED_TOKEN_PROGRAM,
    accounts: [
      [feePayer, SIGN | WRITE],
      [account, WRITE],
      ...[to, asset.address, SYSTEM_PROGRAM, asset.tokenProgram].map((one) => [one, READ] as const),
    ],
    data: Buffer.from([CREATE_IDEMPOTENT]),
  };
}

/**
 * Reads a payment's message back; undefined unless it is, byte for byte in shape, what {@link writeTransferMessage}
 * writes for one: those instructions in that order, two signers, no lookup tables, nothing behind its end.
 */
export function readTransferMessage(bytes: Uint8Array): DecodedTransfer | undefined {
  const transfer = readOwnMessage(bytes);
  return transfer === undefined || paysOwnFee(transfer) ? undefined : transfer;
}

/** Whether whoever sends the money pays the fee, too: so money leaves that its owner takes out, and no payment does. */
export function paysOwnFee({ feePayer, authority }: DecodedTransfer): boolean {
  return feePayer === authority;
}

/** Reads whatever {@link writeTransferMessage} writes, a payment or money taken out; undefined for all else. */
export function readOwnMessage(bytes: Uint8Array): DecodedTransfer | undefined {
  const message = decodeMessage(bytes);
  return message === undefined ? undefined : readWire(message);
}

function readWire({
  signers,
  readonlySigners,
  readonlyOthers,
  accounts: all,
  blockhash,
  instructions,
}: WireMessage): DecodedTransfer | undefined {
  const parts = instructions.map(({ program, accounts, data }) => ({
    program: all[program] ?? '',
    accounts: accounts.map((index) => all[index] ?? ''),
    data: Buffer.from(data),
  }));
  const isOwn = signers === 1 && readonlySigners === 0;
  const isForOthers = signers === 2 && readonlySigners === 1;
  if (!isOwn && !isForOthers) return undefined;
  // Whoever pays the fees of others makes no account for them.
  const made = isOwn && parts.length === 5 ? parts.splice(2, 1)[0] : undefined;
  const [limit, price, transfer, memo, ...more] = parts;
  if (limit === undefined || price === undefined || transfer === undefined) return undefined;
  // Money that is taken out always has one.
  if (memo === undefined && isOwn) return undefined;
  const [source, mint, destination, authority, ...others] = transfer.accounts;
  // What is written to, behind those who sign; all others are read.
  const written = all.slice(signers, all.length - readonlyOthers);
  const isExact =
    written.length === 2 &&
    [source, destination].every((account) => written.includes(account ?? '')) &&
    more.length === 0 &&
    others.length === 0 &&
    [limit, price, memo].every((part) => part === undefined || part.accounts.length === 0) &&
    limit.program === COMPUTE_BUDGET_PROGRAM &&
    price.program === COMPUTE_BUDGET_PROGRAM &&
    (memo === undefined || memo.program === MEMO_PROGRAM) &&
    limit.data.length === 5 &&
    limit.data[0] === SET_COMPUTE_UNIT_LIMIT &&
    price.data.length === 9 &&
    price.data[0] === SET_COMPUTE_UNIT_PRICE &&
    transfer.data.length === 10 &&
    transfer.data[0] === TRANSFER_CHECKED;
  if (
    !isExact ||
    authority === undefined ||
    source === undefined ||
    mint === undefined ||
    destination === undefined
  )
    return undefined;
  const feePayer = all[0] ?? '';
  const accountMadeFor = made === undefined ? null : (made.accounts[2] ?? '');
  const expected = [feePayer, destination, accountMadeFor ?? '', mint, SYSTEM_PROGRAM, transfer.program];
  if (made !== undefined && !isCreation(made, expected)) return undefined;
  if (isOwn !== (authority === feePayer)) return undefined;
  return {
    feePayer,
    accountMadeFor,
    blockhash,
    computeUnitLimit: limit.data.readUInt32LE(1),
    computeUnitPriceMicroLamports: Number(price.data.readBigUInt64LE(1)),
    tokenProgram: transfer.program,
    source,
    mint,
    destination,
    authority,
    amountAtomic: transfer.data.readBigUInt64LE(1),
    decimals: transfer.data.readUInt8(9),
    memo: memo?.data.toString('utf8') ?? null,
  };
}

function isCreation(
  { program, accounts, data }: { program: string; accounts: readonly string[]; data: Buffer },
  expected: readonly string[],
): boolean {
  const isCalled = program === ASSOCIATED_TOKEN_PROGRAM && data.length === 1 && data[0] === CREATE_IDEMPOTENT;
  return isCalled && accounts.join() === expected.join();
}

/** What a payment on Solana is known by: no two messages have the same hash, and the chain shows the message. */
export function messageHash(bytes: Uint8Array): `0x${string}` {
  return `0x${createHash('sha256').update(bytes).digest('hex')}`;
}

/** A transaction taken apart. */
export interface WireTransaction {
  readonly message: Uint8Array;
  /** Its id: the fee payer's signature. */
  readonly id: string;
  /** Each signer's signature, null where it has not signed yet. */
  readonly signatures: Readonly<Record<string, Uint8Array | null>>;
}

/** Reads a transaction as x402 and RPCs carry it, in base64; undefined for anything else. */
export function readTransaction(base64: string): WireTransaction | undefined {
  const wire = decodeTransaction(Buffer.from(base64, 'base64'));
  const signers = wire === undefined ? undefined : signersOf(wire.message);
  if (wire === undefined || signers?.length !== wire.signatures.length) return undefined;
  const { signatures, message } = wire;
  const isThere = (signature: Uint8Array | undefined): signature is Uint8Array =>
    signature?.some((byte) => byte !== 0) === true;
  return {
    message,
    id: writeBase58(signatures[0] ?? NO_SIGNATURE),
    signatures: Object.fromEntries(
      signers.map((signer, i) => {
        const signature = signatures[i];
        return [signer, isThere(signature) ? signature : null];
      }),
    ),
  };
}

/** Writes a transaction that its fee payer has yet to sign, in base64. */
export function writeTransaction(message: Uint8Array, signer: string, signature: Uint8Array): string {
  const signers = signersOf(message) ?? [];
  const signatures = signers.map((one) => (one === signer ? signature : NO_SIGNATURE));
  return Buffer.from(encodeTransaction({ signatures, message })).toString('base64');
}
