import type { AtomicAmount } from '../../money/unit.js';
import { concatHex, fromRlp, keccak256, numberToHex, pad, toFunctionSelector, toRlp } from 'viem/utils';
import {
  TEMPO_FEE_PER_GAS,
  TEMPO_GAS,
  TEMPO_TIP_PER_GAS,
  type TempoTransferIntent,
} from '../../payment/intent.js';

type Hex = `0x${string}`;

/** A Tempo transaction (type 0x76), as its sender and the chain write it. */
const TRANSACTION = '0x76';
/** The same on its way to whoever pays its fee: with the sender's address in the place of that signature. */
const FOR_FEE_PAYER = '0x78';
/** Stands, in what the sender signs, for the signature of whoever pays the fee. */
const FEE_PAYER_TO_SIGN = '0x00';
const NOTHING: Hex = '0x';
/** TIP-1009: the key of transactions that live for a time, and have no number. */
const EXPIRING_NONCE_KEY: Hex = `0x${'ff'.repeat(32)}`;

const TRANSFER_WITH_MEMO = toFunctionSelector('transferWithMemo(address,uint256,bytes32)');

/** One call that a transaction makes, and what else of it its sender decides. */
export interface TempoCall {
  readonly chainId: number;
  readonly from: Hex;
  readonly to: Hex;
  readonly data: Hex;
  readonly validBeforeSec: number;
  readonly feePaidBy: 'payee' | 'self';
  /** The token that we pay a fee in. */
  readonly feeToken: Hex;
}

/** The call that makes a transfer. */
export function transferCall(intent: TempoTransferIntent): TempoCall {
  const { chainId, asset, from, to, amountAtomic, nonce, validBeforeSec, feePaidBy } = intent;
  const data = concatHex([TRANSFER_WITH_MEMO, pad(to), numberToHex(amountAtomic, { size: 32 }), nonce]);
  return { chainId, from, to: asset.address, data, validBeforeSec, feePaidBy, feeToken: asset.address };
}

/** The fields up to the one for the fee payer, as what is signed and what is sent have them. */
function fieldsOf({ chainId, to, data, validBeforeSec, feePaidBy, feeToken }: TempoCall) {
  return [
    numberToHex(chainId),
    numberToHex(TEMPO_TIP_PER_GAS),
    numberToHex(TEMPO_FEE_PER_GAS),
    numberToHex(TEMPO_GAS),
    [[to, NOTHING, data]],
    // No access list; and the number is 0 under that key.
    [],
    EXPIRING_NONCE_KEY,
    NOTHING,
    numberToHex(validBeforeSec),
    // Valid from now on.
    NOTHING,
    // Whoever pays the fee for us chooses the token.
    feePaidBy === 'self' ? feeToken : NOTHING,
  ] as const;
}

/** The bytes that the sender of a transaction signs a hash of: all of it, and who pays the fee. */
function bytesToSign(call: TempoCall): Hex {
  const feePayer = call.feePaidBy === 'self' ? NOTHING : FEE_PAYER_TO_SIGN;
  return concatHex([TRANSACTION, toRlp([...fieldsOf(call), feePayer, []])]);
}

/** What the sender of a transaction signs. */
export function callHash(call: TempoCall): Hex {
  return keccak256(bytesToSign(call));
}

/** What the chain itself knows a transaction of this kind by: a hash of what its sender signs, and of the sender (TIP-1009). */
export function expiringNonceHash(call: TempoCall): Hex {
  return keccak256(concatHex([bytesToSign(call), call.from]));
}

/**
 * The bytes of a signed transaction: ready for the chain where we pay the fee, else for the payee, who adds its own signature.
 * `signature` is 65 bytes over {@link callHash}.
 */
export function writeCall(call: TempoCall, signature: Hex): Hex {
  const isOurs = call.feePaidBy === 'self';
  const feePayer = isOurs ? NOTHING : call.from;
  const body = toRlp([...fieldsOf(call), feePayer, [], signature]);
  return concatHex([isOurs ? TRANSACTION : FOR_FEE_PAYER, body]);
}

/** {@link callHash} of a transfer. */
export function signingHash(intent: TempoTransferIntent): Hex {
  return callHash(transferCall(intent));
}

/** {@link writeCall} of a transfer. */
export function writeTransaction(intent: TempoTransferIntent, signature: Hex): Hex {
  return writeCall(transferCall(intent), signature);
}

/** What our own record of a payment needs to know of the transaction that was signed for it. */
export interface SignedTransfer {
  readonly amountAtomic: AtomicAmount;
  /** The hash that the chain knows it by; null where the payee completes it, and so decides it. */
  readonly tx: Hex | null;
}

/** Position of the calls in a transaction. */
const CALLS = 4;
/** The second argument of the call: after selector and payee. */
const AMOUNT_BYTES = [4 + 32, 4 + 64] as const;

/** Reads a transaction of {@link writeTransaction}; undefined for any other text. */
export function readOwnTransfer(transaction: string): SignedTransfer | undefined {
  try {
    const bytes = transaction as Hex;
    const fields = fromRlp(`0x${bytes.slice(4)}`, 'hex');
    const [[, , data]] = fields[CALLS] as unknown as [[Hex, Hex, Hex]];
    if (!data.startsWith(TRANSFER_WITH_MEMO)) return undefined;
    const [from, to] = AMOUNT_BYTES.map((byte) => 2 + byte * 2);
    const amountAtomic = BigInt(`0x${data.slice(from, to)}`);
    return { amountAtomic, tx: bytes.startsWith(TRANSACTION) ? keccak256(bytes) : null };
  } catch {
    // Not RLP, or of another shape.
    return undefined;
  }
}

/** The hash that the chain knows a transaction of {@link writeCall} by; null where the payee completes it, and so decides it. */
export function ownTransaction(transaction: string): Hex | null {
  return transaction.startsWith(TRANSACTION) ? keccak256(transaction as Hex) : null;
}
