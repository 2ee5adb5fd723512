import { expect, test } from 'vitest';
import { durationText, parseDuration } from './duration.js';

test.each(['1s', '90s', '90m', '2h', '25h', '7d', '366d'])('%s is written as it is read', (text) => {
  expect(durationText(parseDuration(text) ?? 0)).toBe(text);
});

test('the largest unit that it is whole in is taken', () => {
  expect(durationText(parseDuration('168h') ?? 0)).toBe('7d');
});

test.each(['', '0d', '7', '7w', '-1d', '1.5h', '1000000s'])('%j is no length of time', (text) => {
  expect(parseDuration(text)).toBeNull();
});
