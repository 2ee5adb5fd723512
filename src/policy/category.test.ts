import { expect, test } from 'vitest';
import { categoryOf } from './category.js';

const OWN = new Map([
  ['search', ['api.example.com', 'find.example.com:8443']],
  ['data', ['api.example.com:8443']],
]);

test('a host is in the category the owner put it in, on every port', () => {
  expect(categoryOf(OWN, 'api.example.com:443')).toBe('search');
  expect(categoryOf(OWN, 'api.example.com:9000')).toBe('search');
});

test('one port beats its host, and stands for no other', () => {
  expect(categoryOf(OWN, 'api.example.com:8443')).toBe('data');
  expect(categoryOf(OWN, 'find.example.com:8443')).toBe('search');
  expect(categoryOf(OWN, 'find.example.com:443')).toBeNull();
});

test('a host beside or below is another', () => {
  for (const other of ['example.com:443', 'a.api.example.com:443', 'api.example.com.evil.example:443'])
    expect(categoryOf(OWN, other)).toBeNull();
});
