import { createHash } from 'node:crypto';
import type { Address, CompiledTransactionMessage } from '@solana/kit';
import type { SvmAsset } from '../money/asset.js';
import type { SolanaTransferIntent } from '../money/intent.js';
import { writeBase58 } from './base58.js';
import { SYSTEM_PROGRAM } from './solanaAddress.js';

/** Solana's own programs, by addresses that never change. */
const COMPUTE_BUDGET_PROGRAM = 'ComputeBudget111111111111111111111111111111';
const MEMO_PROGRAM = 'MemoSq4gqABAXKb96qnH8TysNcWxMyWCqXgDLGmfcHr';
const ASSOCIATED_TOKEN_PROGRAM = 'ATokenGPvbdGVxr1b2hvZbsiqW5xWH25efTNsLJA8knL';

/** First bytes of the instructions' data, by their programs. */
const SET_COMPUTE_UNIT_LIMIT = 2;
const SET_COMPUTE_UNIT_PRICE = 3;
const TRANSFER_CHECKED = 12;
const CREATE_IDEMPOTENT = 1;

/** Roles of an account in an instruction, as kit numbers them: read, write, sign, both. */
const READ = 0;
const WRITE = 1;
const SIGN = 2;
const SIGN_WRITE = 3;

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
  readonly amountAtomic: bigint;
  readonly decimals: number;
  readonly memo: string;
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
 * limit, compute price, TransferChecked between the owners' associated accounts, memo; version 0, no lookup tables.
 * Before the transfer, and only where it is asked for, the making of the payee's associated account.
 */
export async function writeTransferMessage(parts: MessageParts): Promise<Uint8Array> {
  const kit = await import('@solana/kit');
  const { asset, from, to, amountAtomic, feePayer, blockhash } = parts;
  const [source, destination] = await Promise.all([tokenAccountOf(from, asset), tokenAccountOf(to, asset)]);
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
  const accounts = [
    { address: source as Address, role: WRITE },
    { address: asset.address as Address, role: READ },
    { address: destination as Address, role: WRITE },
    { address: from as Address, role: SIGN },
  ];
  const instructions = [
    { programAddress: COMPUTE_BUDGET_PROGRAM as Address, data: limit },
    { programAddress: COMPUTE_BUDGET_PROGRAM as Address, data: price },
    ...(parts.createsAccount === true ? [createAccount(parts, destination)] : []),
    { programAddress: asset.tokenProgram as Address, accounts, data: transfer },
    { programAddress: MEMO_PROGRAM as Address, data: Buffer.from(parts.memo, 'utf8') },
  ];
  const message = kit.pipe(
    kit.createTransactionMessage({ version: 0 }),
    (empty) => kit.setTransactionMessageFeePayer(feePayer as Address, empty),
    (paid) => kit.appendTransactionMessageInstructions(instructions, paid),
    // The height bounds nothing in the bytes; the ledger keeps it.
    (whole) =>
      kit.setTransactionMessageLifetimeUsingBlockhash(
        { blockhash: blockhash as never, lastValidBlockHeight: 0n },
        whole,
      ),
  );
  const compiled = kit.compileTransactionMessage(message);
  return Uint8Array.from(kit.getCompiledTransactionMessageEncoder().encode(compiled));
}

/** `CreateIdempotent` of the associated token program: an account that is there already is no failure. */
function createAccount({ asset, to, feePayer }: MessageParts, account: string) {
  const accounts = [
    { address: feePayer as Address, role: SIGN_WRITE },
    { address: account as Address, role: WRITE },
    ...[to, asset.address, SYSTEM_PROGRAM, asset.tokenProgram].map((one) => ({
      address: one as Address,
      role: READ,
    })),
  ];
  return {
    programAddress: ASSOCIATED_TOKEN_PROGRAM as Address,
    accounts,
    data: Buffer.from([CREATE_IDEMPOTENT]),
  };
}

/**
 * Reads a payment's message back; undefined unless it is, byte for byte in shape, what {@link writeTransferMessage}
 * writes for one: those four instructions in that order, two signers, no lookup tables, nothing behind its end.
 */
export async function readTransferMessage(bytes: Uint8Array): Promise<DecodedTransfer | undefined> {
  const transfer = await readOwnMessage(bytes);
  return transfer === undefined || paysOwnFee(transfer) ? undefined : transfer;
}

/** Whether whoever sends the money pays the fee, too: so money leaves that its owner takes out, and no payment does. */
export function paysOwnFee({ feePayer, authority }: DecodedTransfer): boolean {
  return feePayer === authority;
}

