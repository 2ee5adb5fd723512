import { WalletError } from '../../errors/walletError.js';
import type { Value } from '../client.js';

/** Reads and changes the text of a client's file; all else in it stays as it is, to the letter. */
export interface Format {
  /** What the text says; an empty one is an empty object. Throws `client_config` where it does not parse. */
  read(text: string): unknown;
  /**
   * Sets the value at a path, and makes what is missing on the way. Throws `client_config` where something else
   * stands there, or stands there twice.
   */
  set(text: string, path: readonly string[], value: Value): string;
  /** Takes the property at a path out; a text without it stays as it is. */
  remove(text: string, path: readonly string[]): string;
  /** A key with its value, as a person can write it among others of an object that is there. */
  pair(key: string, value: Value): string;
}

/** The error for a client's file that is left unchanged. */
export function refuse(why: string, cause?: unknown): WalletError {
  return new WalletError('client_config', why, { cause });
}

/**
 * How deep a client's file may nest. Clients need some ten levels; the parsers, and what compares two files, go down by
 * calls of themselves, and a thousand times as many end the program (T44).
 */
export const NESTING_MAX = 200;

/** The error of a file that nests deeper than {@link NESTING_MAX}, or in itself. */
export function refuseNesting(): WalletError {
  return refuse(`it nests more than ${NESTING_MAX} levels deep`);
}

/** The line, counted from 1, of a place in a text. */
export function lineOf(text: string, offset: number): number {
  return text.slice(0, offset).split('\n').length;
}

/** The line end that a text uses. */
export function lineEndOf(text: string): string {
  return /\r\n/.test(text) ? '\r\n' : '\n';
}

/** Where the line begins that holds a place. */
export function lineStart(text: string, offset: number): number {
  return text.lastIndexOf('\n', offset - 1) + 1;
}

/** The blanks at the beginning of the line that holds a place. */
export function indentAt(text: string, offset: number): string {
  return /^[ \t]*/.exec(text.slice(lineStart(text, offset)))?.[0] ?? '';
}

/** The text with a part of it replaced. */
export function splice(text: string, start: number, end: number, put: string): string {
  return text.slice(0, start) + put + text.slice(end);
}
