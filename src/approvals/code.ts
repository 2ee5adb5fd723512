import { createHmac, randomBytes, randomInt, timingSafeEqual } from 'node:crypto';

/** Consonants and digits that are not taken for one another, and spell no words. */
const ALPHABET = 'BCDFGHJKMNPQRSTVWXZ23456789';
const CODE_CHARS = 8;

/** 27^8 codes: five tries find none of them, and a person mistypes less often. */
export const CODE_TRIES_MAX = 5;

/** A code for a person to copy from one place of theirs to another: `BCDF-2345`. */
export function makeCode(): string {
  const chars = Array.from({ length: CODE_CHARS }, () => ALPHABET[randomInt(ALPHABET.length)]).join('');
  return `${chars.slice(0, CODE_CHARS / 2)}-${chars.slice(CODE_CHARS / 2)}`;
}

/** Whether what was typed is the code, however it was spaced and cased; takes as long whatever differs. */
export function isSameCode(given: string, code: string): boolean {
  const blind = randomBytes(32);
  const fold = (text: string): Buffer =>
    createHmac('sha256', blind)
      .update(text.toUpperCase().replace(/[^A-Z0-9]/g, ''))
      .digest();
  return timingSafeEqual(fold(given), fold(code));
}
