import { describe, expect, it } from 'vitest';
import {
  nestsDeeperThan,
  parseJson,
  statedField,
  statedLine,
  statedText,
  type JsonObject,
  type JsonValue,
} from './json.js';

function nested(levels: number): JsonValue {
  return JSON.parse(`${'['.repeat(levels)}${']'.repeat(levels)}`) as JsonValue;
}

describe('parseJson', () => {
  it('reads JSON and nothing else', () => {
    expect(parseJson('{"a":1}')).toEqual({ a: 1 });
    expect(parseJson('\ufeff{"a":1}')).toEqual({ a: 1 });
    expect(parseJson('')).toBeUndefined();
    expect(parseJson("{'a':1}")).toBeUndefined();
  });
});

describe('statedField', () => {
  const object = JSON.parse(
    '{"__proto__": {"amount": "1"}, "zero": 0, "no": false, "null": null}',
  ) as JsonObject;

  it('reads what was written, null as missing', () => {
    expect(statedField(object, 'zero')).toBe(0);
    expect(statedField(object, 'no')).toBe(false);
    expect(statedField(object, 'null')).toBeUndefined();
  });

  it('reads nothing that is inherited', () => {
    expect(statedField(object, 'amount')).toBeUndefined();
    expect(statedField(object, 'constructor')).toBeUndefined();
    expect(statedField({}, '__proto__')).toBeUndefined();
    expect(statedField(object, '__proto__')).toEqual({ amount: '1' });
  });

  it('reads text only where text is asked for', () => {
    expect(statedText({ a: 'x', b: 1 }, 'a')).toBe('x');
    expect(statedText({ a: 'x', b: 1 }, 'b')).toBeUndefined();
    expect(statedLine({ a: ' x\u202e\ny ' }, 'a', 10)).toBe('x y');
    expect(statedLine({ a: '\u200b' }, 'a', 10)).toBeUndefined();
  });
});

describe('nestsDeeperThan', () => {
  it('counts levels of objects and arrays', () => {
    expect(nestsDeeperThan('text', 0)).toBe(false);
    expect(nestsDeeperThan([], 0)).toBe(true);
    expect(nestsDeeperThan([], 1)).toBe(false);
    expect(nestsDeeperThan({ a: [{ b: 1 }], c: 2 }, 2)).toBe(true);
    expect(nestsDeeperThan({ a: [{ b: 1 }], c: 2 }, 3)).toBe(false);
  });

  it('survives what recursion does not', () => {
    const deep = nested(400_000);
    expect(() => JSON.stringify(deep)).toThrow(RangeError);
    expect(nestsDeeperThan(deep, 64)).toBe(true);
    expect(nestsDeeperThan(deep, 399_999)).toBe(true);
    expect(nestsDeeperThan(deep, 400_000)).toBe(false);
  });
});
