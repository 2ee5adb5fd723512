import { expect, it } from 'vitest';
import type { JsonValue } from '../../text/json.js';
import { breaksPromise } from './outputShape.js';

const SCHEMA = { type: 'object', properties: { temp: { type: 'number' } }, required: ['temp'] };

it.each<[string, JsonValue, JsonValue, boolean]>([
  ['has the field', SCHEMA, { temp: 21 }, false],
  ['has more', SCHEMA, { temp: 21, wind: 3 }, false],
  ['lacks the field', SCHEMA, { ok: true }, true],
  ['is a list where an object is promised', SCHEMA, [{ temp: 21 }], true],
  ['is text where an object is promised', SCHEMA, 'sunny', true],
  ['is an object where a list is promised', { type: 'array' }, { temp: 21 }, true],
  ['is a list whose first entry lacks it', { type: 'array', items: SCHEMA }, [{ ok: true }], true],
  ['is an empty list', { type: 'array', items: SCHEMA }, [], false],
  ['is held against an example', { temp: 21, required: ['wind'] }, { temp: 3 }, false],
  ['is held against a type that is none', { type: 'json' }, { temp: 3 }, false],
  ['is held against text', 'a number', { temp: 3 }, false],
])('an answer that %s', (_what, output, answer, expected) => {
  expect(breaksPromise(output, answer)).toBe(expected);
});
