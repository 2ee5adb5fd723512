import { expect, it } from 'vitest';
import { nameUnseen } from './clientReport.js';

it('names in a line of a dry run what would steer the screen or cannot be seen (T27)', () => {
  expect(nameUnseen('+ "args": ["\u202Egpj.exe\u202C", "a\u200Bb\u2066"]\u001b[2K\t\u2028\u{E0041}')).toBe(
    '+ "args": ["<U+202E>gpj.exe<U+202C>", "a<U+200B>b<U+2066>"]<U+001B>[2K\t<U+2028><U+E0041>',
  );
});

it('leaves text of every script as it is', () => {
  expect(nameUnseen('- "名前": "Zürich, עברית, 😀"')).toBe('- "名前": "Zürich, עברית, 😀"');
});
