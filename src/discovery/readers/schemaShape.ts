import { isJsonObject, statedField, type JsonObject, type JsonValue } from '../../text/json.js';
import { cleanLine } from '../../text/untrusted.js';

/** Deeper parts of a schema are left out: an agent that needs them asks the seller's documents. */
const DEPTH_MAX = 4;
const PROPERTIES_MAX = 40;
const ENUM_MAX = 16;
const PARTS_MAX = 4;
const NAME_MAX = 48;
const DESCRIPTION_MAX = 120;
const VALUE_TEXT_MAX = 200;
const ITEMS_MAX = 8;
/** The most JSON kept of one schema or example. */
export const SHAPE_BYTES_MAX = 3_072;

/** What of a JSON Schema helps to write a call. */
const SCALARS: readonly string[] = ['format', 'minimum', 'maximum', 'minLength', 'maxLength', 'pattern'];

/** Finds what a `$ref` names, or undefined. */
export type Resolve = (ref: string) => JsonValue | undefined;

const NO_REFS: Resolve = () => undefined;

/**
 * A seller's JSON Schema cleaned, cut and without references; null for what is none. It holds data alone: no field of
 * it is ever followed or run.
 */
export function compactSchema(value: JsonValue | undefined, resolve: Resolve = NO_REFS): JsonObject | null {
  for (let depth = DEPTH_MAX; depth > 0; depth -= 1) {
    const schema = compact(value, resolve, depth);
    if (schema === undefined) return null;
    if (bytesOf(schema) <= SHAPE_BYTES_MAX) return schema;
  }
  return null;
}

function compact(value: JsonValue | undefined, resolve: Resolve, depth: number): JsonObject | undefined {
  const schema = deref(value, resolve);
  if (schema === undefined) return undefined;
  const result: JsonObject = {};
  const type = statedField(schema, 'type');
  if (typeof type === 'string') result['type'] = cleanLine(type, NAME_MAX);
  else if (Array.isArray(type))
    result['type'] = type.slice(0, PARTS_MAX).map((name) => cleanLine(String(name), NAME_MAX));
  const description = statedField(schema, 'description');
  if (typeof description === 'string') result['description'] = cleanLine(description, DESCRIPTION_MAX);
  for (const name of SCALARS) {
    const scalar = statedField(schema, name);
    if (typeof scalar === 'number') result[name] = scalar;
    else if (typeof scalar === 'string') result[name] = cleanLine(scalar, NAME_MAX);
  }
  const choices = statedField(schema, 'enum');
  if (Array.isArray(choices)) result['enum'] = choices.slice(0, ENUM_MAX).map((item) => compactValue(item));
  for (const name of ['default', 'example', 'const'] as const) {
    const sample = statedField(schema, name);
    if (sample !== undefined) result[name] = compactValue(sample);
  }
  if (depth > 1) compactInner(schema, result, resolve, depth);
  return result;
}

function compactInner(schema: JsonObject, result: JsonObject, resolve: Resolve, depth: number): void {
  const properties = statedField(schema, 'properties');
  if (isJsonObject(properties)) {
    const kept = Object.entries(properties).slice(0, PROPERTIES_MAX);
    result['properties'] = Object.fromEntries(
      kept.map(([name, inner]) => [cleanLine(name, NAME_MAX), compact(inner, resolve, depth - 1) ?? {}]),
    );
  }
  const required = namesIn(statedField(schema, 'required'));
  if (required.length > 0) result['required'] = required;
  const items = compact(statedField(schema, 'items'), resolve, depth - 1);
  if (items !== undefined) result['items'] = items;
  for (const name of ['oneOf', 'anyOf', 'allOf'] as const) {
    const parts = statedField(schema, name);
    if (!Array.isArray(parts)) continue;
    const kept = parts
      .slice(0, PARTS_MAX)
      .map((part) => compact(part, resolve, depth - 1))
      .filter((part) => part !== undefined);
    if (name !== 'allOf') result[name] = kept;
    else for (const part of kept) mergeInto(result, part);
  }
}

/** `allOf` of objects is one object with all their fields. */
function mergeInto(result: JsonObject, part: JsonObject): void {
  const properties = { ...objectAt(result, 'properties'), ...objectAt(part, 'properties') };
  if (Object.keys(properties).length > 0) result['properties'] = properties;
  const required = [...namesIn(result['required']), ...namesIn(part['required'])];
  if (required.length > 0) result['required'] = [...new Set(required)];
  result['type'] ??= 'object';
}

function objectAt(object: JsonObject, name: string): JsonObject {
  const value = statedField(object, name);
  return isJsonObject(value) ? value : {};
}

function deref(value: JsonValue | undefined, resolve: Resolve): JsonObject | undefined {
  let schema = value;
  for (let hops = 0; isJsonObject(schema) && hops <= DEPTH_MAX; hops += 1) {
    const ref = statedField(schema, '$ref');
    if (typeof ref !== 'string') return schema;
    schema = resolve(ref);
  }
  return undefined;
}

/** Any JSON value as an example: cleaned, and cut in every direction. */
export function compactValue(value: JsonValue, depth = DEPTH_MAX): JsonValue {
  if (typeof value === 'string') return cleanLine(value.slice(0, 4 * VALUE_TEXT_MAX), VALUE_TEXT_MAX);
  if (typeof value !== 'object' || value === null) return value;
  if (depth === 0) return Array.isArray(value) ? [] : {};
  if (Array.isArray(value)) return value.slice(0, ITEMS_MAX).map((item) => compactValue(item, depth - 1));
  return Object.fromEntries(
    Object.entries(value)
      .slice(0, PROPERTIES_MAX)
      .map(([name, item]) => [cleanLine(name, NAME_MAX), compactValue(item, depth - 1)]),
  );
}

/** An example small enough to keep, or null. */
export function compactExample(value: JsonValue | undefined): JsonValue | null {
  if (value === undefined) return null;
  const example = compactValue(value);
  return bytesOf(example) <= SHAPE_BYTES_MAX ? example : null;
}

/** A list of names, cleaned; empty for anything else. */
export function namesIn(value: JsonValue | undefined): string[] {
  if (!Array.isArray(value)) return [];
  const names = value.slice(0, PROPERTIES_MAX).filter((name) => typeof name === 'string');
  return names.map((name) => cleanLine(name, NAME_MAX)).filter((name) => name !== '');
}

/** The schema of an object with these fields, or null where there are none. */
export function objectSchema(properties: JsonObject, required: readonly string[]): JsonObject | null {
  if (Object.keys(properties).length === 0) return null;
  return { type: 'object', properties, ...(required.length === 0 ? {} : { required: [...required] }) };
}

function bytesOf(value: JsonValue): number {
  return Buffer.byteLength(JSON.stringify(value));
}
