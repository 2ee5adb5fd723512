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

/** The fields up to the one for the fee payer, as what is signed and what is sent have them. */
function fieldsOf(intent: TempoTransferIntent) {
  const { chainId, asset, to, amountAtomic, nonce, validBeforeSec, feePaidBy } = intent;
  const data = concatHex([TRANSFER_WITH_MEMO, pad(to), numberToHex(amountAtomic, { size: 32 }), nonce]);
  return [
    numberToHex(chainId),
    numberToHex(TEMPO_TIP_PER_GAS),
    numberToHex(TEMPO_FEE_PER_GAS),
    numberToHex(TEMPO_GAS),
    [[asset.address, NOTHING, data]],
    // No access list; and the number is 0 under that key.
    [],
    EXPIRING_NONCE_KEY,
    NOTHING,
    numberToHex(validBeforeSec),
    // Valid from now on.
    NOTHING,
    // Whoever pays the fee for us chooses the token.
    feePaidBy === 'self' ? asset.address : NOTHING,
  ] as const;
}

/** What the sender of a transfer signs: a hash over all of it, and over who pays the fee. */
export function signingHash(intent: TempoTransferIntent): Hex {
  const feePayer = intent.feePaidBy === 'self' ? NOTHING : FEE_PAYER_TO_SIGN;
  return keccak256(concatHex([TRANSACTION, toRlp([...fieldsOf(intent), feePayer, []])]));
}

/**
 * The bytes of a signed transfer: ready for the chain where we pay the fee, else for the payee, who adds its own signature.
 * `signature` is 65 bytes over {@link signingHash}.
 */
export function writeTransaction(intent: TempoTransferIntent, signature: Hex): Hex {
  const isOurs = intent.feePaidBy === 'self';
  const feePayer = isOurs ? NOTHING : intent.from;
  const body = toRlp([...fieldsOf(intent), feePayer, [], signature]);
  return concatHex([isOurs ? TRANSACTION : FOR_FEE_PAYER, body]);
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
