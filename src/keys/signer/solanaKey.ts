import { createHmac, createPrivateKey, createPublicKey, sign, type KeyObject } from 'node:crypto';
import { WalletError } from '../../errors/walletError.js';
import { writeBase58 } from '../../money/base58.js';
import { HARDENED_INDEX_END, seedOf } from '../secret/phrase.js';
import { redactingMembers, type WalletSecret } from '../secret/secret.js';

/** SLIP-10, "Master key generation", for ed25519. */
const MASTER_KEY = 'ed25519 seed';
const HARDENED = 0x80000000;
/** RFC 8410: what stands before the 32 bytes of an ed25519 key in PKCS #8. */
const PKCS8_HEAD = Buffer.from('302e020100300506032b657004220420', 'hex');
const KEY_BYTES = 32;

/** A key of Solana that can sign, and shows nothing else of itself. */
export interface SolanaAccount {
  /** In base58. */
  readonly address: string;
  /** The 64 bytes of an ed25519 signature. */
  sign(message: Uint8Array): Uint8Array;
}

/**
 * The Solana account of one agent: `m/44'/501'/agentIndex'/0'` of a phrase, by SLIP-10.
 *
 * Throws `bad_input` for an index that is none, and for an imported key, which is of the EVM alone.
 */
export async function deriveSolanaAccount(secret: WalletSecret, agentIndex: number): Promise<SolanaAccount> {
  if (!Number.isInteger(agentIndex) || agentIndex < 0 || agentIndex >= HARDENED_INDEX_END) {
    throw new WalletError('bad_input', 'An agent index is a whole number from 0.');
  }
  if (secret.kind !== 'phrase') {
    throw new WalletError('bad_input', 'A wallet made of an imported EVM key has no address on Solana.', {
      owner: { say: 'Paying on Solana needs a wallet made of a phrase.' },
    });
  }
  const seed = await seedOf(secret.phrase);
  const key = deriveEd25519(seed, [44, 501, agentIndex, 0]);
  seed.fill(0);
  const pkcs8 = Buffer.concat([PKCS8_HEAD, key]);
  key.fill(0);
  const privateKey = createPrivateKey({ key: pkcs8, format: 'der', type: 'pkcs8' });
  pkcs8.fill(0);
  const members: SolanaAccount = {
    address: addressOf(privateKey),
    sign: (message) => sign(null, message, privateKey),
  };
  return Object.freeze(Object.defineProperties(members, redactingMembers));
}

/** SLIP-10, "Private parent key → private child key", for ed25519: every step is hardened. */
export function deriveEd25519(seed: Uint8Array, path: readonly number[]): Buffer {
  let node = createHmac('sha512', MASTER_KEY).update(seed).digest();
  for (const index of path) {
    const data = Buffer.alloc(1 + KEY_BYTES + 4);
    node.copy(data, 1, 0, KEY_BYTES);
    data.writeUInt32BE(HARDENED + index, 1 + KEY_BYTES);
    const child = createHmac('sha512', node.subarray(KEY_BYTES)).update(data).digest();
    data.fill(0);
    node.fill(0);
    node = child;
  }
  const key = Buffer.from(node.subarray(0, KEY_BYTES));
  node.fill(0);
  return key;
}

function addressOf(privateKey: KeyObject): string {
  const spki = createPublicKey(privateKey).export({ format: 'der', type: 'spki' });
  return writeBase58(spki.subarray(-KEY_BYTES));
}
