import { z } from 'zod';
import { WalletError } from '../../errors/walletError.js';

/** A value as config.json holds it. */
export type ConfigJson = string | number | boolean | readonly string[];

/** How one kind of value stands in config.json and on the command line. */
export interface ValueKind<Value> {
  /** Throws `bad_input` with `key` in the sentence. */
  read(key: string, json: unknown): Value;
  print(value: Value): ConfigJson;
  /** What its JSON must be like, as a JSON Schema; checks that a schema cannot say are left out. */
  jsonSchema(): object;
  /** What `config set KEY TEXT` means in JSON; nothing is checked yet. */
  fromText(text: string): unknown;
}

/** A kind of value by its schema, written on the command line as plain text or as JSON. */
export function kindOf<Value>(
  schema: z.ZodType<Value, ConfigJson>,
  written: 'as text' | 'as JSON',
): ValueKind<Value> {
  return {
    read(key, json) {
      const result = schema.safeParse(json);
      if (result.success) return result.data;
      const issue = result.error.issues[0];
      const place = issue?.path.map((step) => `[${String(step)}]`).join('') ?? '';
      throw new WalletError('bad_input', `${key}${place} ${issue?.message ?? 'is invalid'}.`);
    },
    print: (value) => schema.encode(value),
    jsonSchema() {
      const { $schema: _dialect, ...json } = z.toJSONSchema(schema, { io: 'input', unrepresentable: 'any' });
      return json;
    },
    fromText(text) {
      if (written === 'as text') return text;
      try {
        return JSON.parse(text) as unknown;
      } catch {
        // Not JSON, so a string: the schema then says what it should have been.
        return text;
      }
    },
  };
}
