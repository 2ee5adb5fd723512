import { cleanLine } from './untrusted.js';

export type JsonValue = null | boolean | number | string | JsonValue[] | { [key: string]: JsonValue };
export type JsonObject = { [key: string]: JsonValue };

/** Reads JSON text, with or without a byte order mark; undefined where it is not JSON. */
export function parseJson(text: string): JsonValue | undefined {
  try {
    return JSON.parse(text.startsWith('\ufeff') ? text.slice(1) : text) as JsonValue;
  } catch {
    return undefined;
  }
}

/** True for a JSON object: not null, not an array. */
export function isJsonObject(value: JsonValue | undefined): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/**
 * Reads a field that the seller wrote; undefined where it is missing or null.
 *
 * What an object inherits is never read, so that a field named `__proto__` or `constructor` has no power.
 */
export function statedField(object: JsonObject, name: string): JsonValue | undefined {
  return Object.hasOwn(object, name) ? (object[name] ?? undefined) : undefined;
}

/** Like {@link statedField}, for text; undefined for any other kind of value. */
export function statedText(object: JsonObject, name: string): string | undefined {
  const value = statedField(object, name);
  return typeof value === 'string' ? value : undefined;
}

/** Like {@link statedText}, as one clean line of untrusted text; undefined where nothing seen is left of it. */
export function statedLine(object: JsonObject, name: string, codePointsMax: number): string | undefined {
  const line = cleanLine(statedText(object, name) ?? '', codePointsMax);
  return line === '' ? undefined : line;
}

/**
 * True if objects and arrays stand in one another more than `depthMax` levels deep.
 *
 * Walks level by level, not by recursion: text of a megabyte can nest half a million levels, which `JSON.parse`
 * reads and `JSON.stringify` answers with a stack overflow.
 */
export function nestsDeeperThan(value: JsonValue, depthMax: number): boolean {
  let level = [value].filter(isContainer);
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth === depthMax) return true;
    level = level.flatMap((container) => Object.values(container).filter(isContainer));
  }
  return false;
}

function isContainer(value: JsonValue): value is JsonObject | JsonValue[] {
  return typeof value === 'object' && value !== null;
}
