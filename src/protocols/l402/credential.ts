import { Buffer } from 'node:buffer';
import { createHash } from 'node:crypto';
import type { L402Challenge } from './challenge.js';

const PREIMAGE = /^[0-9a-f]{64}$/;
/** A macaroon of a seller has some hundred bytes. */
const MACAROON_BYTES_MAX = 8_192;
/** `<service>_valid_until=<s since 1970>`, as Aperture writes it, and its plain forms. */
const VALID_UNTIL = /(?:valid_until|expires_at|expiration|expires|exp)[ \t]*[=<:][ \t]*"?(\d{10})(?!\d)/gi;

/** Whether a preimage is the proof that a payment hash was paid: 32 bytes that hash to it, all in hex (T40). */
export function provesPayment(preimage: string, paymentHash: string): boolean {
  if (!PREIMAGE.test(preimage)) return false;
  return createHash('sha256').update(Buffer.from(preimage, 'hex')).digest('hex') === paymentHash;
}

/** All of a credential but its proof: what is kept of a challenge while its invoice is paid. */
export function writeUnproved({ scheme, token }: L402Challenge): string {
  return `${scheme} ${token}:`;
}

/** The value of the `Authorization` header that shows a paid challenge. */
export function writeCredential(unproved: string, preimage: string): string {
  return unproved + preimage;
}

/**
 * Until when a token says that it is good, ms since 1970; null where it does not say. What only the seller can read of it
 * may end sooner: then the seller asks for payment again.
 */
export function tokenExpiresMs(unproved: string): number | null {
  const token = unproved.slice(unproved.indexOf(' ') + 1, -1);
  const text = Buffer.from(token.slice(0, MACAROON_BYTES_MAX * 2), 'base64').toString('latin1');
  const times = [...text.matchAll(VALID_UNTIL)].map(([, seconds]) => Number(seconds) * 1000);
  return times.length === 0 ? null : Math.min(...times);
}
