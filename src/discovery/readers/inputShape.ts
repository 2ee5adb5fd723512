import { isJsonObject, statedField, type JsonObject, type JsonValue } from '../../text/json.js';
import { cleanLine } from '../../text/untrusted.js';
import { objectIn, readMethod, type InputShape } from './listing.js';
import { compactExample, compactSchema, namesIn, objectSchema } from './schemaShape.js';

const NAME_MAX = 48;
const DESCRIPTION_MAX = 120;
const FIELDS_MAX = 40;

/** What an endpoint takes and gives, as its own words say. */
export interface CallShape {
  readonly method: string | undefined;
  readonly input: InputShape | null;
  readonly output: JsonValue | null;
}

const NOTHING: CallShape = { method: undefined, input: null, output: null };

/**
 * Reads the `bazaar` extension of a 402 or of a list's record: `{info: {input, output}, schema}`, where `schema` is
 * the JSON Schema of `info`. Never throws.
 */
export function readBazaar(extensions: JsonValue | undefined): CallShape {
  if (!isJsonObject(extensions)) return NOTHING;
  const bazaar = objectIn(extensions, 'bazaar');
  const info = objectIn(bazaar, 'info');
  const input = objectIn(info, 'input');
  const schemas = objectIn(objectIn(bazaar, 'schema'), 'properties');
  const inputSchemas = objectIn(objectIn(schemas, 'input'), 'properties');
  const named = [statedField(input, 'inputSchema'), statedField(info, 'inputSchema')].find(isJsonObject);
  const shape: InputShape = {
    query: fieldsSchema(statedField(inputSchemas, 'queryParams')),
    body: fieldsSchema(statedField(inputSchemas, 'body') ?? named),
    exampleQuery: exampleObject(statedField(input, 'queryParams')),
    exampleBody: compactExample(statedField(input, 'body')),
  };
  return {
    method: readMethod(statedField(input, 'method')),
    input: isEmpty(shape) ? null : shape,
    output: readOutput(statedField(info, 'output')),
  };
}

/**
 * Reads v1's `outputSchema` of an offer: `{input: {method, queryParams | query_params, bodyFields}, output}`, whose
 * fields are described one by one. Never throws.
 */
export function readOutputSchema(outputSchema: JsonValue | undefined): CallShape {
  if (!isJsonObject(outputSchema)) return NOTHING;
  const input = objectIn(outputSchema, 'input');
  const query =
    statedField(input, 'queryParams') ?? statedField(input, 'query_params') ?? statedField(input, 'query');
  const body =
    statedField(input, 'bodyFields') ?? statedField(input, 'body_fields') ?? statedField(input, 'body');
  const shape: InputShape = {
    query: fieldsSchema(query),
    body: fieldsSchema(body),
    exampleQuery: null,
    exampleBody: null,
  };
  return {
    method: readMethod(statedField(input, 'method')),
    input: isEmpty(shape) ? null : shape,
    output: readOutput(statedField(outputSchema, 'output')),
  };
}

function isEmpty(shape: InputShape): boolean {
  return Object.values(shape).every((part) => part === null);
}

function readOutput(output: JsonValue | undefined): JsonValue | null {
  if (!isJsonObject(output)) return null;
  const schema = statedField(output, 'schema');
  if (isJsonObject(schema)) return compactSchema(schema);
  return compactExample(statedField(output, 'example') ?? output);
}

/** A JSON Schema of an object, or a plain list of fields: `{name: "description"}`, `{name: {type, required}}`. */
function fieldsSchema(value: JsonValue | undefined): JsonObject | null {
  if (!isJsonObject(value)) return null;
  if (isJsonObject(statedField(value, 'properties'))) return compactSchema(value);
  // A schema without fields, such as {"type": "object"}, says nothing; a field named "type" has an object there.
  if (typeof value['type'] === 'string' && Object.keys(value).length <= 3) return null;
  const properties: JsonObject = {};
  const required: string[] = [];
  for (const [rawName, field] of Object.entries(value).slice(0, FIELDS_MAX)) {
    const name = cleanLine(rawName, NAME_MAX);
    if (name === '') continue;
    properties[name] =
      typeof field === 'string'
        ? { type: 'string', description: cleanLine(field, DESCRIPTION_MAX) }
        : (compactSchema(field) ?? {});
    if (isJsonObject(field) && statedField(field, 'required') === true) required.push(name);
  }
  return objectSchema(properties, required);
}

function exampleObject(value: JsonValue | undefined): JsonObject | null {
  const example = compactExample(value);
  return isJsonObject(example ?? undefined) && Object.keys(example as JsonObject).length > 0
    ? (example as JsonObject)
    : null;
}

/** Names in the path that a caller fills in: `{id}` and `:id`. */
export function pathNames(url: string): string[] {
  const path = url.replace(/^https?:\/\/[^/]*/, '').replace(/\?.*$/s, '');
  return [...path.matchAll(/\{([\w-]{1,40})\}|\/:([\w-]{1,40})/g)].map(([, a, b]) => a ?? b ?? '');
}

/** The fields of a schema that a call must have. */
export function requiredOf(schema: JsonObject | null): string[] {
  return schema === null ? [] : namesIn(statedField(schema, 'required'));
}

/** A call as far as its fields matter. */
export interface CallFields {
  readonly url: URL;
  /** The body as it is sent, or null. */
  readonly body: string | null;
}

/**
 * The fields that a shape requires and a call does not have. Advice: a shape may be wrong. A body that is no JSON
 * object is not judged.
 */
export function missingFields(shape: InputShape, call: CallFields): string[] {
  const query = requiredOf(shape.query).filter((name) => !call.url.searchParams.has(name));
  const needed = requiredOf(shape.body);
  if (needed.length === 0) return query;
  if (call.body === null) return [...query, ...needed];
  const body = parseObject(call.body);
  if (body === undefined) return query;
  return [...query, ...needed.filter((name) => !Object.hasOwn(body, name))];
}

function parseObject(text: string): JsonObject | undefined {
  try {
    const value = JSON.parse(text) as JsonValue;
    return isJsonObject(value) ? value : undefined;
  } catch {
    return undefined;
  }
}
