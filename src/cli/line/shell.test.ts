import { execFileSync } from 'node:child_process';
import { expect, test } from 'vitest';
import { quoteFor } from './shell.js';

const WORDS = [
  'plain',
  'a b',
  "it's",
  '$HOME',
  '`id`',
  '["a.example"]',
  'a;b&c|d',
  '\\',
  'new\nline',
  '*',
  '',
  '~',
  '!x',
];

test.skipIf(process.platform === 'win32')('a POSIX shell reads each word whole', () => {
  const line = WORDS.map(quoteFor('linux')).join(' ');
  const read = execFileSync('sh', ['-c', `printf '%s\\0' ${line}`], { encoding: 'utf8' });
  expect(read.split('\0').slice(0, -1)).toEqual(WORDS);
});

test.each([
  ['limits.per_day_usd', 'limits.per_day_usd'],
  ['C:\\wallet', 'C:\\wallet'],
  ['C:\\Users\\Ann Lee', '"C:\\Users\\Ann Lee"'],
  // A backslash before the closing quote would take it for one of the word.
  ['C:\\Ann Lee\\', '"C:\\Ann Lee\\\\"'],
  ['["a.example"]', '"[\\"a.example\\"]"'],
  ['a&b|c', '"a&b|c"'],
  ['', '""'],
  // Outside of the quotes a caret keeps cmd from reading a variable.
  ['%PATH%', '""^%"PATH"^%""'],
])('on Windows %j is %s', (word, quoted) => {
  expect(quoteFor('win32')(word)).toBe(quoted);
});
