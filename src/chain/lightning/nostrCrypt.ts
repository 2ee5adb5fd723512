import {
  createCipheriv,
  createDecipheriv,
  createHash,
  createHmac,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto';
import { schnorr, secp256k1 } from '@noble/curves/secp256k1';

/** An event of Nostr (NIP-01). */
export interface NostrEvent {
  readonly id: string;
  readonly pubkey: string;
  readonly created_at: number;
  readonly kind: number;
  readonly tags: readonly (readonly string[])[];
  readonly content: string;
  readonly sig: string;
}

/** How the content of an event is encrypted: NIP-44 version 2, or NIP-04, which older wallets alone understand. */
export type Encryption = 'nip44_v2' | 'nip04';

/** The public key of a secret one, 64 hex digits. */
export function publicKeyOf(secret: string): string {
  return Buffer.from(schnorr.getPublicKey(secret)).toString('hex');
}

/** Signs an event. */
export function signEvent(
  secret: string,
  parts: Pick<NostrEvent, 'created_at' | 'kind' | 'tags' | 'content'>,
): NostrEvent {
  const unsigned = { ...parts, pubkey: publicKeyOf(secret) };
  const id = idOf(unsigned);
  return { ...unsigned, id, sig: Buffer.from(schnorr.sign(id, secret)).toString('hex') };
}

/** Whether an event is what its author signed. */
export function isSigned(event: NostrEvent): boolean {
  try {
    return event.id === idOf(event) && schnorr.verify(event.sig, event.id, event.pubkey);
  } catch {
    return false;
  }
}

function idOf({ pubkey, created_at, kind, tags, content }: Omit<NostrEvent, 'id' | 'sig'>): string {
  const text = JSON.stringify([0, pubkey, created_at, kind, tags, content]);
  return createHash('sha256').update(text).digest('hex');
}

/** Encrypts a text for the owner of a public key. */
export function encrypt(how: Encryption, secret: string, publicKey: string, text: string): string {
  return how === 'nip04' ? encrypt04(secret, publicKey, text) : encrypt44(secret, publicKey, text);
}

/** Decrypts what {@link encrypt} gave, by whichever of the two it was made. Throws for anything else. */
export function decrypt(secret: string, publicKey: string, payload: string): string {
  return payload.includes('?iv=')
    ? decrypt04(secret, publicKey, payload)
    : decrypt44(secret, publicKey, payload);
}

/** The x coordinate of the shared point: 32 bytes. A public key of Nostr is the point with an even y. */
function sharedKey(secret: string, publicKey: string): Buffer {
  return Buffer.from(secp256k1.getSharedSecret(secret, `02${publicKey}`).subarray(1, 33));
}

function encrypt04(secret: string, publicKey: string, text: string): string {
  const iv = randomBytes(16);
  const cipher = createCipheriv('aes-256-cbc', sharedKey(secret, publicKey), iv);
  return `${Buffer.concat([cipher.update(text, 'utf8'), cipher.final()]).toString('base64')}?iv=${iv.toString('base64')}`;
}

function decrypt04(secret: string, publicKey: string, payload: string): string {
  const [body = '', iv = ''] = payload.split('?iv=');
  const decipher = createDecipheriv('aes-256-cbc', sharedKey(secret, publicKey), Buffer.from(iv, 'base64'));
  return Buffer.concat([decipher.update(Buffer.from(body, 'base64')), decipher.final()]).toString('utf8');
}

const VERSION = 2;
const NONCE_BYTES = 32;
const MAC_BYTES = 32;
/** NIP-44: plaintexts of one byte up to this many. */
const TEXT_BYTES_MAX = 65_535;

function messageKeys(secret: string, publicKey: string, nonce: Buffer) {
  const conversation = createHmac('sha256', 'nip44-v2').update(sharedKey(secret, publicKey)).digest();
  // HKDF-expand alone: the extract step above is the conversation's.
  const blocks: Buffer[] = [];
  for (let i = 1; Buffer.concat(blocks).length < 76; i++) {
    const before = blocks.at(-1) ?? Buffer.alloc(0);
    blocks.push(
      createHmac('sha256', conversation).update(before).update(nonce).update(Uint8Array.of(i)).digest(),
    );
  }
  const keys = Buffer.concat(blocks);
  return { cipher: keys.subarray(0, 32), nonce: keys.subarray(32, 44), mac: keys.subarray(44, 76) };
}

/** ChaCha20 from counter 0; the same call encrypts and decrypts. */
function chacha(key: Buffer, nonce: Buffer, data: Buffer): Buffer {
  const cipher = createCipheriv('chacha20', key, Buffer.concat([Buffer.alloc(4), nonce]));
  return Buffer.concat([cipher.update(data), cipher.final()]);
}

function paddedLength(length: number): number {
  if (length <= 32) return 32;
  const power = 2 ** (Math.floor(Math.log2(length - 1)) + 1);
  const chunk = power <= 256 ? 32 : power / 8;
  return chunk * (Math.floor((length - 1) / chunk) + 1);
}

function encrypt44(secret: string, publicKey: string, text: string): string {
  const bytes = Buffer.from(text, 'utf8');
  if (bytes.length === 0 || bytes.length > TEXT_BYTES_MAX) throw new Error('a text of NIP-44 is too long');
  const padded = Buffer.alloc(2 + paddedLength(bytes.length));
  padded.writeUInt16BE(bytes.length);
  bytes.copy(padded, 2);
  const nonce = randomBytes(NONCE_BYTES);
  const keys = messageKeys(secret, publicKey, nonce);
  const ciphertext = chacha(keys.cipher, keys.nonce, padded);
  const mac = createHmac('sha256', keys.mac).update(nonce).update(ciphertext).digest();
  return Buffer.concat([Uint8Array.of(VERSION), nonce, ciphertext, mac]).toString('base64');
}

function decrypt44(secret: string, publicKey: string, payload: string): string {
  const data = Buffer.from(payload, 'base64');
  if (data[0] !== VERSION || data.length < 1 + NONCE_BYTES + 34 + MAC_BYTES)
    throw new Error('no text of NIP-44');
  const nonce = data.subarray(1, 1 + NONCE_BYTES);
  const ciphertext = data.subarray(1 + NONCE_BYTES, -MAC_BYTES);
  const keys = messageKeys(secret, publicKey, nonce);
  const mac = createHmac('sha256', keys.mac).update(nonce).update(ciphertext).digest();
  if (!timingSafeEqual(mac, data.subarray(-MAC_BYTES))) throw new Error('a text of NIP-44 was changed');
  const padded = chacha(keys.cipher, keys.nonce, ciphertext);
  const length = padded.readUInt16BE();
  if (length === 0 || padded.length !== 2 + paddedLength(length))
    throw new Error('a text of NIP-44 is padded wrongly');
  return padded.subarray(2, 2 + length).toString('utf8');
}
