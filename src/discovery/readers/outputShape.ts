import { isJsonObject, statedField, type JsonObject, type JsonValue } from '../../text/json.js';
import { requiredOf } from './inputShape.js';

/** Types by which an answer is told apart; a listing that names others says nothing that could be held against it. */
const TYPES: Readonly<Record<string, (value: JsonValue) => boolean>> = {
  object: isJsonObject,
  array: Array.isArray,
  string: (value) => typeof value === 'string',
};

/**
 * Whether an answer lacks what a listing's schema of it requires: its type, or a field at the top, in a list of its first
 * entry. An example is no schema and promises nothing. Advice: a listing may be wrong (T17).
 */
export function breaksPromise(output: JsonValue, answer: JsonValue): boolean {
  if (!isJsonObject(output)) return false;
  const type = statedField(output, 'type');
  const isOf = typeof type === 'string' ? TYPES[type] : undefined;
  if (isOf !== undefined && !isOf(answer)) return true;
  if (isJsonObject(answer)) return isSchema(output) && lacks(output, answer);
  const [first] = Array.isArray(answer) ? answer : [];
  const items = statedField(output, 'items');
  return isJsonObject(items) && isJsonObject(first) && lacks(items, first);
}

function isSchema(output: JsonObject): boolean {
  return isJsonObject(statedField(output, 'properties'));
}

function lacks(schema: JsonObject, answer: JsonObject): boolean {
  return requiredOf(schema).some((name) => !Object.hasOwn(answer, name));
}