/** Reads whatever {@link writeTransferMessage} writes, a payment or money taken out; undefined for all else. */
export async function readOwnMessage(bytes: Uint8Array): Promise<DecodedTransfer | undefined> {
  const kit = await import('@solana/kit');
  try {
    const compiled = kit.getCompiledTransactionMessageDecoder().decode(bytes);
    const transfer = readCompiled(compiled);
    const again = kit.getCompiledTransactionMessageEncoder().encode(compiled);
    return Buffer.from(bytes).equals(Buffer.from(again as Uint8Array)) ? transfer : undefined;
  } catch {
    return undefined;
  }
}

function readCompiled(
  message: CompiledTransactionMessage & { lifetimeToken: string },
): DecodedTransfer | undefined {
  const { header, staticAccounts, instructions } = message;
  if (message.version !== 0 || (message.addressTableLookups ?? []).length > 0) return undefined;
  const parts = instructions.map(({ programAddressIndex, accountIndices = [], data }) => ({
    program: staticAccounts[programAddressIndex] ?? '',
    accounts: accountIndices.map((index) => staticAccounts[index] ?? ''),
    data: Buffer.from((data ?? []) as Uint8Array),
  }));
  const isOwn = header.numSignerAccounts === 1 && header.numReadonlySignerAccounts === 0;
  const isForOthers = header.numSignerAccounts === 2 && header.numReadonlySignerAccounts === 1;
  if (!isOwn && !isForOthers) return undefined;
  // Whoever pays the fees of others makes no account for them.
  const made = isOwn && parts.length === 5 ? parts.splice(2, 1)[0] : undefined;
  const [limit, price, transfer, memo, ...more] = parts;
  if (limit === undefined || price === undefined || transfer === undefined || memo === undefined)
    return undefined;
  const [source, mint, destination, authority, ...others] = transfer.accounts;
  const isExact =
    more.length === 0 &&
    others.length === 0 &&
    [limit, price, memo].every(({ accounts }) => accounts.length === 0) &&
    limit.program === COMPUTE_BUDGET_PROGRAM &&
    price.program === COMPUTE_BUDGET_PROGRAM &&
    memo.program === MEMO_PROGRAM &&
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
  const feePayer = staticAccounts[0] ?? '';
  const accountMadeFor = made === undefined ? null : (made.accounts[2] ?? '');
  const expected = [feePayer, destination, accountMadeFor ?? '', mint, SYSTEM_PROGRAM, transfer.program];
  if (made !== undefined && !isCreation(made, expected)) return undefined;
  if (isOwn !== (authority === feePayer)) return undefined;
  return {
    feePayer,
    accountMadeFor,
    blockhash: message.lifetimeToken,
    computeUnitLimit: limit.data.readUInt32LE(1),
    computeUnitPriceMicroLamports: Number(price.data.readBigUInt64LE(1)),
    tokenProgram: transfer.program,
    source,
    mint,
    destination,
    authority,
    amountAtomic: transfer.data.readBigUInt64LE(1),
    decimals: transfer.data.readUInt8(9),
    memo: memo.data.toString('utf8'),
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
export async function readTransaction(base64: string): Promise<WireTransaction | undefined> {
  const { getTransactionDecoder } = await import('@solana/kit');
  try {
    const { messageBytes, signatures } = getTransactionDecoder().decode(Buffer.from(base64, 'base64'));
    const [first] = Object.values(signatures);
    return {
      message: Uint8Array.from(messageBytes),
      id: writeBase58(first ?? new Uint8Array(64)),
      signatures: signatures as WireTransaction['signatures'],
    };
  } catch {
    return undefined;
  }
}

/** Writes a transaction that its fee payer has yet to sign, in base64. */
export async function writeTransaction(
  message: Uint8Array,
  signer: string,
  signature: Uint8Array,
): Promise<string> {
  const { getCompiledTransactionMessageDecoder, getTransactionEncoder } = await import('@solana/kit');
  const { staticAccounts, header } = getCompiledTransactionMessageDecoder().decode(message);
  const signers = staticAccounts.slice(0, header.numSignerAccounts);
  const signatures = Object.fromEntries(signers.map((one) => [one, one === signer ? signature : null]));
  const wire = getTransactionEncoder().encode({ messageBytes: message, signatures } as never);
  return Buffer.from(wire as Uint8Array).toString('base64');
}
