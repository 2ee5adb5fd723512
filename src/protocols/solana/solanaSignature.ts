import { createPublicKey, verify, type KeyObject } from 'node:crypto';
import { readBase58 } from '../../money/base58.js';
import type { WireTransaction } from './solanaMessage.js';

/** RFC 8410: what stands before the 32 bytes of an ed25519 public key. */
const SPKI_HEAD = Buffer.from('302a300506032b6570032100', 'hex');

/** Keys made of addresses: making one takes longer than using it. */
const publicKeys = new Map<string, KeyObject>();
/** More than an agent and the fee payers that it meets; beyond it the oldest is made anew. */
const PUBLIC_KEYS_MAX = 100;

/** Whether a signature over a message is by the key of an address in base58. */
export function isSignedBy(address: string, message: Uint8Array, signature: Uint8Array): boolean {
  const key = publicKeyOf(address);
  return key !== undefined && verify(null, message, key, signature);
}

/** Whether every signer of a transaction has signed it: no chain takes another. */
export function isSignedByAll({ message, signatures }: WireTransaction): boolean {
  return Object.entries(signatures).every(
    ([signer, signature]) => signature !== null && isSignedBy(signer, message, signature),
  );
}

function publicKeyOf(address: string): KeyObject | undefined {
  const known = publicKeys.get(address);
  if (known !== undefined) return known;
  const raw = readBase58(address, 'address');
  if (raw === undefined) return undefined;
  const key = createPublicKey({ key: Buffer.concat([SPKI_HEAD, raw]), format: 'der', type: 'spki' });
  publicKeys.set(address, key);
  const oldest = publicKeys.keys().next();
  if (publicKeys.size > PUBLIC_KEYS_MAX && oldest.done === false) publicKeys.delete(oldest.value);
  return key;
}
