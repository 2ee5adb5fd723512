import { Buffer } from 'node:buffer';
import type { HeaderList } from '../../payment/challenge.js';
import { isJsonObject, parseJson, type JsonObject } from '../../text/json.js';

/** Standard and URL-safe alphabet, padded or not: servers send all four. */
const BASE64 = /^[A-Za-z0-9+/_-]+={0,2}$/;

/** All values of a header, in order; `name` in lower case. */
export function headerValues(headers: HeaderList, name: string): string[] {
  return headers.filter(([candidate]) => candidate === name).map(([, value]) => value);
}

/**
 * Reads a header that carries a JSON object: as base64, base64url, either without padding, or as JSON itself.
 * Undefined where it is none of these, or longer than `bytesMax`.
 */
export function readJsonHeader(value: string, bytesMax: number): JsonObject | undefined {
  if (value.length > bytesMax) return undefined;
  const text = value.trim();
  const json = text.startsWith('{') ? decodeHeaderText(text) : decodeBase64(text);
  if (json === undefined) return undefined;
  const parsed = parseJson(json);
  return isJsonObject(parsed) ? parsed : undefined;
}

/** Writes a JSON object as a header: standard base64 with padding, which is all the reference servers read. */
export function writeJsonHeader(object: object): string {
  return Buffer.from(JSON.stringify(object), 'utf8').toString('base64');
}

function decodeBase64(text: string): string | undefined {
  return BASE64.test(text) ? Buffer.from(text, 'base64').toString('utf8') : undefined;
}

/**
 * HTTP clients hand out header bytes one by one, as Latin-1. JSON in a header is UTF-8; text that is not stays as
 * it is, and so does text that was decoded already.
 */
function decodeHeaderText(text: string): string {
  if (!/[\x80-\xff]/.test(text) || /[^\x00-\xff]/.test(text)) return text;
  const decoded = Buffer.from(text, 'latin1').toString('utf8');
  return decoded.includes('\ufffd') ? text : decoded;
}
