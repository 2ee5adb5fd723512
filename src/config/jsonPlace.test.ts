import { expect, test } from 'vitest';
import { describeJsonError } from './jsonPlace.js';

const padding = `"${'p'.repeat(200)}"`;

test.each([
  ['{"a":1,\n"b":}', 'line 2: unexpected character'],
  ['{"a":1,\n"b":\n\nzzz,"c":1}', 'line 4: unexpected character'],
  [`[${padding},\n${padding},\nx,\n${padding}]`, 'line 3: unexpected character'],
  ['// a comment\n{}', 'line 1: unexpected character'],
  ['{"a":1\n"b":2}', "line 2: Expected ',' or '}' after property value"],
  ['{"a":1,\n}', 'line 2: Expected double-quoted property name'],
  ['{"a":\n1', "line 2: Expected ',' or '}' after property value"],
  ['{"a":\n', 'line 2: Unexpected end'],
  ['', 'line 1: Unexpected end'],
  ['{"a":"x\ny"}', 'line 1: Bad control character'],
  ['{"a":1}\n\n{', 'line 3: Unexpected non-whitespace character after JSON'],
])('%j: %s', (text, expected) => {
  expect(describeJsonError(text)).toContain(expected);
});
