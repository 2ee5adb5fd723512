import type { StandardSchemaWithJSON } from '@modelcontextprotocol/server';
import { z } from 'zod';
import type { JsonSchema } from './outcomeSchema.js';

/**
 * A schema that clients are told of and that nothing is checked against here.
 *
 * Arguments go to the wallet as they came, so that a bad one is answered by an outcome of ours with a code and what
 * to do, not by the SDK's text. Results are not checked either: a check that failed after a payment would put an error
 * in the place of an answer that was paid for.
 */
export function advertise(schema: JsonSchema): StandardSchemaWithJSON {
  const json = (): JsonSchema => schema;
  return {
    '~standard': {
      version: 1,
      vendor: 'purser',
      validate: (value) => ({ value }),
      jsonSchema: { input: json, output: json },
    },
  };
}

/** Made once for each schema: over HTTP every request of the newer era has a server of its own. */
const made = new WeakMap<z.ZodObject, JsonSchema>();

/** Arguments as JSON Schema, in the part of it that the model APIs behind all clients read. */
export function inputJsonSchema(schema: z.ZodObject): JsonSchema {
  const known = made.get(schema);
  if (known !== undefined) return known;
  const { $schema: _dialect, ...json } = z.toJSONSchema(schema, { io: 'input' }) as JsonSchema;
  const simple = simplify(json) as JsonSchema;
  made.set(schema, simple);
  return simple;
}

/** What zod states as the bounds of any whole number. */
const UNBOUNDED: readonly unknown[] = [Number.MAX_SAFE_INTEGER, Number.MIN_SAFE_INTEGER];

function simplify(node: unknown): unknown {
  if (Array.isArray(node)) return node.map(simplify);
  if (typeof node !== 'object' || node === null) return node;
  const { propertyNames: _textInAnyCase, type, ...rest } = node as JsonSchema;
  const bounds = Object.entries(rest).filter(([, value]) => !UNBOUNDED.includes(value));
  const kind =
    type === undefined
      ? {}
      : Array.isArray(type)
        ? { anyOf: type.map((name: unknown) => ({ type: name })) }
        : { type };
  return { ...kind, ...Object.fromEntries(bounds.map(([key, value]) => [key, simplify(value)])) };
}
